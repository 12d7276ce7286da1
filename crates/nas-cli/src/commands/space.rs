//! `nas space`: search spaces, and architectures of them.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_eval::{Problem, Statistic, spaces};
use nas_search::SearchRng;
use nas_space::{Arch, Decision, Space};
use rand::SeedableRng;

use crate::{
    arch::Architectures,
    failure::Failure,
    output::{Cell, Format, Records, counted, print_json},
    partition::population,
    space_arguments::{SpaceArguments, space_of},
    terminal::{print, write},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists the known search spaces, with what was published of each
    List {
        /// The format of the results
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Shows the decisions of a space and their choices
    Describe {
        #[command(flatten)]
        space: SpaceArguments,
        /// The format of the results
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Checks a space of your own in a TOML file, and shows its decisions or the first mistake
    #[command(after_help = FILE)]
    Check {
        /// The TOML file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Draws random architectures
    Sample {
        /// The number of architectures
        #[arg(long, short = 'n', value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        /// The seed of the sample
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        shown: Shown,
    },
    /// Shows architectures in all their forms, with numbers such as parameters
    Convert {
        #[command(flatten)]
        architectures: Architectures,
        #[command(flatten)]
        shown: Shown,
    },
}

/// Decisions that a check shows at most.
const SHOWN: usize = 100;

/// A file with a space.
const FILE: &str = "\
A file:
  name = \"my-network\"
  description = \"Part of the prompts of a language model.\"

  [[decision]]
  name = \"depth\"
  choices = [1, 2]

  [[decision]]
  name = \"kernel 2\"
  choices = [3, 5]
  if = { depth = 2 }             # with another depth it has no effect

  [[axis]]                       # a measure of complexity: a sum of products
  name = \"cost\"
  terms = [[\"depth\", 10], [\"kernel 2\", \"kernel 2\"]]

  [[axis]]                       # or the number of decisions with a choice
  name = \"fives\"
  count = \"5\"

  [[constraint]]                 # at_least, at_most or both
  axis = \"cost\"
  at_most = 40

  [[constraint]]                 # choices that exclude each other
  forbid = { depth = 2, \"kernel 2\" = [5] }";

#[derive(Debug, clap::Args)]
struct Shown {
    #[command(flatten)]
    space: SpaceArguments,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How architectures are written to standard output.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Form {
    /// Text for reading
    #[default]
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One JSON value
    Json,
    /// Only the architectures, a line each, as --file of other commands reads them
    Arch,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.action {
        Action::List { format } => list().print(*format)?,
        Action::Describe { space, format } => describe(&space.problem()?, *format)?,
        Action::Check { file } => check(file)?,
        Action::Sample { count, seed, shown } => {
            let problem = shown.space.problem()?;
            let rng = &mut SearchRng::seed_from_u64(*seed);
            let sample: Vec<Arch> = (0..*count).map(|_| problem.space.sample(rng)).collect();
            show(&problem, &sample, shown.format)?;
        }
        Action::Convert { architectures, shown } => {
            let problem = shown.space.problem()?;
            show(&problem, &architectures.read(&problem)?, shown.format)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The catalogue: a row for each known space.
fn list() -> Records {
    let columns = ["space", "networks", "accuracies", "datasets", "devices"];
    let mut records = Records::new(columns).heading("datasets", "data sets");
    for known in spaces::ALL {
        let mut datasets = known.datasets();
        let default = known.default_dataset();
        if default < datasets.len() {
            datasets[..=default].rotate_right(1);
        }
        let devices = known.devices(default).unwrap_or_default();
        let devices: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
        let or_none = |names: Vec<&str>| match &names[..] {
            [] => Cell::Absent,
            names => names.join(", ").into(),
        };
        records.push(vec![
            known.space().name().into(),
            known.networks_in_words().into(),
            known.accuracies_in_words().unwrap_or("none").into(),
            or_none(datasets),
            or_none(devices),
        ]);
    }
    records
}

/// The decisions of a space, and when each has an effect.
fn decisions(space: &Space, most: usize) -> Records {
    let conditional = space.is_conditional();
    let columns = ["decision", "choices", "has an effect if"];
    let mut records = Records::new(columns.into_iter().take(if conditional { 3 } else { 2 }));
    let condition = |decision: &Decision| match &decision.active {
        None => String::new(),
        Some(on) => {
            let earlier = &space.decisions()[on.decision];
            let choices =
                on.choices.iter().map(|&choice| earlier.choices[usize::from(choice)].as_str());
            format!("{} = {}", earlier.name, choices.collect::<Vec<_>>().join(" or "))
        }
    };
    for decision in space.decisions().iter().take(most) {
        let mut row = vec![decision.name.as_str().into(), decision.choices.join(", ").into()];
        row.extend(conditional.then(|| condition(decision).into()));
        records.push(row);
    }
    records
}

/// Architectures that are soon counted one by one.
const COUNTED: u64 = 1_000_000;

fn size_in_words(space: &Space) -> String {
    let Some(size) = space.size() else { return "more than 10¹⁹ architectures".to_owned() };
    let all = counted(usize::try_from(size).unwrap_or(usize::MAX), "architecture");
    match space.allowed(COUNTED) {
        _ if space.constraints().is_empty() => all,
        Some(allowed) => format!("{all}, {allowed} of them allowed by the constraints"),
        None => format!("{all}, minus those that constraints forbid"),
    }
}

fn describe(problem: &Problem, format: Format) -> Result<(), Failure> {
    let space = problem.space;
    if format == Format::Json {
        let value = serde_json::to_value(space)
            .map_err(|error| Failure::work(format!("cannot write JSON: {error}")))?;
        return print_json(&value);
    }
    let records = decisions(space, usize::MAX);
    if format == Format::Table {
        let classes = problem.numbering.map_or_else(String::new, |numbering| {
            format!(", {} isomorphism classes", numbering.classes)
        });
        print(&format!(
            "{}: {}{classes}\n{}\n\n",
            space.name(),
            size_in_words(space),
            space.description()
        ))?;
    }
    records.print(format)
}

fn check(file: &Path) -> Result<(), Failure> {
    let space = space_of(file)?;
    let population = population(&space);
    let mut text = format!(
        "{}: {}, {}\n",
        space.name(),
        counted(space.decisions().len(), "decision"),
        size_in_words(&space)
    );
    if !space.description().is_empty() {
        text += &format!("{}\n", space.description());
    }
    text += &format!("\n{}", decisions(&space, SHOWN).table());
    if let Some(more @ 1..) = space.decisions().len().checked_sub(SHOWN) {
        text += &format!("  and {more} more\n");
    }
    if !space.axes().is_empty() {
        let mut records = Records::new(["axis", "least", "median", "greatest"]);
        for axis in space.axes() {
            let mut values: Vec<f64> =
                population.iter().map(|arch| space.axis_value(axis, arch)).collect();
            values.sort_by(f64::total_cmp);
            let at = |share: usize| values.get(share * values.len().saturating_sub(1) / 2).copied();
            let numbers = [0, 1, 2].map(|share| at(share).into());
            records.push(std::iter::once(axis.name.as_str().into()).chain(numbers).collect());
        }
        text += &format!("\n{}", records.table());
        if space.size() != Some(population.len() as u64) {
            text += &format!("  of {} architectures\n", population.len());
        }
    }
    let arch = population.get(population.len() / 2).filter(|_| space.decisions().len() <= SHOWN);
    if let Some(arch) = arch {
        text += &format!("\nan architecture:\n  {}\n", space.format(arch));
    }
    print(&text)
}

/// The benchmark's number of the class, where it counts classes.
fn class(problem: &Problem, arch: &Arch) -> Option<usize> {
    problem.numbering.map(|numbering| (numbering.class)(arch))
}

fn show(problem: &Problem, architectures: &[Arch], form: Form) -> Result<(), Failure> {
    let space = problem.space;
    let cell = space.cell();
    let format = match form {
        Form::Table => Format::Table,
        Form::Csv => Format::Csv,
        Form::Json => Format::Json,
        Form::Arch => {
            let lines: String =
                architectures.iter().map(|arch| space.format(arch) + "\n").collect();
            return write(&lines);
        }
    };
    if format == Format::Table {
        for arch in architectures {
            let mut names = Vec::new();
            names.extend(problem.index(arch).map(|index| format!("index {index}")));
            names.extend(class(problem, arch).map(|class| format!("class {class}")));
            names.extend(
                problem
                    .forms
                    .iter()
                    .map(|(name, form)| format!("{} {}", name.replace('_', " "), form(arch))),
            );
            if !space.is_connected(arch) {
                names.push("no path from input to output".to_owned());
            }
            let numbers = |arch: &Arch| {
                let number = |statistic: &Statistic| {
                    let count = Cell::whole(statistic.of(arch)).rounded();
                    format!("{count} {}", statistic.heading)
                };
                problem.statistics.iter().map(number).collect::<Vec<_>>().join(", ")
            };
            let mut text = format!("{}\n", space.format(arch));
            if !names.is_empty() {
                text += &format!("  {}\n", names.join("  "));
            }
            if !problem.statistics.is_empty() {
                text += &format!("  {}\n", numbers(arch));
                if cell.is_some() {
                    let pruned = numbers(&space.prune(arch));
                    text += &format!("  without unreachable operations: {pruned}\n");
                }
            }
            print(&text)?;
        }
        return Ok(());
    }
    let mut columns: Vec<String> = Vec::new();
    columns.extend(problem.numbering.map(|_| "index".to_owned()));
    columns.extend(problem.numbering.map(|_| "class".to_owned()));
    columns.push("arch".to_owned());
    columns.extend(problem.forms.iter().map(|(name, _)| (*name).to_owned()));
    columns.extend(cell.map(|_| "connected".to_owned()));
    columns.extend(problem.statistics.iter().map(|statistic| statistic.name.clone()));
    let pruned = problem.statistics.iter().filter(|_| cell.is_some());
    columns.extend(pruned.map(|statistic| format!("pruned_{}", statistic.name)));
    let mut records = Records::new(columns);
    for arch in architectures {
        let mut row: Vec<Cell> = Vec::new();
        row.extend(problem.index(arch).map(Cell::from));
        row.extend(class(problem, arch).map(Cell::from));
        row.push(space.format(arch).into());
        row.extend(problem.forms.iter().map(|(_, form)| Cell::from(form(arch))));
        row.extend(cell.map(|_| Cell::Flag(space.is_connected(arch))));
        row.extend(problem.statistics.iter().map(|statistic| Cell::whole(statistic.of(arch))));
        let pruned = problem.statistics.iter().filter(|_| cell.is_some());
        row.extend(pruned.map(|statistic| Cell::whole(statistic.of(&space.prune(arch)))));
        records.push(row);
    }
    records.print(format)
}
