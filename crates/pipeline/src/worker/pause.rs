//! When the CRM as a whole is out of order: how long it is left alone.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::crm::CrmError;
use crate::ports::Ports;
use crate::status::{Condition, Part};

pub(super) const FIRST_OUTAGE_WAIT: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_OUTAGE_WAIT: SignedDuration = SignedDuration::from_mins(1);

/// What is known of an outage of the CRM.
#[derive(Default)]
pub(super) struct Outage {
    state: Mutex<Option<Down>>,
    pub(super) changed: Notify,
}

struct Down {
    until: Timestamp,
    wait: SignedDuration,
}

impl Outage {
    /// Waits until the CRM says that it may be back, or a little longer each time when it does not say.
    pub(super) fn begin_after(&self, error: &CrmError, now: Timestamp) {
        match error.back_in {
            Some(wait) => self.begin_until(now, wait),
            None => self.begin(now),
        }
    }

    /// Ends the waiting, not the outage: the next thing to do is to see if the CRM is back.
    pub(super) fn ask_now(&self, now: Timestamp) {
        if let Some(down) = &mut *self.state.lock().expect("no holder of the outage panics") {
            down.until = now;
        }
    }

    pub(super) fn begin(&self, now: Timestamp) {
        let mut state = self.state.lock().expect("no holder of the outage panics");
        let wait = match &*state {
            Some(down) if down.until > now => return,
            Some(down) => (down.wait * 2).min(LONGEST_OUTAGE_WAIT),
            None => FIRST_OUTAGE_WAIT,
        };
        *state = Some(Down { until: now + wait, wait });
        self.changed.notify_one();
    }

    /// Leaves the CRM alone for as long as it asked for.
    pub(super) fn begin_until(&self, now: Timestamp, wait: SignedDuration) {
        let mut state = self.state.lock().expect("no holder of the outage panics");
        let until = now + wait.clamp(SignedDuration::ZERO, SignedDuration::from_hours(1));
        if state.as_ref().is_none_or(|down| down.until < until) {
            *state = Some(Down { until, wait: FIRST_OUTAGE_WAIT });
            self.changed.notify_one();
        }
    }

    pub(super) fn end(&self) {
        let ended = self.state.lock().expect("no holder of the outage panics").take();
        if ended.is_some() {
            tracing::info!("SuperOffice answers again");
        }
    }

    /// How long to leave the CRM alone.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let state = self.state.lock().expect("no holder of the outage panics");
        let left = state.as_ref()?.until.duration_since(now);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// Whether the next thing to do is to see if the CRM is back.
    pub(super) fn is_probing(&self) -> bool {
        self.state.lock().expect("no holder of the outage panics").is_some()
    }
}

pub(super) fn answers(condition: Condition, words: &str, help: Option<&str>) -> Part {
    Part { name: "superoffice".into(), condition, words: words.to_owned(), remedy: help.map(str::to_owned) }
}

pub(super) fn report(ports: &Ports, error: &CrmError) {
    tracing::error!("SuperOffice cannot be worked with: {error}. What to do: {}", error.help);
    ports.status.set(answers(Condition::Down, &error.words, Some(error.help)));
}

pub(super) async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}

#[cfg(test)]
mod tests {
    use connector_domain::remedy::Remedy;

    use super::*;
    use crate::crm::Blame;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn away(back_in: Option<SignedDuration>) -> CrmError {
        CrmError {
            words: "the tenant is offline: Suspended".into(),
            remedy: Remedy::WaitForOthers(FIRST_OUTAGE_WAIT),
            help: "nothing",
            outcome_unknown: false,
            blame: Blame::Outage,
            back_in,
        }
    }

    fn waits(outage: &Outage, now: Timestamp) -> u64 {
        outage.wait(now).map_or(0, |wait| wait.as_secs())
    }

    #[test]
    fn a_crm_that_says_when_it_is_back_is_left_alone_until_then() {
        let (outage, minutes) = (Outage::default(), SignedDuration::from_mins);
        outage.begin_after(&away(Some(minutes(7))), noon());
        assert_eq!(waits(&outage, noon()), 7 * 60);
        // Another job that fails meanwhile changes nothing.
        outage.begin_after(&away(None), noon() + minutes(1));
        assert_eq!(waits(&outage, noon() + minutes(6)), 60);
        assert_eq!((waits(&outage, noon() + minutes(7)), outage.is_probing()), (0, true));
        outage.begin_after(&away(Some(minutes(2))), noon() + minutes(7));
        assert_eq!(waits(&outage, noon() + minutes(7)), 120);
    }

    #[test]
    fn a_crm_that_does_not_say_is_asked_each_time_later() {
        let (outage, mut now) = (Outage::default(), noon());
        let mut all = Vec::new();
        for _ in 0..8 {
            outage.begin_after(&away(None), now);
            all.push(waits(&outage, now));
            now += SignedDuration::from_mins(2);
        }
        assert_eq!(all, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn who_is_told_that_the_crm_is_back_asks_it_at_once() {
        let outage = Outage::default();
        outage.ask_now(noon());
        assert!(!outage.is_probing(), "there is no outage to end");
        outage.begin_after(&away(Some(SignedDuration::from_hours(1))), noon());
        outage.ask_now(noon());
        assert_eq!((waits(&outage, noon()), outage.is_probing()), (0, true));
    }
}
