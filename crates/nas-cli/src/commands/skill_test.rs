//! `nas skill-test`: whether a language model chooses better than chance.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, PoisonError},
};

use clap::ValueEnum;
use nas_eval::{Lookup, Problem, Sources, Trained, Truth};
use nas_hw::Metric;
use nas_llm::{ChatModel, Chosen, Prompting, Style, Transcript, choose};
use nas_pareto::statistics::{Estimate, mean};
use nas_partition::{Allocation, Partition};
use nas_search::{
    Child, Evaluated, KnowledgeBase, Objective, RandomChoice, Request, Search, SearchRng, Settings,
};
use nas_space::Arch;
use rand::SeedableRng;

use super::model::EndpointArguments;
use crate::{
    failure::{Failure, NOTHING_FROM_MODEL},
    output::{Cell, Format, Records},
    progress::Progress,
    space_arguments::SpaceArguments,
    tables::{self, cost_of},
    target::parse_published,
    terminal::{note, print},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas skill-test --llm-url http://127.0.0.1:8911/v1 --llm-model NAME
  nas skill-test --prompting rank --llm-both-orders --llm-url URL --llm-model NAME
  nas skill-test --replay calls.jsonl")]
pub struct Arguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// The device with published latencies
    #[arg(long, value_name = "NAME", default_value = "edgegpu", value_parser = parse_published)]
    device: String,
    /// Situations that the model chooses in
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..))]
    situations: u16,
    /// Candidates in each
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(2..=20))]
    candidates: u16,
    /// Choices among them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=10))]
    choices: u16,
    /// How the model is asked
    #[arg(long, value_enum, default_value_t)]
    prompting: Asked,
    /// Ask twice, the second time with the candidates in the reverse order
    #[arg(long)]
    llm_both_orders: bool,
    /// Show the model neutral names of decisions and choices, drawn by this seed
    #[arg(long, value_name = "SEED")]
    disguise: Option<u64>,
    /// The seed of the situations
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Write every call to this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Answer from a recorded file, with no network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "base_url"])]
    replay: Option<PathBuf>,
    /// The format of the results; csv has a row for each choice
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    endpoint: EndpointArguments,
}

/// How a model is asked to choose, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Asked {
    /// One candidate of each group, with a reason
    #[default]
    Choose,
    /// A letter; the candidates are ranked by the probabilities of their letters
    Rank,
}

/// What a search has found so far, and what it could evaluate next.
struct Situation {
    niche: usize,
    evaluated: Vec<Evaluated>,
    knowledge: KnowledgeBase,
    /// The seed of the candidates and of the model's sampling.
    seed: u64,
}

/// What came of one situation: percentiles among its candidates, from 0 to 1, ties averaged.
struct Judged {
    niche: usize,
    /// Of each choice with its order (0 as they are, 1 reversed) and its place in that order, from 0 to 1.
    choices: Vec<(usize, f64, f64)>,
    /// Of the choices of both orders together.
    together: Vec<f64>,
    /// Of as many best candidates, and of as many that the additive model of what was evaluated predicts
    /// to be best.
    best: f64,
    statistics: f64,
    /// How many of the choices in one order are choices in the other.
    agree: Option<f64>,
}

/// Evaluations before the model is asked: the random sample, and a generation of random choices more in
/// every further situation, up to so many.
const SAMPLE: usize = 60;
const GENERATION: usize = 30;
const GENERATIONS: usize = 4;

pub fn run(arguments: &Arguments, data: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let what = "accuracies of all architectures";
    let published = tables::needed(&problem, data, what)?;
    let lacking = || tables::lacking(&problem, what);
    let Trained { accuracies, .. } = problem.accuracies(&*published)?.ok_or_else(lacking)?;
    let truth = problem.truth(&*published, &arguments.device, &[Metric::Latency])?;
    let truth = truth.ok_or_else(lacking)?;
    let partition = problem.niches.clone().unwrap_or_else(Partition::whole);
    let index = problem.numbering.ok_or_else(lacking)?.index;
    let objectives = [Objective::accuracy("validation_accuracy"), Objective::latency()];
    let mut situations = Vec::new();
    for number in 0..usize::from(arguments.situations) {
        let values = accuracies.clone();
        let accuracy = move |arch: &Arch| values.get(index(arch)).copied();
        let accuracy = Lookup::new(objectives[0].clone(), accuracy);
        let latency = cost_of(&problem, Some(&*published), &arguments.device, Metric::Latency)?;
        let mut evaluator = Sources::new(vec![Box::new(accuracy), latency]);
        situations.push(arguments.situation(&problem, &partition, number, &mut evaluator)?);
    }
    let model = arguments.model()?;
    let judged = arguments.judge(&problem, &partition, &objectives, &truth, &situations, &model)?;
    let made: usize = judged.iter().map(|one| one.choices.len()).sum();
    match arguments.format {
        Format::Table => print(&arguments.table(&judged))?,
        other => records(&judged).print(other)?,
    }
    if made == 0 {
        note("the language model chose nothing");
        return Ok(ExitCode::from(NOTHING_FROM_MODEL));
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn settings(&self) -> Prompting {
        Prompting {
            style: match self.prompting {
                Asked::Choose => Style::Choose,
                Asked::Rank => Style::Rank,
            },
            candidates: usize::from(self.candidates),
            both_orders: self.llm_both_orders,
            disguise: self.disguise,
            ..Prompting::default()
        }
    }

    fn model(&self) -> Result<ChatModel, Failure> {
        if let Some(file) = &self.replay {
            return Ok(ChatModel::replay(file)?);
        }
        // A missing server is an error before a file is created.
        self.endpoint.endpoint()?;
        let transcript = self.record.as_deref().map(Transcript::create).transpose()?;
        self.endpoint.model(transcript)
    }

    /// What a search with random choices has found in its niches, seen from one of them.
    fn situation(
        &self,
        problem: &Problem,
        partition: &Partition,
        number: usize,
        evaluator: &mut Sources,
    ) -> Result<Situation, Failure> {
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let niches = partition.niches().len();
        let settings = Settings {
            evaluations: SAMPLE + GENERATION * (number / niches % GENERATIONS),
            initial: SAMPLE,
            generation: GENERATION,
            allocation: Allocation::Equal,
            seed,
            ..Settings::default()
        };
        let search = Search::new(problem.space, partition, settings);
        let mut proposer = RandomChoice { candidates: usize::from(self.candidates) };
        let outcome = search.run(&mut proposer, evaluator, &mut |_| {})?;
        let (evaluated, knowledge) = (outcome.evaluated, outcome.knowledge);
        Ok(Situation { niche: number % niches, evaluated, knowledge, seed })
    }

    /// Asks the model in all situations, as many at the same time as it may be asked.
    fn judge(
        &self,
        problem: &Problem,
        partition: &Partition,
        objectives: &[Objective],
        truth: &Truth,
        situations: &[Situation],
        model: &ChatModel,
    ) -> Result<Vec<Judged>, Failure> {
        let space = problem.space;
        let (next, settings) = (AtomicUsize::new(0), self.settings());
        let progress = Mutex::new((Progress::new("asking", situations.len()), 0));
        let ask = |situation: &Situation| -> Result<Judged, Failure> {
            let request = Request::new(space, partition, objectives)
                .with_niche(situation.niche)
                .with_evaluated(&situation.evaluated)
                .with_knowledge(&situation.knowledge)
                .with_count(usize::from(self.choices));
            let mut rng = SearchRng::seed_from_u64(situation.seed);
            let candidates = request.slate(usize::from(self.candidates), &mut rng);
            let chosen = choose(model, &settings, &request, candidates.clone(), situation.seed)?;
            judged(&request, truth, &candidates, &chosen)
        };
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(situation) = situations.get(number) else { return Ok(done) };
                done.push((number, ask(situation)?));
                let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
                progress.1 += 1;
                let count = progress.1;
                progress.0.update(count, "");
            }
        };
        let workers = if self.replay.is_some() { 1 } else { self.endpoint.parallel() };
        let all: Result<Vec<Vec<(usize, Judged)>>, Failure> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ended = started.into_iter().map(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ended.collect()
        });
        let mut all: Vec<(usize, Judged)> = all?.into_iter().flatten().collect();
        all.sort_by_key(|one| one.0);
        progress.into_inner().unwrap_or_else(PoisonError::into_inner).0.finish();
        Ok(all.into_iter().map(|one| one.1).collect())
    }

    fn table(&self, judged: &[Judged]) -> String {
        let mut records = Records::new(["choices", "percentile", "skill"]);
        let best = mean(&judged.iter().map(|one| one.best).collect::<Vec<_>>());
        // The percentile of chance is 0.5 and that of the best is known: skill is linear in between.
        let skill = |percentile: f64| (percentile - 0.5) / (best - 0.5).max(f64::MIN_POSITIVE);
        let mut row = |name: &str, values: &[f64]| {
            if values.is_empty() {
                return;
            }
            let estimate = Estimate::of(values);
            let of = Estimate {
                mean: skill(estimate.mean),
                half: estimate.half.map(|half| half / (best - 0.5).max(f64::MIN_POSITIVE)),
            };
            records.push(vec![name.into(), Cell::Text(estimate.text(3)), Cell::Text(of.signed(2))]);
        };
        // A mean for each situation, whose choices depend on each other.
        let by_situation = |of: &dyn Fn(&Judged) -> Vec<f64>| -> Vec<f64> {
            let means = judged.iter().map(of).filter(|values| !values.is_empty());
            means.map(|values| mean(&values)).collect()
        };
        let in_order = |order: usize| {
            by_situation(&|one| {
                let mine = one.choices.iter().filter(|choice| choice.0 == order);
                mine.map(|choice| choice.1).collect()
            })
        };
        row("the model's", &in_order(0));
        if self.llm_both_orders {
            row("in the reverse order", &in_order(1));
            row("both orders together", &by_situation(&|one| one.together.clone()));
        }
        row("by statistics", &by_situation(&|one| vec![one.statistics]));
        row("the best", &by_situation(&|one| vec![one.best]));
        let choices: Vec<&(usize, f64, f64)> = judged.iter().flat_map(|one| &one.choices).collect();
        let place = mean(&choices.iter().map(|choice| choice.2).collect::<Vec<_>>());
        let agree: Vec<f64> = judged.iter().filter_map(|one| one.agree).collect();
        let agree = match agree[..] {
            [] => String::new(),
            _ => format!(
                "\n  in the reverse order it makes {:.0} % of the same choices (chance: {:.0} %)",
                100.0 * mean(&agree),
                100.0 * f64::from(self.choices) / f64::from(self.candidates),
            ),
        };
        format!(
            "{}\n{} choices in {} situations, {} of {} candidates each\n  \
             percentile: of what a choice truly adds to its niche's front, among the candidates,\n    \
             ties averaged; chance is 0.5; ±: 95 % interval over situations\n  \
             skill: 0 is chance, 1 the best candidates\n  \
             its choices are at {place:.2} of the list in the mean (0 is the first, chance is 0.5){agree}\n",
            records.table(),
            choices.len(),
            judged.len(),
            self.choices,
            self.candidates,
        )
    }
}

/// Compares choices with what their candidates truly add.
fn judged(
    request: &Request<'_>,
    truth: &Truth,
    candidates: &[Child<'_>],
    chosen: &Chosen,
) -> Result<Judged, Failure> {
    let here = |one: &&Evaluated| one.niche == request.niche;
    let evaluated: Vec<&Arch> =
        request.evaluated.iter().filter(here).map(|one| &one.arch).collect();
    let gains = truth.gains_of(&evaluated, candidates.iter().map(|child| &child.arch))?;
    let percentiles = percentiles(&gains);
    let count = request.count.min(candidates.len());
    let of_best = |scores: &[f64]| {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let best = order.into_iter().take(count).map(|at| percentiles[at]);
        mean(&best.collect::<Vec<f64>>())
    };
    // By the additive model: what its predicted costs add to the front that the search sees.
    let predicted = predicted_gains(request, candidates);
    let last = candidates.len().saturating_sub(1).max(1) as f64;
    let choices = chosen.by_order.iter().enumerate().flat_map(|(order, picks)| {
        picks.iter().map(move |&at| {
            let place = if order == 0 { at } else { candidates.len() - 1 - at };
            (order, at, place as f64 / last)
        })
    });
    let choices = choices.map(|(order, at, place)| (order, percentiles[at], place));
    let agree = match &chosen.by_order[..] {
        [one, other] if !one.is_empty() => {
            let one: HashSet<&usize> = one.iter().collect();
            Some(other.iter().filter(|at| one.contains(at)).count() as f64 / one.len() as f64)
        }
        _ => None,
    };
    Ok(Judged {
        niche: request.niche,
        choices: choices.collect(),
        together: chosen.together.iter().map(|&at| percentiles[at]).collect(),
        best: of_best(&gains),
        statistics: of_best(&predicted),
        agree,
    })
}

/// For each value the share of the others that are less, of equal ones half.
fn percentiles(values: &[f64]) -> Vec<f64> {
    let others = values.len().saturating_sub(1).max(1) as f64;
    let of = |value: &f64| {
        let less = values.iter().filter(|other| *other < value).count() as f64;
        let no_more = values.iter().filter(|other| *other <= value).count() as f64;
        // Without itself.
        (less + no_more - 1.0) / 2.0 / others
    };
    values.iter().map(of).collect()
}

/// By how much the additive model expects each candidate to be better than its parent, over the objectives
/// in units of their range.
fn predicted_gains(request: &Request<'_>, candidates: &[Child<'_>]) -> Vec<f64> {
    let Request { space, objectives, evaluated, .. } = *request;
    let effects = request.knowledge().effects(space, objectives, evaluated);
    let ranges: Vec<f64> = (0..objectives.len())
        .map(|at| {
            let values = request.parents.iter().filter_map(|one| one.values[at]);
            let (low, high) = values
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
            if high > low { high - low } else { 1.0 }
        })
        .collect();
    let gain = |child: &Child<'_>| {
        let all = effects.iter().zip(&ranges);
        let better = all.map(|(effects, range)| {
            let before = child.parent.map_or(0.0, |parent| effects.predict(&parent.arch));
            (before - effects.predict(&child.arch)) / range
        });
        better.sum()
    };
    candidates.iter().map(gain).collect()
}

/// A row for each choice.
fn records(judged: &[Judged]) -> Records {
    let mut records = Records::new([
        "situation",
        "niche",
        "order",
        "place",
        "percentile",
        "percentile_of_best",
        "percentile_by_statistics",
    ]);
    for (number, one) in judged.iter().enumerate() {
        for (order, percentile, place) in &one.choices {
            records.push(vec![
                (number + 1).into(),
                (one.niche + 1).into(),
                if *order == 0 { "as drawn" } else { "reversed" }.into(),
                Some(*place).into(),
                Some(*percentile).into(),
                Some(one.best).into(),
                Some(one.statistics).into(),
            ]);
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_average_ties_and_have_the_mean_of_one_half() {
        assert_eq!(percentiles(&[0.0, 0.0, 0.0, 1.0, 2.0]), [0.25, 0.25, 0.25, 0.75, 1.0]);
        assert_eq!(percentiles(&[3.0, 3.0]), [0.5, 0.5]);
        assert_eq!(percentiles(&[3.0]), [0.0]);
        let values: Vec<f64> = (0..37).map(|at| f64::from(at * 7 % 10)).collect();
        assert!((mean(&percentiles(&values)) - 0.5).abs() < 1e-12);
    }
}
