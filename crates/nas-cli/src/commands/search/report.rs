use std::{path::Path, process::ExitCode};

use nas_eval::Scores;
use nas_search::{Detail, Evaluated, Evaluator, Outcome, Within};
use nas_space::nasbench201;
use serde_json::json;

use super::{Arguments, Objectives, space};
use crate::{
    failure::{Failure, NOT_WITHIN_LIMITS},
    figure::FrontFigure,
    output::{Cell, Format, Records, print, print_json, rounded},
};

/// Rows of the front that a terminal shows; files hold all.
const SHOWN: usize = 20;

/// What a search tells its user.
pub struct Report<'a> {
    arguments: &'a Arguments,
    objectives: &'a Objectives,
    details: Vec<Detail>,
    outcome: &'a Outcome,
    front: Vec<&'a Evaluated>,
    scores: Option<Scores>,
    within: Within<'a>,
}

impl<'a> Report<'a> {
    pub fn new(
        arguments: &'a Arguments,
        objectives: &'a Objectives,
        outcome: &'a Outcome,
    ) -> Result<Self, Failure> {
        let front = outcome.front();
        let scores = match &objectives.truth {
            Some(truth) => truth.score(front.iter().map(|found| &found.arch))?,
            None => None,
        };
        let within = outcome.best_within(&objectives.limits, |arch| space().is_connected(arch));
        let details = objectives.evaluator.details().to_vec();
        Ok(Self { arguments, objectives, details, outcome, front, scores, within })
    }

    /// The front in full.
    pub fn front(&self) -> Records {
        self.records(self.front.iter().copied())
    }

    /// Everything evaluated, in order.
    pub fn evaluations(&self) -> Records {
        self.records(self.outcome.evaluated.iter())
    }

    /// Test accuracy, where it is known and not an objective itself.
    fn test_accuracy(&self) -> Option<&Vec<f64>> {
        let is_objective = self.outcome.objectives.iter().any(|o| o.name == "test_accuracy");
        self.objectives.test_accuracy.as_ref().filter(|_| !is_objective)
    }

    fn records<'b>(&self, rows: impl Iterator<Item = &'b Evaluated>) -> Records {
        let mut columns = vec!["index".to_owned(), "arch".to_owned()];
        columns.extend(self.outcome.objectives.iter().map(nas_search::Objective::column));
        let test_accuracy = self.test_accuracy();
        columns.extend(test_accuracy.map(|_| "test_accuracy_percent".to_owned()));
        columns.extend(self.details.iter().map(Detail::column));
        let rest = ["parameters", "flops", "connected", "niche", "generation", "proposer"];
        columns.extend(rest.map(str::to_owned));
        let mut records = Records::new(columns);
        for found in rows {
            let (arch, dataset) = (&found.arch, self.arguments.dataset);
            let index = nasbench201::index(arch);
            let mut row: Vec<Cell> = vec![index.into(), space().format(arch).into()];
            row.extend(found.values.iter().copied().map(Cell::from));
            row.extend(test_accuracy.map(|accuracies| Cell::from(accuracies.get(index).copied())));
            row.extend(found.details.iter().copied().map(Cell::from));
            row.push(Cell::Count(nasbench201::parameters(arch, dataset)));
            row.push(Cell::Count(nasbench201::flops(arch, dataset)));
            row.push(Cell::Flag(space().is_connected(arch)));
            row.push((found.niche + 1).into());
            row.push(found.generation.into());
            row.push(found.proposer.as_str().into());
            records.push(row);
        }
        records
    }

    /// The front for a terminal: the cells by their short names, evenly chosen if there are many.
    fn short_front(&self) -> Records {
        let edges = space().decisions().iter().map(|decision| decision.name.as_str());
        let cell = format!("cell: {}", edges.collect::<Vec<_>>().join(" "));
        let test_accuracy = self.test_accuracy();
        let heading = |name: &str, unit: &str| {
            let name = name.replace('_', " ").replace("accuracy", "acc.");
            if unit.is_empty() { name } else { format!("{name} {unit}") }
        };
        let mut columns = vec!["index".to_owned()];
        columns.extend(self.outcome.objectives.iter().map(|o| heading(&o.name, &o.unit)));
        columns.extend(test_accuracy.map(|_| heading("test_accuracy", "%")));
        columns.push(cell);
        let mut records = Records::new(columns);
        let count = self.front.len();
        let shown = count.min(SHOWN);
        for row in 0..shown {
            let at = if shown > 1 { row * (count - 1) / (shown - 1) } else { 0 };
            let found = self.front[at];
            let index = nasbench201::index(&found.arch);
            let mut cells: Vec<Cell> = vec![index.into()];
            cells.extend(found.values.iter().copied().map(Cell::from));
            cells
                .extend(test_accuracy.map(|accuracies| Cell::from(accuracies.get(index).copied())));
            let note =
                if space().is_connected(&found.arch) { "" } else { "  (no path: chance level)" };
            cells.push(format!("{}{note}", space().short(&found.arch)).into());
            records.push(cells);
        }
        records
    }

    /// The picture: on true accuracy where it is known, else on the objectives themselves.
    pub fn figure(&self) -> FrontFigure<'_> {
        let outcome = self.outcome;
        let test_accuracy = self.objectives.test_accuracy.as_ref();
        // A score of proxies is what the search saw; elsewhere the truth is what counts.
        let accuracies = test_accuracy.filter(|_| self.objectives.truth.is_some());
        let place = |found: &Evaluated| {
            let seen = found.values.first().copied().flatten();
            let y = match accuracies {
                Some(accuracies) => accuracies.get(nasbench201::index(&found.arch)).copied(),
                None => seen,
            };
            Some((found.values.get(1).copied().flatten()?, y?))
        };
        // With more objectives the exact front is a surface: its shadow would mislead.
        let truth = self.objectives.truth.as_ref().filter(|_| outcome.objectives.len() == 2);
        let exact = truth.zip(accuracies).map(|(truth, accuracies)| {
            let mut exact: Vec<(f64, f64)> = truth
                .front()
                .iter()
                .filter_map(|arch| {
                    let latency = truth.values(arch)?.get(1).copied()?;
                    Some((latency, *accuracies.get(nasbench201::index(arch))?))
                })
                .collect();
            exact.sort_by(|a, b| a.0.total_cmp(&b.0));
            exact
        });
        let y = match (accuracies, outcome.objectives.first()) {
            (Some(_), _) => "test accuracy [%]",
            (None, Some(first)) if first.name == "score" => "zero-cost score [standard deviations]",
            (None, _) => "accuracy [%]",
        };
        let arguments = self.arguments;
        FrontFigure {
            title: format!(
                "NAS-Bench-201, {} on {}: {} of {} evaluated on the front",
                arguments.dataset,
                arguments.device_name(),
                self.front.len(),
                outcome.evaluated.len()
            ),
            x: "latency [ms]",
            y,
            evaluated: outcome.evaluated.iter().filter_map(place).collect(),
            front: self.front.iter().copied().filter_map(place).collect(),
            exact: exact.unwrap_or_default(),
        }
    }

    /// Prints everything in the format asked for. The exit code tells whether the limits are kept.
    pub fn print(&self, run: &Path) -> Result<ExitCode, Failure> {
        let limited = !self.objectives.limits.is_empty();
        match self.arguments.format {
            Format::Json => self.print_json(run)?,
            Format::Csv if limited => self.best_records().print(Format::Csv)?,
            Format::Csv => self.front().print(Format::Csv)?,
            Format::Table => self.print_table(run)?,
        }
        Ok(match self.within {
            Within::Best(_) => ExitCode::SUCCESS,
            _ if limited => {
                if self.arguments.format != Format::Table {
                    let limits = self.limits_in_words();
                    eprintln!("nothing found with {limits}; what is told is the nearest");
                }
                ExitCode::from(NOT_WITHIN_LIMITS)
            }
            _ => ExitCode::SUCCESS,
        })
    }

    fn best(&self) -> Option<&Evaluated> {
        match self.within {
            Within::Best(found) | Within::Nearest(found) => Some(found),
            Within::Nothing => None,
        }
    }

    fn best_records(&self) -> Records {
        self.records(self.best().into_iter())
    }

    fn print_table(&self, run: &Path) -> Result<(), Failure> {
        let mut text = self.short_front().table();
        let (count, evaluated) = (self.front.len(), self.outcome.evaluated.len());
        let shown = if count > SHOWN { format!(", {SHOWN} shown") } else { String::new() };
        text +=
            &format!("\n{count} of {evaluated} evaluated architectures are on the front{shown}\n");
        for origin in &self.objectives.origins {
            text += &format!("  {origin}\n");
        }
        if let Some(Scores { hypervolume, hypervolume_ratio, igd, igd_plus }) = self.scores {
            text += &format!(
                "HV ratio {hypervolume_ratio:.4}, HV {hypervolume:.4}, IGD {igd:.4}, IGD+ {igd_plus:.4}\n  on test accuracy, against the exact front of the whole space\n"
            );
        }
        if !self.objectives.limits.is_empty() {
            text += &self.best_in_words();
        }
        text += &format!("written to {}\n", run.display());
        print(&text)
    }

    fn limits_in_words(&self) -> String {
        let limits = self.objectives.limits.iter().map(|limit| {
            let objective = &self.outcome.objectives[limit.objective];
            format!("{} ≤ {} {}", objective.name, limit.at_most, objective.unit)
        });
        limits.collect::<Vec<_>>().join(" and ")
    }

    fn best_in_words(&self) -> String {
        let (limits, evaluated) = (self.limits_in_words(), self.outcome.evaluated.len());
        let (heading, found) = match self.within {
            Within::Best(found) => (format!("best of {evaluated} evaluated with {limits}:"), found),
            Within::Nearest(found) => (format!("nothing found with {limits}; the nearest:"), found),
            Within::Nothing => return format!("nothing found with {limits}\n"),
        };
        let arch = &found.arch;
        let values = self.outcome.objectives.iter().zip(&found.values).map(|(objective, value)| {
            let value = value.map_or_else(|| "-".to_owned(), rounded);
            format!("{} {value} {}", objective.name.replace('_', " "), objective.unit)
        });
        let mut values: Vec<String> = values.map(|text| text.trim_end().to_owned()).collect();
        let index = nasbench201::index(arch);
        if let Some(accuracy) = self.test_accuracy().and_then(|accuracies| accuracies.get(index)) {
            values.push(format!("test accuracy {accuracy:.2} %"));
        }
        format!(
            "\n{heading}\n  {}\n  index {index}, {}\n  {:.3} M parameters, {:.2} MFLOPs\n\n",
            space().format(arch),
            values.join(", "),
            nasbench201::parameters(arch, self.arguments.dataset) as f64 / 1e6,
            nasbench201::flops(arch, self.arguments.dataset) as f64 / 1e6,
        )
    }

    fn print_json(&self, run: &Path) -> Result<(), Failure> {
        let limited = !self.objectives.limits.is_empty();
        let scores = self.scores.map(|scores| {
            json!({
                "hypervolume_ratio": scores.hypervolume_ratio,
                "hypervolume": scores.hypervolume,
                "igd": scores.igd,
                "igd_plus": scores.igd_plus,
            })
        });
        let best = limited.then(|| self.best_records().json()[0].clone());
        print_json(&json!({
            "run": run.display().to_string(),
            "objectives": self.outcome.objectives,
            "origins": self.objectives.origins,
            "evaluated": self.outcome.evaluated.len(),
            "front": self.front().json(),
            "scores": scores,
            "best": best,
            "within_limits": limited.then_some(matches!(self.within, Within::Best(_))),
        }))
    }
}
