//! When deliveries usually come, by the hour of the week, and how unlikely a silence is.
//!
//! Learned from looks at regular times: in how many of them something had arrived since the look before. Counting looks
//! instead of deliveries keeps one import of a thousand companies from making every later hour look silent.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const HOURS: usize = 7 * 24;
/// What is older fades: an hour of the week remembers about so many looks, some weeks' worth.
const MEMORY: f64 = 360.0;
/// An hour of which fewer looks are known says nothing.
const KNOWN: f64 = 60.0;

/// In how many looks at each hour of the week something had arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    looks: Vec<f64>,
    lively: Vec<f64>,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { looks: vec![0.0; HOURS], lively: vec![0.0; HOURS] }
    }
}

impl Rhythm {
    /// Notes a look, and whether something had arrived since the look before.
    pub fn note(&mut self, at: Timestamp, arrived: bool) {
        let hour = hour_of_week(at);
        let (Some(looks), Some(lively)) = (self.looks.get_mut(hour), self.lively.get_mut(hour)) else {
            return;
        };
        if *looks >= MEMORY {
            *looks *= 1.0 - 1.0 / MEMORY;
            *lively *= 1.0 - 1.0 / MEMORY;
        }
        *looks += 1.0;
        *lively += f64::from(u8::from(arrived));
    }

    /// How probable it is that nothing arrives between two times, in 0..1, when somebody looks every `every`.
    pub fn probability_of_silence(&self, from: Timestamp, to: Timestamp, every: SignedDuration) -> f64 {
        let hour = SignedDuration::from_hours(1);
        let every = every.max(SignedDuration::from_secs(1));
        // Nobody needs to know how unlikely a silence of more than a week is.
        let mut at = from.max(to - hour * 168);
        let mut probability = 1.0;
        while at < to {
            let end = (at + hour).min(to);
            let looks = end.duration_since(at).as_secs_f64() / every.as_secs_f64();
            probability *= (1.0 - self.chance(at)).powf(looks);
            at = end;
        }
        probability
    }

    /// How likely a look at this time finds something; with some doubt, so that nothing is ever certain.
    fn chance(&self, at: Timestamp) -> f64 {
        let hour = hour_of_week(at);
        let (looks, lively) =
            (self.looks.get(hour).copied().unwrap_or(0.0), self.lively.get(hour).copied().unwrap_or(0.0));
        if looks < KNOWN { 0.0 } else { lively / (looks + 1.0) }
    }
}

/// Hours since Monday, midnight in UTC.
fn hour_of_week(at: Timestamp) -> usize {
    // 1970 began on a Thursday.
    let hours = at.as_second().div_euclid(3600) + 3 * 24;
    usize::try_from(hours).unwrap_or(0) % HOURS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    /// Four weeks with deliveries in every second look from 8 to 16 on working days.
    fn office() -> Rhythm {
        let mut rhythm = Rhythm::default();
        let mut at: Timestamp = "2026-04-06T00:00:00Z".parse().unwrap();
        for minute in 0..4 * 7 * 24 * 60 {
            let hour = hour_of_week(at);
            let works = hour / 24 < 5 && (8..16).contains(&(hour % 24));
            rhythm.note(at, works && minute % 2 == 0);
            at += MINUTE;
        }
        rhythm
    }

    fn silence(rhythm: &Rhythm, from: &str, to: &str) -> f64 {
        rhythm.probability_of_silence(from.parse().unwrap(), to.parse().unwrap(), MINUTE)
    }

    #[test]
    fn half_an_hour_of_silence_is_unlikely_on_a_working_day_and_usual_at_night() {
        let rhythm = office();
        assert!(silence(&rhythm, "2026-05-04T10:00:00Z", "2026-05-04T10:30:00Z") < 1e-6);
        assert!(silence(&rhythm, "2026-05-04T10:00:00Z", "2026-05-04T10:03:00Z") > 1e-2);
        assert!(silence(&rhythm, "2026-05-04T16:00:00Z", "2026-05-05T08:00:00Z") > 0.99);
        assert!(silence(&rhythm, "2026-05-08T16:00:00Z", "2026-05-11T08:00:00Z") > 0.99);
    }

    #[test]
    fn a_week_begins_on_monday() {
        let hours = ["2026-05-04T00:30:00Z", "2026-05-04T13:00:00Z", "2026-05-10T23:59:59Z"];
        assert_eq!(hours.map(|at| hour_of_week(at.parse().unwrap())), [0, 13, 167]);
    }

    #[test]
    fn what_is_not_known_yet_is_never_unlikely() {
        assert!(silence(&Rhythm::default(), "2026-05-04T10:00:00Z", "2026-05-11T10:00:00Z") >= 1.0);
    }

    proptest! {
        #[test]
        fn a_longer_silence_is_never_more_probable(minutes in 0_i64..20_000, more in 0_i64..5_000) {
            let (rhythm, from) = (office(), "2026-05-04T00:00:00Z".parse::<Timestamp>().unwrap());
            let silence = |minutes: i64| {
                rhythm.probability_of_silence(from, from + MINUTE * i32::try_from(minutes).unwrap(), MINUTE)
            };
            // The week before is all that counts.
            prop_assume!(minutes + more < 10_000);
            prop_assert!(silence(minutes + more) <= silence(minutes) + 1e-12);
        }
    }
}
