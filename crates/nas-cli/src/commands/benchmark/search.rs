//! The searches of a benchmark, in parallel.

use std::{sync::Mutex, time::Instant};

use nas_eval::{
    Acquisition, Predicted, ProposalScores, SimulatedChoice, Source, Sources, TrainingBudget,
};
use nas_partition::{Allocation, Partition};
use nas_search::{
    Evaluated, Evaluator, Event, FixedList, Outcome, Proposer, Rule, Search, Settings,
};
use nas_space::Arch;
use rayon::prelude::*;

use super::{
    Accuracy, Arguments,
    contender::{Contender, Kind},
    pair::Pair,
};
use crate::{
    commands::search::{BINS, TOLERANCE},
    failure::Failure,
    partition::Cut,
    progress::Progress,
    searcher::{scan, schedule},
};

/// The result of one search after a number of evaluations.
pub struct Row {
    pub dataset: &'static str,
    pub device: &'static str,
    pub searcher: &'static str,
    pub seed: u64,
    pub evaluations: usize,
    pub scores: Option<nas_eval::Scores>,
    pub coverage: f64,
    /// How good single proposals were, where that is asked for.
    pub proposals: Option<ProposalScores>,
    /// Of operators that share a search, the share of the first among what was proposed since the row
    /// before.
    pub first_operator: Option<f64>,
    /// The given rules that still hold.
    pub holding: String,
    pub seconds: f64,
    /// The front at the end.
    pub front: Vec<Evaluated>,
    /// What the user's own searcher did until the end.
    pub own: Option<Own>,
}

/// What a user's own searcher did in one search.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Architectures after the initial sample, and how many of them it proposed.
    pub later: usize,
    pub proposed: usize,
    /// Requests that it did not answer, with the first reason.
    pub failed: Option<(usize, String)>,
}

impl Arguments {
    /// All searches of all pairs.
    pub fn searches(&self, pairs: &[Pair<'_>]) -> Result<Vec<Row>, Failure> {
        let contenders = self.contenders();
        let jobs: Vec<(&Pair<'_>, Contender, u64)> = pairs
            .iter()
            .flat_map(|pair| contenders.iter().map(move |&contender| (pair, contender)))
            .flat_map(|(pair, contender)| self.seeds().map(move |seed| (pair, contender, seed)))
            .collect();
        let progress = Mutex::new((Progress::new("searching", jobs.len()), 0));
        let rows: Vec<Vec<Row>> = jobs
            .par_iter()
            .map(|&(pair, contender, seed)| {
                let rows = self.search(pair, contender, seed);
                if let Ok(mut progress) = progress.lock() {
                    progress.1 += 1;
                    let done = progress.1;
                    progress.0.update(done, "");
                }
                rows
            })
            .collect::<Result<_, Failure>>()?;
        if let Ok(progress) = progress.lock() {
            progress.0.finish();
        }
        Ok(rows.into_iter().flatten().collect())
    }

    fn search(
        &self,
        pair: &Pair<'_>,
        contender: Contender,
        seed: u64,
    ) -> Result<Vec<Row>, Failure> {
        let begun = Instant::now();
        let mut evaluator = self.evaluator(pair, seed)?;
        let (outcome, own) = self.outcome(pair, contender, seed, &mut *evaluator)?;
        let seconds = begun.elapsed().as_secs_f64();
        let all = outcome.evaluated.len();
        let mut at: Vec<usize> =
            self.at.iter().map(|&at| at as usize).filter(|&at| at < all).collect();
        at.push(all);
        let proposals = match (&pair.cut, self.proposals) {
            (Cut::Fixed(niches), true) => {
                let of = |one: &Evaluated| match contender.kind {
                    // They propose in their own names.
                    Kind::Operators(_) => true,
                    Kind::Simulated(_) => one.proposer == SimulatedChoice::NAME,
                    Kind::Searcher(_) => one.proposer == contender.name,
                };
                pair.truth.score_proposals(niches, &outcome.evaluated, of)?
            }
            _ => None,
        };
        let first = self.first_operator(contender);
        let befores = std::iter::once(0).chain(at.clone());
        befores
            .zip(at)
            .map(|(before, evaluations)| {
                let new = outcome.evaluated[before..evaluations].iter();
                let new: Vec<&Evaluated> = new.filter(|one| one.generation > 0).collect();
                let mine =
                    |first: &str| new.iter().filter(|one| one.proposer == first).count() as f64;
                let first_operator = first.filter(|_| !new.is_empty());
                let front = outcome.front_after(evaluations);
                let archs = || front.iter().map(|found: &&Evaluated| &found.arch);
                let found = front.iter().filter(|_| evaluations == all);
                Ok(Row {
                    dataset: pair.on.problem.dataset_name.unwrap_or_default(),
                    device: pair.device,
                    searcher: contender.name,
                    seed,
                    evaluations,
                    scores: pair.truth.score(archs())?,
                    coverage: pair.truth.coverage(archs(), BINS, TOLERANCE),
                    proposals: proposals.filter(|_| evaluations == all),
                    first_operator: first_operator.map(|first| mine(first) / new.len() as f64),
                    holding: holding(&pair.rules, &outcome, evaluations),
                    seconds,
                    front: found.map(|&found| found.clone()).collect(),
                    own: own.clone().filter(|_| evaluations == all),
                })
            })
            .collect()
    }

    /// The objectives of a search.
    fn evaluator(&self, pair: &Pair<'_>, seed: u64) -> Result<Box<dyn Evaluator>, Failure> {
        let problem = &pair.on.problem;
        let costs = pair.metrics.iter().map(|metric| -> Result<Box<dyn Source>, Failure> {
            Ok(pair.on.published.cost(pair.device, *metric)?)
        });
        let mut costs = costs.collect::<Result<Vec<_>, _>>()?;
        let accuracy = pair.on.accuracies.source(problem, seed);
        if self.accuracy == Accuracy::Predictor {
            let acquisition = Acquisition::Active;
            let budget = TrainingBudget { count: self.trained as usize, acquisition, seed };
            let (domain, costs) = (problem.domain()?, Sources::new(costs));
            return Ok(Box::new(Predicted::new(domain, accuracy, costs, budget)));
        }
        costs.insert(0, accuracy);
        Ok(Box::new(Sources::new(costs)))
    }

    fn outcome(
        &self,
        pair: &Pair<'_>,
        Contender { name, kind }: Contender,
        seed: u64,
        evaluator: &mut dyn Evaluator,
    ) -> Result<(Outcome, Option<Own>), Failure> {
        let problem = &pair.on.problem;
        let space = problem.space;
        let mut failed: Option<(usize, String)> = None;
        let on_event = &mut |event: &Event<'_>| {
            if let Event::ProposerFailed { error, .. } = event {
                failed.get_or_insert_with(|| (0, error.to_string())).0 += 1;
            }
        };
        let own = self.propose.iter().find(|own| own.searcher.name() == name);
        let proposer: Option<Box<dyn Proposer + '_>> = match (own, kind) {
            (Some(own), _) => Some(Box::new(own.plan().build(name, problem, seed))),
            (None, Kind::Simulated(skill)) => Some(self.simulated(pair, skill)),
            (None, Kind::Operators(skill)) => Some(Box::new(self.operators(pair, skill)?)),
            (None, Kind::Searcher(searcher)) => {
                searcher.proposer(problem, self.candidates as usize)?.map(|own| own as _)
            }
        };
        let Some(mut proposer) = proposer else {
            let all: Vec<Arch> = space.enumerate().collect();
            let whole = Partition::whole();
            let settings = scan(all.len(), Settings { seed, ..Settings::default() });
            let all: &mut dyn Proposer = &mut FixedList::new(name, all);
            return Ok((Search::new(space, &whole, settings).run(all, evaluator, on_event)?, None));
        };
        let allocation = self.allocation.or(Allocation::Adaptive);
        let schedule = schedule(self.evaluations as usize, seed);
        let initial = self.initial.map_or(schedule.initial, |initial| initial as usize);
        let children = self.children.map(|children| children as usize * pair.cut.niches());
        let generation = children.unwrap_or(schedule.generation);
        let settings = Settings { allocation, initial, generation, ..schedule };
        let search = pair.cut.search(space, settings).with_rules(&pair.rules);
        let outcome = search.run(&mut *proposer, evaluator, on_event)?;
        let later = outcome.evaluated.iter().filter(|one| one.generation > 0);
        let mine = later.clone().filter(|one| one.proposer == name).count();
        let own = own.map(|_| Own { later: later.count(), proposed: mine, failed });
        Ok((outcome, own))
    }
}

/// The positions, from 1 on, of the given rules that no evidence had refuted after so many
/// evaluations.
fn holding(rules: &[Rule], outcome: &Outcome, evaluations: usize) -> String {
    let dropped = outcome.knowledge.dropped().iter().filter(|one| one.evaluated <= evaluations);
    let dropped: Vec<_> = dropped.map(|one| &one.rule).collect();
    let holds = |rule: &Rule| !dropped.iter().any(|other| other.states_the_same(rule));
    let holding = (1..).zip(rules).filter(|(_, rule)| holds(rule));
    holding.map(|(at, _)| format!("{at}")).collect::<Vec<_>>().join(" ")
}
