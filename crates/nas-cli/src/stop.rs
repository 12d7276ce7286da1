//! How a user stops long work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    iterator::Signals,
};

use crate::{
    failure::{Failure, STOPPED},
    terminal::note,
};

/// Set by SIGINT and SIGTERM; the second one ends the program at once. `what` is said when the first
/// comes, since what is under way may take long.
pub fn stop_signal(what: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let cannot = |error| Failure::work(format!("cannot listen to signals: {error}"));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, STOPPED.into(), Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(cannot)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    let stopped = Arc::clone(&stop);
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            stopped.store(true, Ordering::Relaxed);
            note(&format!("{what}; once more ends at once"));
        }
    });
    Ok(stop)
}
