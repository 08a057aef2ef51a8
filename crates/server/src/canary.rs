//! The durability canary: a mark that is written and committed every few seconds, and read through another connection.
//!
//! A store that acknowledges what it does not keep would be found out by this alone. The mark is also what tells an older
//! copy of the database from the one that was used last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_domain::clock::Clock;
use connector_store::Settings;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often a mark is written.
const EVERY: Duration = Duration::from_secs(5);
/// A mark that is older makes the process unready.
pub(crate) const TOO_OLD: Duration = Duration::from_secs(15);
/// A store that takes longer has not taken it.
const PATIENCE: Duration = Duration::from_secs(5);

/// When the last mark was seen. Copies share it.
#[derive(Debug, Clone, Default)]
pub struct Canary(Arc<watch::Sender<Option<Instant>>>);

impl Canary {
    /// Writes marks and looks for them until told to stop.
    pub async fn run(self, settings: Arc<dyn Settings>, clock: Arc<dyn Clock>, stop: CancellationToken) {
        // From here on a mark is expected.
        self.0.send_replace(Some(Instant::now()));
        while !stop.is_cancelled() {
            self.mark(&*settings, &*clock).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        // A copy that was made just before the end is older than what there is at the end.
        self.mark(&*settings, &*clock).await;
    }

    async fn mark(&self, settings: &dyn Settings, clock: &dyn Clock) {
        let wrote_at = Instant::now();
        match tokio::time::timeout(PATIENCE, settings.check(clock.now())).await {
            Ok(Ok(_)) => drop(self.0.send_replace(Some(wrote_at))),
            // What fails is told by whoever wanted more from the database, and by the mark's age.
            Ok(Err(error)) => tracing::debug!("the mark could not be written: {error}"),
            Err(_) => tracing::debug!("the mark was not written within {} s", PATIENCE.as_secs()),
        }
    }

    /// How old the last mark that was seen is; `None` where no marks are written.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.0.borrow().map(|at| at.elapsed())
    }

    /// As if the last mark had been seen so long ago.
    #[doc(hidden)]
    pub fn aged(age: Duration) -> Self {
        Self(Arc::new(watch::Sender::new(Instant::now().checked_sub(age))))
    }
}
