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
    match &*RUNTIME {
        Ok(runtime) => runtime.block_on(calls),
        Err(error) => Err(Error::Runtime(io::Error::new(error.kind(), error.to_string()))),
    }
}
