//! The results of a search, as text for a terminal.

use std::path::Path;

use nas_eval::{Acquisition, Scores, Statistic, TRAINED_ACCURACY};
use nas_llm::{Contribution, Failures};
use nas_pareto::statistics::mean;
use nas_search::{Author, Within};
use nas_space::{Decision, Space};

use super::{super::limit::Limited, Alone, BINS, Report, Row, TOLERANCE, is_of_model};
use crate::{
    arch::abridged,
    failure::Failure,
    output::{Cell, Records, counted, rounded},
    report::Stopped,
    run_folder::PROGRAM_LOG,
    searcher::Searcher,
    terminal::print,
};

/// Rows of the front that a terminal shows; files contain all.
const SHOWN: usize = 20;

/// Generations that a terminal shows; generations.csv contains all.
const GENERATIONS: usize = 12;

/// Characters of an architecture on a terminal at most.
const WIDEST: usize = 48;

/// Columns of decisions, each as wide as its choices need.
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

    /// Whether they fit a terminal.
    fn fit(&self) -> bool {
        self.0.iter().map(|width| width + 1).sum::<usize>() <= WIDEST
    }

    fn of<'b>(&self, names: impl Iterator<Item = &'b str>) -> String {
        let names = names.zip(&self.0).map(|(name, &width)| format!("{name:<width$}"));
        names.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }
}

/// Characters of these that a statistic takes.
const STATISTIC: usize = 17;

impl Report<'_> {
    fn generations_table(&self) -> String {
        let titles = [
            ("from_model", "from model"),
            ("class_duplicates", "duplicates"),
            ("hypervolume_of_best_known", "of the last HV"),
            ("hypervolume_ratio", "HV ratio"),
            ("igd", "IGD"),
        ];
        let records = titles
            .into_iter()
            .fold(self.generations(), |records, (column, title)| records.heading(column, title));
        let of_front: &[&str] = if self.opened.truth.is_some() {
            &["hypervolume_ratio", "igd", "coverage"]
        } else {
            &["hypervolume_of_best_known"]
        };
        let columns = ["generation", "evaluated", "from_model", "class_duplicates", "front"];
        records.only(&[&columns[..], of_front].concat()).spread(GENERATIONS).table()
    }

    /// The operators at the end, and how their shares moved.
    fn operators_in_words(&self) -> String {
        let mut records = Records::new([
            "operator",
            "asked",
            "proposals",
            "credit",
            "share, first half",
            "second half",
        ]);
        let last = self.shares.last().map_or(0, |share| share.generation);
        let first = self.shares.first().map_or(0, |share| share.generation);
        let middle = usize::midpoint(first, last);
        for share in self.shares.iter().filter(|share| share.generation == last) {
            let mean_where = |half: &dyn Fn(usize) -> bool| {
                let mine = self.shares.iter().filter(|one| one.operator == share.operator);
                let of: Vec<f64> =
                    mine.filter(|one| half(one.generation)).map(|one| one.probability).collect();
                let text = format!("{:.0} %", 100.0 * mean(&of));
                Cell::Text(if of.is_empty() { "-".to_owned() } else { text })
            };
            records.push(vec![
                share.operator.as_str().into(),
                share.asked.into(),
                share.proposals.into(),
                Cell::Text(format!("{:.2}", share.credit)),
                mean_where(&|generation| generation <= middle),
                mean_where(&|generation| generation > middle),
            ]);
        }
        format!(
            "\n{}  credit: what a proposal of the last generations added to the front, over what random\n  \
             edits were expected to add; it only compares operators; operators.csv has each\n  generation\n",
            records.table()
        )
    }

    /// The language model's contribution, in words.
    fn model_in_words(&self, model: &Contribution) -> String {
        let (usage, all) = (&model.usage, model.all());
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let cost = usage.cost.map_or_else(String::new, |cost| format!(", cost {cost:.4}"));
        let navigations = match model.navigations {
            0 => String::new(),
            count => format!("{count} of the navigator, "),
        };
        let mut text = format!(
            "\nlanguage model: {} ({navigations}{} for rules, {} for architectures, {} asked again)\n  \
             {} + {} tokens, {:.0} s in calls{cost}\n",
            counted(usage.calls as usize, "call"),
            model.reflections,
            model.proposals,
            model.asked_again,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.seconds,
        );
        text += &format!(
            "  {} of {} proposals accepted ({:.0} %)",
            all.accepted,
            all.made,
            percent(all.accepted, all.made)
        );
        for (fault, count) in &all.faults {
            text += &format!(", {count} {}", fault.name());
        }
        let forms = [
            ("edits", &model.edits),
            ("whole architectures", &model.whole),
            ("choices", &model.choices),
        ];
        for (form, tally) in forms.into_iter().filter(|(_, tally)| tally.made > 0) {
            text += &format!(
                "\n  as {form}: {} of {} ({:.0} %)",
                tally.accepted,
                tally.made,
                percent(tally.accepted, tally.made)
            );
        }
        for (objective, expected) in self.outcome.objectives.iter().zip(&model.expected) {
            if expected.count == 0 {
                continue;
            }
            let unit = if objective.unit == "%" { "points" } else { objective.unit.as_str() };
            let unit = |value: f64| format!("{} {unit}", rounded(value));
            text += &format!(
                "\n  expected {} of {}: off by {} in the mean",
                objective.name.replace('_', " "),
                counted(expected.count, "architecture"),
                unit(expected.mean_absolute_error).trim_end(),
            );
            if let Some(of_parent) = expected.of_parent {
                let by = unit(of_parent);
                text += &format!(",\n    the parent's value by {}", by.trim_end());
            }
        }
        let evaluated = &self.outcome.evaluated;
        let asked = evaluated.iter().filter(|one| one.generation > 0).count() as u64;
        let from = evaluated.iter().filter(|one| is_of_model(one)).count() as u64;
        text += &format!(
            "\n  {from} of {asked} architectures after generation 0 are the model's ({:.0} %)\n",
            percent(from, asked),
        );
        if model.reflections > 0 {
            let rules = self.outcome.knowledge.rules();
            text += &format!(
                "  {} proposed, {} kept\n",
                counted(model.rules.accepted as usize, "rule"),
                rules.iter().filter(|rule| rule.author == Author::Model).count(),
            );
        }
        if let Some(scores) = &self.proposals {
            text += &format!(
                "  {:.0} % of its proposals entered their niche's front; what they add is at\n  \
                 percentile {:.0} of all that could have been proposed (chance: 50), by true values\n",
                100.0 * scores.entered,
                100.0 * scores.percentile,
            );
        }
        if let Some(Alone { hypervolume_ratio, igd, coverage }) = self.alone {
            text += &format!(
                "  its architectures alone: HV ratio {hypervolume_ratio:.4}, IGD {igd:.4}, \
                 coverage {coverage:.2}\n"
            );
        }
        for (kind, Failures { count, first }) in &model.failures {
            text += &format!("  failed calls, {kind}: {count}, the first: {first}\n");
        }
        if let Some(why) = &model.ended {
            text += &format!("  no more calls after this: {why}\n");
        }
        text
    }

    /// What the user's own searcher contributed, in words.
    fn own_in_words(&self, name: &str) -> String {
        let later = self.outcome.evaluated.iter().filter(|one| one.generation > 0);
        let own = later.clone().filter(|one| one.proposer == name).count();
        let mut text = format!(
            "  {own} of {} architectures after generation 0 were proposed by {name}\n",
            later.count()
        );
        for (kind, count, first) in &self.searcher_failures {
            text += &format!("  {count} × {name} {kind}, the first: {first}\n");
        }
        text
    }

    /// The front for a terminal: the cells by their short names, evenly chosen if there are many.
    fn short_front(&self) -> Records {
        let space = self.problem.space;
        let test_accuracy = self.test_accuracy();
        let heading = |name: &str, unit: &str| {
            let name =
                name.replace('_', " ").replace(" accuracy", "").replace("validation", "valid.");
            if unit.is_empty() { name } else { format!("{name} {unit}") }
        };
        let numbered = self.problem.numbering.is_some().then(|| "index".to_owned());
        let mut columns: Vec<String> = numbered.into_iter().collect();
        columns.extend(self.outcome.objectives.iter().map(|o| heading(&o.name, &o.unit)));
        columns.extend(test_accuracy.map(|_| heading("test_accuracy", "%")));
        let narrow = Some(Columns::new(space)).filter(Columns::fit);
        let names = space.decisions().iter().map(|decision| decision.name.as_str());
        let title = narrow.as_ref().map(|narrow| narrow.of(names));
        // Beside an abridged architecture, its size helps.
        let statistic = self.statistics().next().filter(|_| narrow.is_none());
        columns.extend(statistic.map(Statistic::title));
        columns.push(title.unwrap_or_else(|| "architecture".to_owned()));
        let mut records = Records::new(columns);
        let rows = self.front_rows();
        let count = rows.len();
        let shown = count.min(SHOWN);
        for row in 0..shown {
            let at = if shown > 1 { row * (count - 1) / (shown - 1) } else { 0 };
            let Row { one: found, predicted } = &rows[at];
            let arch = &found.arch;
            let mut cells: Vec<Cell> =
                self.problem.index(arch).map(Cell::from).into_iter().collect();
            let value = |(at, value): (usize, &Option<f64>)| match (predicted, value) {
                (Some(values), Some(value)) if values[at].low < values[at].high => {
                    format!("~{}", rounded(*value)).into()
                }
                _ => Cell::from(*value),
            };
            cells.extend(found.values.iter().enumerate().map(value));
            cells.extend(test_accuracy.map(|accuracies| self.of_table(accuracies, arch).into()));
            let note = if space.is_connected(arch) { "" } else { "  (no path)" };
            let short = if let Some(narrow) = &narrow {
                narrow.of(space.short_names(arch))
            } else {
                // The full text, if it is about as short.
                let (short, written) = (space.short(arch), space.format(arch));
                let [of_short, of_written] = [&short, &written].map(|t| t.chars().count());
                let text = if 10 * of_written <= 11 * of_short { written } else { short };
                abridged(&text, statistic.map_or(WIDEST, |_| WIDEST - STATISTIC))
            };
            cells.extend(statistic.map(|statistic| Cell::from(Some(statistic.in_unit(arch)))));
            cells.push(format!("{short}{note}").into());
            records.push(cells);
        }
        records
    }

    pub fn print_table(&self, run: &Path) -> Result<(), Failure> {
        let mut text = self.short_front().table();
        let (count, evaluated) = (self.front.len(), self.outcome.evaluated.len());
        let all = count + self.predicted.len();
        let shown = match all > SHOWN {
            false => String::new(),
            true if self.predicted.is_empty() => format!(", {SHOWN} shown"),
            true => format!(" ({SHOWN} of {all} rows shown)"),
        };
        text +=
            &format!("\n{count} of {evaluated} evaluated architectures are on the front{shown}\n");
        if !self.predicted.is_empty() {
            text += &format!(
                "  {} more predicted to be on it (~); front.csv has their 90 % intervals\n",
                self.predicted.len()
            );
        }
        for origin in &self.opened.origins {
            text += &format!("  {origin}\n");
        }
        if let (Some(trained), Some(budget)) = (self.trained(), self.plan.training()) {
            let acquisition = match budget.acquisition {
                Acquisition::Active => "chosen where the front gains most",
                Acquisition::Random => "chosen at random",
            };
            text += &format!(
                "  from {} without duplicates, {acquisition}\n",
                counted(trained, "trained network")
            );
            if trained < budget.count {
                let why = if evaluated < budget.count {
                    "more --evaluations would use more"
                } else if trained == evaluated {
                    "no more networks were evaluated"
                } else {
                    "the others duplicate those, cannot run, or were proposed before the predictor asked for them"
                };
                text += &format!("  only {trained} of {} accuracies used: {why}\n", budget.count);
            }
        }
        if let Some(Scores { hypervolume, hypervolume_ratio, igd, igd_plus }) = self.scores {
            text += &format!(
                "HV ratio {hypervolume_ratio:.4}, HV {hypervolume:.4}, IGD {igd:.4}, IGD+ {igd_plus:.4}\n  on test accuracy, against the exact front of the whole space\n"
            );
        }
        if !self.shares.is_empty() {
            text += &self.operators_in_words();
        }
        if let Some(model) = &self.model {
            text += &self.model_in_words(model);
            text += &format!("\n{}", self.generations_table());
            text += "  evaluated: in all; from model, duplicates: in the generation\n";
            text += "  duplicates: cells isomorphic to cells that were evaluated before\n";
            if self.opened.truth.is_some() {
                text += &format!(
                    "  coverage: of {BINS} equal parts of the exact front's range of log latency, the\n  \
                     share in which a cell of the front is at most {TOLERANCE} point less accurate than\n  \
                     the exact front\n"
                );
            }
        }
        if let Searcher::Own(name) = self.plan.searcher {
            text += &self.own_in_words(name);
        }
        for (kind, count, first) in self.failures() {
            text += &format!("  {count} × the command {kind}, the first: {first}\n");
        }
        let evaluated = &self.outcome.evaluated;
        let failed = evaluated.iter().filter(|one| one.failure.is_some()).count();
        if failed > 0 {
            text += &format!("  {failed} of {} evaluations failed\n", evaluated.len());
        }
        if let Some(Stopped { trainings, steps, of }) = self.steps() {
            let share = 100.0 * steps / of;
            text += &format!(
                "  {trainings} of {} trainings stopped early: {steps} of {of} steps ({share:.0} %)\n",
                evaluated.len()
            );
        }
        if let Some((count, first)) = self.opened.log.logged() {
            let lines = counted(count, "log line");
            text += &format!(
                "  {lines} on the command's standard output, in {}, the first: {first}\n",
                run.join(PROGRAM_LOG).display()
            );
        }
        if !self.opened.limits.is_empty() {
            text += &self.best_in_words();
        }
        text += &format!("written to {}\n", run.display());
        print(&text)
    }

    pub fn limits_in_words(&self) -> String {
        let limits: Vec<&str> = self.opened.limits.iter().map(Limited::words).collect();
        let mut words = limits.join(" and ");
        if self.opened.limits.iter().any(Limited::is_uncertain) {
            words += &format!(", with a probability of {} %", 100.0 * (1.0 - self.plan.limit_risk));
        }
        words
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
        if let Some(accuracy) = self.detail(found, TRAINED_ACCURACY) {
            values[0] += &format!(", {accuracy:.2} % when trained");
        }
        if let Some(accuracy) =
            self.test_accuracy().and_then(|accuracies| self.of_table(accuracies, arch))
        {
            values.push(format!("test accuracy {accuracy:.2} %"));
        }
        let mut lines = vec![self.problem.space.format(arch)];
        lines.extend(self.problem.index(arch).map(|index| format!("index {index}")));
        lines.extend(values);
        lines.extend(self.statistics().map(|statistic| {
            format!("{} {} {}", statistic.heading, rounded(statistic.in_unit(arch)), statistic.unit)
                .trim_end()
                .to_owned()
        }));
        format!("\n{heading}\n  {}\n\n", lines.join("\n  "))
    }
}
