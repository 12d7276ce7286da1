//! The proposer of a plan, and which architectures it may propose.

use std::{
    cell::RefCell,
    path::Path,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
};

use clap::ValueEnum;
use nas_eval::{KnownObjectives, PredictedMember, Predictive, Problem, SearcherProgram};
use nas_llm::{ChatModel, Contribution, LanguageModel, ModelOperator};
use nas_partition::Partition;
use nas_search::{
    Candidates, FixedList, Operator, Operators, Outcome, Proposer, Request, SearchRng, Share,
    Statistical,
};
use nas_space::Arch;
use rand::SeedableRng;

use super::{
    evaluator::{Known, Opened, values_of},
    limit::{KnownValue, Limited},
    plan::{OperatorsPlan, Plan},
};
use crate::{
    failure::Failure,
    searcher::{OperatorName, Searcher},
};

/// Of what is predicted to be on the front as many are shown as were evaluated, or at least so many.
const PREDICTED: usize = 10;

/// What proposes architectures.
pub enum Proposing {
    /// A searcher without a state of this program.
    Plain(Box<dyn Proposer>),
    Model(Box<LanguageModel>),
    /// Operators, some of which may ask a language model.
    Operators(Box<Operators<'static>>, Option<Rc<RefCell<LanguageModel>>>),
    Predictor(Box<Predictive>),
    Own(Box<SearcherProgram>),
}

impl Proposing {
    /// The proposer of a plan, which a language model is instead where there is one. `list` are the
    /// architectures of an exhaustive search; `ends` the budgets with which the search ended before it was
    /// extended, and its own.
    pub fn of(
        plan: &Plan,
        problem: &Problem,
        opened: &Opened,
        list: Option<&[Arch]>,
        ends: Vec<usize>,
    ) -> Result<Self, Failure> {
        if let Some(list) = list {
            let list = FixedList::new(Searcher::Exhaustive.name(), list.iter().cloned());
            return Ok(Self::Plain(Box::new(list)));
        }
        if plan.searcher == Searcher::Predictor {
            let known = Rc::clone(&opened.known);
            let at: Vec<usize> = known.borrow().iter().map(|known| known.at).collect();
            if at.len() == opened.objectives.len() {
                return Err(Failure::input(
                    "--searcher predictor: all objectives are known before anything is evaluated, so nothing is predicted: name another --searcher",
                ));
            }
            let find = move |arch: &Arch| {
                let values = values_of(&known, arch)?;
                Ok(values.into_iter().map(|known| known.value).collect())
            };
            let known = KnownObjectives { at, find: Box::new(find) };
            let predictive =
                Predictive::new(problem.domain()?, known, ends, plan.confirm, plan.seed)
                    .with_details(&opened.details);
            return Ok(Self::Predictor(Box::new(predictive)));
        }
        if let Searcher::Own(name) = plan.searcher {
            let Some(own) = &plan.propose else {
                let known = Searcher::value_variants().iter().map(|searcher| searcher.name());
                return Err(nas_space::Error::unknown_name("searcher", name, known).into());
            };
            let own = own.build(name, problem, plan.seed).with_log(opened.log.clone());
            return Ok(Self::Own(Box::new(own)));
        }
        let own = plan.searcher.proposer(problem, plan.candidates)?;
        Ok(Self::Plain(own.unwrap_or_else(|| Box::new(Statistical))))
    }

    pub fn as_proposer(&mut self) -> &mut dyn Proposer {
        match self {
            Self::Plain(plain) => &mut **plain,
            Self::Model(model) => &mut **model,
            Self::Operators(operators, _) => &mut **operators,
            Self::Predictor(predictor) => &mut **predictor,
            Self::Own(own) => &mut **own,
        }
    }

    /// Records a user's searcher in a file, and has it stopped by a flag.
    pub fn begin(&mut self, file: &Path, stop: &Arc<AtomicBool>) -> Result<(), Failure> {
        if let Self::Own(own) = self {
            own.record_in(file)?;
            own.stop_by(Arc::clone(stop));
        }
        Ok(())
    }

    /// How often a user's searcher failed in each way, with the first message.
    pub fn failures(&self) -> Vec<(&'static str, usize, String)> {
        match self {
            Self::Own(own) => own.failures(),
            _ => Vec::new(),
        }
    }

    /// With the language model of the plan, if it has one.
    pub fn with_model(
        self,
        plan: &Plan,
        problem: &Problem,
        model: Option<LanguageModel>,
    ) -> Result<Self, Failure> {
        let Some(OperatorsPlan { names, selection }) = &plan.operators else {
            return Ok(model.map_or(self, |model| Self::Model(Box::new(model))));
        };
        let model = model.map(|model| Rc::new(RefCell::new(model)));
        let mut operators = Vec::new();
        for operator in names {
            let proposer: Option<Box<dyn Proposer>> = match operator {
                OperatorName::Searcher(searcher) => {
                    Searcher::Named(searcher).proposer(problem, plan.candidates)?
                }
                OperatorName::Model(form) => model.as_ref().map(|model| {
                    Box::new(ModelOperator::new(Rc::clone(model), *form)) as Box<dyn Proposer>
                }),
            };
            let name = operator.name().to_owned();
            operators.extend(proposer.map(|proposer| Operator { name, proposer }));
        }
        let operators = Operators::new(operators, (*selection).into());
        Ok(Self::Operators(Box::new(operators), model))
    }

    /// The client of the language model.
    pub fn chat(&self) -> Option<Arc<ChatModel>> {
        match self {
            Self::Model(model) => Some(model.model()),
            Self::Operators(_, model) => model.as_ref().map(|model| model.borrow().model()),
            _ => None,
        }
    }

    /// What the language model contributed to a search.
    pub fn contribution(&self, outcome: &Outcome) -> Option<Contribution> {
        let of = |model: &LanguageModel| {
            model.contribution(outcome.objectives.len(), &outcome.evaluated)
        };
        match self {
            Self::Model(model) => Some(of(model)),
            Self::Operators(_, model) => model.as_ref().map(|model| of(&model.borrow())),
            _ => None,
        }
    }

    /// The shares of operators in each generation.
    pub fn shares(&self) -> Vec<Share> {
        match self {
            Self::Operators(operators, _) => operators.history().to_vec(),
            _ => Vec::new(),
        }
    }

    /// What is predicted to be on the front beside what was evaluated.
    pub fn predicted_front(
        &mut self,
        plan: &Plan,
        problem: &Problem,
        outcome: &Outcome,
        candidates: &Candidates<'_>,
    ) -> Result<Vec<PredictedMember>, Failure> {
        let Self::Predictor(predictor) = self else { return Ok(Vec::new()) };
        let whole = Partition::whole();
        let request = Request::new(problem.space, &whole, &outcome.objectives)
            .with_candidates(candidates)
            .with_evaluated(&outcome.evaluated);
        let predicted =
            predictor.predicted_front(&request, &mut SearchRng::seed_from_u64(plan.seed));
        let mut predicted =
            predicted.map_err(|error| Failure::work(format!("the predictor failed: {error}")))?;
        predicted.truncate(outcome.front().len().max(PREDICTED));
        Ok(predicted)
    }
}

/// Architectures that are looked at for the nearest to the limits.
const LOOKED_AT: usize = 20_000;

/// The architecture that exceeds the limits by the least factor, by what is known before anything is
/// evaluated, with the known values: the answer where none keeps them.
pub fn nearest(
    problem: &Problem,
    opened: &Opened,
    tabulated: Option<&[Arch]>,
    seed: u64,
) -> Option<(Arch, Vec<KnownValue>)> {
    let space = problem.space;
    let all: Vec<Arch> = match tabulated {
        Some(list) => list.to_vec(),
        None if space.size().is_some_and(|size| size <= LOOKED_AT as u64) => {
            space.enumerate().collect()
        }
        None => {
            let mut rng = SearchRng::seed_from_u64(seed);
            (0..LOOKED_AT).map(|_| space.sample(&mut rng)).collect()
        }
    };
    let excess = |arch: &Arch| {
        let known = values_of(&opened.known, arch).unwrap_or_default();
        let limits = opened.limits.iter().map(|limit| limit.excess_of_known(arch, &known));
        limits.fold(1.0, f64::max)
    };
    let near = all.into_iter().filter(|arch| space.is_connected(arch));
    let (excess, arch) =
        near.map(|arch| (excess(&arch), arch)).min_by(|a, b| a.0.total_cmp(&b.0))?;
    let known = values_of(&opened.known, &arch).unwrap_or_default();
    (excess > 1.0).then_some((arch, known))
}

/// The architectures that a search may evaluate: those that the user's tables contain, and, where an
/// evaluation takes time, those that are known to have a value and to keep the limits.
pub fn candidates(plan: &Plan, opened: &Opened, tabulated: Option<&[Arch]>) -> Candidates<'static> {
    let all = match tabulated {
        Some(list) => Candidates::all().listed(list.iter().cloned()),
        None => Candidates::all(),
    };
    if !plan.is_slow() {
        return all;
    }
    let (known, limits) = (Rc::clone(&opened.known), Rc::clone(&opened.limits));
    all.that(move |arch| keeps(&known, &limits, arch))
}

/// Whether what is known of an architecture has a value and keeps the limits.
fn keeps(known: &Known, limits: &[Limited], arch: &Arch) -> bool {
    // Known values are looked up or counted, which does not fail.
    let values = values_of(known, arch).unwrap_or_default();
    values.iter().all(|known| known.value.is_some())
        && limits.iter().all(|limit| limit.excess_of_known(arch, &values) <= 1.0)
}
