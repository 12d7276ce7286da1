//! Records the searches and tests of the study of language models with a live model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::arms::planned;
use super::model_tests;
use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::{exit_code, output};
use crate::workspace::Workspace;

/// What is recorded of a model: a search of the study or a test.
struct Recording {
    /// The file that is kept.
    kept: PathBuf,
    command: Command,
}

/// Records what is not recorded of a model, the most telling first. An interrupted recording resumes. What
/// is kept of a call leaves its prompt out, which is made again.
pub fn run(workspace: &Workspace, model: &str, live: &[String]) -> Result<ExitCode, Error> {
    let root = workspace.root();
    let scratch = root.join("target/language-model");
    let nas = nas::build(workspace, Build::Installed)?;
    for Recording { kept, mut command } in all(root, &nas, &scratch, model) {
        if kept.exists() {
            continue;
        }
        let name = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let calls = scratch.join(format!("{model}-{name}"));
        for folder in [Some(scratch.as_path()), kept.parent()].into_iter().flatten() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let with = if calls.exists() { "--replay" } else { "--record" };
        command.current_dir(root).arg(with).arg(&calls).args(live);
        let ran = output(&mut command)?;
        // Nothing usable from the model is a result too.
        if !matches!(ran.status.code(), Some(0 | nas::NOTHING_FROM_MODEL)) {
            return Ok(exit_code(ran.status));
        }
        fs::write(&kept, without_prompts(&calls)?).map_err(Error::file(&kept))?;
        println!("recorded {}", kept.strip_prefix(root).unwrap_or(&kept).display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that is recorded of a model: first the tests, which say most for each call.
fn all(root: &Path, nas: &Path, scratch: &Path, model: &str) -> Vec<Recording> {
    let tests = model_tests::planned().into_iter().filter(|test| test.model.name == model);
    let mut all: Vec<Recording> = tests
        .map(|test| {
            let mut command = Command::new(nas);
            command.args(test.arguments().split(' '));
            Recording { kept: test.calls(root), command }
        })
        .collect();
    for cell in planned().into_iter().filter(|cell| cell.model.name == model) {
        for seed in 1..=cell.seeds {
            let mut command = Command::new(nas);
            cell.search(&mut command, seed, &scratch.join(model));
            all.push(Recording { kept: cell.calls(root, seed), command });
        }
    }
    all
}

/// The lines of a transcript without the requests, which are found by their keys.
fn without_prompts(transcript: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(transcript).map_err(Error::file(transcript))?;
    let lines = text.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line)?;
        if let Some(call) = line.as_object_mut() {
            call.remove("request");
        }
        Ok(format!("{line}\n"))
    });
    let lines: Result<String, serde_json::Error> = lines.collect();
    lines.map_err(|source| Error::File { path: transcript.to_owned(), source: source.into() })
}
