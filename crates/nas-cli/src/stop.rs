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

/// The signals that stop a command.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

fn cannot(error: &std::io::Error) -> Failure {
    Failure::work(format!("cannot listen to signals: {error}"))
}

/// Set by SIGINT and SIGTERM, however many come: for a worker that ends soon, with what it has started.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        flag::register(signal, Arc::clone(&stop)).map_err(|error| cannot(&error))?;
    }
    Ok(stop)
}

/// Set by SIGINT and SIGTERM; the second one ends the program at once. `what` is said when the first
/// comes, since what is under way may take long.
pub fn stop_signal(what: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, STOPPED.into(), Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| cannot(&error))?;
    }
    let mut signals = Signals::new(SIGNALS).map_err(|error| cannot(&error))?;
    let stopped = Arc::clone(&stop);
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            stopped.store(true, Ordering::Relaxed);
            note(&format!("{what}; once more ends at once"));
        }
    });
    Ok(stop)
}
