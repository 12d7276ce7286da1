//! `nas compare`: fronts of runs and of files, by hypervolume and distance, paired by their seeds.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use nas_pareto::{
    Bounds, Direction, PointSet, hypervolume, igd, non_dominated, statistics::Estimate,
};
use nas_search::Objective;

use crate::{
    commands::front,
    failure::Failure,
    output::{Cell, Format, Records},
    paired::{Difference, PAIRED},
    terminal::print,
};

mod compared;
mod groups;

use compared::{Compared, is_file, of_one_pair, runs};
use groups::{Group, groups, one_of_each_seed};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Runs that differ only in the seed are one group. Files that they read, such as
--accuracy-table, may be others for each seed: names that contain the seed
(mine-1.csv, mine-2.csv), or one file for each seed.

A CSV file has a row for each architecture of a front, and a column for each
objective. Its seed is in a column seed, or follows the word seed in its path
(mine-seed3.csv). A column searcher names the method.

Objectives are scaled to [0, 1] by the least and greatest value that any of the
runs evaluated or any file contains; the reference point is 1 for each. IGD is
the mean distance to the front of all together. Against the exact front of a
benchmark, nas front-score compares.")]
pub struct Arguments {
    /// Folders of runs, and files of fronts, which end in .csv
    #[arg(value_name = "RUN|FILE", required = true)]
    fronts: Vec<PathBuf>,
    /// The columns of CSV files that are objectives, each with min or max, for example
    /// accuracy_percent:max,latency_ms:min [default: the objectives of the runs]
    #[arg(long, value_name = "COLUMN:min|max,…")]
    objectives: Vec<String>,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

struct Scores {
    hypervolume: f64,
    igd: f64,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (all, objectives) = arguments.read()?;
    let directions = Objective::directions(&objectives);
    let scores = score(&all, &directions)?;
    let groups = groups(&all);
    one_of_each_seed(&groups, &all)?;
    all.iter().for_each(Compared::warn);

    let mut records = Records::new([
        "run",
        "group",
        "seed",
        "evaluated",
        "front",
        "hypervolume",
        "igd",
        "hypervolume_ratio",
    ]);
    for (at, (one, score)) in all.iter().zip(&scores).enumerate() {
        let group = groups.iter().find(|group| group.members.contains(&at));
        let result = one.run.as_ref().and_then(|run| run.result.as_ref());
        let front = match result {
            Some(result) => result["front"].as_array().map(Vec::len),
            None => Some(one.rows.len()),
        };
        records.push(vec![
            one.name.as_str().into(),
            group.map_or("", |group| &*group.name).into(),
            one.seed.as_str().into(),
            one.run.as_ref().map_or(Cell::Absent, |run| run.done.into()),
            front.map_or(Cell::Absent, Cell::from),
            Some(score.hypervolume).into(),
            Some(score.igd).into(),
            result.and_then(|result| result["scores"]["hypervolume_ratio"].as_f64()).into(),
        ]);
    }
    if arguments.format != Format::Table {
        records.print(arguments.format)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = ["run", "seed", "evaluated", "front", "hypervolume", "igd"];
    let records = records.only(&shown).heading("hypervolume", "HV").heading("igd", "IGD");
    let mut text = records.table();
    text += "\n";
    text += &in_groups(&groups, &all, &scores);
    text += "HV, IGD: objectives scaled to [0, 1] by the range over all runs and files;\n  \
             reference point 1; distance to the front of all together\n";
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// What is compared, in the order given, and its objectives.
    fn read(&self) -> Result<(Vec<Compared>, Vec<Objective>), Failure> {
        let (files, folders): (Vec<&PathBuf>, Vec<&PathBuf>) =
            self.fronts.iter().partition(|path| is_file(path));
        let (runs, mut objectives) = runs(folders)?;
        match (runs.is_empty(), self.objectives.is_empty()) {
            (true, false) => objectives = front::objectives(&self.objectives)?,
            (true, true) => {
                return Err(Failure::input(
                    "which columns of the files are objectives? Name them, for example --objectives accuracy_percent:max,latency_ms:min; or score the files on true values with nas front-score",
                ));
            }
            (false, true) => {}
            (false, false) => {
                return Err(Failure::input(
                    "--objectives has no effect beside runs, which have their own: leave it out",
                ));
            }
        }
        let files = files.into_iter().map(|file| Compared::of_file(file, &objectives));
        let mut files = files.collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut runs = runs.into_iter();
        let mut all = Vec::new();
        for path in &self.fronts {
            if is_file(path) {
                all.extend(files.next().unwrap_or_default());
            } else if let Some(run) = runs.next() {
                all.push(Compared::of_run(run, &objectives)?);
            }
        }
        if all.len() < 2 {
            return Err(Failure::input(format!(
                "{} contains one front alone: name another run or file to compare it with",
                self.fronts[0].display()
            )));
        }
        of_one_pair(&all)?;
        Ok((all, objectives))
    }
}

fn score(all: &[Compared], directions: &[Direction]) -> Result<Vec<Scores>, Failure> {
    let points = PointSet::from_rows(all.iter().flat_map(|one| &one.rows), directions)?;
    if points.as_points().is_empty() {
        return Err(Failure::input("none of these runs has a value of each objective"));
    }
    let bounds = Bounds::of(&points)?;
    let minimised = vec![Direction::Minimise; directions.len()];
    let front = |points: &PointSet| {
        let rows: Vec<&[f64]> = points.as_points().iter().collect();
        let best = non_dominated(points)?.into_iter().map(|at| rows[at]);
        PointSet::from_rows(best, &minimised)
    };
    let best = front(&bounds.scale(&points)?)?;
    let reference = vec![1.0; directions.len()];
    let score = |one: &Compared| {
        if one.rows.is_empty() {
            return Ok(Scores { hypervolume: 0.0, igd: f64::NAN });
        }
        let found = front(&bounds.scale(&PointSet::from_rows(&one.rows, directions)?)?)?;
        let hypervolume = hypervolume(&found, &reference)?;
        Ok(Scores { hypervolume, igd: igd(&found, &best)? })
    };
    all.iter().map(score).collect()
}

/// Each group's means, and the differences of each two by the seeds that both have.
fn in_groups(groups: &[Group], all: &[Compared], scores: &[Scores]) -> String {
    let mut text = String::new();
    let estimate = |group: &Group, value: fn(&Scores) -> f64| -> Cell {
        let values: Vec<f64> = group.members.iter().map(|at| value(&scores[*at])).collect();
        Estimate::of(&values).text(4).into()
    };
    let mut records = Records::new(["group", "seeds", "HV", "IGD", "settings"]);
    for (number, group) in (1..).zip(groups) {
        records.push(vec![
            Cell::Count(number),
            group.members.len().into(),
            estimate(group, |score| score.hypervolume),
            estimate(group, |score| score.igd),
            group.name.as_str().into(),
        ]);
    }
    text += &records.table();
    text += "  ±: 95 % interval over the seeds of a group\n\n";
    let mut pairs = Records::new(["difference of HV", "seeds", "mean", "p"]);
    let by_seed = |group: &Group| -> BTreeMap<&str, f64> {
        group.members.iter().map(|at| (&*all[*at].seed, scores[*at].hypervolume)).collect()
    };
    let mut any = false;
    for (first, one) in groups.iter().enumerate() {
        for (second, other) in groups.iter().enumerate().skip(first + 1) {
            let (one, other) = (by_seed(one), by_seed(other));
            let differences: Vec<f64> =
                one.iter().filter_map(|(seed, value)| Some(value - other.get(seed)?)).collect();
            if differences.is_empty() {
                continue;
            }
            any = true;
            let difference = Difference::of(&differences);
            pairs.push(vec![
                format!("group {} minus group {}", first + 1, second + 1).into(),
                difference.seeds.into(),
                difference.text(4).into(),
                difference.p_text().into(),
            ]);
        }
    }
    if any {
        text += &pairs.table();
        text += &format!("  paired by the seeds that both groups have;\n  {PAIRED}\n\n");
    }
    text
}
