//! The loop of a search: propose, evaluate, archive, learn.

mod parallel;
#[cfg(test)]
mod parallel_tests;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::HashSet, ops::ControlFlow, sync::atomic::Ordering};

use nas_partition::{Allocation, Budget, Partition};
use nas_space::Arch;

use crate::{
    Error, Evaluated, Evaluation, Evaluator, Event, Fill, FixedList, Objective, Outcome, Proposer,
    Random, RandomEdits, Rejections, Rule, Search, Settings, State, Statistical,
    archives::Archives,
    generation::{Accepted, Proposals, Situation},
    search::Niches,
};

/// The evidence is counted again when the number of evaluations has grown by one part in 50.
const COUNTED_PER: usize = 50;

/// The proposer's name of what was evaluated before the search.
const KNOWN: &str = "known";

impl Search<'_> {
    /// Runs until the budget is spent, or until no niche has a new architecture. Where nothing is
    /// filled it ends after the planned generations.
    ///
    /// # Errors
    /// Only the evaluator's, and that of a proposer that [gives up](Proposer::gives_up); any other failure
    /// of a proposer is reported as [`Event::ProposerFailed`].
    pub fn run(
        &self,
        proposer: &mut dyn Proposer,
        evaluator: &mut dyn Evaluator,
        on_event: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Outcome, Error> {
        let state = State::new(self.settings, self.rules, self.known.len());
        Run::new(self, state, evaluator, on_event)?.run(proposer)
    }

    /// Continues an equal search from its state between two generations, and ends as that search
    /// would have ended.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Error::State`] for a state that this search cannot have.
    pub fn resume(
        &self,
        state: State,
        proposer: &mut dyn Proposer,
        evaluator: &mut dyn Evaluator,
        on_event: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Outcome, Error> {
        let mut run = Run::new(self, state, evaluator, on_event)?;
        run.restore()?;
        run.run(proposer)
    }
}

struct Run<'a, 'b> {
    search: &'a Search<'a>,
    partition: Cow<'a, Partition>,
    /// The whole space as one niche.
    whole: Partition,
    evaluator: &'b mut dyn Evaluator,
    on_event: &'b mut dyn FnMut(&Event<'_>),
    objectives: Vec<Objective>,
    state: State,
    /// Whether the state is all that the search needs to continue: neither the proposer nor the
    /// evaluator has a state of its own.
    is_stateless: bool,
    /// Whether the search was stopped before its end.
    interrupted: bool,
    /// What was evaluated or accepted.
    seen: HashSet<Arch>,
    archives: Archives,
}

impl<'a, 'b> Run<'a, 'b> {
    fn new(
        search: &'a Search<'a>,
        state: State,
        evaluator: &'b mut dyn Evaluator,
        on_event: &'b mut dyn FnMut(&Event<'_>),
    ) -> Result<Self, Error> {
        let objectives = evaluator.objectives().to_vec();
        let partition = match search.niches {
            Niches::Fixed(partition) => Cow::Borrowed(partition),
            Niches::Automatic(_) => Cow::Owned(Partition::whole()),
        };
        let archives = Archives::of(search.space, &objectives, partition.niches().len(), &[])?;
        Ok(Self {
            search,
            partition,
            whole: Partition::whole(),
            evaluator,
            on_event,
            objectives,
            state,
            is_stateless: false,
            interrupted: false,
            seen: HashSet::new(),
            archives,
        })
    }

    /// Checks a state that comes from outside, and computes what follows from it.
    fn restore(&mut self) -> Result<(), Error> {
        let (search, state) = (self.search, &self.state);
        if let Some((name, count)) = &state.cut {
            let costs =
                state.evaluated.get(..*count).map(|some| main_costs(some, &self.objectives));
            let partition = match (search.niches, costs) {
                (Niches::Automatic(partitions), Some(costs)) => partitions.named(name, &costs),
                _ => None,
            };
            self.partition = Cow::Owned(partition.ok_or_else(|| {
                Error::State(format!("niches by {name} after {count} evaluations"))
            })?);
        }
        let (evaluations, details) = (search.settings.evaluations, self.evaluator.details().len());
        state.check(search.space, evaluations, &self.partition, &self.objectives, details)?;
        for one in &state.evaluated {
            self.evaluator.remember(&one.arch, &one.evaluation());
        }
        self.seen = state.evaluated.iter().map(|one| one.arch.clone()).collect();
        self.archive_all()
    }

    fn run(mut self, proposer: &mut dyn Proposer) -> Result<Outcome, Error> {
        let Settings { evaluations, generation, fill, .. } = self.search.settings;
        let fill = fill != Fill::Nothing;
        let generation = generation.max(1);
        if self.evaluator.parallel().is_some() {
            self.run_parallel(proposer)?;
            return Ok(self.outcome());
        }
        self.is_stateless = proposer.is_stateless() && !self.evaluator.learns();
        if self.state.generations == 0 {
            let proposals = self.start()?;
            self.evaluate_all(proposals)?;
        }
        while self.state.evaluated.len() < evaluations && !self.is_stopped() {
            let State { found, to_come, partition_at, ref evaluated, .. } = self.state;
            if !fill && to_come == 0 {
                break;
            }
            let left = self.next_end() - evaluated.len();
            if fill && found == 0 {
                // The niches whose turn it was are exhausted, or empty: the whole space may not be.
                let mut wanted = vec![0; self.archives.niches()];
                wanted.push(generation.min(left));
                self.generation(&mut Statistical, &wanted)?;
                if self.state.found == 0 {
                    break;
                }
                continue;
            }
            if evaluated.len() >= partition_at && self.partition()? {
                self.state.partition_at = 2 * self.state.evaluated.len();
                self.state.budget = Budget::default();
            }
            let total = generation.min(left);
            let shares = self.shares();
            let shares = self.state.budget.share_out(total, &shares);
            self.state.to_come = to_come.saturating_sub(1);
            self.generation(proposer, &shares)?;
        }
        if self.state.evaluated.len() < evaluations && !self.interrupted {
            self.update(1.0)?;
        }
        Ok(self.outcome())
    }

    fn outcome(mut self) -> Outcome {
        if self.state.counted < self.state.evaluated.len() {
            self.count(self.state.generations.saturating_sub(1), Vec::new());
        }
        let State { evaluated, knowledge, .. } = self.state;
        // The outcome has the effects, whoever proposed.
        knowledge.effects(self.search.space, &self.objectives, &evaluated);
        Outcome {
            objectives: self.objectives,
            evaluated,
            niches: self.partition.niches().to_vec(),
            knowledge,
            interrupted: self.interrupted,
        }
    }

    /// The number of evaluations with which the search ends, or ended before it was extended: nothing is
    /// proposed beyond it until it is reached.
    fn next_end(&self) -> usize {
        let done = self.state.evaluated.len();
        let ends = self.search.extended.iter().copied().filter(|end| *end > done);
        ends.fold(self.search.settings.evaluations, usize::min)
    }

    /// Whether the search ends now.
    fn is_stopped(&mut self) -> bool {
        self.interrupted |= self.search.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        self.interrupted
    }

    /// Whether architectures of all niches are parents in each.
    fn is_shared(&self) -> bool {
        self.search.settings.allocation == Allocation::Adaptive && self.archives.niches() > 1
    }

    /// The niches' shares of the initial sample, and last that of the whole space.
    fn initial_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.archives.niches()];
        if self.is_shared() {
            shares.push(1.0);
            return shares;
        }
        Allocation::Equal.shares(&shares)
    }

    /// The niches' shares of a generation, and last that of the whole space.
    fn shares(&self) -> Vec<f64> {
        let yields = self.archives.yields(&self.state.evaluated);
        self.search.settings.allocation.shares(&yields)
    }

    /// Proposes and evaluates one generation. `wanted` holds the number of architectures wanted in each
    /// niche, and last in the whole space. A search that is stopped keeps what it has.
    fn generation(&mut self, proposer: &mut dyn Proposer, wanted: &[usize]) -> Result<(), Error> {
        let proposals = self.propose(proposer, wanted, self.state.generations, &[])?;
        self.evaluate_all(proposals)
    }

    /// What starts the search: what is known before it, and a random sample.
    fn start(&mut self) -> Result<Proposals, Error> {
        let Settings { evaluations, initial, .. } = self.search.settings;
        let known = self.search.known;
        let mut wanted = vec![0; self.archives.niches()];
        wanted.push(known.len());
        let mut list = FixedList::new(KNOWN, known.iter().cloned());
        let mut proposals = self.propose(&mut list, &wanted, 0, &[])?;
        let sample = initial.min(evaluations).saturating_sub(proposals.accepted.len());
        let shares = self.initial_shares();
        let wanted = self.state.budget.share_out(sample, &shares);
        proposals.accepted.extend(self.propose(&mut Random, &wanted, 0, &[])?.accepted);
        Ok(proposals)
    }

    /// Evaluates the proposals of a generation.
    fn evaluate_all(&mut self, proposals: Proposals) -> Result<(), Error> {
        let Proposals { mut accepted, rejections, rules, .. } = proposals;
        accepted.sort_by_key(|accepted| accepted.niche);
        let found = accepted.len();
        let batch = self.evaluator.batch().max(1);
        let mut accepted = accepted.into_iter().peekable();
        while accepted.peek().is_some() && !self.is_stopped() {
            self.evaluate(accepted.by_ref().take(batch).collect())?;
        }
        if self.is_stopped() {
            return Ok(());
        }
        self.state.found = found;
        self.end_generation(rejections, rules)
    }

    /// Learns from what was evaluated in a generation, and reports its end.
    fn end_generation(&mut self, rejections: Rejections, rules: Vec<Rule>) -> Result<(), Error> {
        let all = self.search.settings.evaluations.max(1);
        self.update(self.state.evaluated.len() as f64 / all as f64)?;
        if self.is_stopped() {
            return Ok(());
        }
        // A count takes time in proportion to all evaluations: at even distances the total would
        // grow with their square.
        let State { counted, generations: generation, .. } = self.state;
        if !rules.is_empty() || self.state.evaluated.len() >= counted + counted / COUNTED_PER {
            self.count(generation, rules);
        }
        self.state.generations += 1;
        (self.on_event)(&Event::Generation {
            generation,
            done: self.state.evaluated.len(),
            front: self.archives.front_size(),
            evaluated: &self.state.evaluated,
            niches: self.partition.niches(),
            rejections,
            knowledge: &self.state.knowledge,
            state: Some(&self.state).filter(|_| self.is_stateless),
        });
        Ok(())
    }

    /// The proposals of one generation: the proposer's, then those that fill what it did not make.
    /// `pending` are being evaluated.
    fn propose(
        &mut self,
        proposer: &mut dyn Proposer,
        wanted: &[usize],
        generation: usize,
        pending: &[Arch],
    ) -> Result<Proposals, Error> {
        let shared = self.is_shared();
        let State { evaluated, knowledge, rng, .. } = &mut self.state;
        let situation = Situation {
            space: self.search.space,
            partition: &self.partition,
            whole: &self.whole,
            objectives: &self.objectives,
            evaluated,
            archives: &self.archives,
            knowledge,
            generation,
            candidates: self.search.candidates,
            pending,
            shared,
        };
        let mut failed = |niche, error: &_| {
            (self.on_event)(&Event::ProposerFailed { niche, generation, error });
        };
        let mut proposals = Proposals::new(wanted);
        proposals.ask(proposer, &situation, &mut self.seen, rng, &mut failed);
        if let Some(source) = proposer.gives_up() {
            return Err(Error::Proposer { proposer: proposer.name().to_owned(), source });
        }
        let fill: Vec<Box<dyn Proposer>> = match self.search.settings.fill {
            Fill::Nothing => vec![],
            Fill::Statistical => vec![Box::new(Statistical), Box::new(Random)],
            Fill::RandomEdits => vec![Box::new(RandomEdits::Mutation), Box::new(Random)],
        };
        for mut proposer in fill {
            proposals.ask(&mut *proposer, &situation, &mut self.seen, rng, &mut failed);
        }
        Ok(proposals)
    }

    /// Counts the evidence of all rules again, and of newly stated ones.
    fn count(&mut self, generation: usize, stated: Vec<Rule>) {
        let niches = self.partition.niches().len();
        let (space, evaluated) = (self.search.space, &self.state.evaluated);
        let knowledge = &mut self.state.knowledge;
        knowledge.update(space, &self.objectives, niches, evaluated, generation, stated);
        self.state.counted = evaluated.len();
    }

    fn evaluate(&mut self, batch: Vec<Accepted>) -> Result<(), Error> {
        let architectures: Vec<Arch> =
            batch.iter().map(|accepted| accepted.proposal.arch.clone()).collect();
        let evaluations = match self.evaluator.evaluate(&architectures) {
            Ok(evaluations) => evaluations,
            Err(_) if self.is_stopped() => return Ok(()),
            Err(source) => {
                return Err(Error::Evaluator { architectures: architectures.len(), source });
            }
        };
        expect("evaluations", architectures.len(), evaluations.len())?;
        for (accepted, evaluation) in batch.into_iter().zip(evaluations) {
            self.record(accepted, evaluation)?;
        }
        Ok(())
    }

    fn record(&mut self, accepted: Accepted, evaluation: Evaluation) -> Result<(), Error> {
        let Accepted { niche, generation, proposer, proposal } = accepted;
        self.check(&proposal.arch, &evaluation)?;
        let position = self.state.evaluated.len();
        self.state.evaluated.push(Evaluated {
            arch: proposal.arch,
            values: evaluation.values,
            details: evaluation.details,
            failure: evaluation.failure,
            stopped: evaluation.stopped,
            niche,
            generation,
            proposer,
            rationale: proposal.rationale,
        });
        let evaluated = &self.state.evaluated[position];
        self.archives.insert(position, evaluated);
        let (front, done) = (self.archives.front_size(), position + 1);
        (self.on_event)(&Event::Evaluated { evaluated, front, done });
        Ok(())
    }

    /// Refuses an evaluation with too many or too few values, or with one that is not finite.
    fn check(&self, arch: &Arch, evaluation: &Evaluation) -> Result<(), Error> {
        expect("objectives", self.objectives.len(), evaluation.values.len())?;
        expect("details", self.evaluator.details().len(), evaluation.details.len())?;
        for (objective, value) in self.objectives.iter().zip(&evaluation.values) {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                let arch = self.search.space.format(arch);
                return Err(Error::NotFinite { objective: objective.name.clone(), arch, value });
            }
        }
        Ok(())
    }

    /// Replaces all evaluations where an evaluator that learns has new ones.
    fn update(&mut self, share: f64) -> Result<(), Error> {
        let architectures = self.state.evaluated.len();
        let (on_event, stop) = (&mut *self.on_event, self.search.stop);
        let mut trained = |trained| {
            on_event(&Event::Trained { trained, done: architectures });
            match stop {
                Some(stop) if stop.load(Ordering::Relaxed) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let updated = self.evaluator.update(&self.state.evaluated, share, &mut trained);
        let updated = updated.map_err(|source| Error::Evaluator { architectures, source })?;
        let Some(updated) = updated else { return Ok(()) };
        expect("evaluations", architectures, updated.len())?;
        for (position, evaluation) in updated.into_iter().enumerate() {
            self.check(&self.state.evaluated[position].arch, &evaluation)?;
            let evaluated = &mut self.state.evaluated[position];
            (evaluated.values, evaluated.details) = (evaluation.values, evaluation.details);
        }
        self.archive_all()
    }

    /// Makes the archives of everything evaluated.
    fn archive_all(&mut self) -> Result<(), Error> {
        let (niches, evaluated) = (self.partition.niches().len(), &self.state.evaluated);
        self.archives = Archives::of(self.search.space, &self.objectives, niches, evaluated)?;
        Ok(())
    }

    /// Cuts the space again by what was evaluated, where niches are automatic, and returns whether
    /// it did. What was learnt of single niches is forgotten.
    fn partition(&mut self) -> Result<bool, Error> {
        let Niches::Automatic(partitions) = self.search.niches else { return Ok(false) };
        let ranked = partitions.rank(&main_costs(&self.state.evaluated, &self.objectives));
        let Some(best) = ranked.into_iter().next() else { return Ok(false) };
        let done = self.state.evaluated.len();
        (self.on_event)(&Event::Partitioned { ranked: &best, done });
        for evaluated in &mut self.state.evaluated {
            evaluated.niche = best.partition.niche_of(&evaluated.arch);
        }
        self.state.cut = Some((best.name, done));
        self.partition = Cow::Owned(best.partition);
        self.state.knowledge.forget_niches();
        self.archive_all()?;
        self.count(self.state.generations.saturating_sub(1), Vec::new());
        Ok(true)
    }
}

/// The values of the main cost, of the architectures that have one.
fn main_costs<'a>(evaluated: &'a [Evaluated], objectives: &[Objective]) -> Vec<(&'a Arch, f64)> {
    let objective = Objective::main_cost(objectives);
    let cost = |one: &Evaluated| one.values.get(objective?).copied().flatten();
    evaluated.iter().filter_map(|one| Some((&one.arch, cost(one)?))).collect()
}

fn expect(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Count { what, expected, found }) }
}
