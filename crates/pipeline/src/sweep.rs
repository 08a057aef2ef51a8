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

/// The reason of a sweep that a person asked for. Only such a one looks at what was changed before we began to listen; what
/// the first sweep was not asked for, and has seen, is known from then on.
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

/// So many spans wait at most; then those that nobody asked for by hand become one.
const MOST_ASKED: usize = 50;

impl Asked {
    /// Whether the other one goes on where this one ends, for the same reason. What has no end is left alone: it is meant
    /// until the sweep begins, which may have begun.
    fn goes_with(&self, other: &Self) -> bool {
        let (Some(end), Some(others_end)) = (self.until, other.until) else { return self == other };
        self.why == other.why && self.from <= others_end && other.from <= end
    }

    /// The span of both, with the reason of this one.
    fn and(self, other: &Self) -> Self {
        let until = self.until.zip(other.until).map(|(one, other)| one.max(other));
        Self { from: self.from.min(other.from), until, why: self.why }
    }

    /// What is left of it when another one has been swept; `None` when nothing is.
    fn without(self, swept: &Self) -> Option<Self> {
        match swept.until {
            _ if self == *swept => None,
            Some(until) if self.goes_with(swept) && swept.from <= self.from && self.from < until => {
                Some(Self { from: until, ..self })
            }
            Some(_) | None => Some(self),
        }
    }
}

/// Adds a span to those that wait. What goes with it becomes one with it: while nobody sweeps, there may be one a minute.
fn add(all: &mut Vec<Asked>, asked: &Asked) {
    let mut added = asked.clone();
    while let Some(at) = all.iter().position(|known| known.goes_with(&added)) {
        added = added.and(&all.remove(at));
    }
    all.push(added);
    if all.len() > MOST_ASKED {
        let (by_hand, gaps): (Vec<_>, Vec<_>) = all.drain(..).partition(|asked| asked.why == BY_HAND);
        let one = gaps.into_iter().reduce(|one, other| one.and(&other));
        all.extend(by_hand);
        all.extend(one.map(|one| Asked { why: "many gaps that were noticed".to_owned(), ..one }));
    }
}

/// Asks for a sweep of a span, durably, and wakes whoever sweeps.
pub async fn ask(ports: &Ports, asked: Asked) -> Result<(), StoreError> {
    crate::setting::change(ports, ASKED, |all: &mut Vec<Asked>| add(all, &asked)).await?;
    ports.sweep_now.notify_one();
    Ok(())
}

/// Asks by hand for a sweep of whatever was changed since the last one, by the CRM's own clock.
pub async fn ask_since_the_last(ports: &Ports) -> Result<(), StoreError> {
    let seen = kept::marks(ports).await?.and_then(|marks| marks.seen.values().max().copied());
    let from = match seen {
        Some(seen) => seen.checked_add(sweeper::STAMP).unwrap_or(seen),
        // What was changed before the first one is not asked for, however our clock goes.
        None => kept::believable(ports),
    };
    ask(ports, Asked { from, until: None, why: BY_HAND.to_owned() }).await
}

/// The spans that are still to be swept.
pub async fn waiting(ports: &Ports) -> Result<Vec<Asked>, StoreError> {
    crate::setting::list(ports, ASKED).await
}

/// Forgets spans that have been swept; what was asked for meanwhile stays.
async fn done(ports: &Ports, swept: &[Asked]) -> Result<(), StoreError> {
    let left = |asked: Asked| swept.iter().try_fold(asked, Asked::without);
    crate::setting::change(ports, ASKED, |all: &mut Vec<Asked>| {
        *all = std::mem::take(all).into_iter().filter_map(left).collect();
    })
    .await
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn span(from: i64, until: Option<i64>, why: &str) -> Asked {
        let noon: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        let at = |minutes| noon + SignedDuration::from_mins(minutes);
        Asked { from: at(from), until: until.map(at), why: why.to_owned() }
    }

    #[test]
    fn spans_that_go_on_where_others_end_become_one_with_them() {
        let mut all = Vec::new();
        for minute in 0..500 {
            add(&mut all, &span(minute - 2, Some(minute), "deliveries failed"));
        }
        let whole = span(-2, Some(499), "deliveries failed");
        assert_eq!(all, std::slice::from_ref(&whole));
        add(&mut all, &span(600, Some(700), "deliveries failed"));
        add(&mut all, &span(100, None, BY_HAND));
        add(&mut all, &span(101, None, BY_HAND));
        add(&mut all, &span(101, None, BY_HAND));
        assert_eq!(all.len(), 4, "there is time between the ones, and the others have no end");
        add(&mut all, &span(490, Some(600), "deliveries failed"));
        assert_eq!(all.len(), 3);
        // What had been swept meanwhile is not swept again.
        let left = all[2].clone().without(&whole);
        assert_eq!(left, Some(span(499, Some(700), "deliveries failed")));
        assert_eq!(left.unwrap().without(&span(499, Some(700), "deliveries failed")), None);
        assert_eq!(all[0].clone().without(&whole), Some(all[0].clone()));
    }

    #[test]
    fn however_many_gaps_there_are_few_spans_wait_and_nothing_of_them_is_left_out() {
        let mut all = vec![span(0, Some(1), BY_HAND)];
        for gap in 0..1_000 {
            add(&mut all, &span(gap * 10, Some(gap * 10 + 1), &format!("webhook {gap}")));
            assert!(all.len() <= MOST_ASKED);
        }
        assert_eq!(all[0], span(0, Some(1), BY_HAND), "what a person asks for stays as it is");
        let first = all[1..].iter().map(|asked| asked.from).min();
        let last = all[1..].iter().filter_map(|asked| asked.until).max();
        let whole = span(0, Some(9_991), "");
        assert_eq!((first, last), (Some(whole.from), whole.until));
    }
}
