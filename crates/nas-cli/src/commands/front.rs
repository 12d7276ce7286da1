//! `nas front`: the non-dominated rows of a CSV file.

use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
    process::ExitCode,
};

use nas_eval::{check_header, csv_place, read_text};
use nas_pareto::{Bounds, Direction, PointSet, hypervolume, igd, igd_plus, non_dominated};
use serde_json::json;

use crate::{
    failure::Failure,
    output::{Cell, Format, Records, print_json, rounded},
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A CSV file with a header
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The columns to optimise, each with min or max, for example
    /// accuracy_percent:max,latency_ms:min; one whose name contains a comma in double quotes, as in
    /// '"size, MB:min",latency_ms:min'
    #[arg(long, value_name = "COLUMN:min|max,…", required = true)]
    objectives: Vec<String>,
    /// The reference point of the hypervolume, in the units of the columns: a value for each
    /// objective that is worse than all values that should count
    #[arg(long, value_name = "X,Y,…", value_delimiter = ',', allow_hyphen_values = true)]
    reference: Vec<f64>,
    /// The exact front as a CSV file with the same columns: adds IGD and IGD+
    #[arg(long, value_name = "FILE")]
    exact: Option<PathBuf>,
    /// Scale the objectives to [0, 1] by their least and greatest value in FILE (with --exact: in
    /// both files); without --reference the reference point is then 1 for each
    #[arg(long)]
    scale: bool,
    /// The format of the results
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Arguments {
    /// The reference point of the minimised objectives, in the columns' units.
    fn reference(&self, directions: &[Direction]) -> Option<Vec<f64>> {
        let minimised = |(value, d): (&f64, &Direction)| d.minimised(*value);
        let given = self.reference.iter().zip(directions).map(minimised);
        (!self.reference.is_empty()).then(|| given.collect())
    }
}

/// An objective of the command line.
struct Objective {
    column: String,
    direction: Direction,
}

/// A CSV file's rows and the objectives of those rows that have all of them.
struct Candidates {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// For each complete row its position, and its objectives as in the file.
    complete: Vec<(usize, Vec<f64>)>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let objectives = parsed(&arguments.objectives)?;
    if !arguments.reference.is_empty() && arguments.reference.len() != objectives.len() {
        return Err(Failure::input(format!(
            "--reference has {} values for {} objectives: give one for each",
            arguments.reference.len(),
            objectives.len()
        )));
    }
    let directions: Vec<Direction> = objectives.iter().map(|o| o.direction).collect();
    let found = Candidates::read(&arguments.file, &objectives)?;
    let exact =
        arguments.exact.as_deref().map(|file| Candidates::read(file, &objectives)).transpose()?;

    let mut points = found.minimised(&directions)?;
    let mut exact = exact.map(|exact| exact.minimised(&directions)).transpose()?;
    let mut reference = arguments.reference(&directions);
    if arguments.scale {
        (points, exact, reference) = scaled(&points, exact, reference)?;
    }
    let mut front = non_dominated(&points)?;
    // The best in the first objective first.
    let rows: Vec<&[f64]> = points.as_points().iter().collect();
    front.sort_by(|a, b| rows[*a].partial_cmp(rows[*b]).unwrap_or(Ordering::Equal));
    let is_equal =
        |pair: &&[usize]| rows[pair[0]].partial_cmp(rows[pair[1]]) == Some(Ordering::Equal);
    let equal = front.windows(2).filter(is_equal).count();
    let within = reference.as_ref().map(|reference| Within::of(&rows, reference));
    let volume = reference.map(|reference| hypervolume(&points, &reference)).transpose()?;
    let distances = match &exact {
        None => None,
        Some(exact) => {
            let minimised = vec![Direction::Minimise; directions.len()];
            let rows: Vec<&[f64]> = exact.as_points().iter().collect();
            let front = non_dominated(exact)?.into_iter().map(|at| rows[at]);
            let front = PointSet::from_rows(front, &minimised)?;
            Some((igd(&points, &front)?, igd_plus(&points, &front)?))
        }
    };

    // A CSV contains the values as they are in the file.
    let numeric = match arguments.format {
        Format::Csv => vec![false; found.header.len()],
        _ => found.numeric(),
    };
    let mut records = Records::new(found.header.clone());
    for &at in &front {
        let row = &found.rows[found.complete[at].0];
        records
            .push(row.iter().zip(&numeric).map(|(value, numeric)| cell(value, *numeric)).collect());
    }
    let skipped = found.rows.len() - found.complete.len();
    match arguments.format {
        Format::Json => print_json(&json!({
            "front": records.json(),
            "rows": found.rows.len(),
            "rows_without_an_objective": skipped,
            "hypervolume": volume,
            "points_within_reference": within.as_ref().map(|within| within.count),
            "igd": distances.map(|(igd, _)| igd),
            "igd_plus": distances.map(|(_, igd_plus)| igd_plus),
        }))?,
        format => {
            let objectives: Vec<&str> = objectives.iter().map(|one| one.column.as_str()).collect();
            let left_out = if format == Format::Table {
                let (fitting, left_out) = records.fitting(&objectives);
                fitting.print(format)?;
                left_out
            } else {
                records.print(format)?;
                Vec::new()
            };
            let mut summary =
                format!("{} of {} rows are non-dominated", front.len(), found.rows.len());
            if equal > 0 {
                summary += &format!(", which are {} different points", front.len() - equal);
            }
            if skipped > 0 {
                summary += &format!(", {skipped} lack an objective");
            }
            if let Some(volume) = volume {
                summary += &format!("; hypervolume {}", rounded(volume));
            }
            if let Some(within) = within.filter(|within| within.count < rows.len()) {
                summary += &within.in_words(rows.len(), &objectives);
            }
            if let Some((igd, igd_plus)) = distances {
                summary += &format!("; IGD {}, IGD+ {}", rounded(igd), rounded(igd_plus));
            }
            if !left_out.is_empty() {
                let left_out = left_out.join(", ");
                summary += &format!("\nnot shown: {left_out}; --format csv prints all columns");
            }
            // A CSV stays a CSV: its summary goes to standard error.
            match format {
                Format::Csv => note(&summary),
                _ => print(&format!("\n{summary}\n"))?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The objectives that `--objectives` names.
pub fn objectives(texts: &[String]) -> Result<Vec<nas_search::Objective>, Failure> {
    let typed =
        |Objective { column, direction }| nas_search::Objective::from_column(&column, direction);
    Ok(parsed(texts)?.into_iter().map(typed).collect())
}

fn parsed(texts: &[String]) -> Result<Vec<Objective>, Failure> {
    let mut objectives = Vec::new();
    for text in texts {
        for one in quoted_items(text)? {
            objectives.push(Objective::parse(&one)?);
        }
    }
    Ok(objectives)
}

/// Points, an exact front and a reference point, scaled to [0, 1] by the least and greatest value of
/// each objective; the reference point is 1 for each where none is given.
#[allow(clippy::type_complexity)]
fn scaled(
    points: &PointSet,
    exact: Option<PointSet>,
    reference: Option<Vec<f64>>,
) -> Result<(PointSet, Option<PointSet>, Option<Vec<f64>>), Failure> {
    let both = points.as_points().iter().chain(exact.iter().flat_map(|e| e.as_points().iter()));
    let minimised = vec![Direction::Minimise; points.as_points().dimension()];
    let bounds = Bounds::of(&PointSet::from_rows(both, &minimised)?)?;
    let reference = match reference {
        None => Some(vec![1.0; minimised.len()]),
        Some(given) => {
            let given = PointSet::from_rows([&given[..]], &minimised)?;
            bounds.scale(&given)?.as_points().iter().next().map(<[f64]>::to_vec)
        }
    };
    let exact = exact.map(|exact| bounds.scale(&exact)).transpose()?;
    Ok((bounds.scale(points)?, exact, reference))
}

/// Which points lie within the reference point, and so count for the hypervolume.
struct Within {
    count: usize,
    /// How many points each objective excludes.
    excluded: Vec<usize>,
}

impl Within {
    fn of(points: &[&[f64]], reference: &[f64]) -> Self {
        let beyond = |at: usize, point: &&&[f64]| point[at] >= reference[at];
        let all = 0..reference.len();
        let inside = |point: &&&[f64]| !all.clone().any(|at| beyond(at, point));
        Self {
            count: points.iter().filter(inside).count(),
            excluded: all
                .clone()
                .map(|at| points.iter().filter(|p| beyond(at, p)).count())
                .collect(),
        }
    }

    /// How many points do not count, and why.
    fn in_words(&self, all: usize, objectives: &[&str]) -> String {
        let excluded = objectives.iter().zip(&self.excluded).filter(|(_, count)| **count > 0);
        let excluded: Vec<String> =
            excluded.map(|(name, count)| format!("{name} excludes {count}")).collect();
        let inside = match self.count {
            0 => "no row lies".to_owned(),
            1 => format!("1 of {all} rows lies"),
            count => format!("{count} of {all} rows lie"),
        };
        format!(
            "\n{inside} within the reference point ({}); expected a value for each objective, in order, that is worse than those of the rows",
            excluded.join(", ")
        )
    }
}

/// The items of a list that is separated by commas; one in double quotes may contain commas.
fn quoted_items(text: &str) -> Result<Vec<String>, Failure> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let record = reader.records().next().transpose();
    let record = record.map_err(|error| Failure::input(format!("`{text}`: {error}")))?;
    Ok(record.iter().flatten().map(str::to_owned).collect())
}

/// A value of a file; of a column of numbers, a number.
fn cell(text: &str, is_number: bool) -> Cell {
    match text.parse() {
        Ok(number) if is_number => Cell::whole(number),
        _ if text.is_empty() => Cell::Absent,
        _ => text.into(),
    }
}

impl Objective {
    fn parse(text: &str) -> Result<Self, Failure> {
        let direction = match text.trim().rsplit_once(':') {
            Some((column, "min")) => Some((column, Direction::Minimise)),
            Some((column, "max")) => Some((column, Direction::Maximise)),
            _ => None,
        };
        let Some((column, direction)) = direction else {
            return Err(Failure::input(format!(
                "objective `{text}`: expected a column and its direction, for example latency_ms:min or accuracy_percent:max"
            )));
        };
        Ok(Self { column: column.to_owned(), direction })
    }
}

impl Candidates {
    fn read(file: &Path, objectives: &[Objective]) -> Result<Self, Failure> {
        let name = file.display();
        let cannot = |error: csv::Error| Failure::input(csv_place(&name.to_string(), &error));
        let text = read_text(file).map_err(|error| Failure::file("read", file, &error))?;
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(cannot)?.iter().map(str::to_owned).collect();
        check_header(header.iter().map(String::as_str))
            .map_err(|problem| Failure::input(format!("{name}: {problem}")))?;
        let columns = objectives
            .iter()
            .map(|objective| {
                header.iter().position(|title| *title == objective.column).ok_or_else(|| {
                    let known = header.iter().map(String::as_str);
                    let unknown =
                        nas_space::Error::unknown_name("column", &objective.column, known);
                    Failure::input(format!("{name}: {unknown}"))
                })
            })
            .collect::<Result<Vec<usize>, Failure>>()?;
        let mut this = Self { header, rows: Vec::new(), complete: Vec::new() };
        for record in reader.records() {
            let record = record.map_err(cannot)?;
            let line = record.position().map_or(0, csv::Position::line);
            let mut values = Vec::new();
            for (&column, objective) in columns.iter().zip(objectives) {
                let text = &record[column];
                if text.is_empty() {
                    continue;
                }
                let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
                values.push(value.ok_or_else(|| {
                    Failure::input(format!(
                        "{name}, row {line}, column {}: `{text}`; expected a finite number, or nothing for a missing value",
                        objective.column
                    ))
                })?);
            }
            if values.len() == objectives.len() {
                this.complete.push((this.rows.len(), values));
            }
            this.rows.push(record.iter().map(str::to_owned).collect());
        }
        if this.complete.is_empty() {
            return Err(Failure::input(format!("{name}: no row has all objectives")));
        }
        Ok(this)
    }

    /// Which columns contain numbers alone: no texts, and no numbers such as 007.
    fn numeric(&self) -> Vec<bool> {
        let is_number = |text: &String| {
            let digits = text.trim_start_matches('-');
            let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
            text.is_empty() || !padded && text.parse::<f64>().is_ok_and(f64::is_finite)
        };
        let column = |at: usize| self.rows.iter().all(|row| row.get(at).is_none_or(is_number));
        (0..self.header.len()).map(column).collect()
    }

    fn minimised(&self, directions: &[Direction]) -> Result<PointSet, Failure> {
        Ok(PointSet::from_rows(self.complete.iter().map(|(_, values)| values), directions)?)
    }
}
