//! `nas compare`: the fronts of runs, by hypervolume and distance, paired by their seeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
};

use nas_pareto::{
    Bounds, Direction, PointSet, hypervolume, igd, non_dominated,
    statistics::{Estimate, paired_p},
};
use nas_search::Objective;

use crate::{
    commands::runs::{RunSummary, State},
    failure::Failure,
    output::{Cell, Format, Records, counted},
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Runs that differ only in the seed are one group. Objectives are scaled to
[0, 1] by the least and greatest value that any of the runs evaluated; the
reference point is 1 for each. IGD is the mean distance to the front of all runs
together.")]
pub struct Arguments {
    /// The runs' folders, two or more
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Settings in which runs of one group may differ: the seed, and where and how they ran.
const IGNORED: [&str; 6] = ["seed", "folder", "format", "data", "model.replay", "model.record"];

/// A run with the complete rows of what it evaluated.
struct Run {
    summary: RunSummary,
    rows: Vec<Vec<f64>>,
}

struct Scores {
    hypervolume: f64,
    igd: f64,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut objectives: Option<Vec<Objective>> = None;
    let mut runs = Vec::new();
    for path in &arguments.runs {
        let summary = RunSummary::read(path)?;
        let own = objectives_of(&summary)?;
        let first = objectives.get_or_insert_with(|| own.clone());
        if *first != own {
            let columns = |all: &[Objective]| {
                all.iter().map(Objective::column).collect::<Vec<_>>().join(", ")
            };
            return Err(Failure::input(format!(
                "{} has the objectives {}, but {} has {}: fronts of different objectives cannot be compared",
                path.display(),
                columns(&own),
                arguments.runs[0].display(),
                columns(first)
            )));
        }
        for name in ["dataset", "device"] {
            let first = runs.first().map_or(&summary, |run: &Run| &run.summary);
            let (own, first) = (summary.setting(name), first.setting(name));
            if own != first {
                return Err(Failure::input(format!(
                    "{} is of {name} {own}, {} of {first}: their values cannot be compared",
                    path.display(),
                    arguments.runs[0].display()
                )));
            }
        }
        let rows = rows(&summary, &own)?;
        runs.push(Run { summary, rows });
    }
    let directions: Vec<Direction> =
        objectives.iter().flatten().map(|objective| objective.direction).collect();
    let scores = score(&runs, &directions)?;
    let groups = groups(&runs);
    one_of_each_seed(&groups, &runs)?;
    for summary in
        runs.iter().map(|run| &run.summary).filter(|summary| summary.state != State::Ended)
    {
        let path = summary.folder.path().display();
        note(&format!(
            "warning: the search of {path} has not ended: {} so far",
            counted(summary.evaluated, "evaluation")
        ));
    }

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
    for (at, (run, score)) in runs.iter().zip(&scores).enumerate() {
        let group = groups.iter().find(|group| group.members.contains(&at));
        let result = run.summary.result.as_ref();
        let front = result.and_then(|result| Some(result["front"].as_array()?.len()));
        records.push(vec![
            run.summary.folder.path().display().to_string().into(),
            group.map_or("", |group| &*group.name).into(),
            run.summary.setting("seed").into(),
            run.summary.evaluated.into(),
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
    text += &in_groups(&groups, &runs, &scores);
    text += "HV, IGD: objectives scaled to [0, 1] by the range over all runs;\n  \
             reference point 1; distance to the front of all runs together\n";
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn objectives_of(summary: &RunSummary) -> Result<Vec<Objective>, Failure> {
    let path = summary.folder.path().display();
    let Some(result) = &summary.result else { return Err(summary.without_results()) };
    let objectives: Option<Vec<Objective>> =
        serde_json::from_value(result["objectives"].clone()).ok();
    objectives.filter(|all| !all.is_empty()).ok_or_else(|| {
        Failure::input(format!("{path}: its front.json does not list the objectives"))
    })
}

/// The objectives of what a run evaluated, of architectures that have all of them.
fn rows(summary: &RunSummary, objectives: &[Objective]) -> Result<Vec<Vec<f64>>, Failure> {
    let file = summary.folder.file("evaluations.csv");
    let wrong =
        |what: &dyn std::fmt::Display| Failure::input(format!("{}: {what}", file.display()));
    let mut reader = csv::Reader::from_path(&file).map_err(|error| wrong(&error))?;
    let header = reader.headers().map_err(|error| wrong(&error))?.clone();
    let places: Vec<usize> = objectives
        .iter()
        .map(|objective| {
            let column = objective.column();
            header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| wrong(&format!("there is no column {column}")))
        })
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| wrong(&error))?;
        let mut row = Vec::with_capacity(places.len());
        for &place in &places {
            match record.get(place).unwrap_or_default() {
                "" => break,
                text => match text.parse::<f64>() {
                    Ok(value) if value.is_finite() => row.push(value),
                    _ => {
                        return Err(wrong(&format!("line {line}: {text} is no finite number")));
                    }
                },
            }
        }
        if row.len() == places.len() {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn score(runs: &[Run], directions: &[Direction]) -> Result<Vec<Scores>, Failure> {
    let all = PointSet::from_rows(runs.iter().flat_map(|run| &run.rows), directions)?;
    if all.as_points().is_empty() {
        return Err(Failure::input("none of these runs has a value of each objective"));
    }
    let bounds = Bounds::of(&all)?;
    let minimised = vec![Direction::Minimise; directions.len()];
    let front = |points: &PointSet| {
        let rows: Vec<&[f64]> = points.as_points().iter().collect();
        let best = non_dominated(points)?.into_iter().map(|at| rows[at]);
        PointSet::from_rows(best, &minimised)
    };
    let best = front(&bounds.scale(&all)?)?;
    let reference = vec![1.0; directions.len()];
    let score = |run: &Run| {
        if run.rows.is_empty() {
            return Ok(Scores { hypervolume: 0.0, igd: f64::NAN });
        }
        let found = front(&bounds.scale(&PointSet::from_rows(&run.rows, directions)?)?)?;
        let hypervolume = hypervolume(&found, &reference)?;
        Ok(Scores { hypervolume, igd: igd(&found, &best)? })
    };
    runs.iter().map(score).collect()
}

/// Runs that differ only in the seed.
struct Group {
    /// The settings in which groups differ.
    name: String,
    members: Vec<usize>,
}

fn groups(runs: &[Run]) -> Vec<Group> {
    let settings = |run: &Run| -> BTreeMap<String, String> {
        let settings = run.summary.settings.iter().cloned();
        settings.filter(|(name, _)| !IGNORED.contains(&name.as_str())).collect()
    };
    let mut all: Vec<(BTreeMap<String, String>, Vec<usize>)> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let own = settings(run);
        match all.iter_mut().find(|(known, _)| *known == own) {
            Some((_, members)) => members.push(at),
            None => all.push((own, vec![at])),
        }
    }
    let names: BTreeSet<&String> = all.iter().flat_map(|(settings, _)| settings.keys()).collect();
    let differs = |name: &&&String| {
        all.iter().any(|(settings, _)| settings.get(**name) != all[0].0.get(**name))
    };
    let differing: Vec<&String> = names.iter().filter(differs).copied().collect();
    let name = |settings: &BTreeMap<String, String>| {
        let shown = differing
            .iter()
            .map(|name| format!("{name} {}", settings.get(*name).map_or("-", String::as_str)));
        shown.collect::<Vec<_>>().join(", ")
    };
    all.iter()
        .map(|(settings, members)| Group { name: name(settings), members: members.clone() })
        .collect()
}

/// Refuses a group with a seed twice: its interval would be of fewer runs than it seems.
fn one_of_each_seed(groups: &[Group], runs: &[Run]) -> Result<(), Failure> {
    for group in groups {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for &at in &group.members {
            let seed = runs[at].summary.setting("seed").to_owned();
            if let Some(earlier) = known.insert(seed.clone(), at) {
                let [one, other] = [earlier, at].map(|at| runs[at].summary.folder.path().display());
                return Err(Failure::input(format!(
                    "{one} and {other} are the same search with the same seed, {seed}: name one of them"
                )));
            }
        }
    }
    Ok(())
}

/// Each group's means, and the differences of each two by the seeds that both have.
fn in_groups(groups: &[Group], runs: &[Run], scores: &[Scores]) -> String {
    let mut text = String::new();
    let estimate = |group: &Group, value: fn(&Scores) -> f64| -> Cell {
        let values: Vec<f64> = group.members.iter().map(|at| value(&scores[*at])).collect();
        Estimate::of(&values).text(4).into()
    };
    let mut records = Records::new(["group", "runs", "HV", "IGD", "settings"]);
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
    text += "  ±: 95 % interval over the runs of a group, which differ only in the seed\n\n";
    let mut pairs = Records::new(["difference of HV", "seeds", "mean", "p"]);
    let by_seed = |group: &Group| -> BTreeMap<String, f64> {
        let members = group.members.iter();
        members
            .map(|at| (runs[*at].summary.setting("seed").to_owned(), scores[*at].hypervolume))
            .collect()
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
            let Estimate { mean, half } = Estimate::of(&differences);
            let half = half.map(|half| format!(" ± {half:.4}"));
            pairs.push(vec![
                format!("group {} minus group {}", first + 1, second + 1).into(),
                differences.len().into(),
                format!("{mean:+.4}{}", half.unwrap_or_default()).into(),
                paired_p(&differences).map_or("-".into(), |p| format!("{p:.3}").into()),
            ]);
        }
    }
    if any {
        text += &pairs.table();
        text += "  paired by the seeds that both groups have; p of a paired t-test,\n  \
                 not corrected for the number of pairs\n\n";
    }
    text
}
