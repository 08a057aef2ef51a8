//! Being told to stop.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the tasks may take to end; the process is gone within ten seconds.
const PATIENCE: Duration = Duration::from_millis(9200);

/// Waits for Ctrl-C or a request to terminate.
pub(super) async fn stop_requested() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = interrupted => {}
        () = terminated => {}
    }
}

/// Waits until all tasks have ended, but not for ever. A second request to stop ends the process at once; what was
/// acknowledged is on disk.
pub(super) async fn ended(tracker: &TaskTracker) {
    tracker.close();
    tokio::select! {
        () = tracker.wait() => {}
        () = tokio::time::sleep(PATIENCE) => tracing::warn!("some tasks did not end in time"),
        () = stop_requested() => std::process::exit(130),
    }
}

/// Why a command stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Somebody asked for it.
    Asked,
    /// A task of ours could not go on.
    Failed,
}

/// Waits until told to stop, or until something of ours gave up; cancels the rest.
pub(super) async fn until_stopped(stop: &CancellationToken) -> Stopped {
    let stopped = tokio::select! {
        () = stop_requested() => Stopped::Asked,
        () = stop.cancelled() => Stopped::Failed,
    };
    stop.cancel();
    stopped
}
