//! `nas data`: what a data set contains.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use nas_data::{Dataset, Options, PartName, Shape, Survey};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    output::{Cell, Format, Records, counted, print_json},
    progress::Progress,
    terminal::print,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Data are a folder with a folder of PNG or JPEG files for each class, or such in
train/ and val/ (and test/); the folder or a file of CIFAR-10 or CIFAR-100 in
its binary version; or an .npz file with arrays x and y.

Examples:
  nas data flowers
  nas data flowers --size 96 --holdout 0.1
  nas data measurements.npz --format json")]
pub struct Arguments {
    /// A folder or file of labelled images or sequences
    #[arg(value_name = "WHERE")]
    path: PathBuf,
    /// The format of the results; csv has a row for each class
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    how: HowRead,
}

/// How examples are read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct HowRead {
    /// The side in pixels that images are scaled to; of others than squares the middle is kept
    /// [default: their own]
    #[arg(long, value_name = "PIXELS")]
    size: Option<usize>,
    /// The share of each class that is held out to measure accuracy on, where the data have no such
    /// part
    #[arg(long, value_name = "SHARE", default_value_t = nas_data::HELD_OUT)]
    holdout: f64,
    /// The seed that draws what is held out
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    holdout_seed: u64,
}

impl HowRead {
    pub fn options(&self) -> Options {
        Options { hold_out: self.holdout, seed: self.holdout_seed, size: self.size }
    }
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut data = Dataset::open(&arguments.path, &arguments.how.options())?;
    let survey = read_all(&data);
    // What is counted can be read. A class without such a file is counted too, as 0.
    let _ = data.without(&survey.unreadable);
    match arguments.format {
        Format::Table => print(&in_words(&data, &survey))?,
        Format::Csv => classes(&data).print(Format::Csv)?,
        Format::Json => print_json(&as_json(&data, &survey))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads everything once, with its progress.
pub fn read_all(data: &Dataset) -> Survey {
    let total = PartName::ALL.iter().map(|part| data.count(*part)).sum();
    let progress = Mutex::new(Progress::new("reading", total));
    let shown = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let survey = data.survey(threads, |done| {
        // Few of the threads wait for the terminal.
        if done >= shown.load(Ordering::Relaxed) + 50 || done == total {
            shown.store(done, Ordering::Relaxed);
            if let Ok(mut progress) = progress.lock() {
                progress.update(done, "");
            }
        }
    });
    if let Ok(progress) = progress.into_inner() {
        progress.finish();
    }
    survey
}

/// The parts that have examples.
fn parts(data: &Dataset) -> Vec<PartName> {
    PartName::ALL.into_iter().filter(|part| data.count(*part) > 0).collect()
}

/// The number of examples of each class in each part.
fn classes(data: &Dataset) -> Records {
    let parts = parts(data);
    let names = parts.iter().map(ToString::to_string);
    let mut records = Records::new(["class".to_owned()].into_iter().chain(names));
    let counts: Vec<Vec<usize>> = parts.iter().map(|part| data.counts(*part)).collect();
    for (label, class) in data.classes().iter().enumerate() {
        let row = counts.iter().map(|counts| counts[label].into());
        records.push([Cell::from(class.as_str())].into_iter().chain(row).collect());
    }
    records
}

/// Classes that a table shows.
const SHOWN: usize = 20;

/// Names that a line shows.
const NAMED: usize = 5;

fn in_words(data: &Dataset, survey: &Survey) -> String {
    let shape = data.shape();
    let what = shape.as_ref().map_or_else(ToString::to_string, ToString::to_string);
    let count = data.classes().len();
    let table = classes(data).spread(SHOWN).table();
    let mut text = format!("{}: {count} classes, {what}\n\n{table}", data.path().display());
    if count > SHOWN {
        text += &format!("  {SHOWN} of {count} classes; --format csv has all\n");
    }
    let totals = parts(data).into_iter();
    let totals: Vec<String> = totals.map(|part| format!("{part} {}", data.count(part))).collect();
    text += &format!("  in all: {}\n", totals.join(", "));
    text += &format!("\n{}", channels(survey, shape.ok()));
    for remark in remarks(data, survey) {
        text += &format!("\n{remark}\n");
    }
    text
}

fn channels(survey: &Survey, shape: Option<Shape>) -> String {
    let names = match shape.map(Shape::channels) {
        Some(1) => vec!["values".to_owned()],
        Some(3) | None => ["red", "green", "blue"].map(str::to_owned).to_vec(),
        Some(count) => (1..=count).map(|channel| channel.to_string()).collect(),
    };
    let mut records = Records::new(["channel", "mean", "deviation"]);
    for ((name, mean), deviation) in names.iter().zip(&survey.means).zip(&survey.deviations) {
        records.push(vec![name.as_str().into(), Some(*mean).into(), Some(*deviation).into()]);
    }
    format!("{}  of the training part\n", records.table())
}

/// What a user should know before training.
pub fn remarks(data: &Dataset, survey: &Survey) -> Vec<String> {
    let mut remarks = Vec::new();
    let Survey { unreadable, leaks, copies, contradictions, .. } = survey;
    if !unreadable.is_empty() {
        let lines = unreadable.iter().take(NAMED);
        let lines = lines.map(|(file, problem)| format!("\n  {}: {problem}", file.display()));
        remarks.push(format!(
            "{} cannot be read, and not counted:{}{}",
            counted(unreadable.len(), "file"),
            lines.collect::<String>(),
            more(unreadable.len())
        ));
    }
    if !leaks.is_empty() {
        let lines = leaks.iter().take(NAMED);
        let lines = lines.map(|(part, name)| format!("\n  {part}: {name}"));
        remarks.push(format!(
            "also in the training part: {}; accuracy on them is too good:{}{}",
            counted(leaks.len(), "example"),
            lines.collect::<String>(),
            more(leaks.len())
        ));
    }
    if *copies > 0 {
        let copies = counted(*copies, "example");
        remarks.push(format!("copies of others within the training part: {copies}"));
    }
    if *contradictions > 0 {
        let contradictions = counted(*contradictions, "example");
        remarks.push(format!(
            "copies with another class: {contradictions}; one of both labels is wrong"
        ));
    }
    let counts = data.counts(PartName::Train);
    if let (Some(least), Some(most)) = (counts.iter().min(), counts.iter().max())
        && *most >= 3 * least
    {
        remarks.push(format!(
            "the largest class has {most} examples to train on, the smallest {least}"
        ));
    }
    let others = data.other_files();
    if !others.is_empty() {
        let kinds: Vec<String> = others
            .iter()
            .map(|(end, count)| match end.as_str() {
                "" => format!("{count} without an extension"),
                end => format!("{count} .{end}"),
            })
            .collect();
        remarks.push(format!("files that are no PNG or JPEG are left out: {}", kinds.join(", ")));
    }
    remarks
}

fn more(count: usize) -> String {
    if count > NAMED { format!("\n  and {} more", count - NAMED) } else { String::new() }
}

fn as_json(data: &Dataset, survey: &Survey) -> Value {
    let path = |path: &Path| path.display().to_string();
    let unreadable = survey.unreadable.iter();
    let unreadable =
        unreadable.map(|(file, problem)| json!({ "file": path(file), "problem": problem }));
    let leaks = survey.leaks.iter();
    let leaks = leaks.map(|(part, name)| json!({ "part": part.to_string(), "example": name }));
    let shape = data.shape().ok().map(|shape| match shape {
        Shape::Image { channels, height, width } => json!([channels, height, width]),
        Shape::Sequence { channels, length } => json!([channels, length]),
    });
    json!({
        "path": path(data.path()),
        "shape": shape,
        "classes": classes(data).json(),
        "means": survey.means,
        "deviations": survey.deviations,
        "unreadable": unreadable.collect::<Vec<_>>(),
        "leaks": leaks.collect::<Vec<_>>(),
        "copies": survey.copies,
        "contradictions": survey.contradictions,
        "other_files": data.other_files(),
    })
}
