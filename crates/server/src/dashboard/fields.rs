//! What stands in the fields of an account, as far as we wrote it or would: the text, what stood there before, and
//! the quotes that it rests on.

use std::collections::BTreeMap;

use connector_domain::field::{Definitions, Target};
use connector_domain::ids::{ContactId, Entity, RecordRef};
use connector_domain::profile::Profile;
use connector_store::journal::{Write, WriteState};
use jiff::Timestamp;

use super::link;
use super::when::When;
use super::words;

/// The fields of one record.
pub(crate) struct Group {
    /// `None` for the company itself.
    pub(crate) title: Option<String>,
    pub(crate) cards: Vec<Card>,
}

/// One field.
pub(crate) struct Card {
    pub(crate) key: String,
    pub(crate) label: &'static str,
    pub(crate) text: String,
    /// `None` when it was found out but not written.
    pub(crate) written: Option<Written>,
    pub(crate) confidence: Option<String>,
    pub(crate) quotes: Vec<Quote>,
}

/// When we wrote it.
pub(crate) struct Written {
    pub(crate) when: When,
    pub(crate) job: i64,
    pub(crate) before: String,
}

/// Words from a source, as they stand there.
pub(crate) struct Quote {
    pub(crate) words: String,
    pub(crate) source: String,
    pub(crate) href: Option<String>,
}

/// What the profile says for a field.
struct Claimed {
    text: String,
    cites: Vec<String>,
    confidence: Option<String>,
}

/// The fields of the company and of its persons, in reading order. `writes` are the newest first.
pub(crate) fn groups(
    account: ContactId,
    writes: &[Write],
    profile: Option<&Profile>,
    definitions: &Definitions,
    now: Timestamp,
) -> Vec<Group> {
    let mut latest = BTreeMap::new();
    for write in writes.iter().filter(|write| write.state == WriteState::Done) {
        for field in &write.fields {
            latest.entry((write.record, field.target)).or_insert((write, field));
        }
    }
    let mut records: Vec<RecordRef> = vec![RecordRef::contact(account)];
    records.extend(latest.keys().map(|(record, _)| *record).filter(|record| record.entity == Entity::Person));
    records.dedup();

    let mut groups = Vec::new();
    for record in records {
        let cards: Vec<Card> = Target::ALL
            .iter()
            .filter(|target| target.entity() == record.entity)
            .filter_map(|target| {
                let claimed = profile.and_then(|profile| claimed(profile, *target));
                let found = latest.get(&(record, *target));
                let written = found.map(|(write, field)| Written {
                    when: When::ago(write.settled_at.unwrap_or(write.intended_at), now),
                    job: write.job.0,
                    before: definitions.words(*target, &field.before),
                });
                let text = match (found, &claimed) {
                    (Some((_, field)), _) => definitions.words(*target, &field.after),
                    (None, Some(claimed)) => claimed.text.clone(),
                    (None, None) => return None,
                };
                Some(Card {
                    key: format!("f-{}-{}-{}", record.entity, record.id, target.key()),
                    label: target.label(),
                    text,
                    written,
                    confidence: claimed.as_ref().and_then(|claimed| claimed.confidence.clone()),
                    quotes: claimed.map_or_else(Vec::new, |claimed| quotes(profile, &claimed.cites)),
                })
            })
            .collect();
        if !cards.is_empty() {
            let title = (record.entity == Entity::Person).then(|| words::person(record.id));
            groups.push(Group { title, cards });
        }
    }
    groups
}

fn claimed(profile: &Profile, target: Target) -> Option<Claimed> {
    let claim = match target {
        Target::Vertical => {
            let vertical = profile.vertical.as_ref()?;
            return Some(Claimed {
                text: vertical.id.0.replace('_', " "),
                cites: vertical.cites.clone(),
                confidence: Some(format!("{:.0} % sure", vertical.confidence * 100.0)),
            });
        }
        Target::Summary => profile.summary.as_ref()?,
        Target::OpenerPrimary => profile.opener_primary.as_ref()?,
        Target::OpenerSecondary => profile.opener_secondary.as_ref()?,
        // Texts for persons come from the reviewed matrix, not from a source.
        Target::Bridge | Target::SocialProof | Target::Subject => return None,
    };
    Some(Claimed { text: claim.text.clone(), cites: claim.cites.clone(), confidence: None })
}

fn quotes(profile: Option<&Profile>, cites: &[String]) -> Vec<Quote> {
    let Some(profile) = profile else { return Vec::new() };
    let found = cites.iter().filter_map(|id| profile.evidence.iter().find(|evidence| evidence.id == *id));
    found
        .map(|evidence| Quote {
            words: evidence.quote.clone(),
            source: link::shown(&evidence.url),
            href: link::safe(&evidence.url),
        })
        .collect()
}
