//! Records the searches of the study of language models with a live model.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::arms::planned;
use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::{exit_code, output};
use crate::workspace::Workspace;

/// Records the searches of a model that are not recorded, the most telling first. An interrupted one
/// resumes. What is kept of a call leaves its prompt out, which the search makes again.
pub fn run(workspace: &Workspace, model: &str, live: &[String]) -> Result<ExitCode, Error> {
    let root = workspace.root();
    let scratch = root.join("target/language-model");
    let nas = nas::build(workspace, Build::Installed)?;
    for cell in planned().into_iter().filter(|cell| cell.model.name == model) {
        for seed in 1..=cell.seeds {
            let kept = cell.calls(root, seed);
            if kept.exists() {
                continue;
            }
            let name = kept.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{model}-{name}");
            let calls = scratch.join(format!("{name}.jsonl"));
            for folder in [Some(scratch.as_path()), kept.parent()].into_iter().flatten() {
                fs::create_dir_all(folder).map_err(Error::file(folder))?;
            }
            let mut command = Command::new(&nas);
            command.current_dir(root);
            cell.search(&mut command, seed, &scratch.join(&name));
            let with = if calls.exists() { "--replay" } else { "--record" };
            command.arg(with).arg(&calls).args(live);
            let ran = output(&mut command)?;
            // Nothing usable from the model is a result too.
            if !matches!(ran.status.code(), Some(0 | 4)) {
                return Ok(exit_code(ran.status));
            }
            fs::write(&kept, without_prompts(&calls)?).map_err(Error::file(&kept))?;
            println!("recorded {}", kept.strip_prefix(root).unwrap_or(&kept).display());
        }
    }
    Ok(ExitCode::SUCCESS)
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
