//! Workers as processes of this machine.

use std::{
    fs::OpenOptions,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use process_wrap::std::ChildWrapper;
use signal_hook::consts::SIGTERM;

use super::{Engine, Worker, log};
use crate::failure::Failure;

/// How long a worker may take to end what it has started.
const GRACE: Duration = Duration::from_secs(3);

/// Time between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(20);

/// Processes of this machine.
pub struct Local {
    worker: Worker,
    running: Vec<(usize, Child)>,
}

impl Local {
    pub fn new(worker: Worker) -> Self {
        Self { worker, running: Vec::new() }
    }

    /// Forgets the processes that have ended.
    fn reap(&mut self) {
        // A process without a state has ended: its result shows whether it succeeded.
        self.running.retain_mut(|(_, child)| matches!(Child::try_wait(child), Ok(None)));
    }
}

impl Engine for Local {
    fn room(&self) -> usize {
        self.worker.workers.saturating_sub(self.running.len())
    }

    fn start(&mut self, parts: &[usize]) -> Result<(), Failure> {
        for &part in parts {
            let path = log(&self.worker.job, part);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let file = file.map_err(|error| Failure::file("write", &path, &error))?;
            let child = Command::new(&self.worker.program)
                .arg("worker")
                .arg(&self.worker.job)
                .args(["--shard", &part.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(file)
                .spawn()
                .map_err(|error| Failure::work(format!("cannot start a worker: {error}")))?;
            self.running.push((part, child));
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Vec<usize>, Failure> {
        self.reap();
        Ok(self.running.iter().map(|(part, _)| *part).collect())
    }

    fn end(&mut self) {
        // A worker ends the user's program with itself.
        for (_, child) in &self.running {
            let _ = child.signal(SIGTERM);
        }
        let begun = Instant::now();
        while begun.elapsed() < GRACE && !self.running.is_empty() {
            sleep(PAUSE);
            self.reap();
        }
        for (_, child) in &mut self.running {
            let _ = Child::kill(child);
            let _ = Child::wait(child);
        }
    }
}
