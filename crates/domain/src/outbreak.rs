//! Tells a record that is poison from an outage of what many records share.
//!
//! A failure is the record's own while others get past the same place. When many different records fail in the same way
//! within a short time, and none gets past, what they share is to blame: then none of them is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::fingerprint::{Fingerprint, Stage};
use crate::ids::RecordRef;

/// So many different records that fail alike are no coincidence.
const MANY: usize = 5;
/// Within so short a time.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

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
        let (_, records) = self.failed.entry(fingerprint.clone()).or_insert_with(|| (stage, BTreeMap::new()));
        records.insert(record, now);
        if records.len() >= MANY { Fault::Shared } else { Fault::Own }
    }

    /// Notes that a record got past every stage before this one.
    pub fn reached(&mut self, stage: Stage) {
        self.failed.retain(|_, (failed_at, _)| *failed_at >= stage);
    }

    /// Notes that a record got past every stage up to this one.
    pub fn passed(&mut self, stage: Stage) {
        self.failed.retain(|_, (failed_at, _)| *failed_at > stage);
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
        // Getting as far as the place says nothing about it.
        outbreaks.reached(Stage::WriteBack);
        assert_eq!(fails(&mut outbreaks.clone(), 5, 1), Fault::Shared);
        outbreaks.passed(Stage::WriteBack);
        assert_eq!(fails(&mut outbreaks, 5, 1), Fault::Own);
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
