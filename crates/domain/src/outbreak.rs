//! Tells a record that is poison from an outage of what many records share.
//!
//! A failure is the record's own while others get past the same place. When many different records fail in the same way
//! within a short time, and none gets past, what they share is to blame: then none of them is. That is believed only for
//! as long as it spreads: when nobody else has failed so for a while, those who did are to blame after all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::fingerprint::{Fingerprint, Stage};
use crate::ids::RecordRef;

/// So many different records that fail alike are no coincidence.
const MANY: usize = 5;
/// Within so short a time.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// An outage that no further record has met for so long is none.
const SPREADS_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// A trial at which nobody has failed for so long is not going on: whoever could show something is gone.
const SHOWS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// So many records need not be told apart any more.
const MOST_KNOWN: usize = 10_000;

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The record's own.
    Own,
    /// That of something which many records share.
    Shared,
}

/// Which records failed lately, in what way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbreaks {
    failed: BTreeMap<Fingerprint, (Stage, BTreeMap<RecordRef, Timestamp>)>,
    /// Records that failed alike and were to blame, with when they last did.
    to_blame: BTreeMap<(Fingerprint, RecordRef), Timestamp>,
}

impl Outbreaks {
    /// Notes that a record failed in this way, and says whose fault it is.
    pub fn failed(
        &mut self,
        fingerprint: &Fingerprint,
        stage: Stage,
        record: RecordRef,
        now: Timestamp,
    ) -> Fault {
        // What is long ago says nothing; nor does a time that is yet to come, after the clock was set back.
        self.failed.retain(|_, (_, records)| {
            records.retain(|_, at| now.duration_since(*at).abs() <= WINDOW);
            !records.is_empty()
        });
        self.to_blame.retain(|_, at| now.duration_since(*at).abs() <= SPREADS_WITHIN);
        if let Some(at) = self.to_blame.get_mut(&(fingerprint.clone(), record)) {
            *at = now;
            return Fault::Own;
        }
        let (_, records) = self.failed.entry(fingerprint.clone()).or_insert_with(|| (stage, BTreeMap::new()));
        records.insert(record, now);
        if records.len() >= MANY { Fault::Shared } else { Fault::Own }
    }

    /// The records that failed in this way lately.
    pub fn alike(&self, fingerprint: &Fingerprint) -> impl Iterator<Item = RecordRef> + '_ {
        self.failed.get(fingerprint).into_iter().flat_map(|(_, records)| records.keys().copied())
    }

    /// Notes that a record got past this stage by what it shares with others.
    pub fn passed(&mut self, stage: Stage) {
        self.failed.retain(|_, (failed_at, _)| *failed_at != stage);
    }

    /// Notes that those who failed alike are to blame, each by itself.
    pub fn blame(&mut self, trial: Trial, now: Timestamp) {
        let Trial { fingerprint, records, .. } = trial;
        self.failed.remove(&fingerprint);
        self.to_blame.extend(records.into_iter().map(|record| ((fingerprint.clone(), record), now)));
    }
}

/// Whether something that many records share is out of order, as far as they have shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    fingerprint: Fingerprint,
    stage: Stage,
    records: BTreeSet<RecordRef>,
    spread_at: Timestamp,
    failed_at: Timestamp,
}

/// How a trial ends that nobody got past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nobody else fails so: those who did are to blame.
    Blamed,
    /// Nobody comes to the place any more, so nothing is known of it.
    Forgotten,
}

impl Trial {
    /// Begins when many have failed alike.
    pub fn new(
        fingerprint: Fingerprint,
        stage: Stage,
        records: impl IntoIterator<Item = RecordRef>,
        now: Timestamp,
    ) -> Self {
        let records = records.into_iter().collect();
        Self { fingerprint, stage, records, spread_at: now, failed_at: now }
    }

    /// In what way they failed.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Where.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// How many different records are known to have failed so.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Notes that one more has failed so, or one of them again.
    pub fn failed(&mut self, record: RecordRef, now: Timestamp) {
        self.failed_at = now;
        if self.records.len() >= MOST_KNOWN || self.records.insert(record) {
            self.spread_at = now;
        }
    }

    /// Whether it is over although nobody got past the place. A clock that was set back ends it too.
    pub fn end(&self, now: Timestamp) -> Option<End> {
        if now.duration_since(self.failed_at).abs() > SHOWS_WITHIN {
            Some(End::Forgotten)
        } else if now.duration_since(self.spread_at).abs() > SPREADS_WITHIN {
            Some(End::Blamed)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::ContactId;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn refused() -> Fingerprint {
        Fingerprint::of(Stage::WriteBack, "refused with status 500")
    }

    fn fails(outbreaks: &mut Outbreaks, record: i64, second: i64) -> Fault {
        let now = noon() + SignedDuration::from_secs(second);
        outbreaks.failed(&refused(), Stage::WriteBack, RecordRef::contact(ContactId(record)), now)
    }

    #[test]
    fn one_record_is_to_blame_however_often_it_fails() {
        let mut outbreaks = Outbreaks::default();
        assert!((0..50).all(|second| fails(&mut outbreaks, 18, second) == Fault::Own));
    }

    #[test]
    fn the_fifth_record_that_fails_alike_is_not_to_blame() {
        let mut outbreaks = Outbreaks::default();
        let faults: Vec<Fault> = (1..=6).map(|record| fails(&mut outbreaks, record, record)).collect();
        assert_eq!(faults, [Fault::Own, Fault::Own, Fault::Own, Fault::Own, Fault::Shared, Fault::Shared]);
    }

    #[test]
    fn four_at_a_time_and_others_a_minute_later_are_no_outbreak() {
        let mut outbreaks = Outbreaks::default();
        for record in 1..=4 {
            fails(&mut outbreaks, record, 0);
        }
        assert_eq!(fails(&mut outbreaks, 5, 61), Fault::Own);
        let mut outbreaks = Outbreaks::default();
        for record in 1..=4 {
            fails(&mut outbreaks, record, 0);
        }
        assert_eq!(fails(&mut outbreaks, 5, 60), Fault::Shared);
    }

    #[test]
    fn who_gets_past_the_place_acquits_what_is_shared() {
        let mut outbreaks = Outbreaks::default();
        for record in 1..=4 {
            fails(&mut outbreaks, record, 0);
        }
        // Getting past what comes before says nothing about the place, nor does getting past what comes behind.
        outbreaks.passed(Stage::Explore);
        assert_eq!(fails(&mut outbreaks.clone(), 5, 1), Fault::Shared);
        outbreaks.passed(Stage::WriteBack);
        assert_eq!(fails(&mut outbreaks, 5, 1), Fault::Own);
    }

    fn record(number: i64) -> RecordRef {
        RecordRef::contact(ContactId(number))
    }

    fn after(minutes: i64) -> Timestamp {
        noon() + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn five_that_fail_again_and_again_while_nobody_else_does_are_to_blame() {
        let mut outbreaks = Outbreaks::default();
        for number in 1..=5 {
            fails(&mut outbreaks, number, 0);
        }
        let mut trial = Trial::new(refused(), Stage::WriteBack, outbreaks.alike(&refused()), noon());
        for minute in 1..=30 {
            trial.failed(record(1 + minute % 5), after(minute));
            assert_eq!(trial.end(after(minute)), None);
        }
        trial.failed(record(1), after(31));
        assert_eq!(trial.end(after(31)), Some(End::Blamed));
        outbreaks.blame(trial, after(31));
        let again: Vec<Fault> = (1..=10).map(|number| fails(&mut outbreaks, number, 31 * 60)).collect();
        assert!(again[..9].iter().all(|fault| *fault == Fault::Own), "{again:?}");
        assert_eq!(again[9], Fault::Shared, "five others are something else");
    }

    #[test]
    fn an_outage_that_spreads_lasts_as_long_as_it_spreads() {
        let mut trial = Trial::new(refused(), Stage::WriteBack, (1..=5).map(record), noon());
        for minute in 1..=600 {
            trial.failed(record(1 + minute % 5), after(minute));
            if minute % 29 == 0 {
                trial.failed(record(100 + minute), after(minute));
            }
            assert_eq!(trial.end(after(minute)), None);
        }
    }

    #[test]
    fn a_trial_to_which_nobody_comes_is_forgotten() {
        let trial = Trial::new(refused(), Stage::WriteBack, (1..=5).map(record), noon());
        assert_eq!(trial.end(after(10)), None);
        assert_eq!(trial.end(after(11)), Some(End::Forgotten));
        assert_eq!(trial.end(after(-11)), Some(End::Forgotten), "the clock was set back");
    }

    #[test]
    fn failures_in_different_ways_are_no_outbreak() {
        let mut outbreaks = Outbreaks::default();
        for (record, words) in (1..).zip(["a bent", "b broke", "c closed", "d died", "e ended", "f fell"]) {
            let fingerprint = Fingerprint::of(Stage::Fetch, words);
            let record = RecordRef::contact(ContactId(record));
            assert_eq!(outbreaks.failed(&fingerprint, Stage::Fetch, record, noon()), Fault::Own);
        }
    }

    proptest! {
        #[test]
        fn while_others_succeed_at_least_every_fifth_time_nobody_is_acquitted(
            rounds in prop::collection::vec((prop::collection::vec(1_i64..500, 1..5), 0_i64..30), 1..50)
        ) {
            let (mut outbreaks, mut second) = (Outbreaks::default(), 0);
            for (records, later) in rounds {
                second += later;
                for record in records {
                    prop_assert_eq!(fails(&mut outbreaks, record, second), Fault::Own);
                }
                outbreaks.passed(Stage::WriteBack);
            }
        }
    }
}
