//! A model's choice among candidates.

use nas_search::{Child, KnownFront, Request, groups};

use crate::{
    ChatModel, ChatRequest, Error, Fault, Prompting, Reply, Style, blocking,
    fault::Rejected,
    letters::{self, RANKED},
    memory::Tried,
    names::Names,
    prompt::{self, Subject},
    prompting::ProposalForm,
    reply::{self, Pick},
    schema::{choices_schema, estimate_schema, reply_tokens},
    slate::Slate,
    turn::{Turn, TurnResult, messages, was_made},
};

/// What a model chose: positions of candidates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chosen {
    /// In each order in which it was shown the candidates: as they are, and reversed.
    pub by_order: Vec<Vec<usize>>,
    /// Both orders together.
    pub together: Vec<usize>,
    /// In each order, the scores of the candidates; none where the model chooses by itself.
    pub scores: Vec<Scores>,
    /// The values that the model expects of each candidate, in the order of the objectives; `None` of one
    /// whose answer could not be read. Empty where it is not asked for values of all.
    pub expected: Vec<Option<Vec<f64>>>,
}

/// How good a model's answers make each candidate; its choices are the best of those that it scored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// Greater is better; of a candidate that the model did not score a value below the others.
    pub values: Vec<f64>,
    /// Which candidates the model scored.
    pub is_scored: Vec<bool>,
}

impl Scores {
    /// The positions of the best candidates among those that the model scored.
    pub fn best(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.values.len()).filter(|at| self.is_scored[*at]).collect();
        order.sort_by(|a, b| self.values[*b].total_cmp(&self.values[*a]));
        order.truncate(count);
        order
    }

    /// The sums of several orders' values, of the candidates that were scored in any of them.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.values.resize(one.values.len(), 0.0);
            sum.is_scored.resize(one.values.len(), false);
            for (at, value) in one.values.iter().enumerate() {
                sum.values[at] += value;
                sum.is_scored[at] |= one.is_scored[at];
            }
        }
        sum
    }
}

/// Asks a model once to choose [`request.count`](Request::count) of these candidates, as a search with these
/// settings asks it.
///
/// # Errors
/// Those of [`ChatModel::chat`].
pub fn choose(
    model: &ChatModel,
    settings: &Prompting,
    request: &Request<'_>,
    candidates: Vec<Child<'_>>,
    seed: u64,
) -> Result<Chosen, Error> {
    let names = Names::of(request.space, settings.disguise)?;
    let turn = Turn {
        subject: Subject::new(request, &names),
        rejections: &[],
        outcomes: None,
        candidates,
        settings,
        reflects: false,
        edits: false,
        crossover: false,
        seed,
        spare: 0,
    };
    let picks = blocking::wait(turn.picks(model, &mut TurnResult::default()))?;
    let positions = |picks: &[Result<Pick, Rejected>]| -> Vec<usize> {
        picks.iter().flatten().map(|pick| pick.candidate).collect()
    };
    Ok(Chosen {
        by_order: picks.by_order.iter().map(|picks| positions(picks)).collect(),
        together: positions(&picks.together),
        scores: picks.scores,
        expected: picks.expected,
    })
}

/// The choices of a turn. A pick's candidate is its position among the turn's candidates.
struct Picks {
    by_order: Vec<Vec<Result<Pick, Rejected>>>,
    together: Vec<Result<Pick, Rejected>>,
    scores: Vec<Scores>,
    expected: Vec<Option<Vec<f64>>>,
}

impl Turn<'_> {
    /// Stage 2 where the model chooses from candidates.
    pub async fn choose(&self, model: &ChatModel, result: &mut TurnResult) -> Result<(), Error> {
        result.form = ProposalForm::Choice;
        if self.candidates.is_empty() {
            return Ok(());
        }
        for pick in self.picks(model, result).await?.together {
            let Pick { candidate, reason, expected } = match pick {
                Ok(pick) => pick,
                Err(rejected) => {
                    result.made.reject(rejected.fault);
                    continue;
                }
            };
            let Child { arch, parent } = &self.candidates[candidate];
            result.tried.push(Tried {
                arch: arch.clone(),
                parent: parent.map(|parent| parent.arch.clone()),
                expected,
                refused: None,
            });
            result.accept(arch.clone(), reason);
        }
        Ok(())
    }

    async fn picks(&self, model: &ChatModel, result: &mut TurnResult) -> Result<Picks, Error> {
        let orders = if self.settings.both_orders { &[false, true][..] } else { &[false] };
        match self.settings.style {
            Style::Rank => self.by_probability(model, orders, result).await,
            Style::Estimate => self.by_estimates(model, result).await,
            _ => self.one_of_each_group(model, orders, result).await,
        }
    }

    /// One of each group. Asked in both orders, the model may choose two of one group: then the seed
    /// decides.
    async fn one_of_each_group(
        &self,
        model: &ChatModel,
        orders: &[bool],
        result: &mut TurnResult,
    ) -> Result<Picks, Error> {
        let request = self.subject.request;
        let mut by_order = Vec::new();
        for &reversed in orders {
            let slate = Slate::new(self.subject, &self.candidates, request.evaluated, reversed);
            let prompt = prompt::choose(self.subject, &slate, self.outcomes.as_deref())?;
            let schema = choices_schema(&slate, self.expected());
            let call = self.ask(model, messages(prompt)?, ("choices", schema), request.count).await;
            result.proposals += was_made(&call);
            let Reply { text, .. } = call?;
            result.replies += 1;
            let mut picks = reply::picks(&slate, request.objectives, &text);
            if reversed {
                picks.reverse();
            }
            for pick in picks.iter_mut().flatten() {
                pick.candidate = slate.position(pick.candidate);
            }
            by_order.push(picks);
        }
        let groups = groups(self.candidates.len(), request.count).count();
        let together = (0..groups).map(|group| {
            let picks: Vec<&Result<Pick, Rejected>> =
                by_order.iter().filter_map(|picks| picks.get(group)).collect();
            let made: Vec<&Pick> = picks.iter().filter_map(|pick| pick.as_ref().ok()).collect();
            match (made.len(), picks.first()) {
                (0, Some(Err(rejected))) => Err(rejected.clone()),
                (0, _) => Err(Rejected::new(Fault::Form, "nothing was chosen")),
                (count, _) => Ok(made[(self.seed as usize + group) % count].clone()),
            }
        });
        let together = together.collect();
        Ok(Picks { by_order, together, scores: Vec::new(), expected: Vec::new() })
    }

    /// The candidates whose letters are the most likely replies; in both orders together, those with the
    /// greatest mean log-probability.
    async fn by_probability(
        &self,
        model: &ChatModel,
        orders: &[bool],
        result: &mut TurnResult,
    ) -> Result<Picks, Error> {
        let request = self.subject.request;
        let shown = &self.candidates[..self.candidates.len().min(RANKED)];
        let (mut by_order, mut all, mut given) = (Vec::new(), Vec::new(), true);
        for &reversed in orders {
            let slate = Slate::new(self.subject, shown, request.evaluated, reversed);
            let prompt = prompt::rank(self.subject, &slate, self.outcomes.as_deref())?;
            let call = letters::ask(model, prompt, shown.len(), self.seed).await;
            result.proposals += was_made(&call);
            let letters = call?;
            result.replies += 1;
            given &= letters.given;
            let count = shown.len();
            let mut scores = Scores { values: vec![0.0; count], is_scored: vec![false; count] };
            for (at, (likely, named)) in letters.likely.iter().zip(letters.named).enumerate() {
                scores.values[slate.position(at)] = *likely;
                scores.is_scored[slate.position(at)] = named;
            }
            by_order.push(likeliest(&scores, request.count, given));
            all.push(scores);
        }
        let together = likeliest(&Scores::sum(&all), request.count, given);
        Ok(Picks { together, by_order, scores: all, expected: Vec::new() })
    }

    /// The candidates whose expected values would add most to the niche's front, and of those that would add
    /// nothing the ones with the least costs. The model is asked once for each.
    async fn by_estimates(
        &self,
        model: &ChatModel,
        result: &mut TurnResult,
    ) -> Result<Picks, Error> {
        let request = self.subject.request;
        let objectives = request.objectives;
        let slate = Slate::new(self.subject, &self.candidates, request.evaluated, false);
        let mut expected = Vec::with_capacity(self.candidates.len());
        for at in 0..self.candidates.len() {
            let prompt = prompt::estimate(self.subject, &slate, at, self.outcomes.as_deref())?;
            let asked = ChatRequest::new(messages(prompt)?)
                .schema("estimate", estimate_schema(objectives))
                .max_tokens(reply_tokens(1))
                .temperature(0.0);
            let call = model.chat(&asked).await;
            result.proposals += was_made(&call);
            let Reply { text, .. } = call?;
            result.replies += 1;
            expected.push(reply::estimate(objectives, &text));
        }
        let members = request.parents.iter().copied();
        let front = KnownFront::new(objectives, request.pool(), members);
        let score = |expected: &Result<Vec<f64>, Rejected>| {
            let Some((values, front)) = expected.as_ref().ok().zip(front.as_ref()) else {
                return f64::NEG_INFINITY;
            };
            let pairs = objectives.iter().zip(values);
            let costs: Vec<f64> = pairs.map(|(objective, value)| objective.cost(*value)).collect();
            match front.gain(&costs) {
                gain if gain > 0.0 => gain,
                _ => -front.sum(&costs).max(0.0),
            }
        };
        let scores = Scores {
            values: expected.iter().map(score).collect(),
            is_scored: vec![true; expected.len()],
        };
        let pick = |candidate: usize| {
            let values = expected[candidate].clone()?.into_iter().map(Some);
            Ok(Pick { candidate, reason: None, expected: values.collect() })
        };
        let picks: Vec<_> = scores.best(request.count).into_iter().map(pick).collect();
        let expected = expected.into_iter().map(Result::ok).collect();
        Ok(Picks { by_order: vec![picks.clone()], together: picks, scores: vec![scores], expected })
    }
}

/// The candidates with the likeliest letters; why there are none, where no letter is among the likeliest
/// tokens.
fn likeliest(scores: &Scores, count: usize, given: bool) -> Vec<Result<Pick, Rejected>> {
    let best = scores.best(count);
    if best.is_empty() {
        let message = if given {
            "none of the likeliest replies is the letter of a candidate"
        } else {
            "the server gives no log-probabilities"
        };
        return vec![
            Err(Rejected::new(Fault::NoProbabilities, message));
            count.min(scores.values.len())
        ];
    }
    let pick = |candidate| Ok(Pick { candidate, reason: None, expected: Vec::new() });
    best.into_iter().map(pick).collect()
}
