//! Asking a model several things at the same time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, PoisonError},
};

use crate::{failure::Failure, progress::Progress};

/// The answers to questions 0 to `count` − 1, in order, of which so many are asked at the same time. The
/// first failure ends it.
pub fn ask_all<T: Send>(
    count: usize,
    at_the_same_time: usize,
    ask: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicUsize::new(0);
    let progress = Mutex::new((Progress::new("asking", count), 0));
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            let answer = ask(number);
            if answer.is_err() {
                next.store(count, Ordering::Relaxed);
            }
            done.push((number, answer?));
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.1 += 1;
            let count = progress.1;
            progress.0.update(count, "");
        }
    };
    let all: Result<Vec<Vec<(usize, T)>>, Failure> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..at_the_same_time).map(|_| scope.spawn(work)).collect();
        let ended = started.into_iter().map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    });
    let mut all: Vec<(usize, T)> = all?.into_iter().flatten().collect();
    all.sort_by_key(|one| one.0);
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).0.finish();
    Ok(all.into_iter().map(|one| one.1).collect())
}
