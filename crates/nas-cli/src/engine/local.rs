//! Workers as processes of this machine.

use std::{
    fs::OpenOptions,
    process::{Child, Command, Stdio},
};

use super::{Engine, Worker, log};
use crate::failure::Failure;

/// Processes of this machine.
pub struct Local {
    worker: Worker,
    running: Vec<(usize, Child)>,
}

impl Local {
    pub fn new(worker: Worker) -> Self {
        Self { worker, running: Vec::new() }
    }
}

impl Engine for Local {
    fn room(&self) -> usize {
        self.worker.workers - self.running.len()
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
        // A process without a state has ended: its result shows whether it succeeded.
        self.running.retain_mut(|(_, child)| matches!(child.try_wait(), Ok(None)));
        Ok(self.running.iter().map(|(part, _)| *part).collect())
    }

    fn end(&mut self) {
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
