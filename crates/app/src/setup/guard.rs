//! Ctrl-C: at once while nothing is being done, and after the end of what must not be left half done.

use std::future::Future;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::step::interrupted;
use crate::failure::Failure;
use crate::format::say;

/// Knows whether somebody pressed Ctrl-C, and whether something is being done that must end first.
#[derive(Clone)]
pub(super) struct Guard {
    asked: watch::Receiver<bool>,
    busy: watch::Sender<bool>,
}

impl Guard {
    /// Begins to listen. Ctrl-C does not end the program by itself from then on.
    pub(super) fn watch() -> Self {
        let (sender, asked) = watch::channel(false);
        let busy = watch::Sender::new(false);
        let is_busy = busy.subscribe();
        TaskTracker::new().spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if *is_busy.borrow() {
                    say("     Ctrl-C: this is finished first, then setup stops.");
                }
                sender.send_replace(true);
            }
        });
        Self { asked, busy }
    }

    /// Fails when somebody pressed Ctrl-C.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if *self.asked.borrow() { Err(interrupted()) } else { Ok(()) }
    }

    /// Does the work, unless somebody presses Ctrl-C while nothing is being done.
    pub(super) async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let (mut asked, mut busy) = (self.asked.clone(), self.busy.subscribe());
        let stopped = async {
            if asked.wait_for(|asked| *asked).await.is_err() {
                std::future::pending::<()>().await;
            }
            drop(busy.wait_for(|busy| !*busy).await);
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = stopped => Err(interrupted()),
        }
    }

    /// Does what must not be left half done.
    pub(super) async fn whole<T>(&self, work: impl Future<Output = T>) -> T {
        self.busy.send_replace(true);
        let done = work.await;
        self.busy.send_replace(false);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> (watch::Sender<bool>, Guard) {
        let (sender, asked) = watch::channel(false);
        (sender, Guard { asked, busy: watch::Sender::new(false) })
    }

    #[tokio::test]
    async fn what_only_looks_is_dropped_and_what_does_something_ends_first() {
        let (ask, guard) = guard();
        ask.send_replace(true);
        assert!(guard.unless_interrupted(std::future::pending::<()>()).await.is_err());

        let (ask, guard) = self::guard();
        let (inner, mut ended) = (guard.clone(), false);
        let work = async {
            inner
                .whole(async {
                    ask.send_replace(true);
                    tokio::task::yield_now().await;
                    ended = true;
                })
                .await;
            std::future::pending::<()>().await;
        };
        assert!(guard.unless_interrupted(work).await.is_err());
        assert!(ended && guard.check().is_err());
    }
}
