//! The loop with several evaluations at the same time: whenever one ends, the next begins. It was proposed
//! while the others ran, from all that was known by then.

use std::collections::VecDeque;

use nas_partition::Budget;
use nas_space::Arch;

use super::Run;
use crate::{
    Error, Evaluation, Fill, Parallel, Proposer, Rejections, Rule, Settings, Statistical,
    generation::{Accepted, Proposals},
};

/// What is on its way through the evaluator.
#[derive(Default)]
struct Flow {
    /// Accepted, not begun.
    ready: VecDeque<Accepted>,
    /// Begun, oldest first.
    under_way: Vec<Accepted>,
    /// What was rejected and stated since the last generation ended.
    rejections: Rejections,
    rules: Vec<Rule>,
    /// The number of evaluations with which the generation ends.
    ends_at: usize,
}

impl Flow {
    /// What is accepted but not evaluated.
    fn pending(&self) -> Vec<Arch> {
        let accepted = self.under_way.iter().chain(&self.ready);
        accepted.map(|accepted| accepted.proposal.arch.clone()).collect()
    }

    fn take(&mut self, proposals: Proposals) {
        let Proposals { accepted, rejections, rules, .. } = proposals;
        self.ready.extend(accepted);
        self.rejections.add(rejections);
        self.rules.extend(rules);
    }
}

impl Run<'_, '_> {
    /// Evaluates until the budget is spent, until nothing new is found, or until the search is
    /// stopped. What is under way then is still recorded, unless the search still repeats an earlier one.
    pub(super) fn run_parallel(&mut self, proposer: &mut dyn Proposer) -> Result<(), Error> {
        let generation = self.search.settings.generation;
        let mut flow = Flow::default();
        if self.state.generations == 0 {
            flow.take(self.start()?);
        }
        flow.ends_at = if flow.ready.is_empty() { generation.max(1) } else { flow.ready.len() };
        loop {
            self.begin(proposer, &mut flow)?;
            let repeats = self.evaluator.parallel().is_some_and(|evaluator| evaluator.repeats());
            if flow.under_way.is_empty() || repeats && self.is_stopped() {
                return Ok(());
            }
            let Some((arch, evaluation)) = self.wait()? else { return Ok(()) };
            let is_this = |accepted: &Accepted| accepted.proposal.arch == arch;
            let Some(at) = flow.under_way.iter().position(is_this) else {
                return Err(Error::Unasked { arch: self.search.space.format(&arch) });
            };
            let mut accepted = flow.under_way.remove(at);
            // The space may have been cut again since.
            accepted.niche = self.partition.niche_of(&arch);
            self.record(accepted, evaluation)?;
            let done = self.state.evaluated.len();
            if done >= flow.ends_at && !self.is_stopped() {
                let (rejections, rules) =
                    (std::mem::take(&mut flow.rejections), std::mem::take(&mut flow.rules));
                self.end_generation(rejections, rules)?;
                flow.ends_at = done + generation.max(1);
            }
        }
    }

    /// The next evaluation; nothing where the search was stopped and the evaluator failed because of it.
    fn wait(&mut self) -> Result<Option<(Arch, Evaluation)>, Error> {
        match self.evaluator.parallel().map(Parallel::wait) {
            Some(Ok(evaluated)) => Ok(Some(evaluated)),
            Some(Err(source)) if !self.is_stopped() => {
                Err(Error::Evaluator { architectures: 1, source })
            }
            _ => Ok(None),
        }
    }

    /// Keeps the evaluator busy.
    fn begin(&mut self, proposer: &mut dyn Proposer, flow: &mut Flow) -> Result<(), Error> {
        let evaluations = self.next_end();
        let Some(capacity) = self.evaluator.parallel().map(|evaluator| evaluator.capacity()) else {
            return Ok(());
        };
        while !self.is_stopped() {
            let done = self.state.evaluated.len() + flow.under_way.len() + flow.ready.len();
            if flow.ready.is_empty() && done < evaluations {
                self.next(proposer, flow, evaluations - done)?;
                // A proposer that was stopped meanwhile did not propose what is ready now.
                if self.is_stopped() {
                    return Ok(());
                }
            }
            // One stays ready: whoever is done waits for no proposer.
            if flow.under_way.len() >= capacity.max(1) {
                return Ok(());
            }
            let Some(next) = flow.ready.pop_front() else { return Ok(()) };
            if let Some(evaluator) = self.evaluator.parallel() {
                let begun = evaluator.begin(&next.proposal.arch);
                begun.map_err(|source| Error::Evaluator { architectures: 1, source })?;
            }
            flow.under_way.push(next);
        }
        Ok(())
    }

    /// Proposes what is evaluated next, at most `left`: one architecture, or a generation of a proposer
    /// that is asked for generations.
    fn next(
        &mut self,
        proposer: &mut dyn Proposer,
        flow: &mut Flow,
        left: usize,
    ) -> Result<(), Error> {
        let Settings { generation, fill, .. } = self.search.settings;
        let fill = fill != Fill::Nothing;
        if !fill && self.state.to_come == 0 {
            return Ok(());
        }
        if self.state.evaluated.len() >= self.state.partition_at && self.partition()? {
            self.state.partition_at = 2 * self.state.evaluated.len();
            self.state.budget = Budget::default();
        }
        let count = if proposer.in_generations() { generation.clamp(1, left) } else { 1 };
        let shares = self.shares();
        let wanted = self.state.budget.share_out(count, &shares);
        if proposer.in_generations() {
            self.state.to_come = self.state.to_come.saturating_sub(1);
        }
        // Generation 0 is the initial sample, of which some may still be under way.
        let number = self.state.generations.max(1);
        let pending = flow.pending();
        flow.take(self.propose(proposer, &wanted, number, &pending)?);
        if fill && flow.ready.is_empty() {
            // The niche whose turn it was is exhausted, or empty: the whole space may not be.
            let mut wanted = vec![0; self.archives.niches()];
            wanted.push(1);
            flow.take(self.propose(&mut Statistical, &wanted, number, &pending)?);
        }
        Ok(())
    }
}
