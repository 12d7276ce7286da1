use std::{
    borrow::Cow,
    collections::HashSet,
    ops::ControlFlow,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use nas_pareto::{Archive, Skyband};
use nas_partition::{Allocation, Automatic, Budget, Niche, Partition, Ranked};
use nas_space::{Arch, Space};

use crate::{
    Answer, BoxError, Error, Evaluated, Evaluation, Evaluator, KnowledgeBase, Objective, Outcome,
    Proposal, Proposer, Random, Refusal, Request, Rule, Statistical, feasibility::Feasibility,
    mating::BEST, proposer::check, state::State,
};

/// The evidence is counted again when what was evaluated has grown by one part in so many.
const COUNTED_PER: usize = 50;

/// With fewer evaluations niches are not chosen automatically.
pub(crate) const FEWEST: usize = 20;

/// How much is evaluated, and how it is shared out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Architectures evaluated in all.
    pub evaluations: usize,
    /// Of these, the random sample that starts the search, spread evenly over the niches; 0 leaves
    /// the start to the proposer.
    pub initial: usize,
    /// Architectures proposed between two updates of the archives, over all niches together.
    pub generation: usize,
    /// How the budget is shared out over the niches. Adaptive, the initial sample is of the whole
    /// space, a niche yields what its evaluations brought to the front, and architectures of all
    /// niches are parents in each.
    pub allocation: Allocation,
    /// Whether statistics, then chance, propose what the proposer still owes. Without it the
    /// proposer is alone: it is asked as often, and evaluates less where it owes.
    pub fill: bool,
    /// The seed of all randomness.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let allocation = Allocation::Equal;
        Self { evaluations: 600, initial: 100, generation: 15, allocation, fill: true, seed: 0 }
    }
}

/// What happens in a search, as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An architecture was evaluated.
    Evaluated {
        /// The architecture with its objectives.
        evaluated: &'a Evaluated,
        /// Architectures on the front of all niches now.
        front: usize,
        /// Evaluations done so far, this one included.
        done: usize,
    },
    /// An evaluator that learns bought labels.
    Labelled {
        /// Labels bought so far.
        labels: usize,
        /// Evaluations done so far.
        done: usize,
    },
    /// A generation ended.
    Generation {
        /// Its number; 0 is the initial sample.
        generation: usize,
        /// Evaluations done so far.
        done: usize,
        /// Architectures on the front of all niches.
        front: usize,
        /// Everything evaluated so far.
        evaluated: &'a [Evaluated],
        /// The niches now.
        niches: &'a [Niche],
        /// Proposals that were not taken, in this generation.
        refusals: Refusals,
        /// What was learnt so far.
        knowledge: &'a KnowledgeBase,
        /// Where the search stands, enough to [resume](Search::resume) it; none where the proposer
        /// or the evaluator keeps a state of its own.
        state: Option<&'a State>,
    },
    /// The space was cut into niches by what was evaluated so far.
    Partitioned {
        /// The partition, and how much of the cost it explains.
        ranked: &'a Ranked,
        /// Evaluations done so far.
        done: usize,
    },
    /// A proposer failed for one niche; the search goes on without its proposals.
    ProposerFailed {
        /// The niche's position.
        niche: usize,
        /// The generation's number.
        generation: usize,
        /// Why.
        error: &'a BoxError,
    },
}

/// Proposals that were not taken, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals {
    /// Not in the space.
    pub illegal: usize,
    /// Evaluated before, or proposed twice.
    pub duplicate: usize,
    /// In another niche.
    pub outside_niche: usize,
}

impl Refusals {
    fn count(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Illegal(_) => self.illegal += 1,
            Refusal::Duplicate => self.duplicate += 1,
            Refusal::OutsideNiche { .. } => self.outside_niche += 1,
        }
    }
}

/// A search of a partitioned space.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub(crate) space: &'a Space,
    pub(crate) partition: &'a Partition,
    automatic: Option<(&'a Automatic, usize)>,
    rules: &'a [Rule],
    stop: Option<&'a AtomicBool>,
    pub(crate) settings: Settings,
}

impl<'a> Search<'a> {
    /// A search of `space` in the niches of `partition`.
    pub fn new(space: &'a Space, partition: &'a Partition, settings: Settings) -> Self {
        Self { space, partition, automatic: None, rules: &[], stop: None, settings }
    }

    /// A search of `space` in the niches that explain most of an objective, given by its position.
    /// They are chosen after the initial sample, which is of the whole space, and again whenever
    /// twice as much was evaluated.
    pub fn automatic(
        space: &'a Space,
        partitions: &'a Automatic,
        objective: usize,
        settings: Settings,
    ) -> Self {
        let automatic = Some((partitions, objective));
        Self { space, partition: whole(), automatic, rules: &[], stop: None, settings }
    }

    /// With rules that are believed until the evidence refutes them.
    #[must_use]
    pub fn believing(self, rules: &'a [Rule]) -> Self {
        Self { rules, ..self }
    }

    /// Until `stop` is set: then the search ends after the evaluation under way, as far as it came; an
    /// evaluator that was told as well may fail.
    #[must_use]
    pub fn until(self, stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// The space that is searched.
    pub fn space(&self) -> &'a Space {
        self.space
    }

    /// How much is evaluated, and how it is shared out.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Runs to the end of the budget, or until no niche has a new architecture to offer. Without
    /// filling it ends after the generations that the budget plans.
    ///
    /// # Errors
    /// Only the evaluator's; a proposer's failure is an [`Event::ProposerFailed`].
    pub fn run(
        &self,
        proposer: &mut dyn Proposer,
        evaluator: &mut dyn Evaluator,
        on_event: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Outcome, Error> {
        let state = State::new(self.settings, self.rules);
        Run::new(self, state, evaluator, on_event)?.go(proposer)
    }

    /// Goes on where an equal search stood between two generations, and ends as that would have.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Error::State`] for a state that cannot be one of this search.
    pub fn resume(
        &self,
        state: State,
        proposer: &mut dyn Proposer,
        evaluator: &mut dyn Evaluator,
        on_event: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Outcome, Error> {
        let mut run = Run::new(self, state, evaluator, on_event)?;
        run.restore()?;
        run.go(proposer)
    }

    /// The niches that are cut automatically once so much was evaluated, if they are.
    fn cut(&self, name: &str, evaluated: &[Evaluated]) -> Option<Partition> {
        let (partitions, objective) = self.automatic?;
        partitions.named(name, &costs(evaluated, objective))
    }
}

/// The values of an objective, of those that have one.
fn costs(evaluated: &[Evaluated], objective: usize) -> Vec<(&Arch, f64)> {
    let cost = |one: &Evaluated| one.values.get(objective).copied().flatten();
    evaluated.iter().filter_map(|one| Some((&one.arch, cost(one)?))).collect()
}

/// The niches of a request that is bound to none, and of a search that does not know its own yet.
fn whole() -> &'static Partition {
    static WHOLE: LazyLock<Partition> = LazyLock::new(Partition::whole);
    &WHOLE
}

struct Run<'a, 'b> {
    search: &'a Search<'a>,
    partition: Cow<'a, Partition>,
    evaluator: &'b mut dyn Evaluator,
    on_event: &'b mut dyn FnMut(&Event<'_>),
    objectives: Vec<Objective>,
    state: State,
    /// Whether the state is all that a search needs to go on: neither proposer nor evaluator has one
    /// of its own.
    is_whole: bool,
    /// Whether the search was stopped before its end.
    interrupted: bool,
    // What follows from what was evaluated.
    seen: HashSet<Arch>,
    /// One archive for each niche, and the one of all niches; each holds positions in
    /// `evaluated`.
    niches: Vec<Archive<usize>>,
    /// How much was evaluated in each niche.
    spent: Vec<usize>,
    front: Archive<usize>,
    /// The positions of each niche's nearly best, and last those of all.
    nearly_best: Vec<Skyband<usize>>,
    feasibility: Feasibility,
}

/// A proposal that was taken, and who made it.
struct Taken {
    niche: usize,
    proposer: String,
    proposal: Proposal,
}

impl<'a, 'b> Run<'a, 'b> {
    fn new(
        search: &'a Search<'a>,
        state: State,
        evaluator: &'b mut dyn Evaluator,
        on_event: &'b mut dyn FnMut(&Event<'_>),
    ) -> Result<Self, Error> {
        let objectives = evaluator.objectives().to_vec();
        let directions: Vec<_> = objectives.iter().map(|objective| objective.direction).collect();
        let front = Archive::new(&directions).map_err(|_| Error::NoObjectives)?;
        let niches = search.partition.niches().len();
        Ok(Self {
            search,
            partition: Cow::Borrowed(search.partition),
            evaluator,
            on_event,
            objectives,
            state,
            is_whole: false,
            interrupted: false,
            seen: HashSet::new(),
            nearly_best: vec![
                Skyband::new(&directions, BEST).map_err(|_| Error::NoObjectives)?;
                niches + 1
            ],
            niches: vec![front.clone(); niches],
            spent: vec![0; niches],
            front,
            feasibility: Feasibility::new(search.space),
        })
    }

    /// Checks a state that comes from outside, and computes what follows from it.
    fn restore(&mut self) -> Result<(), Error> {
        let (search, state) = (self.search, &self.state);
        if let Some((name, count)) = &state.cut {
            let evaluated = state.evaluated.get(..*count);
            let partition = evaluated.and_then(|evaluated| search.cut(name, evaluated));
            self.partition = Cow::Owned(partition.ok_or_else(|| {
                Error::State(format!("niches by {name} after {count} evaluations"))
            })?);
        }
        state.check(search, &self.partition, &self.objectives, self.evaluator.details().len())?;
        for one in &state.evaluated {
            let Evaluated { arch, values, details, .. } = one;
            let evaluation = Evaluation { values: values.clone(), details: details.clone() };
            self.evaluator.remember(arch, &evaluation);
        }
        self.seen = state.evaluated.iter().map(|one| one.arch.clone()).collect();
        self.archive_again();
        Ok(())
    }

    fn go(mut self, proposer: &mut dyn Proposer) -> Result<Outcome, Error> {
        let Settings { evaluations, initial, generation, fill, .. } = self.search.settings;
        let generation = generation.max(1);
        self.is_whole = proposer.is_stateless() && !self.evaluator.learns();
        if self.state.generations == 0 {
            let shares = self.initial_shares();
            let shares = self.state.budget.share_out(initial.min(evaluations), &shares);
            self.generation(&mut Random, &shares)?;
        }
        while self.state.evaluated.len() < evaluations && !self.is_stopped() {
            let State { found, to_come, partition_at, ref evaluated, .. } = self.state;
            if if fill { found == 0 } else { to_come == 0 } {
                break;
            }
            if evaluated.len() >= partition_at && self.partition() {
                self.state.partition_at = 2 * self.state.evaluated.len();
                self.state.budget = Budget::default();
            }
            let total = generation.min(evaluations - self.state.evaluated.len());
            let shares = self.shares();
            let shares = self.state.budget.share_out(total, &shares);
            self.state.to_come = to_come.saturating_sub(1);
            self.generation(proposer, &shares)?;
        }
        if self.state.evaluated.len() < evaluations && !self.interrupted {
            self.revise(1.0)?;
        }
        if self.state.counted < self.state.evaluated.len() {
            self.count(self.state.generations.saturating_sub(1), Vec::new());
        }
        let State { evaluated, knowledge, .. } = self.state;
        // The outcome tells them, whoever proposed.
        knowledge.effects(self.search.space, &self.objectives, &evaluated);
        Ok(Outcome {
            objectives: self.objectives,
            evaluated,
            niches: self.partition.niches().to_vec(),
            knowledge,
            interrupted: self.interrupted,
        })
    }

    /// Whether the search is to end now.
    fn is_stopped(&mut self) -> bool {
        self.interrupted |= self.search.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        self.interrupted
    }

    /// Whether what is evaluated in one niche serves the others.
    fn is_shared(&self) -> bool {
        self.search.settings.allocation == Allocation::Adaptive && self.niches.len() > 1
    }

    /// The niches' shares of the initial sample, and last that of the whole space.
    fn initial_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.niches.len()];
        if self.is_shared() {
            shares.push(1.0);
            return shares;
        }
        Allocation::Equal.shares(&shares)
    }

    /// The niches' shares of a generation, and last that of the whole space.
    fn shares(&self) -> Vec<f64> {
        // Members of the front per evaluation; one evaluation more, that all are finite.
        let mut yields = vec![0.0; self.niches.len()];
        for member in &self.front {
            let niche = self.state.evaluated[member.payload].niche;
            yields[niche] += 1.0 / (self.spent[niche] + 1) as f64;
        }
        self.search.settings.allocation.shares(&yields)
    }

    /// Proposes and evaluates one generation; one that is stopped leaves what it has.
    fn generation(&mut self, proposer: &mut dyn Proposer, shares: &[usize]) -> Result<(), Error> {
        let mut refusals = Refusals::default();
        let mut taken = Vec::new();
        let mut rules = Vec::new();
        let mut open = shares.to_vec();
        rules.extend(self.propose(proposer, &mut open, &mut taken, &mut refusals));
        if self.search.settings.fill {
            for source in [&mut Statistical as &mut dyn Proposer, &mut Random] {
                self.propose(source, &mut open, &mut taken, &mut refusals);
            }
        }
        taken.sort_by_key(|taken: &Taken| taken.niche);
        let found = taken.len();
        let batch = self.evaluator.batch().max(1);
        let mut taken = taken.into_iter().peekable();
        while taken.peek().is_some() && !self.is_stopped() {
            self.evaluate(taken.by_ref().take(batch).collect())?;
        }
        if self.is_stopped() {
            return Ok(());
        }
        let all = self.search.settings.evaluations.max(1);
        self.revise(self.state.evaluated.len() as f64 / all as f64)?;
        if self.is_stopped() {
            return Ok(());
        }
        // Each count goes over everything: at even distances their cost would grow with the square.
        let State { counted, generations: generation, .. } = self.state;
        if !rules.is_empty() || self.state.evaluated.len() >= counted + counted / COUNTED_PER {
            self.count(generation, rules);
        }
        self.state.generations += 1;
        self.state.found = found;
        (self.on_event)(&Event::Generation {
            generation,
            done: self.state.evaluated.len(),
            front: self.front.len(),
            evaluated: &self.state.evaluated,
            niches: self.partition.niches(),
            refusals,
            knowledge: &self.state.knowledge,
            state: Some(&self.state).filter(|_| self.is_whole),
        });
        Ok(())
    }

    /// Counts the evidence of all rules again, with newly stated ones.
    fn count(&mut self, generation: usize, stated: Vec<Rule>) {
        let niches = self.partition.niches().len();
        let (space, evaluated) = (self.search.space, &self.state.evaluated);
        let knowledge = &mut self.state.knowledge;
        knowledge.update(space, &self.objectives, niches, evaluated, generation, stated);
        self.state.counted = evaluated.len();
    }

    /// Adds at most `open` new architectures of each niche to `taken`, takes them off `open`, and
    /// returns the rules that were stated.
    fn propose(
        &mut self,
        source: &mut dyn Proposer,
        open: &mut [usize],
        taken: &mut Vec<Taken>,
        refusals: &mut Refusals,
    ) -> Vec<Rule> {
        let (space, partition) = (self.search.space, &*self.partition);
        let niches = partition.niches().len();
        // After the niches comes what is bound to none.
        let place = |part: usize| {
            if part < niches { (partition, part) } else { (whole(), 0) }
        };
        let asked: Vec<usize> = (0..open.len()).filter(|&niche| open[niche] > 0).collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let at = |position: &usize| &self.state.evaluated[*position];
        let front = |part: usize| -> Vec<&Evaluated> {
            let archive = self.niches.get(part).unwrap_or(&self.front);
            archive.iter().map(|member| at(&member.payload)).collect()
        };
        let nearly_best =
            |part: usize| -> Vec<&Evaluated> { self.nearly_best[part].iter().map(at).collect() };
        let shared = self.is_shared();
        let (front_of_all, all) = (front(niches), nearly_best(niches));
        let fronts: Vec<Vec<&Evaluated>> = asked.iter().map(|&part| front(part)).collect();
        let bands: Vec<Vec<&Evaluated>> = asked.iter().map(|&part| nearly_best(part)).collect();
        let requests: Vec<Request<'_>> = asked
            .iter()
            .zip(fronts.iter().zip(&bands))
            .map(|(&part, (parents, nearly_best))| Request {
                space,
                partition: place(part).0,
                niche: place(part).1,
                objectives: &self.objectives,
                parents,
                evaluated: &self.state.evaluated,
                knowledge: &self.state.knowledge,
                count: open[part],
                generation: self.state.generations,
                seen: &self.seen,
                shared,
                front: if shared { &front_of_all } else { parents },
                nearly_best: if shared { &all } else { nearly_best },
                feasibility: &self.feasibility,
            })
            .collect();
        let answers = source.propose_all(&requests, &mut self.state.rng);
        let mut rules = Vec::new();
        for (part, answer) in asked.into_iter().zip(answers) {
            let (within, niche) = place(part);
            let Answer { proposals, rules: stated } = answer.unwrap_or_else(|error| {
                let generation = self.state.generations;
                (self.on_event)(&Event::ProposerFailed { niche, generation, error: &error });
                Answer::default()
            });
            rules.extend(stated);
            for proposal in proposals {
                match check(space, within, niche, &self.seen, &proposal.arch) {
                    Ok(()) if open[part] > 0 => {
                        self.seen.insert(proposal.arch.clone());
                        let (niche, proposer) =
                            (partition.niche_of(&proposal.arch), source.name().to_owned());
                        taken.push(Taken { niche, proposer, proposal });
                        open[part] -= 1;
                    }
                    Ok(()) => {}
                    Err(refusal) => refusals.count(&refusal),
                }
            }
        }
        rules
    }

    fn evaluate(&mut self, batch: Vec<Taken>) -> Result<(), Error> {
        let architectures: Vec<Arch> =
            batch.iter().map(|taken| taken.proposal.arch.clone()).collect();
        let evaluations = match self.evaluator.evaluate(&architectures) {
            Ok(evaluations) => evaluations,
            Err(_) if self.is_stopped() => return Ok(()),
            Err(source) => {
                return Err(Error::Evaluator { architectures: architectures.len(), source });
            }
        };
        expect("evaluations", architectures.len(), evaluations.len())?;
        for (taken, evaluation) in batch.into_iter().zip(evaluations) {
            self.record(taken, evaluation)?;
        }
        Ok(())
    }

    fn record(&mut self, taken: Taken, evaluation: Evaluation) -> Result<(), Error> {
        let Taken { niche, proposer, proposal } = taken;
        self.check(&proposal.arch, &evaluation)?;
        let position = self.state.evaluated.len();
        self.spent[niche] += 1;
        self.state.evaluated.push(Evaluated {
            arch: proposal.arch,
            values: evaluation.values,
            details: evaluation.details,
            niche,
            generation: self.state.generations,
            proposer,
            rationale: proposal.rationale,
        });
        self.archive(position);
        (self.on_event)(&Event::Evaluated {
            evaluated: &self.state.evaluated[position],
            front: self.front.len(),
            done: position + 1,
        });
        Ok(())
    }

    /// Refuses an evaluation of another shape, or with a value that is no number.
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

    /// Shows what was evaluated at the position to the archives.
    fn archive(&mut self, position: usize) {
        let evaluated = &self.state.evaluated[position];
        self.feasibility.learn(evaluated);
        if let Some(values) = evaluated.complete() {
            // Finite values of the archives' own dimension are never refused as such.
            for archive in [&mut self.niches[evaluated.niche], &mut self.front] {
                let _ = archive.insert(&values, position);
            }
            for niche in [evaluated.niche, self.niches.len()] {
                let _ = self.nearly_best[niche].insert(&values, position);
            }
        }
    }

    /// Takes over what an evaluator that learns now says of everything.
    fn revise(&mut self, share: f64) -> Result<(), Error> {
        let architectures = self.state.evaluated.len();
        let (on_event, stop) = (&mut *self.on_event, self.search.stop);
        let mut labelled = |labels| {
            on_event(&Event::Labelled { labels, done: architectures });
            match stop {
                Some(stop) if stop.load(Ordering::Relaxed) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let revised = self.evaluator.revise(&self.state.evaluated, share, &mut labelled);
        let revised = revised.map_err(|source| Error::Evaluator { architectures, source })?;
        let Some(revised) = revised else { return Ok(()) };
        expect("evaluations", architectures, revised.len())?;
        for (position, evaluation) in revised.into_iter().enumerate() {
            self.check(&self.state.evaluated[position].arch, &evaluation)?;
            let evaluated = &mut self.state.evaluated[position];
            (evaluated.values, evaluated.details) = (evaluation.values, evaluation.details);
        }
        self.archive_again();
        Ok(())
    }

    /// Shows everything to archives that are empty.
    fn archive_again(&mut self) {
        let niches = self.partition.niches().len();
        self.front.clear();
        self.niches = vec![self.front.clone(); niches];
        let mut band = self.nearly_best.swap_remove(0);
        band.clear();
        self.nearly_best = vec![band; niches + 1];
        self.feasibility = Feasibility::new(self.search.space);
        self.spent = vec![0; niches];
        for position in 0..self.state.evaluated.len() {
            self.spent[self.state.evaluated[position].niche] += 1;
            self.archive(position);
        }
    }

    /// Cuts the space anew by what was evaluated, where niches are automatic. What was learnt of
    /// single niches is forgotten.
    fn partition(&mut self) -> bool {
        let Some((partitions, objective)) = self.search.automatic else { return false };
        let ranked = partitions.rank(&costs(&self.state.evaluated, objective));
        let Some(best) = ranked.into_iter().next() else { return false };
        let done = self.state.evaluated.len();
        (self.on_event)(&Event::Partitioned { ranked: &best, done });
        for evaluated in &mut self.state.evaluated {
            evaluated.niche = best.partition.niche_of(&evaluated.arch);
        }
        self.state.cut = Some((best.name, done));
        self.partition = Cow::Owned(best.partition);
        self.state.knowledge.forget_niches();
        self.archive_again();
        self.count(self.state.generations.saturating_sub(1), Vec::new());
        true
    }
}

fn expect(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Answer { what, expected, found }) }
}

#[cfg(test)]
mod tests {
    use nas_partition::Axis;
    use nas_space::nasbench201;

    use super::*;
    use crate::{Detail, Evolution, Limit, Listed, SearchRng, Within};

    /// Accuracy grows with 3×3 convolutions, latency with operations; `avg_pool_3x3` on the
    /// first edge cannot be run.
    struct Toy {
        objectives: Vec<Objective>,
        answers: usize,
    }

    impl Toy {
        fn new() -> Self {
            let objectives =
                vec![Objective::maximise("accuracy", "%"), Objective::minimise("latency", "ms")];
            Self { objectives, answers: usize::MAX }
        }
    }

    impl Evaluator for Toy {
        fn objectives(&self) -> &[Objective] {
            &self.objectives
        }

        fn details(&self) -> &[Detail] {
            &[]
        }

        fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
            let space = nasbench201::space();
            let evaluate = |arch: &Arch| {
                let operations = 6 - space.count(arch, "none");
                let latency = (arch.choices()[0] != 4).then_some(operations as f64);
                let accuracy = space.count(arch, "nor_conv_3x3") as f64;
                Evaluation { values: vec![Some(accuracy), latency], details: vec![] }
            };
            Ok(architectures.iter().map(evaluate).take(self.answers).collect())
        }
    }

    fn search(settings: Settings, partition: &Partition) -> Outcome {
        let search = Search::new(nasbench201::space(), partition, settings);
        search.run(&mut Evolution::default(), &mut Toy::new(), &mut |_| {}).unwrap()
    }

    fn pel_nas() -> Partition {
        Partition::pel_nas(nasbench201::space()).unwrap()
    }

    #[test]
    fn the_budget_is_spent_on_distinct_architectures_and_the_front_is_found() {
        let outcome = search(Settings { evaluations: 400, ..Settings::default() }, &pel_nas());
        assert_eq!(outcome.evaluated.len(), 400);
        let distinct: HashSet<_> = outcome.evaluated.iter().map(|e| &e.arch).collect();
        assert_eq!(distinct.len(), 400);
        let front: Vec<_> = outcome.front().iter().map(|e| e.values[0].unwrap()).collect();
        // Those of 0 and 1 operations are nearly all without a path, and hardly tried.
        assert!(front.ends_with(&[2.0, 3.0, 4.0, 5.0, 6.0]), "{front:?}");
    }

    #[test]
    fn a_list_is_evaluated_as_it_is() {
        let list: Vec<Arch> = nasbench201::space().enumerate().take(77).collect();
        let settings = Settings { evaluations: 77, initial: 0, ..Settings::default() };
        let partition = Partition::whole();
        let search = Search::new(nasbench201::space(), &partition, settings);
        let mut proposer = Listed::new(list.clone());
        let outcome = search.run(&mut proposer, &mut Toy::new(), &mut |_| {}).unwrap();
        let evaluated: Vec<_> = outcome.evaluated.into_iter().map(|e| e.arch).collect();
        assert_eq!(evaluated, list);
    }

    #[test]
    fn the_same_seed_gives_the_same_search_and_another_seed_another() {
        let run = |seed| search(Settings { seed, ..Settings::default() }, &pel_nas());
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn every_architecture_lies_in_its_niche() {
        let partition = pel_nas();
        for evaluated in search(Settings::default(), &partition).evaluated {
            assert_eq!(partition.niche_of(&evaluated.arch), evaluated.niche);
        }
    }

    #[test]
    fn a_budget_beyond_the_space_ends_with_the_space() {
        let settings = Settings { evaluations: 20_000, generation: 2_000, ..Settings::default() };
        let found = search(settings, &Partition::whole()).evaluated.len();
        assert!(found > 15_600, "{found}");
    }

    #[test]
    fn what_cannot_be_run_is_on_no_front() {
        let outcome = search(Settings::default(), &Partition::whole());
        assert!(outcome.evaluated.iter().any(|e| e.values[1].is_none()));
        assert!(outcome.front().iter().all(|e| e.values[1].is_some()));
    }

    #[test]
    fn the_best_within_a_limit_is_the_best_and_the_nearest_is_near() {
        let outcome = search(Settings::default(), &Partition::whole());
        let within = |at_most| outcome.best_within(&[Limit { objective: 1, at_most }], |_| true);
        assert!(matches!(within(3.5), Within::Best(e) if e.values == [Some(3.0), Some(3.0)]));
        let no_zero = |arch: &Arch| nasbench201::space().count(arch, "none") < 6;
        let nearest = outcome.best_within(&[Limit { objective: 1, at_most: 0.5 }], no_zero);
        assert!(matches!(nearest, Within::Nearest(e) if e.values[1] == Some(1.0)), "{nearest:?}");
        let least = outcome.best_within(&[Limit { objective: 1, at_most: 0.0 }], no_zero);
        assert!(matches!(least, Within::Nearest(e) if e.values[1] == Some(1.0)), "{least:?}");
        assert_eq!(outcome.best_within(&[], |_| false), Within::Nothing);
    }

    #[test]
    fn an_evaluator_that_answers_too_little_is_told_so() {
        let partition = Partition::whole();
        let search = Search::new(nasbench201::space(), &partition, Settings::default());
        let mut evaluator = Toy { answers: 3, ..Toy::new() };
        let result = search.run(&mut Evolution::default(), &mut evaluator, &mut |_| {});
        assert!(matches!(result, Err(Error::Answer { expected: 100, found: 3, .. })));
    }

    /// Knows no accuracy before it is asked to revise, and afterwards, whatever it said, the
    /// opposite.
    struct Fickle(Toy);

    impl Evaluator for Fickle {
        fn objectives(&self) -> &[Objective] {
            self.0.objectives()
        }

        fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
            let mut evaluations = self.0.evaluate(architectures)?;
            for evaluation in &mut evaluations {
                evaluation.values[0] = None;
            }
            Ok(evaluations)
        }

        fn revise(
            &mut self,
            evaluated: &[Evaluated],
            share: f64,
            labelled: &mut dyn FnMut(usize) -> ControlFlow<()>,
        ) -> Result<Option<Vec<Evaluation>>, BoxError> {
            assert!(share > 0.0 && share <= 1.0);
            let _ = labelled(evaluated.len());
            let space = nasbench201::space();
            let revise = |one: &Evaluated| {
                let accuracy = space.count(&one.arch, "nor_conv_3x3") as f64;
                let sign = if share < 1.0 { 1.0 } else { -1.0 };
                let values = vec![Some(sign * accuracy), one.values[1]];
                Evaluation { values, details: vec![] }
            };
            Ok(Some(evaluated.iter().map(revise).collect()))
        }
    }

    #[test]
    fn what_is_revised_stands_from_then_on() {
        let partition = pel_nas();
        let search = Search::new(nasbench201::space(), &partition, Settings::default());
        let (mut fronts, mut labels) = (Vec::new(), 0);
        let outcome = search
            .run(&mut Statistical, &mut Fickle(Toy::new()), &mut |event| {
                if let Event::Labelled { labels: bought, done } = event {
                    assert_eq!(bought, done);
                    labels = *bought;
                }
                if let Event::Generation { front, .. } = event {
                    fronts.push(*front);
                }
            })
            .unwrap();
        // Unrevised, nothing is on the front; while convolutions are good, they trade latency for
        // accuracy; and after the last revision, the fastest without one beats all.
        let (last, before) = fronts.split_last().unwrap();
        assert!(before.len() > 1 && before.iter().all(|front| *front > 1), "{fronts:?}");
        assert_eq!((*last, labels), (1, outcome.evaluated.len()));
        let front = outcome.front();
        assert_eq!(front.len(), 1);
        assert_eq!(front[0].values[0], Some(0.0));
    }

    #[test]
    fn a_search_that_ends_early_is_revised_to_the_end() {
        let partition = Partition::whole();
        let settings = Settings { evaluations: 90, initial: 0, fill: false, ..Settings::default() };
        let search = Search::new(nasbench201::space(), &partition, settings);
        let mut proposer = Listed::new(nasbench201::space().enumerate().take(77));
        let outcome = search.run(&mut proposer, &mut Fickle(Toy::new()), &mut |_| {}).unwrap();
        assert_eq!(outcome.evaluated.len(), 77);
        assert!(outcome.evaluated.iter().all(|one| one.values[0] <= Some(0.0)));
    }

    /// Fails for one niche, and elsewhere proposes one architecture over and over.
    struct Stubborn;

    impl Proposer for Stubborn {
        fn name(&self) -> &'static str {
            "stubborn"
        }

        fn propose(
            &mut self,
            request: &Request<'_>,
            _: &mut SearchRng,
        ) -> Result<Vec<Proposal>, BoxError> {
            if request.niche == 0 {
                return Err("no connection".into());
            }
            let proposal = Proposal { arch: Arch::new([3; 6]), rationale: None };
            Ok(vec![proposal; request.count])
        }
    }

    #[test]
    fn a_proposer_that_is_left_alone_is_asked_as_often_and_nothing_is_filled() {
        let partition = pel_nas();
        let settings = Settings {
            evaluations: 30,
            initial: 0,
            generation: 6,
            fill: false,
            seed: 1,
            ..Settings::default()
        };
        let search = Search::new(nasbench201::space(), &partition, settings);
        let mut generations = Vec::new();
        let outcome = search
            .run(&mut Stubborn, &mut Toy::new(), &mut |event| {
                if let Event::Generation { generation, .. } = event {
                    generations.push(*generation);
                }
            })
            .unwrap();
        assert_eq!(generations, [1, 2, 3, 4, 5]);
        let found: Vec<&Arch> = outcome.evaluated.iter().map(|e| &e.arch).collect();
        assert_eq!(found, [&Arch::new([3; 6])]);
    }

    #[test]
    fn automatic_niches_follow_what_explains_the_objective() {
        let space = nasbench201::space();
        let count = |name: &str| Axis::count(space, name).unwrap();
        let by = |axis| Partition::by_thresholds(axis, &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let operations = Axis::count_others(space, &["none"]).unwrap();
        let partitions = Automatic::new(vec![
            ("3x3".to_owned(), by(count("nor_conv_3x3"))),
            ("operations".to_owned(), by(operations.clone())),
        ]);
        let settings =
            Settings { evaluations: 450, allocation: Allocation::Adaptive, ..Settings::default() };
        let search = Search::automatic(space, &partitions, 1, settings);
        let mut chosen = Vec::new();
        let outcome = search
            .run(&mut Evolution::default(), &mut Toy::new(), &mut |event| {
                if let Event::Partitioned { ranked, done } = event {
                    chosen.push((ranked.name.clone(), *done));
                }
            })
            .unwrap();
        // After the sample, then after the generation in which that much has doubled.
        assert_eq!((chosen.len(), chosen[0].1), (3, 100));
        for pair in chosen.windows(2) {
            assert!((0..15).contains(&(pair[1].1 - 2 * pair[0].1)), "{chosen:?}");
        }
        assert!(chosen.iter().all(|chosen| chosen.0 == "operations"), "{chosen:?}");
        let expected = by(operations);
        assert_eq!(outcome.niches, expected.niches());
        assert!(outcome.evaluated.iter().all(|one| one.niche == expected.niche_of(&one.arch)));
        assert!(outcome.knowledge.rules().iter().any(|rule| rule.niche.is_some()));
    }

    #[test]
    fn a_failing_or_stubborn_proposer_costs_nothing_but_its_proposals() {
        let partition = pel_nas();
        // With this seed the initial sample does not hold the architecture proposed.
        let settings = Settings { seed: 1, ..Settings::default() };
        let search = Search::new(nasbench201::space(), &partition, settings);
        let (mut failures, mut total) = (0, Refusals::default());
        let outcome = search
            .run(&mut Stubborn, &mut Toy::new(), &mut |event| match event {
                Event::ProposerFailed { niche, .. } => {
                    assert_eq!(*niche, 0);
                    failures += 1;
                }
                Event::Generation { refusals, .. } => {
                    total.duplicate += refusals.duplicate;
                    total.outside_niche += refusals.outside_niche;
                }
                _ => {}
            })
            .unwrap();
        assert_eq!(outcome.evaluated.len(), 600);
        assert!(
            failures > 0 && total.duplicate > 0 && total.outside_niche > 0,
            "{failures} {total:?}"
        );
    }

    /// The states between generations, as a file holds them, and the outcome.
    fn states(search: &Search<'_>, proposer: &mut dyn Proposer) -> (Vec<String>, Outcome) {
        let mut states = Vec::new();
        let outcome = search
            .run(proposer, &mut Toy::new(), &mut |event| {
                if let Event::Generation { state, .. } = event {
                    states.extend(state.map(|state| serde_json::to_string(state).unwrap()));
                }
            })
            .unwrap();
        (states, outcome)
    }

    fn automatic() -> Automatic {
        let space = nasbench201::space();
        let axis = Axis::count_others(space, &["none"]).unwrap();
        let by = Partition::by_thresholds(axis, &[2.0, 3.0, 4.0]).unwrap();
        let given = vec![("operations".to_owned(), by)];
        let sample = space.enumerate().step_by(50).collect();
        Automatic::new(given).with_predicted(space, "latency", 4, sample).unwrap()
    }

    #[test]
    fn a_search_resumed_between_any_two_generations_ends_as_if_undisturbed() {
        let (space, cut, automatic) = (nasbench201::space(), pel_nas(), automatic());
        let equal = Settings { evaluations: 300, seed: 3, ..Settings::default() };
        let adaptive = Settings { allocation: Allocation::Adaptive, ..equal };
        let alone = Settings { initial: 0, fill: false, ..equal };
        let mut searches = Vec::new();
        for settings in [equal, adaptive, alone] {
            searches.push(Search::new(space, &cut, settings));
            searches.push(Search::automatic(space, &automatic, 1, settings));
        }
        for search in searches {
            let proposers: [fn() -> Box<dyn Proposer>; 3] = [
                || Box::new(Statistical),
                || Box::new(Evolution::default()),
                || Box::new(crate::RegularisedEvolution::default()),
            ];
            for proposer in proposers {
                let (states, outcome) = states(&search, &mut *proposer());
                assert!(states.len() > 10, "{}", states.len());
                for (at, state) in states.iter().enumerate() {
                    let mut later = Vec::new();
                    let resumed = search
                        .resume(
                            serde_json::from_str(state).unwrap(),
                            &mut *proposer(),
                            &mut Toy::new(),
                            &mut |event| {
                                if let Event::Generation { state, .. } = event {
                                    later.push(serde_json::to_string(state.unwrap()).unwrap());
                                }
                            },
                        )
                        .unwrap();
                    assert!(resumed == outcome, "{:?} from {at}", search.settings);
                    assert_eq!(later, states[at + 1..]);
                }
            }
        }
    }

    #[test]
    fn who_keeps_a_state_is_not_taken_up_between_generations() {
        let (space, cut) = (nasbench201::space(), pel_nas());
        let search = Search::new(space, &cut, Settings::default());
        assert!(states(&search, &mut Listed::new([])).0.is_empty());
    }

    #[test]
    fn what_is_recorded_is_not_evaluated_again() {
        let (space, cut) = (nasbench201::space(), pel_nas());
        let search = Search::new(space, &cut, Settings::default());
        let (_, outcome) = states(&search, &mut Statistical);
        let known = outcome.evaluated.iter().take(333).map(|one| {
            let evaluation =
                Evaluation { values: one.values.clone(), details: one.details.clone() };
            (one.arch.clone(), evaluation)
        });
        let mut asked = Asked(Toy::new(), 0);
        let mut recorded = crate::Recorded::new(known, &mut asked);
        let again = search.run(&mut Statistical, &mut recorded, &mut |_| {}).unwrap();
        assert!(again == outcome);
        assert_eq!(asked.1, 600 - 333);
    }

    /// Counts what it is asked.
    struct Asked(Toy, usize);

    impl Evaluator for Asked {
        fn objectives(&self) -> &[Objective] {
            self.0.objectives()
        }

        fn batch(&self) -> usize {
            4
        }

        fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
            self.1 += architectures.len();
            self.0.evaluate(architectures)
        }
    }

    #[test]
    fn a_search_that_is_stopped_ends_after_the_evaluation_under_way() {
        let (space, cut) = (nasbench201::space(), pel_nas());
        let stop = AtomicBool::new(false);
        let search = Search::new(space, &cut, Settings::default()).until(&stop);
        let mut asked = Asked(Toy::new(), 0);
        let outcome = search
            .run(&mut Statistical, &mut asked, &mut |event| {
                if let Event::Evaluated { done: 206, .. } = event {
                    stop.store(true, Ordering::Relaxed);
                }
            })
            .unwrap();
        assert!(outcome.interrupted);
        assert!((206..210).contains(&outcome.evaluated.len()), "{}", outcome.evaluated.len());
        assert_eq!(asked.1, outcome.evaluated.len());
        let (_, whole) = states(&Search { stop: None, ..search }, &mut Statistical);
        assert_eq!(whole.evaluated[..outcome.evaluated.len()], outcome.evaluated);
        assert!(!whole.interrupted && !outcome.front().is_empty());
    }

    #[test]
    fn what_cannot_be_a_state_is_refused() {
        let (space, cut) = (nasbench201::space(), pel_nas());
        let search = Search::new(space, &cut, Settings::default());
        let state = states(&search, &mut Statistical).0.swap_remove(9);
        let state: State = serde_json::from_str(&state).unwrap();
        let refuses = |change: fn(&mut State)| {
            let mut state = state.clone();
            change(&mut state);
            let result =
                search.resume(state, &mut Statistical, &mut Toy::new(), &mut |_| {}).unwrap_err();
            assert!(matches!(result, Error::State(_)), "{result}");
        };
        refuses(|state| state.evaluated[5].arch = Arch::new([9; 6]));
        refuses(|state| state.evaluated[5].arch = Arch::new([1; 60]));
        refuses(|state| state.evaluated[5] = state.evaluated[6].clone());
        refuses(|state| state.evaluated[5].niche = 1_000_000);
        refuses(|state| state.evaluated[5].values.clear());
        refuses(|state| state.evaluated[5].values[0] = Some(f64::NAN));
        refuses(|state| state.evaluated[5].generation = usize::MAX);
        refuses(|state| state.evaluated = Vec::new());
        refuses(|state| state.counted = usize::MAX);
        refuses(|state| state.cut = Some(("latency".to_owned(), usize::MAX)));
        refuses(|state| {
            let (other, rows) = (nas_space::fbnet::space(), Vec::new());
            let mut knowledge = KnowledgeBase::default();
            knowledge.effects(other, &[Objective::maximise("accuracy", "%")], &rows);
            state.knowledge = std::mem::take(&mut knowledge);
        });
    }
}
