//! What may be typed beside `--resume`.

use clap::{ArgMatches, CommandFactory, parser::ValueSource};

use crate::failure::Failure;

/// Options that may stand beside --resume.
const BESIDE_RESUME: [&str; 5] = ["resume", "accept_changes", "tables", "evaluations", "format"];

/// Refuses options that --resume would ignore, since a run has its own.
pub fn refuse_beside_resume(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else { return Ok(()) };
    let resumes = matches.ids().any(|id| id == "resume");
    if !resumes || matches.value_source("resume").is_none() {
        return Ok(());
    }
    let command = crate::Arguments::command();
    let options = command.find_subcommand(name).into_iter().flat_map(clap::Command::get_arguments);
    let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    for option in options {
        let (id, long) = (option.get_id().as_str(), option.get_long());
        if let Some(long) = long.filter(|_| typed(id) && !BESIDE_RESUME.contains(&id)) {
            return Err(Failure::input(format!(
                "--{long} cannot be changed by --resume: the run goes on with the options in its config.toml; leave --{long} out, or start a new run"
            )));
        }
    }
    Ok(())
}
