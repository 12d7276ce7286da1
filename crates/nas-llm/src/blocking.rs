//! Calls that wait for their replies.

use std::{io, sync::LazyLock};

use tokio::runtime::{Builder, Runtime};

use crate::Error;

/// One runtime for all calls: a connection to a server outlives a call, but not its runtime.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build());

/// Waits for calls. It may be called from several threads at the same time.
///
/// # Errors
/// [`Error::Runtime`] where the operating system provides no asynchronous input, and those of the calls.
pub(crate) fn wait<T>(calls: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    runtime()?.block_on(calls)
}

/// The runtime of all calls.
///
/// # Errors
/// [`Error::Runtime`] where the operating system provides no asynchronous input.
pub(crate) fn runtime() -> Result<&'static Runtime, Error> {
    let copied = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
    RUNTIME.as_ref().map_err(|error| Error::Runtime(copied(error)))
}
