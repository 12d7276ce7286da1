//! A searcher that predicts what all candidates are worth.

mod choice;
mod draw;
mod model;
mod past_predictions;
mod rows;
mod stopped;

use nas_predict::Prediction;
use nas_search::{BoxError, Detail, Proposal, Proposer, Random, Request, SearchRng};
use nas_space::Arch;

use self::{
    choice::{Choice, Wanted},
    model::Learner,
    past_predictions::{PastPredictions, widened},
    rows::Rows,
};
use crate::Domain;

/// With fewer evaluations than this nothing is predicted, and proposals are random.
const LEAST: usize = 4;

/// A predictor is fitted again when there are more evaluations by this share.
const REFITTED: f64 = 0.1;

/// In a space of at most so many architectures all are candidates.
const ALL: u64 = 20_000;

/// Objectives that are known of every architecture before it is evaluated: looked up or counted.
pub struct KnownObjectives {
    /// Their positions among the search's objectives.
    pub at: Vec<usize>,
    /// Finds their values, in the order of the positions.
    pub find: Box<Find>,
}

/// Finds values of an architecture.
pub type Find = dyn FnMut(&Arch) -> Result<Vec<Option<f64>>, BoxError>;

/// A searcher that learns from what was evaluated what all candidates are worth. It proposes those from
/// which the front is expected to gain most, every other one near the front, and at the end those that are
/// predicted to be on it.
///
/// Objectives that are [known](KnownObjectives) before are not predicted. Of the others the first
/// accuracy, or else the first, is weighed with its uncertainty, the rest by their expected values.
///
/// In a space of at most 20,000 architectures, or with a list of candidates, all of them are candidates. In
/// a larger space they are drawn anew for each fit: at random, and by a search of the predicted front.
pub struct Predictive {
    learner: Learner,
    ends: Vec<usize>,
    confirm: usize,
    /// All candidates, where these are few.
    all: Option<Rows>,
    fitted: Option<Fitted>,
    past: PastPredictions,
}

/// What was learnt, and the candidates.
struct Fitted {
    /// The candidates that were drawn, where these are not all.
    drawn: Option<Rows>,
    /// For each row, a prediction for each objective in its own unit; `None` where a known value does not
    /// exist.
    predictions: Vec<Option<Vec<Prediction>>>,
    /// The number of evaluations that it was learnt from.
    evaluated: usize,
}

/// A candidate that was not evaluated, and what is predicted of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedMember {
    /// The architecture.
    pub arch: Arch,
    /// Its niche among those of the request, by its position.
    pub niche: usize,
    /// For each objective, in its own unit: the expected value and the ends of the 90 % interval, as wide as
    /// those of earlier proposals should have been. They are equal where the value is known.
    pub values: Vec<Prediction>,
}

impl Predictive {
    /// The proposer's name in results.
    pub const NAME: &'static str = "predictor";

    /// A searcher that ends with the last of these numbers of evaluations, and ended with the others
    /// before it was extended. The last `confirm` before each are of candidates that are predicted to be on
    /// the front.
    pub fn new(
        domain: Domain,
        known: KnownObjectives,
        ends: Vec<usize>,
        confirm: usize,
        seed: u64,
    ) -> Self {
        let learner = Learner { domain, known, details: Vec::new(), seed };
        Self { learner, ends, confirm, all: None, fitted: None, past: PastPredictions::default() }
    }

    /// With the details of the evaluator. Where these are values of an objective after fewer steps, it
    /// learns from trainings that were stopped early what they would have reached.
    #[must_use]
    pub fn with_details(mut self, details: &[Detail]) -> Self {
        self.learner.details = details.to_vec();
        self
    }

    /// The candidates that are predicted to be on the front and were not evaluated, the greatest gain in
    /// hypervolume first. `request` is of the whole space, with all that was evaluated.
    ///
    /// # Errors
    /// What a predictor refuses.
    pub fn predicted_front(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<PredictedMember>, BoxError> {
        if complete(request) < LEAST {
            return Ok(Vec::new());
        }
        self.fit(request, rng)?;
        let Some(choice) = self.choice(request) else { return Ok(Vec::new()) };
        let front = choice.predicted_front()?;
        let factors = self.past.factors(request.evaluated, request.objectives);
        let member = |row: usize| {
            let values = request.objectives.iter().zip(choice.predictions(row)?).zip(&factors);
            let values = values.map(|((objective, one), by)| widened(objective, *one, *by));
            let values = values.collect();
            let arch = choice.arch(row).clone();
            Some(PredictedMember { niche: request.partition.niche_of(&arch), arch, values })
        };
        Ok(front.into_iter().filter_map(member).collect())
    }

    /// What the candidates are worth to the front of a request; nothing before the first fit.
    fn choice(&self, request: &Request<'_>) -> Option<Choice<'_>> {
        let fitted = self.fitted.as_ref()?;
        let rows = fitted.drawn.as_ref().or(self.all.as_ref())?;
        Some(Choice::new(request, rows, &fitted.predictions, &self.learner.known.at))
    }

    /// Learns from what was evaluated, unless there is little more than before.
    fn fit(&mut self, request: &Request<'_>, rng: &mut SearchRng) -> Result<(), BoxError> {
        let evaluated = request.evaluated.len();
        let is_near = |fitted: &Fitted| {
            let more = evaluated.saturating_sub(fitted.evaluated);
            (more as f64) < (REFITTED * evaluated as f64).max(1.0)
        };
        if self.fitted.as_ref().is_some_and(is_near) {
            return Ok(());
        }
        if self.fitted.is_none()
            && let Some(architectures) = few(request)
        {
            self.all = Some(self.learner.rows(architectures)?);
        }
        let (drawn, predictions) = if let Some(all) = &self.all {
            (None, self.learner.fit(all, request)?.predict(all)?)
        } else {
            let before = self.fitted.take().and_then(|fitted| fitted.drawn);
            let (rows, model) = draw::draw(request, &mut self.learner, before, rng)?;
            let predictions = model.predict(&rows)?;
            (Some(rows), predictions)
        };
        self.fitted = Some(Fitted { drawn, predictions, evaluated });
        Ok(())
    }
}

impl Proposer for Predictive {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        if complete(request) < LEAST {
            return Random.propose(request, rng);
        }
        self.fit(request, rng)?;
        let before = request.evaluated.len() + request.pending.len();
        let Some(mut choice) = self.choice(request) else { return Ok(Vec::new()) };
        let mut proposed = Vec::with_capacity(request.count);
        for at in 0..request.count {
            let now = before + at;
            let confirms = self.ends.iter().any(|end| now < *end && now + self.confirm >= *end);
            let wanted = match now % 2 {
                _ if confirms => Wanted::Confirmation,
                0 => Wanted::Near,
                _ => Wanted::Anywhere,
            };
            let Some(row) = choice.next(wanted)? else { break };
            let predictions = choice.predictions(row).unwrap_or_default().to_vec();
            proposed.push((choice.arch(row).clone(), predictions));
        }
        let proposals = proposed.iter().map(|(arch, _)| arch.clone().into()).collect();
        self.past.extend(proposed);
        Ok(proposals)
    }
}

/// All candidates, where these are few.
fn few(request: &Request<'_>) -> Option<Vec<Arch>> {
    if let Some(list) = request.listed() {
        return Some(list.to_vec());
    }
    let size = request.space.allowed(ALL).or_else(|| request.space.size());
    size.is_some_and(|size| size <= ALL).then(|| request.space.enumerate().collect())
}

/// How many evaluated architectures have all objectives.
fn complete(request: &Request<'_>) -> usize {
    request.evaluated.iter().filter(|one| one.values.iter().all(Option::is_some)).count()
}
