//! The settings of workers that an engine starts for a search.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use crate::inputs::Input;

/// The settings of a search's workers.
#[derive(Debug)]
pub struct Workers {
    /// The folder of the run, which may not exist yet.
    pub run: PathBuf,
    /// The files that its results depend on, as the run has them.
    pub inputs: Vec<Input>,
    /// Ends them.
    pub stop: Arc<AtomicBool>,
}
