//! Opens the tables that commands read: published ones, and the user's own.

use std::path::{Path, PathBuf};

use nas_eval::{Problem, Published, Source, UserTable};
use nas_hw::Metric;
use nas_search::{Evaluation, Objective};
use nas_space::Arch;

use crate::{failure::Failure, target::check_published, terminal::note};

/// The folder with the benchmarks' tables.
pub fn tables_folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    match given {
        Some(path) => Ok(path.to_path_buf()),
        None => Ok(nas_bench::tables_dir()?.path),
    }
}

/// The published tables of a space; nothing if there are none, or if they are not downloaded and not
/// `needed`. Damaged tables are an error.
pub fn published(
    problem: &Problem,
    given: Option<&Path>,
    needed: bool,
) -> Result<Option<Box<dyn Published>>, Failure> {
    match problem.open(&tables_folder(given)?) {
        None => Ok(None),
        Some(Ok(tables)) => Ok(Some(tables)),
        Some(Err(nas_bench::Error::MissingTables { .. })) if !needed => Ok(None),
        Some(Err(error)) => Err(error.into()),
    }
}

/// The published tables of a space, for a command that requires them: it needs `what`.
pub fn needed(
    problem: &Problem,
    given: Option<&Path>,
    what: &str,
) -> Result<Box<dyn Published>, Failure> {
    published(problem, given, true)?.ok_or_else(|| lacking(problem, what))
}

/// The error of a command that needs `what`, which was not published.
pub fn lacking(problem: &Problem, what: &str) -> Failure {
    Failure::input(format!(
        "no {what} of {} were published: name another --space (see nas space list)",
        problem.title
    ))
}

/// A published cost.
pub fn cost_of(
    problem: &Problem,
    published: Option<&dyn Published>,
    device: &str,
    metric: Metric,
) -> Result<Box<dyn Source + Send>, Failure> {
    check_published(problem, device)?;
    let lacking = || lacking(problem, "costs");
    Ok(published.ok_or_else(lacking)?.cost(device, metric)?)
}

/// A source's value of an architecture.
pub fn value_of(source: &mut dyn Source, arch: &Arch) -> Result<Option<f64>, Failure> {
    let value = source.value(arch).map_err(|error| Failure::work(error.to_string()))?;
    Ok(value.value)
}

/// Evaluations that a user made before, in the order of the architectures: those with a value of each
/// objective.
pub fn evaluations_before(
    file: &Path,
    problem: &Problem,
    objectives: &[Objective],
    details: usize,
) -> Result<Vec<(Arch, Evaluation)>, Failure> {
    let table = |objective: &Objective| {
        let columns = [objective.column(), objective.name.clone()];
        let columns = columns.each_ref().map(String::as_str);
        UserTable::read(file, |text| problem.parse(text), &columns, objective)
    };
    let tables = objectives.iter().map(table).collect::<Result<Vec<_>, _>>()?;
    let mut all: Vec<Arch> = tables.iter().flat_map(UserTable::sorted).collect();
    all.sort();
    all.dedup();
    // One that lacks a value failed, or was stopped early: it may be evaluated again.
    let evaluation = |arch: Arch| {
        let values = tables.iter().map(|table| table.value(&arch).map(Some));
        let values = values.collect::<Option<Vec<_>>>()?;
        Some((arch, Evaluation { values, details: vec![None; details], ..Evaluation::default() }))
    };
    Ok(all.into_iter().filter_map(evaluation).collect())
}

/// A user's table of latencies in ms.
pub fn latencies(file: &Path, problem: &Problem) -> Result<UserTable, Failure> {
    Ok(UserTable::read(file, |text| problem.parse(text), &["latency_ms"], &Objective::latency())?)
}

/// A user's table of accuracies in %, or a table that `nas predict apply` wrote.
pub fn accuracies(file: &Path, problem: &Problem) -> Result<UserTable, Failure> {
    let objective = Objective::accuracy("accuracy");
    let columns = ["accuracy_percent", "accuracy", "predicted_accuracy_percent"];
    let table = UserTable::read(file, |text| problem.parse(text), &columns, &objective)?;
    if objective.are_fractions(table.architectures().filter_map(|arch| table.value(arch))) {
        note(&format!(
            "warning: no accuracy in {} is above 1: accuracies are in percent, not fractions",
            file.display()
        ));
    }
    Ok(table)
}
