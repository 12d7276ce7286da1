//! The settings of workers that compute proxies for a search.

use std::{
    cell::OnceCell,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

/// The settings of a search's workers.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Workers {
    /// The folder of a generation's job, once the run has a folder.
    pub folder: OnceCell<PathBuf>,
    /// Ends them.
    pub stop: Arc<AtomicBool>,
    /// How many run in parallel, if asked for.
    pub count: Option<u16>,
}
