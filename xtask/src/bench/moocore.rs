//! The Python package moocore in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::error::Error;
use crate::setup::venv;
use crate::workspace::Workspace;

/// The release to compare with.
pub const VERSION: &str = "0.3.2";
const PACKAGES: [(&str, &str); 2] = [("moocore", VERSION), ("numpy", "2.4.6")];
const SCRIPT: &str = include_str!("pareto.py");

/// A Python that waits for hypervolumes to compute; it ends when this is dropped.
pub struct Moocore {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Moocore {
    /// Starts it, after installing it into `target/bench-venv` where it is not there yet.
    pub fn start(workspace: &Workspace) -> Result<Self, Error> {
        let python = venv::python_with(workspace, "bench-venv", &PACKAGES)?;
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Start { program: python.display().to_string(), source })?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipe to it".to_owned()));
        };
        Ok(Self { child, questions: Some(questions), answers: BufReader::new(answers) })
    }

    /// One call on the points in a file: the seconds it took, and the hypervolume.
    pub fn hypervolume(
        &mut self,
        points: &Path,
        dimension: usize,
        reference: f64,
    ) -> Result<(f64, f64), Error> {
        let mut line = String::new();
        if let Some(questions) = &mut self.questions {
            writeln!(questions, "{dimension} {reference} {}", points.display())
                .and_then(|()| questions.flush())
                .and_then(|()| self.answers.read_line(&mut line))
                .map_err(|error| failed(error.to_string()))?;
        }
        let numbers: Option<Vec<f64>> =
            line.split_whitespace().map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[seconds, value]) => Ok((seconds, value)),
            _ => Err(failed(format!("expected seconds and a value, it printed {line:?}"))),
        }
    }
}

impl Drop for Moocore {
    fn drop(&mut self) {
        // The script ends with its input; nothing is left to do about one that failed.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

fn failed(problem: String) -> Error {
    Error::Step { step: "run moocore", problem }
}
