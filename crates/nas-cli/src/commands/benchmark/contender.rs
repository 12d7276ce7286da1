//! What a benchmark compares: searchers by name, a user's own, and simulated language models.

use nas_eval::SimulatedChoice;
use nas_search::{Operator, Operators, Proposer};

use super::{Arguments, distinct, pair::Pair};
use crate::{failure::Failure, searcher::Searcher};

/// What a benchmark compares, with its name in results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    pub name: &'static str,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Searcher(Searcher),
    /// A simulated model of this skill.
    Simulated(f64),
    /// Operators that share a search, with a simulated model of this skill where there is one.
    Operators(Option<f64>),
}

impl Contender {
    fn named(name: String, kind: Kind) -> Self {
        // There are few, which last as long as the program.
        Self { name: Box::leak(name.into_boxed_str()), kind }
    }
}

impl From<Searcher> for Contender {
    fn from(searcher: Searcher) -> Self {
        Self { name: searcher.name(), kind: Kind::Searcher(searcher) }
    }
}

impl Arguments {
    /// Everything that is compared, in order.
    pub fn contenders(&self) -> Vec<Contender> {
        let mut all: Vec<Contender> =
            distinct(&self.searchers).into_iter().map(Contender::from).collect();
        all.extend(self.propose.iter().map(|own| Contender::from(own.searcher)));
        for &skill in &self.skill {
            let name = format!("{}-{skill}", SimulatedChoice::NAME);
            all.push(Contender::named(name, Kind::Simulated(skill)));
        }
        if self.operators.is_empty() {
            return all;
        }
        if self.skill.is_empty() {
            all.push(Contender { name: Operators::NAME, kind: Kind::Operators(None) });
        }
        for &skill in &self.skill {
            let name = format!("{}-{skill}", Operators::NAME);
            all.push(Contender::named(name, Kind::Operators(Some(skill))));
        }
        all
    }

    /// A simulated model of this skill on a pair.
    pub fn simulated<'a>(&self, pair: &'a Pair<'_>, skill: f64) -> Box<dyn Proposer + 'a> {
        Box::new(SimulatedChoice::new(&pair.truth, self.candidates as usize, skill))
    }

    /// The name of the first of the operators that share a search.
    pub fn first_operator(&self, contender: Contender) -> Option<&str> {
        match contender.kind {
            Kind::Operators(Some(_)) => Some(SimulatedChoice::NAME),
            Kind::Operators(None) => self.operators.first().map(|searcher| searcher.name()),
            _ => None,
        }
    }

    /// The operators that are named, and a simulated model of this skill.
    pub fn operators<'a>(
        &self,
        pair: &'a Pair<'_>,
        skill: Option<f64>,
    ) -> Result<Operators<'a>, Failure> {
        let mut operators = Vec::new();
        if let Some(skill) = skill {
            let proposer = self.simulated(pair, skill);
            operators.push(Operator { name: SimulatedChoice::NAME.to_owned(), proposer });
        }
        for searcher in distinct(&self.operators) {
            let proposer = searcher.proposer(&pair.on.problem, self.candidates as usize)?;
            let proposer = proposer.ok_or_else(|| {
                let name = searcher.name();
                Failure::input(format!(
                    "--operators {name}: expected searchers without a model, a predictor or a list, such as statistical"
                ))
            })?;
            operators.push(Operator { name: searcher.name().to_owned(), proposer });
        }
        Ok(Operators::new(operators, self.selection.into()))
    }
}
