//! Shows that nothing is unexplained: every change that the CRM knows of in a window, held against our books.

use std::collections::BTreeMap;

use connector_domain::coverage::{Class, explain, is_in};
use connector_domain::ids::{ContactId, RecordRef};
use connector_domain::reason::Reason;
use jiff::Timestamp;
use serde::Serialize;

use super::SweepError;
use super::kept;
use super::sweeper::{ENTITIES, STAMP, Sweeper};

/// So many unexplained records are named; all are counted.
const MOST_NAMED: usize = 200;

/// A window of time, by the CRM's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` means until now.
    pub until: Option<Timestamp>,
}

/// A change that nothing in our books speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// The record.
    pub record: RecordRef,
    /// Its company.
    pub account: Option<ContactId>,
    /// When it was changed, by the CRM's clock.
    pub updated_at: Option<Timestamp>,
    /// Who changed it, by short name.
    pub by: String,
}

/// What became of all changes in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// From when really: not before we began to listen.
    pub from: Timestamp,
    /// How many changes.
    pub changes: u64,
    /// By how they ended.
    pub classes: BTreeMap<Class, u64>,
    /// Skipped and held ones by why.
    pub reasons: BTreeMap<(Class, Reason), u64>,
    /// Those that nothing speaks of; the first few hundred.
    pub unexplained: Vec<Unexplained>,
    /// What it cost.
    pub calls: u64,
}

/// Checks a window.
///
/// # Errors
///
/// Nothing is changed by checking, whether it ends or not.
pub async fn check(sweeper: &Sweeper, window: Window) -> Result<Checked, SweepError> {
    let ports = sweeper.ports();
    // What was changed before is told by no books.
    let installed = kept::marks(ports).await?.map(|marks| marks.installed);
    let listens =
        installed.filter(|at| *at > Timestamp::UNIX_EPOCH).and_then(|at| at.checked_add(STAMP).ok());
    let from = listens.map_or(window.from, |listens| window.from.max(listens));
    // Before the first sweep nobody knows of anything whether it is new.
    let installed = installed.unwrap_or(Timestamp::MAX);
    let mut checked = Checked {
        from,
        changes: 0,
        classes: BTreeMap::new(),
        reasons: BTreeMap::new(),
        unexplained: Vec::new(),
        calls: 0,
    };
    for entity in ENTITIES {
        let mut after = 0;
        let last = sweeper.lists().last(entity, from).await?;
        checked.calls += 1;
        while after < last {
            let page = sweeper.page(entity, from, after).await?;
            checked.calls += 1;
            let Some(end) = page.last().map(|listed| listed.row.record.id) else { break };
            after = end;
            let inside: Vec<_> =
                page.into_iter().filter(|listed| is_in(&listed.row, from, window.until)).collect();
            let records: Vec<_> =
                inside.iter().map(|listed| (listed.row.record, listed.row.account)).collect();
            let books = ports.snapshots.known(&ports.tenant, &records).await?;
            for (listed, known) in inside.into_iter().zip(&books) {
                let explained = explain(&listed.row, known, installed);
                checked.changes += 1;
                *checked.classes.entry(explained.class).or_default() += 1;
                if let Some(reason) = explained.reason {
                    *checked.reasons.entry((explained.class, reason)).or_default() += 1;
                }
                if explained.class == Class::Unexplained && checked.unexplained.len() < MOST_NAMED {
                    checked.unexplained.push(Unexplained {
                        record: listed.row.record,
                        account: listed.row.account,
                        updated_at: listed.row.updated_at,
                        by: listed.by,
                    });
                }
            }
        }
    }
    Ok(checked)
}
