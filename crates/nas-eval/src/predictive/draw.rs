//! Candidates of a space that is too large to predict all of it.

use std::collections::HashSet;

use nas_pareto::{PointSet, non_dominated};
use nas_predict::Prediction;
use nas_search::{BoxError, Request, SearchRng};
use nas_space::Arch;
use rand::RngExt;

use super::{
    model::{Learner, Model},
    rows::Rows,
};

/// Architectures drawn at random.
const AT_RANDOM: usize = 100;

/// Rounds in which children of the predicted front are made, the first time and later, and how many
/// children in each.
const FIRST: usize = 8;
const LATER: usize = 2;
const CHILDREN: usize = 150;

/// The probability that a child has two parents.
const CROSSOVER: f64 = 0.5;

/// What was evaluated, and what was drawn before, is among the candidates up to these numbers.
const REMEMBERED: usize = 4000;
const KEPT: usize = 1500;

/// Draws candidates: what was evaluated and is pending, some that were drawn before, a random sample, and
/// what a search of the predicted front visits; with the model that predicted it.
pub(super) fn draw(
    request: &Request<'_>,
    learner: &mut Learner,
    before: Option<Rows>,
    rng: &mut SearchRng,
) -> Result<(Rows, Model), BoxError> {
    let rounds = if before.is_some() { LATER } else { FIRST };
    let mut drawn = Drawn::default();
    let evaluated = request.evaluated.iter().rev().take(REMEMBERED);
    drawn.extend(evaluated.map(|one| one.arch.clone()));
    drawn.extend(request.pending.iter().map(|arch| (*arch).clone()));
    // The latest of them are the last.
    let before = before.map_or_else(Vec::new, |rows| rows.architectures);
    drawn.extend(before.into_iter().rev().take(KEPT));
    drawn.extend((0..AT_RANDOM).map(|_| request.sample(rng)));
    let rows = learner.rows(drawn.all.clone())?;
    let model = learner.fit(&rows, request)?;
    let mut costs = expected(&model, &rows, request)?;
    for _ in 0..rounds {
        let parents = best(&costs, request.objectives.len())?;
        if parents.is_empty() {
            break;
        }
        let begin = drawn.all.len();
        let children: Vec<Arch> = (0..CHILDREN)
            .map(|_| {
                let mut parent = || &drawn.all[parents[rng.random_range(0..parents.len())]];
                let (one, other) = (parent(), parent());
                if rng.random_bool(CROSSOVER) {
                    request.space.crossover(one, other, rng)
                } else {
                    request.space.mutate(one, rng)
                }
            })
            .filter(|child| request.check(child).is_ok())
            .collect();
        drawn.extend(children);
        let rows = learner.rows(drawn.all[begin..].to_vec())?;
        costs.extend(expected(&model, &rows, request)?);
    }
    Ok((learner.rows(drawn.all)?, model))
}

/// Distinct architectures, in the order in which they came.
#[derive(Default)]
struct Drawn {
    all: Vec<Arch>,
    seen: HashSet<Arch>,
}

impl Drawn {
    fn extend(&mut self, more: impl IntoIterator<Item = Arch>) {
        for arch in more {
            if self.seen.insert(arch.clone()) {
                self.all.push(arch);
            }
        }
    }
}

/// The expected costs of each row; nothing where a known value does not exist.
fn expected(
    model: &Model,
    rows: &Rows,
    request: &Request<'_>,
) -> Result<Vec<Option<Vec<f64>>>, BoxError> {
    let costs = |predictions: Vec<Prediction>| {
        let costs = request.objectives.iter().zip(predictions);
        costs.map(|(objective, one)| objective.cost(one.value)).collect()
    };
    Ok(model.predict(rows)?.into_iter().map(|row| row.map(costs)).collect())
}

/// The positions of the non-dominated ones.
fn best(costs: &[Option<Vec<f64>>], objectives: usize) -> Result<Vec<usize>, BoxError> {
    let present: Vec<usize> = (0..costs.len()).filter(|at| costs[*at].is_some()).collect();
    let rows = present.iter().flat_map(|at| costs[*at].iter().flatten().copied()).collect();
    let front = non_dominated(&PointSet::new(rows, objectives)?)?;
    Ok(front.into_iter().map(|at| present[at]).collect())
}
