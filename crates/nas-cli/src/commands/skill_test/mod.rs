//! `nas skill-test`: whether a language model chooses better than chance.

mod expected;
mod judged;

use std::{path::Path, process::ExitCode};

use clap::ValueEnum;
use nas_eval::{Lookup, Problem, SimulatedChoice, Sources, Trained, Truth};
use nas_hw::Metric;
use nas_llm::{ChatModel, Chosen, Prompting, Style, choose};
use nas_partition::{Allocation, Partition};
use nas_search::{
    Evaluated, KnowledgeBase, Objective, RandomChoice, Request, Search, SearchRng, Settings,
};
use nas_space::Arch;
use rand::SeedableRng;
use serde_json::json;

use self::{
    expected::Orders,
    judged::{Judged, Summary, without_means},
};
use super::{
    benchmark::skill,
    model::{CallArguments, DisguiseArguments},
};
use crate::{
    asking::ask_all,
    failure::{Failure, NOTHING_FROM_MODEL},
    output::{Format, print_json},
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
  nas skill-test --replay calls.jsonl
  nas skill-test --simulate 0.25")]
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
    #[command(flatten)]
    disguise: DisguiseArguments,
    /// The seed of the situations
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Instead of a model, choose with this skill: of each group the best with this probability, else a
    /// random one
    #[arg(
        long, value_name = "SKILL", value_parser = skill,
        conflicts_with_all = ["base_url", "replay", "record", "prompting", "llm_both_orders", "disguise"]
    )]
    simulate: Option<f64>,
    /// The format of the results; csv has a row for each choice, also by statistics and of the best, json
    /// these and the rank correlations of expected values in each situation
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    calls: CallArguments,
}

/// How a model is asked to choose, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Asked {
    /// One candidate of each group, with a reason
    #[default]
    Choose,
    /// A letter; the candidates are ranked by the probabilities of their letters
    Rank,
    /// The values that it expects of each candidate; the best by these are its choices
    Estimate,
}

/// Who chooses.
enum Chooser<'a> {
    Model(ChatModel),
    Simulated(SimulatedChoice<'a>),
}

/// What the choices are about.
#[derive(Clone, Copy)]
struct Space<'a> {
    problem: &'a Problem,
    partition: &'a Partition,
    objectives: &'a [Objective],
}

/// What a search has found so far, and what it could evaluate next.
struct Situation {
    niche: usize,
    evaluated: Vec<Evaluated>,
    knowledge: KnowledgeBase,
    /// The seed of the candidates and of the model's sampling.
    seed: u64,
}

/// Evaluations before the model is asked: the random sample, and a generation of random choices more in
/// every further situation, up to so many.
const SAMPLE: usize = 60;
const GENERATION: usize = 30;
const GENERATIONS: usize = 4;

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    if arguments.llm_both_orders && arguments.prompting == Asked::Estimate {
        return Err(Failure::input(
            "--llm-both-orders: with --prompting estimate each candidate has a call of its own; leave it out",
        ));
    }
    if 2 * arguments.choices > arguments.candidates {
        return Err(Failure::input(format!(
            "--choices {}: expected at most half of the {} --candidates, so that there is something to choose",
            arguments.choices, arguments.candidates
        )));
    }
    let problem = arguments.space.problem()?;
    let what = "accuracies of all architectures";
    let published = tables::needed(&problem, tables, what)?;
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
    let chooser = match arguments.simulate {
        Some(skill) => {
            let candidates = usize::from(arguments.candidates);
            Chooser::Simulated(SimulatedChoice::new(&truth, candidates, skill))
        }
        None => Chooser::Model(arguments.calls.model()?),
    };
    let space = Space { problem: &problem, partition: &partition, objectives: &objectives };
    let mut judged = arguments.judge(space, &truth, &situations, &chooser)?;
    if arguments.prompting == Asked::Rank {
        without_means(&mut judged);
    }
    let (choices, candidates) = (arguments.choices, arguments.candidates);
    let summary = Summary { judged: &judged, choices, candidates };
    let expected = Orders { judged: &judged, objectives: &objectives };
    match arguments.format {
        Format::Table => print(&(summary.table() + &expected.table()))?,
        Format::Csv => summary.records().print(Format::Csv)?,
        Format::Json => print_json(&json!({
            "choices": summary.records().json(),
            "expected": expected.records().json(),
        }))?,
    }
    if judged.iter().all(|one| one.made() == 0) {
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
                Asked::Estimate => Style::Estimate,
            },
            candidates: usize::from(self.candidates),
            both_orders: self.llm_both_orders,
            disguise: self.disguise.names(),
            ..Prompting::default()
        }
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

    /// The choices in all situations; a model is asked in as many at the same time as it may be.
    fn judge(
        &self,
        space: Space<'_>,
        truth: &Truth,
        situations: &[Situation],
        chooser: &Chooser<'_>,
    ) -> Result<Vec<Judged>, Failure> {
        ask_all(situations.len(), self.calls.parallel(), |number| {
            self.judge_one(space, truth, &situations[number], chooser)
        })
    }

    fn judge_one(
        &self,
        Space { problem, partition, objectives }: Space<'_>,
        truth: &Truth,
        situation: &Situation,
        chooser: &Chooser<'_>,
    ) -> Result<Judged, Failure> {
        let request = Request::new(problem.space, partition, objectives)
            .with_niche(situation.niche)
            .with_evaluated(&situation.evaluated)
            .with_knowledge(&situation.knowledge)
            .with_count(usize::from(self.choices));
        let mut rng = SearchRng::seed_from_u64(situation.seed);
        let candidates = request.slate(usize::from(self.candidates), &mut rng);
        let chosen = match chooser {
            Chooser::Model(model) => {
                let settings = self.settings();
                choose(model, &settings, &request, candidates.clone(), situation.seed)?
            }
            Chooser::Simulated(simulated) => {
                let chosen = simulated.choose(&request, &candidates, &mut rng)?;
                Chosen { by_order: vec![chosen], ..Chosen::default() }
            }
        };
        Judged::of(&request, truth, &candidates, &chosen, self.prompting == Asked::Choose)
    }
}
