//! Asks the domain's rules about the record as it was read.

use connector_domain::account::{Account, Person};
use connector_domain::filter::{Verdict, decide_account, decide_person, duplicate_name};
use connector_domain::reason::Reason;
use connector_faults::{Bug, planted};
use connector_store::accounts::{Facts, Twin};

use crate::run::{Halt, Work};

/// Stores what is known of the company, then decides about it.
pub(crate) async fn account(work: &mut Work<'_>, account: &Account) -> Result<(), Halt> {
    let policy = work.ports.discovered.policy_now();
    let twin = learn(work, account, policy.duplicate_window).await?;
    let is_missed = |reason: Reason| match reason {
        Reason::Deleted => planted(Bug::DeletedIgnored),
        Reason::OwnerNotInScope => planted(Bug::ScopeNotAsked),
        _ => false,
    };
    if let Verdict::Skip(reason) = decide_account(account, &policy)
        && !is_missed(reason)
    {
        let words = match reason {
            Reason::OwnerNotInScope => not_in_scope(account),
            _ => reason.sentence().to_owned(),
        };
        work.step("filter", words.clone());
        return Err(Halt::skip(reason, words));
    }
    let Some(twin) = twin else { return Ok(()) };
    let name = twin.name.unwrap_or_else(|| format!("company {}", twin.account));
    let words =
        format!("It is a second record of {name} ({}), which was enriched just before.", twin.account);
    work.step("filter", words.clone());
    Err(Halt::skip(Reason::DuplicateName, words))
}

async fn learn(
    work: &mut Work<'_>,
    account: &Account,
    window: jiff::SignedDuration,
) -> Result<Option<Twin>, Halt> {
    let ports = work.ports;
    let policy = ports.discovered.policy_now();
    let owner = account.owner.as_ref();
    let known = owner.and_then(|owner| policy.associates.get(&owner.id));
    let known_short = owner.and_then(|owner| policy.short_name(owner.id)).map(str::to_owned);
    let facts = Facts {
        name: Some(account.name.clone()),
        owner_id: owner.map(|owner| owner.id.0),
        owner_short: owner.and_then(|owner| owner.short_name.clone()).or(known_short),
        owner_full: owner
            .and_then(|owner| owner.full_name.clone())
            .or_else(|| known.map(|known| known.full_name.clone())),
        website: account.website.clone(),
        deleted: account.deleted,
        nameless: false,
    };
    let job = work.job();
    // Only what was just created can be a second record of a company that exists already.
    let in_scope = decide_account(account, &policy) == Verdict::Explore;
    let key = if job.created && in_scope { duplicate_name::key(account) } else { None };
    let now = ports.clock.now();
    Ok(ports.accounts.learn(&ports.tenant, account.id, facts, key, window, now).await?)
}

pub(crate) fn person(work: &mut Work<'_>, person: &Person) -> Result<(), Halt> {
    match decide_person(person) {
        Verdict::Explore => Ok(()),
        Verdict::Skip(reason) => {
            work.step("filter", reason.sentence());
            Err(Halt::skip(reason, reason.sentence()))
        }
    }
}

fn not_in_scope(account: &Account) -> String {
    match account.owner.as_ref().map(|owner| (owner.short_name.as_deref(), owner.id)) {
        Some((Some(name), _)) => format!("Its owner {name} is not one of those in scope."),
        Some((None, id)) => format!("Its owner, associate {id}, is not one of those in scope."),
        None => "It has no owner, and only certain owners are in scope.".to_owned(),
    }
}
