//! What we would say: asks Company Explorer about the company, and the matrix about the person.
//!
//! What was found out is kept, so that the persons of a company, and changes that do not touch the question, do not ask
//! again.

use std::collections::BTreeMap;

use connector_domain::account::{Account, Person};
use connector_domain::breaker::Pass;
use connector_domain::drift::Drift;
use connector_domain::field::{Definitions, Kind, Target, Value};
use connector_domain::fingerprint::Stage;
use connector_domain::ids::{ContactId, RecordRef};
use connector_domain::patch::FieldWrite;
use connector_domain::policy::Scope;
use connector_domain::profile::{Claim, Company, Explored, Language, Nothing, Profile, Room};
use connector_domain::reason::Reason;
use connector_domain::remedy::Remedy;
use connector_domain::vertical::{self, Vertical, VerticalId};
use connector_explorer::ExploreError;
use connector_faults::{Bug, Point, planted, reach};
use connector_store::StoreError;
use connector_store::accounts::KeptProfile;
use jiff::{SignedDuration, Timestamp};

use crate::breaker::{self, Dependency};
use crate::ports::Ports;
use crate::revisit;
use crate::run::{Failure, Halt, Work};
use crate::status::{Condition, Part};
use crate::write_back::Written;

/// The profile of a company: the kept one if the question is the same and it is fresh, else a new one.
pub(crate) async fn company(work: &mut Work<'_>, account: &Account) -> Result<Profile, Halt> {
    let ports = work.ports;
    let company = question(account);
    let room = room(&work.definitions);
    let key = key(&company, room, &ports.explorer.engine());
    let kept = ports.accounts.profile(&ports.tenant, account.id).await?;
    let now = ports.clock.now();
    let is_good = |kept: &KeptProfile| kept.key == key && now.duration_since(kept.at) < ports.profile_ttl;
    if let Some(kept) = kept.as_ref().filter(|kept| is_good(kept)) {
        work.step(
            "explore",
            "nothing changed that would change the answer; what was found out before still holds",
        );
        return Ok(kept.profile.clone());
    }
    let explored = visited(work, account, &company, room).await?;
    if !matches!(explored, Explored::Nothing(Nothing::Unreachable(_))) {
        revisit::forget(ports, account.id).await?;
    }
    match explored {
        Explored::Nothing(Nothing::NoWebsite) => {
            work.step("explore", Reason::NoWebsite.sentence());
            Err(Halt::skip(Reason::NoWebsite, Reason::NoWebsite.sentence()))
        }
        Explored::Nothing(Nothing::NoEvidence(words)) => {
            work.step("explore", words.clone());
            Err(Halt::skip(Reason::NoEvidence, words))
        }
        Explored::Nothing(Nothing::Unreachable(words)) => {
            let words = match revisit::note(ports, account.id).await? {
                Some(at) => format!("{words}; it is looked at again at {at:.0}"),
                None => format!("{words}, nor did it all the times before"),
            };
            work.step("explore", words.clone());
            Err(Halt::skip(Reason::NoEvidence, words))
        }
        Explored::Profile(profile) => {
            if let Some(claim) = profile.unsupported() {
                return Err(unsupported(claim));
            }
            work.step("explore", summary_of(&profile));
            let vertical = |profile: &Profile| profile.vertical.as_ref().map(|claim| claim.id.clone());
            // Whether the new vertical can be written now or only much later, the persons were spoken to of the old one, or
            // not at all.
            let is_new =
                |kept: KeptProfile| kept.persons_due || vertical(&kept.profile) != vertical(&profile);
            let is_silent = kept.is_none() || vertical_in_crm(work, account).is_none();
            let persons_due = kept.is_some_and(is_new)
                || is_silent
                    && !planted(Bug::PersonsSkippedStaySo)
                    && has_unheard_persons(ports, account.id).await?;
            let kept = KeptProfile { profile: (*profile).clone(), key, at: now, persons_due };
            reach(Point::ProfileFound);
            ports.accounts.keep_profile(&ports.tenant, account.id, kept).await?;
            reach(Point::ProfileKept);
            Ok(*profile)
        }
    }
}

/// Whether persons of a company were skipped because nothing was known of it.
async fn has_unheard_persons(ports: &Ports, account: ContactId) -> Result<bool, StoreError> {
    let unheard = [Reason::NoEvidence, Reason::NoWebsite];
    Ok(!ports.accounts.skipped_persons(&ports.tenant, account, &unheard).await?.is_empty())
}

/// A company that is in scope may have been out of it for a while: persons that were skipped for that are looked at again.
pub(crate) async fn persons_come_back(work: &Work<'_>, account: &Account) -> Result<(), Halt> {
    let (ports, policy) = (work.ports, work.ports.discovered.policy_now());
    if policy.scope == Scope::Everyone || planted(Bug::PersonsLeftOutOfScope) {
        return Ok(());
    }
    let left_out = [Reason::OwnerNotInScope];
    let persons = ports.accounts.skipped_persons(&ports.tenant, account.id, &left_out).await?;
    if !persons.is_empty() {
        let records: Vec<_> = persons.iter().map(|id| (RecordRef::person(*id), Some(account.id))).collect();
        ports.queue.enqueue(&ports.tenant, &records, policy, ports.clock.now()).await?;
    }
    Ok(())
}

/// Explores a company, unless its website's host has just not answered.
async fn visited(
    work: &Work<'_>,
    account: &Account,
    company: &Company,
    room: Room,
) -> Result<Explored, Halt> {
    let ports = work.ports;
    let Some(host) = account.website_host() else { return explored(work, company, room).await };
    if let Pass::Wait(_) = ports.breakers.may_visit(&host, ports.clock.now()) {
        let words = format!("{host} has just not answered, and is left alone for a while");
        return Ok(Explored::Nothing(Nothing::Unreachable(words)));
    }
    let explored = explored(work, company, room).await?;
    let has_answered = !matches!(explored, Explored::Nothing(Nothing::Unreachable(_)));
    ports.breakers.visited(&host, has_answered, ports.clock.now());
    Ok(explored)
}

/// Asks Company Explorer, unless it is out of order.
async fn explored(work: &Work<'_>, company: &Company, room: Room) -> Result<Explored, Halt> {
    let (ports, on) = (work.ports, Dependency::Explorer);
    let now = ports.clock.now();
    let pass = ports.breakers.pass(on, now);
    if let Pass::Wait(until) = pass {
        return Err(waits(until.duration_since(now)));
    }
    let outcome = ports.explorer.explore(company, room, now).await;
    let now = ports.clock.now();
    match &outcome {
        Err(ExploreError::Transient { cause, retry_after }) if pass == Pass::Try || retry_after.is_some() => {
            let help = "nothing: work goes on when Company Explorer answers".to_owned();
            let part = Part {
                name: on.part().into(),
                condition: Condition::Down,
                words: cause.clone(),
                remedy: Some(help),
            };
            ports.status.set(part);
            ports.breakers.failed(on, *retry_after, cause, now, 0.5);
        }
        Err(ExploreError::Transient { .. }) => {}
        // A refusal is an answer.
        Err(_) => {
            answers(ports, now);
        }
        Ok(_) => {
            ports.breakers.passed(&ports.status, on, Stage::Explore, now);
            answers(ports, now);
        }
    }
    outcome.map_err(|error| failed(&error))
}

/// Whoever gets an answer tells that it is there, also one who went before it was out of order.
fn answers(ports: &Ports, now: Timestamp) {
    let on = Dependency::Explorer;
    if ports.breakers.answers(on, now) && ports.status.is_down(on.part()) {
        ports.status.set(breaker::answers(on));
    }
}

fn waits(wait: SignedDuration) -> Halt {
    Halt::Failed(Box::new(Failure {
        words: "Company Explorer is out of order; the job waits for it".into(),
        remedy: Remedy::WaitForOthers(wait),
        help: "nothing: work goes on when Company Explorer answers".into(),
        crm: None,
        on: None,
        is_answer: false,
    }))
}

/// The vertical to speak to a person of: what a human put into the CRM, else what is found out.
pub(crate) async fn vertical_for_person(work: &mut Work<'_>, account: &Account) -> Result<VerticalId, Halt> {
    if let Some(vertical) = vertical_in_crm(work, account) {
        return Ok(vertical);
    }
    let profile = company(work, account).await?;
    profile.vertical.map(|claim| claim.id).ok_or_else(|| {
        Halt::skip(
            Reason::NoEvidence,
            "The company's vertical is not known, so there is no text for its persons.",
        )
    })
}

fn vertical_in_crm(work: &Work<'_>, account: &Account) -> Option<VerticalId> {
    vertical_of(work, account.fields.values.get(&Target::Vertical)?)
}

fn vertical_of(work: &Work<'_>, value: &Value) -> Option<VerticalId> {
    let definitions = &work.definitions;
    let verticals = work.ports.knowledge.verticals();
    match (value, &definitions.get(Target::Vertical)?.kind) {
        (Value::Item(item), Kind::List { items }) => {
            vertical::of_item(&verticals, items, *item).map(|vertical| vertical.id.clone())
        }
        (Value::Text(label), Kind::Text { .. }) => {
            let items = [(1, label.clone())].into();
            vertical::of_item(&verticals, &items, 1).map(|vertical| vertical.id.clone())
        }
        (Value::Empty | Value::Text(_) | Value::Item(_), Kind::List { .. } | Kind::Text { .. }) => None,
    }
}

/// What we would write to a company.
pub(crate) fn wanted_of_company(
    definitions: &Definitions,
    verticals: &[Vertical],
    profile: &Profile,
) -> BTreeMap<Target, Value> {
    let mut wanted = BTreeMap::new();
    let mut text = |target: Target, claim: &Option<Claim>| {
        if let Some(claim) = claim {
            wanted.insert(target, Value::Text(claim.text.clone()));
        }
    };
    text(Target::Summary, &profile.summary);
    text(Target::OpenerPrimary, &profile.opener_primary);
    text(Target::OpenerSecondary, &profile.opener_secondary);
    if let Some(value) = profile
        .vertical
        .as_ref()
        .and_then(|claim| vertical_value(definitions, verticals, &claim.id, profile.language))
    {
        wanted.insert(Target::Vertical, value);
    }
    wanted
}

/// A vertical as the tenant's field takes it.
fn vertical_value(
    definitions: &Definitions,
    verticals: &[Vertical],
    id: &VerticalId,
    language: Language,
) -> Option<Value> {
    let vertical = verticals.iter().find(|vertical| vertical.id == *id)?;
    let definition = definitions.get(Target::Vertical)?;
    match &definition.kind {
        Kind::List { items } => {
            // An item that the list lost is still what we want to say; the plan holds it.
            let lost = match &definition.drift {
                Some(Drift::Items { lost }) => vertical.item(lost),
                Some(_) | None => None,
            };
            vertical.item(items).or(lost).map(Value::Item)
        }
        Kind::Text { .. } => vertical.labels.get(&language).cloned().map(Value::Text),
    }
}

/// What we would write to a person.
pub(crate) fn wanted_of_person(
    work: &mut Work<'_>,
    account: &Account,
    person: &Person,
    vertical: &VerticalId,
) -> Result<BTreeMap<Target, Value>, Halt> {
    let knowledge = &work.ports.knowledge;
    let persona = knowledge.personas.persona(&person.title, &person.position);
    let texts = knowledge.matrix.texts(&persona, vertical, language(account));
    let edition = &knowledge.matrix.version;
    work.step("explore", format!("persona {}, vertical {vertical}, matrix {edition}", persona.0));
    let all = [
        (Target::Bridge, texts.bridge),
        (Target::SocialProof, texts.social_proof),
        (Target::Subject, texts.subject),
    ];
    let wanted: BTreeMap<Target, Value> =
        all.into_iter().filter_map(|(target, text)| text.map(|text| (target, Value::Text(text)))).collect();
    if wanted.is_empty() {
        let words = format!("The matrix has no text for persona {} in vertical {vertical}.", persona.0);
        return Err(Halt::skip(Reason::NoEvidence, words));
    }
    Ok(wanted)
}

/// The vertical that the company's persons were spoken to of until now.
///
/// When a write of ours has just landed, that is what stood there before it.
pub(crate) async fn vertical_so_far(
    work: &Work<'_>,
    account: &Account,
    landed: &[FieldWrite],
) -> Result<Option<VerticalId>, Halt> {
    if let Some(write) = landed.iter().find(|write| write.target == Target::Vertical) {
        return Ok(vertical_of(work, &write.before));
    }
    if let Some(vertical) = vertical_in_crm(work, account) {
        return Ok(Some(vertical));
    }
    let ports = work.ports;
    let kept = ports.accounts.profile(&ports.tenant, account.id).await?;
    Ok(kept.and_then(|kept| kept.profile.vertical).map(|claim| claim.id))
}

/// When a company's vertical changed, the texts of its persons speak of the wrong one: they are looked at again.
pub(crate) async fn persons_follow(
    work: &mut Work<'_>,
    account: &Account,
    outcome: &Written,
    before: Option<VerticalId>,
) -> Result<(), Halt> {
    if planted(Bug::PersonsDoNotFollow) {
        return Ok(());
    }
    let ports = work.ports;
    let kept = ports.accounts.profile(&ports.tenant, account.id).await?;
    let now = kept.as_ref().and_then(|kept| kept.profile.vertical.as_ref()).map(|claim| claim.id.clone());
    let due = kept.filter(|kept| kept.persons_due && !planted(Bug::PersonsDueForgotten));
    let is_written = outcome.targets.contains(&Target::Vertical);
    // It was written before, and whoever wrote it came to grief before the persons were told.
    let stands = due.is_some() && now.is_some() && vertical_in_crm(work, account) == now;
    if !is_written && (!stands || planted(Bug::PersonsFollowOnlyAtOnce)) {
        return Ok(());
    }
    let persons = ports.accounts.persons(&ports.tenant, account.id).await?;
    if persons.is_empty() || (now == before && due.is_none()) {
        return Ok(());
    }
    let records: Vec<_> = persons.iter().map(|id| (RecordRef::person(*id), Some(account.id))).collect();
    let policy = ports.discovered.policy_now();
    reach(Point::PersonsToFollow);
    ports.queue.enqueue(&ports.tenant, &records, policy, ports.clock.now()).await?;
    if let Some(kept) = due {
        ports
            .accounts
            .keep_profile(&ports.tenant, account.id, KeptProfile { persons_due: false, ..kept })
            .await?;
    }
    reach(Point::PersonsFollow);
    Ok(())
}

pub(crate) fn question(account: &Account) -> Company {
    Company {
        name: account.name.clone(),
        website: account.website.clone(),
        email_domains: account.email_domains.clone(),
        country: account.country.clone(),
        language: language(account),
    }
}

fn language(account: &Account) -> Language {
    account.country.as_deref().map_or(Language::De, Language::of_country)
}

pub(crate) fn room(definitions: &Definitions) -> Room {
    let max = |target: Target| match definitions.get(target).map(|definition| &definition.kind) {
        Some(Kind::Text { max }) => Some(*max),
        Some(Kind::List { .. }) | None => None,
    };
    let usual = Room::default();
    let openers = [max(Target::OpenerPrimary), max(Target::OpenerSecondary)];
    Room {
        summary: max(Target::Summary).unwrap_or(usual.summary),
        opener: openers.into_iter().flatten().min().unwrap_or(usual.opener),
    }
}

fn key(company: &Company, room: Room, engine: &str) -> String {
    let website =
        company.website.as_deref().filter(|_| !planted(Bug::ProfileOfAnotherSite)).unwrap_or_default();
    let language = company.language.as_str();
    let domains = company.email_domains.join(",");
    format!("{engine}|{}|{website}|{domains}|{language}|{}|{}", company.name, room.summary, room.opener)
}

fn summary_of(profile: &Profile) -> String {
    let vertical = profile.vertical.as_ref().map_or("vertical unknown".to_owned(), |claim| {
        format!("{} ({:.0} %)", claim.id, claim.confidence * 100.0)
    });
    let mut words = format!("{}: {vertical}, {} quotes", profile.engine, profile.evidence.len());
    for warning in &profile.warnings {
        words.push_str("; ");
        words.push_str(warning);
    }
    words
}

fn failed(error: &ExploreError) -> Halt {
    Halt::Failed(Box::new(Failure {
        words: error.to_string(),
        remedy: error.remedy(),
        help: "try `so-connector explore` with the company's name and website".into(),
        crm: None,
        on: Some(Dependency::Explorer),
        is_answer: matches!(error, ExploreError::Refused { .. }),
    }))
}

fn unsupported(claim: &str) -> Halt {
    Halt::Failed(Box::new(Failure {
        words: format!("the explorer made a claim without evidence, which is never written: {claim}"),
        remedy: Remedy::GiveUp,
        help: "report it, with the company's website".into(),
        crm: None,
        on: None,
        is_answer: false,
    }))
}
