//! Runs work on files apart from the tasks that wait for the network.

use std::io;

use crate::Error;

/// Runs `work` on a thread where it may block.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The task only ends otherwise if it panicked, or the whole runtime is going down.
        Err(error) => Err(Error::reading("", io::Error::other(error))),
    }
}
