//! How many calls may be under way at once, learnt from the answers: one more as long as they come as usual, half as many
//! when the tenant is in trouble or has become slow.

use std::collections::BTreeMap;
use std::time::Duration;

/// An answer that takes so many times as long as usual is slow,
const SLOW: u32 = 5;
/// unless it is faster than this.
const FAST: Duration = Duration::from_secs(1);

/// A kind of call: its method, its route, and how many digits the number of rows has that were asked for.
pub(super) type Call = (&'static str, &'static str, usize);

/// What is known of the pace that a tenant takes.
#[derive(Debug)]
pub(super) struct Pace {
    limit: f64,
    ceiling: f64,
    /// By what was asked: a list takes longer than a record, and must not be taken for a tenant that became slow.
    usual: BTreeMap<Call, Duration>,
    /// Answers to what was under way when it was slowed down say nothing new.
    unheard: usize,
}

impl Pace {
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = f64::from(u32::try_from(ceiling.max(1)).unwrap_or(u32::MAX));
        Self { limit: ceiling, ceiling, usual: BTreeMap::new(), unheard: 0 }
    }

    /// How many calls may be under way.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between one and the ceiling"
    )]
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Notes how long an answer to this kind of call took, and whether the tenant was in trouble: too many calls, a
    /// failure of its own, or silence.
    pub(super) fn answered(&mut self, call: Call, took: Duration, in_trouble: bool) {
        let usual = self.usual.get(&call).copied();
        let is_slow = usual.is_some_and(|usual| took > (usual * SLOW).max(FAST));
        if in_trouble || is_slow {
            if self.unheard == 0 {
                self.unheard = self.limit().saturating_sub(1);
                self.limit = (self.limit / 2.0).max(1.0);
            } else {
                self.unheard -= 1;
            }
            return;
        }
        self.unheard = self.unheard.saturating_sub(1);
        self.limit = (self.limit + 1.0 / self.limit).min(self.ceiling);
        // The fastest answer of late, so that a tenant that was slow for a while is not taken for a slow one.
        self.usual.insert(call, usual.map_or(took, |usual| took.min(usual + usual / 100)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Call = ("GET", "v1/Contact/{id}", 0);
    const LIST: Call = ("GET", "v1/archive/{provider}", 4);
    const USUAL: Duration = Duration::from_millis(80);

    #[test]
    fn trouble_halves_it_down_to_one_and_good_answers_bring_it_back() {
        let mut pace = Pace::new(16);
        let mut limits = vec![pace.limit()];
        for _ in 0..40 {
            pace.answered(READ, USUAL, true);
            limits.push(pace.limit());
        }
        limits.dedup();
        assert_eq!(limits, [16, 8, 4, 2, 1]);
        for _ in 0..1_000 {
            pace.answered(READ, USUAL, false);
        }
        assert_eq!(pace.limit(), 16);
    }

    #[test]
    fn what_was_under_way_together_counts_once() {
        let mut pace = Pace::new(16);
        for _ in 0..16 {
            pace.answered(READ, USUAL, true);
        }
        assert_eq!(pace.limit(), 8);
    }

    #[test]
    fn answers_that_take_much_longer_than_usual_slow_it_down() {
        let mut pace = Pace::new(8);
        pace.answered(READ, USUAL, false);
        pace.answered(READ, Duration::from_millis(900), false);
        assert_eq!(pace.limit(), 8, "under a second nothing is slow");
        pace.answered(READ, Duration::from_secs(3), false);
        assert_eq!(pace.limit(), 4);
    }

    #[test]
    fn a_call_that_takes_long_by_its_nature_is_not_slow() {
        let mut pace = Pace::new(8);
        for _ in 0..20 {
            pace.answered(READ, USUAL, false);
            pace.answered(LIST, Duration::from_secs(2), false);
        }
        assert_eq!(pace.limit(), 8);
        pace.answered(READ, Duration::from_secs(2), false);
        assert_eq!(pace.limit(), 4, "a record that takes as long is");
    }
}
