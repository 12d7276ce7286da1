//! The Python package moocore in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::error::Error;
use crate::workspace::Workspace;

/// The release that is compared with.
pub const VERSION: &str = "0.3.2";
const PACKAGES: [&str; 2] = ["moocore==0.3.2", "numpy==2.4.6"];
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
        let python = python_with_moocore(workspace)?;
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
            _ => Err(failed(format!("expected seconds and a value, it said {line:?}"))),
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

fn python_with_moocore(workspace: &Workspace) -> Result<PathBuf, Error> {
    let venv = workspace.root().join("target").join("bench-venv");
    let python = if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    };
    let installed = Command::new(&python)
        .args(["-c", "from importlib.metadata import version; print(version('moocore'))"])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == VERSION);
    if !installed {
        eprintln!("Installing moocore {VERSION} into {} ...", venv.display());
        let venv_module = ["-m", "venv", "--clear"];
        quietly(Command::new("python3").args(venv_module).arg(&venv), "make a Python venv")?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        quietly(Command::new(&python).args(pip).args(PACKAGES), "install moocore with pip")?;
    }
    Ok(python)
}

fn quietly(command: &mut Command, step: &'static str) -> Result<(), Error> {
    let output = command.output().map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Bench { step, problem: text.trim().to_owned() })
}

fn failed(problem: String) -> Error {
    Error::Bench { step: "run moocore", problem }
}
