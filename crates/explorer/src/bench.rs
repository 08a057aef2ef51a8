//! Where work is done that takes the processor and not the network: parsing a page, judging a site.
//!
//! It runs on threads of its own and a few pieces at a time, so that whoever waits for the network, such as the
//! reception of webhooks, never waits behind a large page. A piece that panics is lost, and nothing else.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tracing::error;

/// With one place a single large page would hold up all others.
const LEAST_PLACES: usize = 2;

/// The places for such work. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    places: Arc<Semaphore>,
    /// How many pieces of work were taken on.
    #[cfg(test)]
    taken: Arc<std::sync::atomic::AtomicUsize>,
}

/// Why a piece of work came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfinished {
    /// It panicked, and would again.
    #[error("a fault of this program")]
    Panicked,
    /// The program is about to end.
    #[error("the program ends")]
    Stopped,
}

impl Bench {
    /// As many places as there are cores.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(LEAST_PLACES, usize::from);
        Self {
            places: Arc::new(Semaphore::new(cores.max(LEAST_PLACES))),
            #[cfg(test)]
            taken: Arc::default(),
        }
    }

    /// Waits for a place and does the work there.
    ///
    /// # Errors
    ///
    /// The work panicked, which is logged, or was never done. The bench can be used on.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Unfinished::Stopped)?;
        #[cfg(test)]
        self.taken.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let work = tokio::task::spawn_blocking(move || {
            // The place is free when the work ends, not when nobody waits for it any longer.
            let _place = place;
            work()
        });
        work.await.map_err(|failure| {
            if failure.is_panic() {
                error!("reading a website panicked, which is a fault of this program: {failure}");
                Unfinished::Panicked
            } else {
                Unfinished::Stopped
            }
        })
    }

    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Takes no more work.
    #[cfg(test)]
    pub(crate) fn close(&self) {
        self.places.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runtime has one thread here: were the work done on it, the word that the work waits for would never come.
    #[tokio::test]
    async fn others_go_on_while_work_is_done() {
        let (say, hear) = std::sync::mpsc::channel();
        let bench = Bench::new();
        let work = bench.run(move || hear.recv());
        let (heard, ()) = tokio::join!(work, async {
            tokio::task::yield_now().await;
            say.send("word").unwrap();
        });
        assert_eq!(heard, Ok(Ok("word")));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place_until_it_ends() {
        let bench = Bench::new();
        let places = bench.places.available_permits();
        let (say, hear) = std::sync::mpsc::channel::<()>();
        let mut work = Box::pin(bench.run(move || hear.recv()));
        assert!(futures::poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(bench.places.available_permits(), places - 1);
        say.send(()).unwrap();
        let all = u32::try_from(places).unwrap();
        assert!(bench.places.acquire_many(all).await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_work_alone() {
        let bench = Bench::new();
        for _ in 0..=bench.places.available_permits() {
            let work = || -> usize { "none".parse().unwrap() };
            assert_eq!(bench.run(work).await, Err(Unfinished::Panicked));
        }
        assert_eq!(bench.run(|| 3).await, Ok(3));
    }
}
