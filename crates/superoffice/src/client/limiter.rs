//! Keeps us polite: so many calls at once, so many a second, and none while the tenant has asked for a rest. A call
//! waits a little by itself; a longer rest is the caller's to plan.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::config::Limits;
use super::pace::{Call, Pace};
use crate::error::Error;

#[derive(Debug)]
pub(super) struct Limiter {
    places: Arc<Semaphore>,
    ceiling: usize,
    spacing: Duration,
    patience: Duration,
    times: Mutex<Times>,
    learnt: Mutex<Learnt>,
}

#[derive(Debug)]
struct Learnt {
    pace: Pace,
    /// Places that are withheld, so that fewer calls are under way than there could be.
    withheld: usize,
}

#[derive(Debug)]
struct Times {
    /// When the next call may begin.
    next: Instant,
    /// Until when the tenant wants to rest.
    rest_until: Instant,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        let spacing = limits.per_second.map_or(Duration::ZERO, |calls| Duration::from_secs(1) / calls.max(1));
        let now = Instant::now();
        Self {
            places: Arc::new(Semaphore::new(limits.in_flight.max(1))),
            ceiling: limits.in_flight.max(1),
            spacing,
            patience: limits.patience,
            times: Mutex::new(Times { next: now, rest_until: now }),
            learnt: Mutex::new(Learnt { pace: Pace::new(limits.in_flight), withheld: 0 }),
        }
    }

    /// Waits for a turn, which lasts until the answer is there.
    ///
    /// # Errors
    ///
    /// [`Error::Throttled`] at once when the tenant's rest is longer than a call waits by itself.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("the semaphore is never closed");
        loop {
            let now = Instant::now();
            let begin = self.book(now)?;
            if begin <= now {
                return Ok(place);
            }
            tokio::time::sleep_until(begin).await;
            // Somebody may have asked for a rest meanwhile.
            if self.rest(Instant::now()).is_zero() {
                return Ok(place);
            }
        }
    }

    /// Ends a turn whose answer is there, and learns from it how many calls may be under way.
    pub(super) fn done(&self, place: OwnedSemaphorePermit, call: Call, took: Duration, in_trouble: bool) {
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        learnt.pace.answered(call, took, in_trouble);
        let wanted = self.ceiling - learnt.pace.limit();
        if learnt.withheld < wanted {
            place.forget();
            learnt.withheld += 1;
        } else if learnt.withheld > wanted {
            self.places.add_permits(learnt.withheld - wanted);
            learnt.withheld = wanted;
        }
    }

    /// How many calls may be under way now, and at most.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.learnt.lock().unwrap_or_else(PoisonError::into_inner).pace.limit(), self.ceiling)
    }

    /// Begins a rest, unless one is under way that is longer.
    pub(super) fn pause(&self, rest: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.rest_until = times.rest_until.max(Instant::now() + rest);
    }

    fn rest(&self, now: Instant) -> Duration {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.rest_until.saturating_duration_since(now)
    }

    fn book(&self, now: Instant) -> Result<Instant, Error> {
        let rest = self.rest(now);
        if rest > self.patience {
            return Err(Error::Throttled { retry_after: rest });
        }
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = times.next.max(times.rest_until).max(now);
        times.next = begin + self.spacing;
        Ok(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_rest_is_the_callers_to_plan() {
        let limiter = Limiter::new(&Limits { per_second: None, ..Limits::default() });
        assert!(limiter.turn().await.is_ok());
        limiter.pause(Duration::from_mins(1));
        limiter.pause(Duration::from_secs(1));
        match limiter.turn().await {
            Err(Error::Throttled { retry_after }) => assert!(retry_after > Duration::from_secs(50)),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn places_are_withheld_while_the_tenant_is_in_trouble_and_given_back_later() {
        let limiter = Limiter::new(&Limits { in_flight: 4, per_second: None, ..Limits::default() });
        let took = Duration::from_millis(50);
        for _ in 0..20 {
            limiter.done(limiter.turn().await.unwrap(), ("GET", "v1/Contact/{id}", 0), took, true);
        }
        assert_eq!((limiter.in_flight(), limiter.places.available_permits()), ((1, 4), 1));
        for _ in 0..50 {
            limiter.done(limiter.turn().await.unwrap(), ("GET", "v1/Contact/{id}", 0), took, false);
        }
        assert_eq!((limiter.in_flight(), limiter.places.available_permits()), ((4, 4), 4));
    }

    #[test]
    fn calls_begin_no_faster_than_allowed() {
        let limiter = Limiter::new(&Limits { per_second: Some(10), ..Limits::default() });
        let now = Instant::now();
        let begins: Vec<Duration> = (0..4).map(|_| limiter.book(now).unwrap().duration_since(now)).collect();
        assert!(begins[3] >= Duration::from_millis(299), "{begins:?}");
    }
}
