//! Being told to stop.

use tokio_util::sync::CancellationToken;

/// Waits for Ctrl-C or a request to terminate; a second Ctrl-C ends the process at once.
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

/// Cancels when told to stop, or when something else already did.
pub(super) async fn until_stopped(stop: &CancellationToken) {
    tokio::select! {
        () = stop_requested() => {}
        () = stop.cancelled() => {}
    }
    stop.cancel();
}
