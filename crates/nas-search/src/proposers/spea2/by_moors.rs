//! SPEA2, run by the library moors.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use moors::{
    AdaptiveController, AlgorithmContext, ControlSignal, ExactDuplicatesCleaner, MutationOperator,
    NoConstraints, Population, RandomGenerator, SamplingOperator, Spea2Builder,
    UniformBinaryCrossover, genetic::D12,
};
use nas_space::Arch;
use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1};
use rand::RngExt;

use crate::{BoxError, Evaluated, Proposal, Proposer, Random, Request, SearchRng};

/// SPEA2 (Zitzler, Laumanns & Thiele 2001), which ranks an architecture by how many of the population
/// dominate it, as implemented by the library [moors](https://docs.rs/moors): an optimiser that others
/// wrote and tuned.
///
/// The library runs in a thread of its own, which waits whenever it needs a population evaluated. It
/// sees each choice as a number between 0 and 1. It starts with architectures of the search's initial
/// sample; those that could not be evaluated have the worst costs seen. It has no niches: proposals
/// outside the requested niche are rejected.
#[derive(Debug)]
pub struct Spea2 {
    population: usize,
    run: Option<Run>,
}

/// Populations without anything new after which the library counts as finished.
const ROUNDS: usize = 100;

#[derive(Debug)]
struct Run {
    populations: Receiver<Vec<Arch>>,
    answers: Sender<Vec<Vec<f64>>>,
    /// The population whose costs the library waits for.
    asked: Vec<Arch>,
    /// Its architectures that are still to be proposed.
    waiting: VecDeque<Arch>,
    costs: HashMap<Arch, Option<Vec<f64>>>,
    worst: Vec<f64>,
    /// The number of evaluations seen.
    seen: usize,
}

impl Spea2 {
    /// A population of that size.
    pub fn new(population: usize) -> Self {
        Self { population: population.max(4), run: None }
    }
}

impl Run {
    fn start(request: &Request<'_>, population: usize, rng: &mut SearchRng) -> Self {
        let (ask, populations) = channel();
        let (answers, answered) = channel();
        let choices: Vec<usize> =
            request.space.decisions().iter().map(|decision| decision.choices.len()).collect();
        let sample: Vec<Arch> = request.evaluated.iter().map(|one| one.arch.clone()).collect();
        let (objectives, seed) = (request.objectives.len(), rng.random());
        thread::spawn(move || {
            library(choices, sample, objectives, population, seed, ask, answered);
        });
        Self {
            populations,
            answers,
            asked: Vec::new(),
            waiting: VecDeque::new(),
            costs: HashMap::new(),
            worst: vec![f64::NEG_INFINITY; objectives],
            seen: 0,
        }
    }

    /// Adds the costs of what was evaluated since.
    fn learn(&mut self, request: &Request<'_>) {
        for Evaluated { arch, values, .. } in &request.evaluated[self.seen..] {
            let costs = values.iter().zip(request.objectives);
            let costs: Option<Vec<f64>> =
                costs.map(|(value, objective)| Some(objective.cost((*value)?))).collect();
            for (worst, cost) in self.worst.iter_mut().zip(costs.iter().flatten()) {
                *worst = worst.max(*cost);
            }
            self.costs.insert(arch.clone(), costs);
        }
        self.seen = request.evaluated.len();
    }

    /// The next new architectures that the library needs evaluated; none when it has ended.
    fn next(&mut self, request: &Request<'_>) -> Vec<Arch> {
        for _ in 0..ROUNDS {
            let new = |arch: &Arch| !self.costs.contains_key(arch) && request.check(arch).is_ok();
            let waiting: Vec<Arch> = self.waiting.drain(..).filter(new).collect();
            if !waiting.is_empty() {
                let now = waiting.len().min(request.count);
                self.waiting = waiting[now..].iter().cloned().collect();
                return waiting[..now].to_vec();
            }
            if !self.asked.is_empty() {
                let costs = |arch| self.costs.get(arch).cloned().flatten();
                let answer = |arch| costs(arch).unwrap_or_else(|| self.worst.clone());
                if self.answers.send(self.asked.iter().map(answer).collect()).is_err() {
                    return Vec::new();
                }
            }
            let Ok(asked) = self.populations.recv() else { return Vec::new() };
            let mut waiting = asked.clone();
            waiting.sort();
            waiting.dedup();
            self.waiting = waiting.into();
            self.asked = asked;
        }
        Vec::new()
    }
}

impl Spea2 {
    /// The proposer's name in results.
    pub const NAME: &'static str = "spea2";
}

impl Proposer for Spea2 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        if request.evaluated.iter().all(|one| one.complete().is_none()) {
            return Random.propose(request, rng);
        }
        let run = self.run.get_or_insert_with(|| Run::start(request, self.population, rng));
        run.learn(request);
        Ok(run.next(request).into_iter().map(Proposal::from).collect())
    }
}

/// Runs the library until the proposer is dropped.
fn library(
    choices: Vec<usize>,
    sample: Vec<Arch>,
    objectives: usize,
    population: usize,
    seed: u64,
    ask: Sender<Vec<Arch>>,
    answered: Receiver<Vec<Vec<f64>>>,
) {
    let decisions = choices.len();
    let sampler = Sample { sample, choices: choices.clone() };
    let mutation = Redrawn(choices.clone());
    let ended = Arc::new(AtomicBool::new(false));
    let controller = UntilEnded(ended.clone());
    let channels = Mutex::new((ask, answered));
    let fitness = move |genes: &Array2<f64>| -> Array2<f64> {
        let choice = |(gene, count): (&f64, &usize)| (gene * *count as f64) as u8;
        let arch = |genes: ArrayView1<'_, f64>| -> Arch {
            Arch::new(genes.iter().zip(&choices).map(choice).collect::<Vec<u8>>())
        };
        let population = genes.rows().into_iter().map(arch).collect();
        let answer = channels.lock().ok().and_then(|channels| {
            channels.0.send(population).ok()?;
            channels.1.recv().ok()
        });
        let answer: Vec<f64> = answer.unwrap_or_default().into_iter().flatten().collect();
        let shape = (genes.nrows(), objectives);
        Array2::from_shape_vec(shape, answer).unwrap_or_else(|_| {
            ended.store(true, Ordering::Relaxed);
            Array2::from_shape_fn(shape, |(row, column)| (row + column) as f64)
        })
    };
    let algorithm = Spea2Builder::default()
        .fitness_fn(fitness)
        .constraints_fn(NoConstraints)
        .sampler(sampler)
        .crossover(UniformBinaryCrossover::new())
        .mutation(mutation)
        .controller(controller)
        .duplicates_cleaner(ExactDuplicatesCleaner::new())
        .num_vars(decisions)
        .population_size(population)
        .num_offsprings(population)
        .num_iterations(usize::MAX)
        .mutation_rate(1.0)
        .crossover_rate(0.9)
        .seed(seed)
        .build();
    if let Ok(mut algorithm) = algorithm {
        let _ = algorithm.run();
    }
}

/// Draws from the architectures that are evaluated already.
#[derive(Debug, Clone)]
struct Sample {
    sample: Vec<Arch>,
    choices: Vec<usize>,
}

impl SamplingOperator for Sample {
    fn sample_individual(&self, _: usize, rng: &mut impl RandomGenerator) -> Array1<f64> {
        let one = &self.sample[rng.gen_range_usize(0, self.sample.len())];
        let genes = one.choices().iter().zip(&self.choices);
        genes.map(|(&choice, &count)| gene(usize::from(choice), count)).collect()
    }
}

/// A choice as the library sees it: the middle of its share of the range from 0 to 1.
fn gene(choice: usize, count: usize) -> f64 {
    (choice as f64 + 0.5) / count as f64
}

/// Each decision takes a random choice with a probability of one in the number of decisions.
#[derive(Debug, Clone)]
struct Redrawn(Vec<usize>);

impl MutationOperator for Redrawn {
    fn mutate(&self, mut genes: ArrayViewMut1<'_, f64>, rng: &mut impl RandomGenerator) {
        for (place, &count) in genes.iter_mut().zip(&self.0) {
            if rng.gen_bool(1.0 / self.0.len() as f64) {
                *place = gene(rng.gen_range_usize(0, count), count);
            }
        }
    }
}

/// Ends the library's run when the proposer is dropped.
#[derive(Debug)]
struct UntilEnded(Arc<AtomicBool>);

impl<F: D12, C: D12> AdaptiveController<F, C> for UntilEnded {
    fn observe(&mut self, _: usize, _: &Population<F, C>, _: &AlgorithmContext) -> ControlSignal {
        ControlSignal { stop: self.0.load(Ordering::Relaxed), ..ControlSignal::default() }
    }
}
