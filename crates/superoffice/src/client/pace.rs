//! How many calls may be under way at once, learnt from the answers: one more as long as they come as usual, half as many
//! when the tenant is in trouble or has become slow.

use std::time::Duration;

/// An answer that takes so many times as long as usual is slow,
const SLOW: u32 = 5;
/// unless it is faster than this.
const FAST: Duration = Duration::from_secs(1);

/// What is known of the pace that a tenant takes.
#[derive(Debug)]
pub(super) struct Pace {
    limit: f64,
    ceiling: f64,
    usual: Option<Duration>,
    /// Answers to what was under way when it was slowed down say nothing new.
    unheard: usize,
}

impl Pace {
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = f64::from(u32::try_from(ceiling.max(1)).unwrap_or(u32::MAX));
        Self { limit: ceiling, ceiling, usual: None, unheard: 0 }
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

    /// Notes how long an answer took, and whether the tenant was in trouble: too many calls, a failure of its own, or
    /// silence.
    pub(super) fn answered(&mut self, took: Duration, in_trouble: bool) {
        let is_slow = self.usual.is_some_and(|usual| took > (usual * SLOW).max(FAST));
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
        self.usual = Some(self.usual.map_or(took, |usual| took.min(usual + usual / 100)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_millis(80);

    #[test]
    fn trouble_halves_it_down_to_one_and_good_answers_bring_it_back() {
        let mut pace = Pace::new(16);
        let mut limits = vec![pace.limit()];
        for _ in 0..40 {
            pace.answered(USUAL, true);
            limits.push(pace.limit());
        }
        limits.dedup();
        assert_eq!(limits, [16, 8, 4, 2, 1]);
        for _ in 0..1_000 {
            pace.answered(USUAL, false);
        }
        assert_eq!(pace.limit(), 16);
    }

    #[test]
    fn what_was_under_way_together_counts_once() {
        let mut pace = Pace::new(16);
        for _ in 0..16 {
            pace.answered(USUAL, true);
        }
        assert_eq!(pace.limit(), 8);
    }

    #[test]
    fn answers_that_take_much_longer_than_usual_slow_it_down() {
        let mut pace = Pace::new(8);
        pace.answered(USUAL, false);
        pace.answered(Duration::from_millis(900), false);
        assert_eq!(pace.limit(), 8, "under a second nothing is slow");
        pace.answered(Duration::from_secs(3), false);
        assert_eq!(pace.limit(), 4);
    }
}
