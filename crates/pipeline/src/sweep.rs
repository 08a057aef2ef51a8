//! Finds what no webhook told of, by reading the CRM's lists.
//!
//! A sweep makes a plan, reads page by page, and hands what is news to the inbox as an event would have told it; from
//! there on it is filtered and worked on like any other. Where it stands is kept with each page, so that whoever comes
//! after a crash goes on from there. It never runs twice at a time, in the whole fleet.

mod check;
mod kept;
mod page;
mod plan;
mod schedule;
mod sweeper;

use connector_store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::Ports;

pub use check::{Checked, Unexplained, Window, check};
pub use kept::{Marks, Run, RunState, Tally, kept_run, last_run};
pub use plan::{Part, Plan};
pub use schedule::{ask_for_the_unheard, run};
pub use sweeper::{SweepError, SweepOptions, Sweeper};

/// The name under which spans that are still to be swept are kept.
const ASKED: &str = "sweeps_asked";

/// The reason of a sweep that a person asked for. Only such a one looks at what was changed before we began to listen.
pub const BY_HAND: &str = "asked for by hand";

/// A span of time in which changes may have been missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// From when, in the CRM's time.
    pub from: Timestamp,
    /// Until when; `None` means until the sweep begins.
    pub until: Option<Timestamp>,
    /// Why, in words.
    pub why: String,
}

/// Asks for a sweep of a span, durably, and wakes whoever sweeps.
pub async fn ask(ports: &Ports, asked: Asked) -> Result<(), StoreError> {
    crate::setting::change(ports, ASKED, |all: &mut Vec<Asked>| {
        if !all.contains(&asked) {
            all.push(asked.clone());
        }
    })
    .await?;
    ports.sweep_now.notify_one();
    Ok(())
}

/// Asks by hand for a sweep of whatever was changed since the last one, by the CRM's own clock.
pub async fn ask_since_the_last(ports: &Ports) -> Result<(), StoreError> {
    let seen = kept::marks(ports).await?.and_then(|marks| marks.seen.values().max().copied());
    let from = seen.map_or(ports.clock.now(), |seen| seen.checked_add(sweeper::STAMP).unwrap_or(seen));
    ask(ports, Asked { from, until: None, why: BY_HAND.to_owned() }).await
}

/// The spans that are still to be swept.
pub async fn waiting(ports: &Ports) -> Result<Vec<Asked>, StoreError> {
    crate::setting::list(ports, ASKED).await
}

/// Forgets spans that have been swept; what was asked for meanwhile stays.
async fn done(ports: &Ports, swept: &[Asked]) -> Result<(), StoreError> {
    crate::setting::change(ports, ASKED, |all: &mut Vec<Asked>| all.retain(|asked| !swept.contains(asked)))
        .await
}
