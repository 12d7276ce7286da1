//! The results of a search: its front, scores and generations, as tables and JSON.

use std::{borrow::Cow, collections::HashSet, path::Path, process::ExitCode};

use nas_eval::{
    PredictedMember, Predictive, Problem, ProposalScores, Scores, Statistic, TRAINED_ACCURACY,
    Truth,
};
use nas_llm::{Contribution, LanguageModel, ProposalForm};
use nas_pareto::{Archive, Bounds, PointSet, hypervolume};
use nas_predict::Prediction;
use nas_search::{Detail, Evaluated, Objective, Outcome, Role, Rule, Share, Within};
use nas_space::Arch;
use serde_json::json;

use super::{evaluator::Opened, plan::Plan};
use crate::{
    failure::{Failure, NOT_WITHIN_LIMITS, NOTHING_FROM_MODEL},
    output::{Cell, Format, Records, print_json},
    partition::Cut,
    report::{Generation, Stopped},
    searcher::Searcher,
    terminal::note,
};

mod page;
mod words;

/// Whether a language model proposed it, alone or as an operator.
fn is_of_model(one: &Evaluated) -> bool {
    let forms = ProposalForm::ALL.map(ProposalForm::name);
    one.proposer == LanguageModel::NAME || forms.contains(&&*one.proposer)
}

/// Coverage: the number of parts that the range of latency is divided into, and how many percentage
/// points less accurate than the exact front an architecture may be to cover a part.
pub const BINS: usize = 10;
pub const TOLERANCE: f64 = 1.0;

/// The results of a search.
pub struct Report<'a> {
    plan: &'a Plan,
    problem: &'a Problem,
    opened: &'a Opened,
    outcome: &'a Outcome,
    front: Vec<&'a Evaluated>,
    /// What is predicted to be on the front beside it.
    predicted: Vec<PredictedMember>,
    scores: Option<Scores>,
    within: Within<'a>,
    model: Option<Contribution>,
    /// How a user's searcher failed: each kind with its number and the first message.
    searcher_failures: Vec<(&'static str, usize, String)>,
    /// The shares of operators in each generation.
    shares: Vec<Share>,
    alone: Option<Alone>,
    /// How good the proposals of a language model were one by one.
    proposals: Option<ProposalScores>,
    generations: Vec<Generation>,
    /// Whether the search goes on.
    running: bool,
}

/// What a proposer has to report at the end of a search.
#[derive(Default)]
pub struct OfProposer {
    /// What it predicts to be on the front beside what was evaluated.
    pub predicted: Vec<PredictedMember>,
    /// What a language model contributed.
    pub model: Option<Contribution>,
    /// How a user's searcher failed: each kind with its number and the first message.
    pub failures: Vec<(&'static str, usize, String)>,
    /// The shares of operators in each generation.
    pub shares: Vec<Share>,
}

/// A row of a table: what was evaluated, or what is predicted.
struct Row<'a> {
    one: Cow<'a, Evaluated>,
    /// Of each objective, where it is predicted.
    predicted: Option<&'a [Prediction]>,
}

impl<'a> Row<'a> {
    fn measured(one: &'a Evaluated) -> Self {
        Self { one: Cow::Borrowed(one), predicted: None }
    }
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
        plan: &'a Plan,
        problem: &'a Problem,
        opened: &'a Opened,
        outcome: &'a Outcome,
        of_proposer: OfProposer,
    ) -> Result<Self, Failure> {
        let OfProposer { predicted, model, failures: searcher_failures, shares } = of_proposer;
        let front = outcome.front();
        let scores = match &opened.truth {
            Some(truth) => {
                let measured = front.iter().map(|found| &found.arch);
                truth.score(measured.chain(predicted.iter().map(|found| &found.arch)))?
            }
            None => None,
        };
        let excess = |one: &Evaluated| {
            opened.limits.iter().map(|limit| limit.excess(one)).fold(1.0, f64::max)
        };
        let within = outcome.best_within(excess, |arch| problem.space.is_connected(arch));
        let generations = Self::per_generation(problem, outcome, opened.truth.as_ref())?;
        let alone = match &opened.truth {
            Some(truth) => Self::alone(outcome, truth)?,
            None => None,
        };
        let proposals = match (&opened.truth, plan.partition.build(problem, "whole")?) {
            (Some(truth), Cut::Fixed(niches)) if model.is_some() => {
                let of = is_of_model;
                truth.score_proposals(&niches, &outcome.evaluated, of)?
            }
            _ => None,
        };
        Ok(Self {
            plan,
            problem,
            opened,
            outcome,
            front,
            predicted,
            scores,
            within,
            model,
            searcher_failures,
            shares,
            alone,
            proposals,
            generations,
            running: false,
        })
    }

    /// The results so far of a search that goes on.
    pub fn of_running(
        plan: &'a Plan,
        problem: &'a Problem,
        opened: &'a Opened,
        outcome: &'a Outcome,
    ) -> Result<Self, Failure> {
        let report = Self::new(plan, problem, opened, outcome, OfProposer::default())?;
        Ok(Self { running: true, ..report })
    }

    /// The front in full: what was evaluated and, of a search with a predictor, what is predicted to be
    /// on it, with intervals.
    pub fn front(&self) -> Records {
        let rows: Vec<Row<'_>> = self.front_rows();
        self.records(rows.iter(), self.plan.searcher == Searcher::Predictor)
    }

    /// The rows of the front, best in the first objective last.
    fn front_rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = self.front.iter().map(|found| Row::measured(found)).collect();
        rows.extend(self.predicted.iter().map(|member| self.predicted_row(member)));
        if let Some(first) = self.outcome.objectives.first() {
            let cost =
                |row: &Row<'_>| row.one.values[0].map_or(f64::INFINITY, |value| first.cost(value));
            rows.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
        }
        rows
    }

    fn predicted_row<'b>(&'b self, member: &'b PredictedMember) -> Row<'b> {
        let one = Evaluated {
            arch: member.arch.clone(),
            values: member.values.iter().map(|one| Some(one.value)).collect(),
            details: vec![None; self.opened.details.len()],
            failure: None,
            stopped: false,
            niche: member.niche,
            generation: self.generations.last().map_or(0, |last| last.generation),
            proposer: Predictive::NAME.to_owned(),
            rationale: None,
        };
        Row { one: Cow::Owned(one), predicted: Some(&member.values) }
    }

    /// Everything evaluated, in order.
    pub fn evaluations(&self) -> Records {
        let rows: Vec<Row<'_>> = self.outcome.evaluated.iter().map(Row::measured).collect();
        self.records(rows.iter(), false)
    }

    /// A row for each generation.
    pub fn generations(&self) -> Records {
        let mut records = Records::new([
            "generation",
            "evaluated",
            "from_model",
            "class_duplicates",
            "front",
            "hypervolume_of_best_known",
            "hypervolume_ratio",
            "igd",
            "coverage",
        ]);
        for one in &self.generations {
            records.push(vec![
                one.generation.into(),
                one.evaluated.into(),
                one.from_model.into(),
                one.class_duplicates.into(),
                one.front.into(),
                one.hypervolume_of_best_known.into(),
                one.hypervolume_ratio.into(),
                one.igd.into(),
                one.coverage.into(),
            ]);
        }
        records
    }

    /// The shares of operators, a row for each in each generation.
    pub fn operators(&self) -> Option<Records> {
        let columns = ["generation", "operator", "probability", "credit", "asked", "proposals"];
        let mut records = Records::new(columns);
        for share in &self.shares {
            records.push(vec![
                share.generation.into(),
                share.operator.as_str().into(),
                Some(share.probability).into(),
                Some(share.credit).into(),
                share.asked.into(),
                share.proposals.into(),
            ]);
        }
        (!self.shares.is_empty()).then_some(records)
    }

    /// Test accuracies, if they are known and not an objective.
    fn test_accuracy(&self) -> Option<&Vec<f64>> {
        let is_objective = self.outcome.objectives.iter().any(|o| o.name == "test_accuracy");
        self.opened.test_accuracy.as_ref().filter(|_| !is_objective)
    }

    /// The counted numbers that are no objective.
    fn statistics(&self) -> impl Iterator<Item = &'a Statistic> {
        let objectives = &self.outcome.objectives;
        let is_objective =
            |name: &str| objectives.iter().any(|objective| objective.column() == name);
        self.problem.statistics.iter().filter(move |statistic| !is_objective(&statistic.name))
    }

    fn detail(&self, found: &Evaluated, name: &str) -> Option<f64> {
        let at = self.opened.details.iter().position(|detail| detail.name == name)?;
        found.details[at]
    }

    /// How many networks were trained, if the search trains any.
    fn trained(&self) -> Option<usize> {
        let trained = |one: &&Evaluated| self.detail(one, TRAINED_ACCURACY).is_some();
        self.plan.training().map(|_| self.outcome.evaluated.iter().filter(trained).count())
    }

    /// The steps that were trained, and those of all trainings to their ends, where some are stopped early.
    fn steps(&self) -> Option<Stopped> {
        let program = self.plan.objectives.program.as_ref().filter(|program| program.early_stop)?;
        let steps = self.outcome.evaluated.iter().filter_map(|one| self.detail(one, "steps"));
        let (steps, count) = steps.fold((0.0, 0), |(sum, count), steps| (sum + steps, count + 1));
        let trainings = self.outcome.evaluated.iter().filter(|one| one.stopped).count();
        let of = f64::from(count) * program.steps? as f64;
        (count > 0).then_some(Stopped { trainings, steps, of })
    }

    /// `with_intervals`: whether to tell predicted values from measured ones.
    fn records<'b>(
        &self,
        rows: impl Iterator<Item = &'b Row<'b>>,
        with_intervals: bool,
    ) -> Records {
        let problem = self.problem;
        let numbered = problem.numbering.map(|_| "index".to_owned());
        let mut columns: Vec<String> = numbered.into_iter().collect();
        columns.push("arch".to_owned());
        columns.extend(self.outcome.objectives.iter().map(nas_search::Objective::column));
        let test_accuracy = self.test_accuracy();
        columns.extend(test_accuracy.map(|_| "test_accuracy_percent".to_owned()));
        columns.extend(self.opened.details.iter().map(Detail::column));
        columns.extend(self.statistics().map(|statistic| statistic.name.clone()));
        columns.extend(problem.space.cell().map(|_| "connected".to_owned()));
        columns.extend(["niche", "generation", "proposer"].map(str::to_owned));
        let has_failures = self.plan.objectives.program.is_some();
        columns.extend(has_failures.then(|| "failure".to_owned()));
        if with_intervals {
            columns.push("value".to_owned());
            for objective in &self.outcome.objectives {
                let end = |end: &str| format!("{}_{end}", objective.column());
                columns.extend([end("low"), end("high")]);
            }
        }
        let mut records = Records::new(columns);
        for Row { one: found, predicted } in rows {
            let arch = &found.arch;
            let mut row: Vec<Cell> = problem.index(arch).map(Cell::from).into_iter().collect();
            row.push(problem.space.format(arch).into());
            row.extend(found.values.iter().copied().map(Cell::from));
            row.extend(test_accuracy.map(|accuracies| self.of_table(accuracies, arch).into()));
            row.extend(found.details.iter().copied().map(Cell::from));
            row.extend(self.statistics().map(|statistic| Cell::whole(statistic.of(arch))));
            row.extend(problem.space.cell().map(|_| Cell::Flag(problem.space.is_connected(arch))));
            row.push((found.niche + 1).into());
            row.push(found.generation.into());
            row.push(found.proposer.as_str().into());
            row.extend(has_failures.then(|| found.failure.clone().unwrap_or_default().into()));
            if with_intervals {
                row.push(if predicted.is_some() { "predicted" } else { "measured" }.into());
                for at in 0..self.outcome.objectives.len() {
                    let one = predicted.map(|values| values[at]);
                    let [low, high] = match one {
                        Some(one) => [Some(one.low), Some(one.high)],
                        None => [found.values[at]; 2],
                    };
                    row.extend([low.into(), high.into()]);
                }
            }
            records.push(row);
        }
        records
    }

    /// For each generation: how many architectures the language model proposed, how many are
    /// isomorphic to earlier ones, and how good the front was after it.
    fn per_generation(
        problem: &Problem,
        outcome: &Outcome,
        truth: Option<&Truth>,
    ) -> Result<Vec<Generation>, Failure> {
        let mut generations = Vec::new();
        let directions: Vec<_> = outcome.objectives.iter().map(|o| o.direction).collect();
        let complete = outcome.evaluated.iter().filter_map(Evaluated::complete);
        let all = PointSet::from_rows(complete, &directions)?;
        let bounds = (!all.as_points().is_empty()).then(|| Bounds::of(&all)).transpose()?;
        let reference = vec![1.0; directions.len()];
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
            let from_model = generation.iter().filter(|one| is_of_model(one)).count();
            let known = |one: &&Evaluated| !classes.insert(problem.class(&one.arch));
            let class_duplicates = generation.iter().filter(known).count();
            let front = || archive.iter().map(|member| member.payload);
            let scores = match truth {
                Some(truth) => truth.score(front())?,
                None => None,
            };
            let own = match &bounds {
                Some(bounds) => {
                    let found = archive.iter().map(|member| &member.objectives);
                    let found = bounds.scale(&PointSet::from_rows(found, &directions)?)?;
                    hypervolume(&found, &reference)?
                }
                None => 0.0,
            };
            generations.push(Generation {
                generation: generation[0].generation,
                evaluated: done,
                front: archive.len(),
                hypervolume: own,
                hypervolume_of_best_known: None,
                hypervolume_ratio: scores.map(|scores| scores.hypervolume_ratio),
                igd: scores.map(|scores| scores.igd),
                coverage: truth.map(|truth| truth.coverage(front(), BINS, TOLERANCE)),
                from_model,
                class_duplicates,
            });
        }
        // The last has all that is known.
        let best = generations.last().map_or(0.0, |last| last.hypervolume);
        for one in generations.iter_mut().filter(|_| best > 0.0) {
            one.hypervolume_of_best_known = Some(one.hypervolume / best);
        }
        Ok(generations)
    }

    /// The language model's contribution, as JSON.
    pub fn model_json(&self) -> Result<Option<String>, Failure> {
        let json = self.model.as_ref().map(serde_json::to_string_pretty).transpose();
        json.map_err(|error| Failure::work(format!("cannot write JSON: {error}")))
    }

    /// An architecture's value in a list by index.
    fn of_table(&self, values: &[f64], arch: &Arch) -> Option<f64> {
        values.get(self.problem.index(arch)?).copied()
    }

    /// How good the front of the language model's own architectures is, without the initial sample
    /// and what others proposed.
    fn alone(outcome: &Outcome, truth: &Truth) -> Result<Option<Alone>, Failure> {
        let front = outcome.front_of(is_of_model);
        let front = || front.iter().map(|one| &one.arch);
        Ok(truth.score(front())?.map(|scores| Alone {
            hypervolume_ratio: scores.hypervolume_ratio,
            igd: scores.igd,
            coverage: truth.coverage(front(), BINS, TOLERANCE),
        }))
    }

    /// Prints everything in the format asked for. The exit code shows whether an architecture is within
    /// the limits.
    pub fn print(&self, run: &Path) -> Result<ExitCode, Failure> {
        let limited = !self.opened.limits.is_empty();
        match self.plan.format {
            Format::Json => {
                let mut json = self.json();
                json["run"] = run.display().to_string().into();
                print_json(&json)?;
            }
            Format::Csv if limited => self.best_records().print(Format::Csv)?,
            Format::Csv => self.front().print(Format::Csv)?,
            Format::Table => self.print_table(run)?,
        }
        if self.model.as_ref().is_some_and(|model| model.all().accepted == 0) {
            note("the language model proposed nothing that could be used");
            return Ok(ExitCode::from(NOTHING_FROM_MODEL));
        }
        if !self.outcome.evaluated.iter().any(|one| one.complete().is_some()) {
            return Err(Failure::work(
                "no evaluated architecture has a value for each objective: mend what computes them, and repeat the search with --force",
            ));
        }
        Ok(match self.within {
            Within::Best(_) => ExitCode::SUCCESS,
            _ if limited => {
                if self.plan.format != Format::Table {
                    let limits = self.limits_in_words();
                    note(&format!("nothing found with {limits}: the nearest is printed"));
                }
                ExitCode::from(NOT_WITHIN_LIMITS)
            }
            _ => ExitCode::SUCCESS,
        })
    }

    /// So many architectures of the measured front, the most accurate within the limits, as text.
    pub fn most_accurate(&self, count: usize) -> Vec<String> {
        let Some(at) = Objective::position(&self.outcome.objectives, Role::Accuracy) else {
            return Vec::new();
        };
        let keeps =
            |one: &&&Evaluated| self.opened.limits.iter().all(|limit| limit.excess(one) <= 1.0);
        let mut front: Vec<&&Evaluated> = self.front.iter().filter(keeps).collect();
        let accuracy = |one: &Evaluated| one.values[at].unwrap_or(f64::NEG_INFINITY);
        front.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
        front.iter().take(count).map(|one| self.problem.space.format(&one.arch)).collect()
    }

    fn best(&self) -> Option<&Evaluated> {
        match self.within {
            Within::Best(found) | Within::Nearest(found) => Some(found),
            Within::Nothing => None,
        }
    }

    fn best_records(&self) -> Records {
        let rows: Vec<Row<'_>> = self.best().map(Row::measured).into_iter().collect();
        self.records(rows.iter(), false)
    }

    /// The failures by kind, each with its count and the first message.
    pub fn failures(&self) -> Vec<(&str, usize, &str)> {
        let mut kinds: Vec<(&str, usize, &str)> = Vec::new();
        for failure in self.outcome.evaluated.iter().filter_map(|one| one.failure.as_deref()) {
            let (kind, message) = failure.split_once(": ").unwrap_or((failure, ""));
            match kinds.iter_mut().find(|known| known.0 == kind) {
                Some(known) => known.1 += 1,
                None => kinds.push((kind, 1, message)),
            }
        }
        kinds
    }

    /// A rule with its evidence, as JSON.
    fn rule(&self, rule: &Rule) -> serde_json::Value {
        json!({
            "polarity": rule.polarity,
            "condition": rule.condition.describe(self.problem.space),
            "niche": rule.niche.map(|niche| niche + 1),
            "by": rule.author,
            "since": rule.since,
            "supporting": rule.evidence.supporting.len(),
            "contradicting": rule.evidence.contradicting.len(),
            "significance": rule.evidence.significance(),
        })
    }

    /// The knowledge base, as Markdown.
    pub fn knowledge(&self) -> String {
        let Outcome { knowledge, niches, objectives, .. } = self.outcome;
        knowledge.markdown(self.problem.space, niches, objectives)
    }

    /// Everything, as JSON.
    pub fn json(&self) -> serde_json::Value {
        let knowledge = &self.outcome.knowledge;
        let dropped = knowledge.dropped().iter().map(|one| {
            let mut rule = self.rule(&one.rule);
            rule["evaluated"] = one.evaluated.into();
            rule
        });
        let limited = !self.opened.limits.is_empty();
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
            "origins": self.opened.origins,
            "evaluated": self.outcome.evaluated.len(),
            "trained": self.trained(),
            "predicted": self.predicted.len(),
            "failed": self.outcome.evaluated.iter().filter(|one| one.failure.is_some()).count(),
            "failures": self.failures(),
            "stopped": self.steps(),
            "searcher_failures": self.searcher_failures,
            "front": self.front().json(),
            "scores": scores,
            "best": best,
            "model": self.model,
            "model_alone": self.alone,
            "model_proposals": self.proposals,
            "generations": self.generations().json(),
            "rules": knowledge.rules().iter().map(|rule| self.rule(rule)).collect::<Vec<_>>(),
            "dropped_rules": dropped.collect::<Vec<_>>(),
            "within_limits": limited.then_some(matches!(self.within, Within::Best(_))),
        })
    }
}
