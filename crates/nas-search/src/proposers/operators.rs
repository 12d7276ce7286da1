//! Several proposers that share a search by what each has added.

use std::collections::HashMap;

use nas_space::Arch;
use rand::RngExt;
use rand_distr::{Distribution, Normal};

use crate::{
    Answer, BoxError, Evaluated, KnownFront, Objective, Proposal, Proposer, Request, SearchRng,
    known_front::costs, propose_by_all,
};

/// Random edits of the parents whose expected gain is what chance would add.
const RANDOM_EDITS: usize = 32;

/// How much a generation's gains count in the next one.
const DISCOUNT: f64 = 0.9;

/// The least share of an operator.
const EXPLORED: f64 = 0.05;

/// Requests after which an operator of whose proposals none was ever evaluated gets the least share only.
const IN_VAIN: usize = 3;

/// Before it has proposed anything, an operator counts as so many proposals that add what chance does.
const PRIOR: f64 = 5.0;

/// How operators are chosen by their credit (adaptive operator selection; Fialho et al. 2010).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// In proportion to the credit above that of chance, or above that of the worst where it is below chance
    /// (probability matching), each with a least share.
    ProbabilityMatching,
    /// The best of a draw from what each operator's credit may be (Thompson sampling), with the same least
    /// share.
    Thompson,
}

/// A proposer among others, by name.
pub struct Operator<'a> {
    /// Its name in results.
    pub name: String,
    /// Who proposes.
    pub proposer: Box<dyn Proposer + 'a>,
}

/// Several proposers that share a search by what each has added.
///
/// In each generation one operator proposes for a niche. The credit of a proposal is what it added to the
/// hypervolume of the front, over what random edits of the same parents were expected to add: 1 is chance.
/// What random edits would add follows from the additive model of the knowledge base, scaled so that its
/// predictions for what was evaluated are right on average. An operator that brings nothing is asked less
/// and less; one of whose proposals none was ever evaluated gets the least share.
pub struct Operators<'a> {
    all: Vec<Operator<'a>>,
    credits: Vec<Credit>,
    selection: Selection,
    /// What was asked for in the last generation.
    asked: Vec<Asked>,
    /// The number of evaluations whose gains are counted.
    counted: usize,
    /// Gains that came, and those that were predicted for the same proposals.
    came: f64,
    predicted: f64,
    history: Vec<Share>,
}

/// The credit of an operator: discounted sums over its proposals.
#[derive(Debug, Clone, Default)]
struct Credit {
    count: f64,
    sum: f64,
    squares: f64,
    asked: usize,
    proposals: usize,
}

/// What an operator was asked for in one niche.
struct Asked {
    operator: usize,
    /// How many were wanted.
    count: usize,
    proposals: Vec<Arch>,
    front: KnownFront,
    /// The mean gain that was predicted for random edits, and for the proposals.
    random: f64,
    predicted: f64,
}

/// An operator's share of a generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The generation's number.
    pub generation: usize,
    /// The operator.
    pub operator: String,
    /// The probability with which a niche asked it.
    pub probability: f64,
    /// Its credit for each proposal by then: what it added, over what random edits were expected to add.
    pub credit: f64,
    /// How often it was asked by then, this generation included.
    pub asked: usize,
    /// The proposals of it that were evaluated by then.
    pub proposals: usize,
}

impl<'a> Operators<'a> {
    /// The proposer's name.
    pub const NAME: &'static str = "operators";

    /// Operators with equal shares at first.
    pub fn new(operators: Vec<Operator<'a>>, selection: Selection) -> Self {
        Self {
            credits: vec![Credit::default(); operators.len()],
            all: operators,
            selection,
            asked: Vec::new(),
            counted: 0,
            came: 0.0,
            predicted: 0.0,
            history: Vec::new(),
        }
    }

    /// The shares of all operators in each generation so far.
    pub fn history(&self) -> &[Share] {
        &self.history
    }

    /// Counts the gains of what was evaluated since the last generation.
    fn count(&mut self, evaluated: &[Evaluated], objectives: &[Objective]) {
        let new: HashMap<&Arch, &Evaluated> = evaluated[self.counted.min(evaluated.len())..]
            .iter()
            .map(|one| (&one.arch, one))
            .collect();
        self.counted = evaluated.len();
        if self.asked.is_empty() {
            return;
        }
        for credit in &mut self.credits {
            credit.discount();
        }
        (self.came, self.predicted) = (DISCOUNT * self.came, DISCOUNT * self.predicted);
        let asked = std::mem::take(&mut self.asked);
        let gains: Vec<Vec<f64>> = asked
            .iter()
            .map(|asked| {
                let proposals = asked.proposals.iter().filter_map(|arch| new.get(arch));
                let gain = |one: &&Evaluated| {
                    let costs = costs(one, objectives);
                    costs.map_or(0.0, |costs| asked.front.gain(&costs))
                };
                proposals.map(gain).collect()
            })
            .collect();
        for (asked, gains) in asked.iter().zip(&gains) {
            self.came += gains.iter().sum::<f64>();
            self.predicted += asked.predicted * gains.len() as f64;
        }
        let scale = if self.predicted > 0.0 { self.came / self.predicted } else { 1.0 };
        for (asked, gains) in asked.into_iter().zip(gains) {
            let credit = &mut self.credits[asked.operator];
            credit.proposals += gains.len();
            let chance = asked.random * scale;
            // What was wanted and did not come adds nothing.
            for _ in gains.len()..asked.count {
                credit.add(0.0);
            }
            // Where chance adds nothing, nothing is learnt.
            for gain in gains.into_iter().filter(|_| chance > 0.0) {
                credit.add(gain / chance);
            }
        }
    }

    /// The probability with which each operator is asked.
    fn probabilities(&self, rng: &mut SearchRng) -> Vec<f64> {
        let count = self.all.len() as f64;
        let mut weights: Vec<f64> = match self.selection {
            Selection::ProbabilityMatching => {
                let means = self.credits.iter().map(Credit::mean);
                // Late in a search no operator may add as much as chance was expected to.
                let least = means.clone().fold(1.0, f64::min);
                means.map(|mean| mean - least).collect::<Vec<f64>>()
            }
            Selection::Thompson => {
                let draw = |credit: &Credit| {
                    let drawn = credit.draw(rng);
                    if credit.is_silent() { f64::NEG_INFINITY } else { drawn }
                };
                let drawn: Vec<f64> = self.credits.iter().map(draw).collect();
                let best = drawn.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                drawn.into_iter().map(|one| f64::from(u8::from(one >= best))).collect()
            }
        };
        if self.credits.iter().any(|credit| !credit.is_silent()) {
            for (weight, credit) in weights.iter_mut().zip(&self.credits) {
                *weight *= f64::from(u8::from(!credit.is_silent()));
            }
        }
        let sum: f64 = weights.iter().sum();
        let least = EXPLORED.min(1.0 / count);
        let share = |weight: f64| if sum > 0.0 { weight / sum } else { 1.0 / count };
        weights.into_iter().map(|weight| least + (1.0 - least * count) * share(weight)).collect()
    }
}

impl Credit {
    /// Whether it was asked in vain from the start.
    fn is_silent(&self) -> bool {
        self.proposals == 0 && self.asked >= IN_VAIN
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn discount(&mut self) {
        self.count *= DISCOUNT;
        self.sum *= DISCOUNT;
        self.squares *= DISCOUNT;
    }

    /// The credit for each proposal.
    fn mean(&self) -> f64 {
        (self.sum + PRIOR) / (self.count + PRIOR)
    }

    /// A draw from what the mean may be.
    fn draw(&self, rng: &mut SearchRng) -> f64 {
        let (mean, count) = (self.mean(), self.count + PRIOR);
        // A proposal of the prior has the credit 1, with a deviation of 1.
        let variance = (self.squares + 2.0 * PRIOR) / count - mean * mean;
        let deviation = (variance.max(0.0) / count).sqrt();
        Normal::new(mean, deviation).map_or(mean, |normal| normal.sample(rng))
    }
}

/// The evaluated architectures that the additive model is fitted to, with their costs.
fn fitted<'a>(request: &Request<'a>) -> Vec<(&'a Arch, Vec<f64>)> {
    let useful = request.pool().filter(|one| request.space.is_connected(&one.arch));
    useful.filter_map(|one| Some((&one.arch, costs(one, request.objectives)?))).collect()
}

/// The mean gain that the additive model predicts for some architectures, each with the errors that it makes
/// on a random one that was evaluated.
fn predicted_gain<'b>(
    request: &Request<'_>,
    front: &KnownFront,
    known: &[(&Arch, Vec<f64>)],
    architectures: impl ExactSizeIterator<Item = &'b Arch>,
    rng: &mut SearchRng,
) -> f64 {
    let Request { space, objectives, evaluated, .. } = *request;
    let effects = request.knowledge().effects(space, objectives, evaluated);
    let count = architectures.len();
    if known.is_empty() || count == 0 {
        return 0.0;
    }
    let gain = |arch: &Arch| {
        let (other, costs) = &known[rng.random_range(0..known.len())];
        let predicted = effects
            .iter()
            .zip(costs)
            .map(|(effects, cost)| effects.predict(arch) + cost - effects.predict(other));
        front.gain(&predicted.collect::<Vec<f64>>())
    };
    architectures.map(gain).sum::<f64>() / count as f64
}

impl Proposer for Operators<'_> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn in_generations(&self) -> bool {
        true
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        propose_by_all(self, request, rng)
    }

    fn propose_all(
        &mut self,
        requests: &[Request<'_>],
        rng: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        let Some(first) = requests.first() else { return Vec::new() };
        self.count(first.evaluated, first.objectives);
        let mut shares = vec![0.0; self.all.len()];
        let chosen: Vec<usize> = requests
            .iter()
            .map(|_| {
                let probabilities = self.probabilities(rng);
                for (share, probability) in shares.iter_mut().zip(&probabilities) {
                    *share += probability / requests.len() as f64;
                }
                let mut left = rng.random::<f64>();
                let passed = probabilities.iter().position(|probability| {
                    left -= probability;
                    left < 0.0
                });
                passed.unwrap_or(self.all.len() - 1)
            })
            .collect();
        let mut answers: Vec<Option<Result<Answer, BoxError>>> =
            requests.iter().map(|_| None).collect();
        for (at, operator) in self.all.iter_mut().enumerate() {
            let mine: Vec<usize> = (0..requests.len()).filter(|one| chosen[*one] == at).collect();
            if mine.is_empty() {
                continue;
            }
            let of_mine: Vec<Request<'_>> = mine.iter().map(|one| requests[*one].clone()).collect();
            let given = operator.proposer.propose_all(&of_mine, rng);
            for (place, mut answer) in mine.into_iter().zip(given) {
                self.credits[at].asked += 1;
                if let Ok(answer) = &mut answer {
                    for proposal in &mut answer.proposals {
                        let by = proposal.by.take();
                        proposal.by = Some(by.unwrap_or_else(|| operator.name.clone()));
                    }
                }
                answers[place] = Some(answer);
            }
        }
        let of = shares.into_iter().zip(&self.all).zip(&self.credits);
        self.history.extend(of.map(|((probability, operator), credit)| Share {
            generation: first.generation,
            operator: operator.name.clone(),
            probability,
            credit: credit.mean(),
            asked: credit.asked,
            proposals: credit.proposals,
        }));
        for (request, (operator, answer)) in requests.iter().zip(chosen.iter().zip(&answers)) {
            let members = request.front.iter().copied();
            let Some(front) = KnownFront::new(request.objectives, request.pool(), members) else {
                continue;
            };
            let known = fitted(request);
            let edits = request.children(RANDOM_EDITS, 0.0, rng);
            let random = edits.iter().map(|child| &child.arch);
            let random = predicted_gain(request, &front, &known, random, rng);
            let proposals: Vec<Arch> = match answer {
                Some(Ok(answer)) => answer.proposals.iter().map(|one| one.arch.clone()).collect(),
                _ => Vec::new(),
            };
            let predicted = predicted_gain(request, &front, &known, proposals.iter(), rng);
            let (operator, count) = (*operator, request.count);
            self.asked.push(Asked { operator, count, proposals, front, random, predicted });
        }
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| Ok(Answer::default()))).collect()
    }

    fn rejected(&mut self, proposal: &Proposal, why: &crate::Rejection) {
        let of = |operator: &&mut Operator<'_>| proposal.by.as_ref() == Some(&operator.name);
        if let Some(operator) = self.all.iter_mut().find(of) {
            operator.proposer.rejected(proposal, why);
        }
    }
}
