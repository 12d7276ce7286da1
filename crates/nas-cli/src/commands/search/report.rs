use std::{collections::HashSet, path::Path, process::ExitCode};

use nas_eval::{Buying, Fact, Scores, Task, Truth};
use nas_llm::{Failures, ModelReport};
use nas_pareto::Archive;
use nas_search::{Author, Detail, Evaluated, Objective, Outcome, Rule, Within};
use nas_space::{Arch, Decision, Space};
use serde_json::json;

use super::{Arguments, Objectives};
use crate::{
    failure::{Failure, NOT_WITHIN_LIMITS, NOTHING_FROM_MODEL},
    figure::FrontFigure,
    output::{Cell, Format, Records, counted, print, print_json, rounded},
};

/// Rows of the front that a terminal shows; files hold all.
const SHOWN: usize = 20;

/// Characters that a terminal gives an architecture.
const WIDEST: usize = 48;

/// The language model's name among the proposers.
const MODEL: &str = "language-model";

/// Parts that the range of latency is cut into to tell how much of it is served, and how many
/// percentage points worse than the exact front still serves it.
pub const BINS: usize = 10;
pub const TOLERANCE: f64 = 1.0;

/// The decisions' names in as wide columns as their choices need.
struct Columns(Vec<usize>);

impl Columns {
    fn new(space: &Space) -> Self {
        let width = |decision: &Decision| {
            let names = decision.choices.iter().map(|choice| space.short_name(choice));
            let names = names.chain([decision.name.as_str()]);
            names.map(|name| name.chars().count()).max().unwrap_or(0)
        };
        Self(space.decisions().iter().map(width).collect())
    }

    /// Whether a terminal has room for them.
    fn fit(&self) -> bool {
        self.0.iter().map(|width| width + 1).sum::<usize>() <= WIDEST
    }

    fn of<'b>(&self, names: impl Iterator<Item = &'b str>) -> String {
        let names = names.zip(&self.0).map(|(name, &width)| format!("{name:<width$}"));
        names.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }
}

/// Characters of those that a fact takes.
const FACT: usize = 17;

/// The first choices of a long list.
fn abridged(names: &str, widest: usize) -> String {
    if names.chars().count() <= widest {
        return names.to_owned();
    }
    let fits = |end: &usize| names[..*end].chars().count() < widest;
    let end = names.match_indices(' ').map(|(at, _)| at).rfind(fits).unwrap_or(0);
    format!("{} …", &names[..end])
}

/// An objective's name and unit for an axis.
fn axis_title(objective: &Objective) -> String {
    let name = match objective.name.as_str() {
        "score" => "score of zero-cost proxies".to_owned(),
        name => name.replace('_', " "),
    };
    match objective.unit.as_str() {
        "" => name,
        unit => format!("{name} [{unit}]"),
    }
}

/// What a search tells its user.
pub struct Report<'a> {
    arguments: &'a Arguments,
    task: &'a Task,
    objectives: &'a Objectives,
    details: Vec<Detail>,
    outcome: &'a Outcome,
    front: Vec<&'a Evaluated>,
    scores: Option<Scores>,
    within: Within<'a>,
    model: Option<ModelReport>,
    alone: Option<Alone>,
    generations: Records,
}

/// How good the front of the language model's own architectures is.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Alone {
    hypervolume_ratio: f64,
    igd: f64,
    coverage: f64,
}

impl<'a> Report<'a> {
    pub fn new(
        arguments: &'a Arguments,
        task: &'a Task,
        objectives: &'a Objectives,
        outcome: &'a Outcome,
        model: Option<ModelReport>,
    ) -> Result<Self, Failure> {
        let front = outcome.front();
        let scores = match &objectives.truth {
            Some(truth) => truth.score(front.iter().map(|found| &found.arch))?,
            None => None,
        };
        let within = outcome.best_within(&objectives.limits, |arch| task.space.is_connected(arch));
        let details = objectives.evaluator.details().to_vec();
        let generations = Self::per_generation(task, outcome, objectives.truth.as_ref())?;
        let alone = match &objectives.truth {
            Some(truth) => Self::alone(outcome, truth)?,
            None => None,
        };
        Ok(Self {
            arguments,
            task,
            objectives,
            details,
            outcome,
            front,
            scores,
            within,
            model,
            alone,
            generations,
        })
    }

    /// The front in full.
    pub fn front(&self) -> Records {
        self.records(self.front.iter().copied())
    }

    /// Everything evaluated, in order.
    pub fn evaluations(&self) -> Records {
        self.records(self.outcome.evaluated.iter())
    }

    /// What each generation brought.
    pub fn generations(&self) -> &Records {
        &self.generations
    }

    /// Test accuracy, where it is known and not an objective itself.
    fn test_accuracy(&self) -> Option<&Vec<f64>> {
        let is_objective = self.outcome.objectives.iter().any(|o| o.name == "test_accuracy");
        self.objectives.test_accuracy.as_ref().filter(|_| !is_objective)
    }

    fn detail(&self, found: &Evaluated, name: &str) -> Option<f64> {
        let at = self.details.iter().position(|detail| detail.name == name)?;
        found.details[at]
    }

    /// How many labels were bought, where any were to be.
    fn labels(&self) -> Option<usize> {
        let labelled = |one: &&Evaluated| self.detail(one, "label").is_some();
        self.objectives.labels.map(|_| self.outcome.evaluated.iter().filter(labelled).count())
    }

    fn records<'b>(&self, rows: impl Iterator<Item = &'b Evaluated>) -> Records {
        let task = self.task;
        let numbered = task.is_numbered().then(|| "index".to_owned());
        let mut columns: Vec<String> = numbered.into_iter().collect();
        columns.push("arch".to_owned());
        columns.extend(self.outcome.objectives.iter().map(nas_search::Objective::column));
        let test_accuracy = self.test_accuracy();
        columns.extend(test_accuracy.map(|_| "test_accuracy_percent".to_owned()));
        columns.extend(self.details.iter().map(Detail::column));
        columns.extend(task.facts.iter().map(|fact| fact.name.clone()));
        columns.extend(task.space.cell().map(|_| "connected".to_owned()));
        columns.extend(["niche", "generation", "proposer"].map(str::to_owned));
        let mut records = Records::new(columns);
        for found in rows {
            let arch = &found.arch;
            let mut row: Vec<Cell> = task.index(arch).map(Cell::from).into_iter().collect();
            row.push(task.space.format(arch).into());
            row.extend(found.values.iter().copied().map(Cell::from));
            row.extend(test_accuracy.map(|accuracies| self.of_table(accuracies, arch).into()));
            row.extend(found.details.iter().copied().map(Cell::from));
            row.extend(task.facts.iter().map(|fact| Cell::whole(fact.of(arch))));
            row.extend(task.space.cell().map(|_| Cell::Flag(task.space.is_connected(arch))));
            row.push((found.niche + 1).into());
            row.push(found.generation.into());
            row.push(found.proposer.as_str().into());
            records.push(row);
        }
        records
    }

    /// What each generation brought: how many of it came from the language model, how many were
    /// networks already evaluated under another name, and how good the front was after it.
    fn per_generation(
        task: &Task,
        outcome: &Outcome,
        truth: Option<&Truth>,
    ) -> Result<Records, Failure> {
        let mut records = Records::new([
            "generation",
            "evaluated",
            "from_model",
            "class_duplicates",
            "front",
            "hypervolume_ratio",
            "igd",
            "coverage",
        ]);
        let directions: Vec<_> = outcome.objectives.iter().map(|o| o.direction).collect();
        let mut archive = Archive::new(&directions)?;
        let mut done = 0;
        let mut classes = HashSet::new();
        for generation in outcome.evaluated.chunk_by(|a, b| a.generation == b.generation) {
            done += generation.len();
            for one in generation {
                if let Some(values) = one.complete() {
                    archive.insert(&values, &one.arch)?;
                }
            }
            let from_model = generation.iter().filter(|one| one.proposer == MODEL).count();
            let new = |one: &&Evaluated| !classes.insert(task.class(&one.arch));
            let duplicates = generation.iter().filter(new).count();
            let front = || archive.iter().map(|member| member.payload);
            let scores = match truth {
                Some(truth) => truth.score(front())?,
                None => None,
            };
            let coverage = truth.map(|truth| truth.coverage(front(), 1, BINS, TOLERANCE));
            records.push(vec![
                generation[0].generation.into(),
                done.into(),
                from_model.into(),
                duplicates.into(),
                archive.len().into(),
                scores.map(|scores| scores.hypervolume_ratio).into(),
                scores.map(|scores| scores.igd).into(),
                coverage.into(),
            ]);
        }
        Ok(records)
    }

    fn generations_for_people(&self) -> String {
        let titles = [
            ("from_model", "from model"),
            ("class_duplicates", "twins"),
            ("hypervolume_ratio", "HV ratio"),
            ("igd", "IGD"),
        ];
        let records =
            titles.into_iter().fold(self.generations.clone(), |records, (column, title)| {
                records.heading(column, title)
            });
        records.table()
    }

    /// What the language model contributed, for programs.
    pub fn model_json(&self) -> Result<Option<String>, Failure> {
        let json = self.model.as_ref().map(serde_json::to_string_pretty).transpose();
        json.map_err(|error| Failure::work(format!("cannot write JSON: {error}")))
    }

    /// An architecture's value in a table by index.
    fn of_table(&self, values: &[f64], arch: &Arch) -> Option<f64> {
        values.get(self.task.index(arch)?).copied()
    }

    /// How good the front of the language model's own architectures is, without the initial sample
    /// and what others proposed.
    fn alone(outcome: &Outcome, truth: &Truth) -> Result<Option<Alone>, Failure> {
        let front = outcome.front_of(|one| one.proposer == MODEL);
        let front = || front.iter().map(|one| &one.arch);
        Ok(truth.score(front())?.map(|scores| Alone {
            hypervolume_ratio: scores.hypervolume_ratio,
            igd: scores.igd,
            coverage: truth.coverage(front(), 1, BINS, TOLERANCE),
        }))
    }

    /// What the language model contributed, for people.
    fn model_in_words(&self, model: &ModelReport) -> String {
        let (usage, all) = (&model.usage, model.all());
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let cost = usage.cost.map_or_else(String::new, |cost| format!(", cost {cost:.4}"));
        let mut text = format!(
            "\nlanguage model: {} calls ({} for rules, {} for architectures, {} asked again)\n  \
             {} + {} tokens, {:.0} s in calls{cost}\n",
            usage.calls,
            model.reflections,
            model.proposals,
            model.asked_again,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.seconds,
        );
        text += &format!(
            "  {} of {} proposals taken ({:.0} %)",
            all.taken,
            all.made,
            percent(all.taken, all.made)
        );
        for (fault, count) in &all.faults {
            text += &format!(", {count} {}", fault.name());
        }
        let forms = [("edits", &model.edits), ("whole architectures", &model.whole)];
        for (form, tally) in forms.into_iter().filter(|(_, tally)| tally.made > 0) {
            text += &format!(
                "\n  as {form}: {} of {} ({:.0} %)",
                tally.taken,
                tally.made,
                percent(tally.taken, tally.made)
            );
        }
        let evaluated = &self.outcome.evaluated;
        let asked = evaluated.iter().filter(|one| one.generation > 0).count() as u64;
        let from = evaluated.iter().filter(|one| one.proposer == MODEL).count() as u64;
        text += &format!(
            "\n  {from} of {asked} architectures after generation 0 are the model's ({:.0} %)\n  \
             {} rules stated, {} stand\n",
            percent(from, asked),
            model.rules.taken,
            self.outcome.knowledge.rules().iter().filter(|r| r.author == Author::Model).count(),
        );
        if let Some(Alone { hypervolume_ratio, igd, coverage }) = self.alone {
            text += &format!(
                "  these alone: HV ratio {hypervolume_ratio:.4}, IGD {igd:.4}, coverage {coverage:.2}\n"
            );
        }
        for (kind, Failures { count, first }) in &model.failures {
            text += &format!("  failed calls, {kind}: {count}, the first: {first}\n");
        }
        if let Some(why) = &model.ended {
            text += &format!("  no call was made after this: {why}\n");
        }
        text
    }

    /// The front for a terminal: the cells by their short names, evenly chosen if there are many.
    fn short_front(&self) -> Records {
        let space = self.task.space;
        let test_accuracy = self.test_accuracy();
        let heading = |name: &str, unit: &str| {
            let name =
                name.replace('_', " ").replace(" accuracy", "").replace("validation", "valid.");
            if unit.is_empty() { name } else { format!("{name} {unit}") }
        };
        let numbered = self.task.is_numbered().then(|| "index".to_owned());
        let mut columns: Vec<String> = numbered.into_iter().collect();
        columns.extend(self.outcome.objectives.iter().map(|o| heading(&o.name, &o.unit)));
        columns.extend(test_accuracy.map(|_| heading("test_accuracy", "%")));
        let narrow = Some(Columns::new(space)).filter(Columns::fit);
        let names = space.decisions().iter().map(|decision| decision.name.as_str());
        let title = narrow.as_ref().map(|narrow| narrow.of(names));
        // What is abridged says less than how large it is.
        let fact = self.task.facts.first().filter(|_| narrow.is_none());
        columns.extend(fact.map(Fact::title));
        columns.push(title.unwrap_or_else(|| "architecture".to_owned()));
        let mut records = Records::new(columns);
        let count = self.front.len();
        let shown = count.min(SHOWN);
        for row in 0..shown {
            let at = if shown > 1 { row * (count - 1) / (shown - 1) } else { 0 };
            let found = self.front[at];
            let arch = &found.arch;
            let mut cells: Vec<Cell> = self.task.index(arch).map(Cell::from).into_iter().collect();
            cells.extend(found.values.iter().copied().map(Cell::from));
            cells.extend(test_accuracy.map(|accuracies| self.of_table(accuracies, arch).into()));
            let note = if space.is_connected(arch) { "" } else { "  (no path)" };
            let short = if let Some(narrow) = &narrow {
                narrow.of(space.short_names(arch))
            } else {
                // As it is written it says more, where it is about as short.
                let (short, written) = (space.short(arch), space.format(arch));
                let [of_short, of_written] = [&short, &written].map(|t| t.chars().count());
                let text = if 10 * of_written <= 11 * of_short { written } else { short };
                abridged(&text, fact.map_or(WIDEST, |_| WIDEST - FACT))
            };
            cells.extend(fact.map(|fact| Cell::from(Some(fact.in_unit(arch)))));
            cells.push(format!("{short}{note}").into());
            records.push(cells);
        }
        records
    }

    /// The picture: on true accuracy where it is known, else on the objectives themselves.
    pub fn figure(&self) -> FrontFigure {
        let outcome = self.outcome;
        let test_accuracy = self.objectives.test_accuracy.as_ref();
        // A score of proxies is what the search saw; elsewhere the truth is what counts.
        let accuracies = test_accuracy.filter(|_| self.objectives.truth.is_some());
        let place = |found: &Evaluated| {
            let seen = found.values.first().copied().flatten();
            let y = match accuracies {
                Some(accuracies) => self.of_table(accuracies, &found.arch),
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
                    Some((latency, self.of_table(accuracies, arch)?))
                })
                .collect();
            exact.sort_by(|a, b| a.0.total_cmp(&b.0));
            exact
        });
        let title = |at: usize| outcome.objectives.get(at).map(axis_title).unwrap_or_default();
        let y = accuracies.map_or_else(|| title(0), |_| "test accuracy [%]".to_owned());
        let arguments = self.arguments;
        FrontFigure {
            title: format!(
                "{} on {}: {} of {} evaluated on the front",
                self.task.title,
                arguments.device_name(),
                self.front.len(),
                outcome.evaluated.len()
            ),
            x: title(1),
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
            Format::Json => {
                let mut json = self.json();
                json["run"] = run.display().to_string().into();
                print_json(&json)?;
            }
            Format::Csv if limited => self.best_records().print(Format::Csv)?,
            Format::Csv => self.front().print(Format::Csv)?,
            Format::Table => self.print_table(run)?,
        }
        if self.model.as_ref().is_some_and(|model| model.all().taken == 0) {
            eprintln!("the language model proposed nothing that could be used");
            return Ok(ExitCode::from(NOTHING_FROM_MODEL));
        }
        if !self.outcome.evaluated.iter().any(|one| one.complete().is_some()) {
            return Err(Failure::work("nothing that was evaluated has a value of each objective"));
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
        if let (Some(labels), Some(bought)) = (self.labels(), self.objectives.labels) {
            let buying = match bought.buying {
                Buying::Active => "most where the front gains most",
                Buying::Random => "at random",
            };
            let (count, budget) = (counted(labels, "label"), bought.budget);
            text += &format!("  {count}, each of another class, {buying}\n");
            if labels < budget {
                text += &format!(
                    "  {} not bought: no further class among what was evaluated\n",
                    counted(budget - labels, "label")
                );
            }
        }
        if let Some(Scores { hypervolume, hypervolume_ratio, igd, igd_plus }) = self.scores {
            text += &format!(
                "HV ratio {hypervolume_ratio:.4}, HV {hypervolume:.4}, IGD {igd:.4}, IGD+ {igd_plus:.4}\n  on test accuracy, against the exact front of the whole space\n"
            );
        }
        if let Some(model) = &self.model {
            text += &self.model_in_words(model);
            text += &format!("\n{}", self.generations_for_people());
            text += "  evaluated: in all; from model, twins: in the generation\n";
            text += "  twins: networks that were evaluated before as another cell\n";
            if self.objectives.truth.is_some() {
                text += &format!(
                    "  coverage: of {BINS} equal parts of the exact front's range of log latency, the share\n  \
                     with a cell of the front at most {TOLERANCE} % less accurate than the exact one there\n"
                );
            }
        }
        for (fault, count, first) in self.objectives.failures.list() {
            text += &format!("  {count} × the command {}, the first: {first}\n", fault.name());
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
        let ends = ["predicted_low", "predicted_high"].map(|end| self.detail(found, end));
        if let [Some(low), Some(high)] = ends {
            values[0] += &format!(" (90 %: {low:.2} to {high:.2})");
        }
        if let Some(label) = self.detail(found, "label") {
            values[0] += &format!(", its label {label:.2} %");
        }
        if let Some(accuracy) =
            self.test_accuracy().and_then(|accuracies| self.of_table(accuracies, arch))
        {
            values.push(format!("test accuracy {accuracy:.2} %"));
        }
        let mut lines = vec![self.task.space.format(arch)];
        lines.extend(self.task.index(arch).map(|index| format!("index {index}")));
        lines.extend(values);
        let facts = self.task.facts.iter();
        lines.extend(facts.map(|fact| {
            format!("{} {} {}", fact.label, rounded(fact.in_unit(arch)), fact.unit)
                .trim_end()
                .to_owned()
        }));
        format!("\n{heading}\n  {}\n\n", lines.join("\n  "))
    }

    /// A rule with its evidence, for programs.
    fn rule(&self, rule: &Rule) -> serde_json::Value {
        json!({
            "polarity": rule.polarity,
            "condition": rule.condition.describe(self.task.space),
            "niche": rule.niche.map(|niche| niche + 1),
            "by": rule.author,
            "since": rule.since,
            "supporting": rule.evidence.supporting.len(),
            "contradicting": rule.evidence.contradicting.len(),
            "significance": rule.evidence.significance(),
        })
    }

    /// The knowledge base, for people.
    pub fn knowledge(&self) -> String {
        let Outcome { knowledge, niches, objectives, .. } = self.outcome;
        knowledge.markdown(self.task.space, niches, objectives)
    }

    /// Everything, for programs.
    pub fn json(&self) -> serde_json::Value {
        let knowledge = &self.outcome.knowledge;
        let dropped = knowledge.dropped().iter().map(|one| {
            let mut rule = self.rule(&one.rule);
            rule["evaluated"] = one.evaluated.into();
            rule
        });
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
        json!({
            "interrupted": self.outcome.interrupted,
            "objectives": self.outcome.objectives,
            "origins": self.objectives.origins,
            "evaluated": self.outcome.evaluated.len(),
            "labels": self.labels(),
            "front": self.front().json(),
            "scores": scores,
            "best": best,
            "model": self.model,
            "model_alone": self.alone,
            "generations": self.generations.json(),
            "rules": knowledge.rules().iter().map(|rule| self.rule(rule)).collect::<Vec<_>>(),
            "dropped_rules": dropped.collect::<Vec<_>>(),
            "within_limits": limited.then_some(matches!(self.within, Within::Best(_))),
        })
    }
}
