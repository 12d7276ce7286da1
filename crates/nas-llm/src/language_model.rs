//! The language model as a proposer.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{Either, join_all, select};
use nas_search::{
    Answer, BoxError, Evaluated, Proposal, Proposer, Request, SearchRng, propose_by_all,
};
use rand::RngExt;
use tokio::runtime::Runtime;

use crate::{
    ChatModel, Contribution, Error, Kind, blocking,
    contribution::Generation,
    memory::Memory,
    names::Names,
    navigator::navigate,
    prompt::Subject,
    prompting::{Prompting, ProposalForm, Style},
    schema::reply_tokens,
    turn::{Turn, TurnResult, was_made},
};

/// A language model as a proposer: PEL-NAS's architecture–prompt co-evolution.
///
/// In each niche and generation the model is called twice: to state design rules from the results of
/// the last generation, and to propose new architectures from the niche's parents and the rules that
/// the evidence supports. All niches are asked at the same time. Every reply is validated; the reasons
/// of rejections are sent back to the model, in the same turn if the budget of calls allows it, and in
/// the next prompt.
#[derive(Debug)]
pub struct LanguageModel {
    model: Arc<ChatModel>,
    settings: Prompting,
    runtime: &'static Runtime,
    /// Why the last proposals of each niche were rejected.
    rejections: HashMap<usize, Vec<String>>,
    memory: Memory,
    /// The names under which the model sees the space, from the first request on.
    names: Option<Names>,
    contribution: Contribution,
    /// The number of calls that failed since the last reply.
    failed_in_a_row: usize,
    /// When it is set, the running calls are cancelled.
    stop: Arc<AtomicBool>,
}

/// The largest number of times that one turn asks again for missing architectures.
const ASK_AGAIN: u64 = 2;

/// Failed calls in a row after which no further call is made: the server is not running, or is not a
/// chat server.
const MOST_FAILED: usize = 6;

/// The time between two checks of the stop flag.
const STOP_CHECK: Duration = Duration::from_millis(100);

impl LanguageModel {
    /// The proposer's name in results.
    pub const NAME: &'static str = "language-model";

    /// A proposer that asks the model.
    ///
    /// # Errors
    /// [`Error::Runtime`] where the operating system provides no asynchronous input.
    pub fn new(model: ChatModel, settings: Prompting) -> Result<Self, Error> {
        Ok(Self {
            model: Arc::new(model),
            settings,
            runtime: blocking::runtime()?,
            rejections: HashMap::new(),
            memory: Memory::default(),
            names: None,
            contribution: Contribution::default(),
            failed_in_a_row: 0,
            stop: Arc::default(),
        })
    }

    /// With a flag that stops the proposer: once it is set, the running calls are cancelled, and nothing
    /// is proposed.
    #[must_use]
    pub fn with_stop_flag(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// The largest number of tokens of a reply with this many architectures or rules.
    pub fn reply_tokens(items: usize) -> u32 {
        reply_tokens(items)
    }

    /// What the model contributed to a search that evaluated these, and what its calls used.
    pub fn contribution(&self, objectives: usize, evaluated: &[Evaluated]) -> Contribution {
        let expected = if self.settings.memory {
            self.memory.calibration(objectives, evaluated)
        } else {
            Vec::new()
        };
        Contribution { usage: self.model.usage(), expected, ..self.contribution.clone() }
    }

    /// The model, whose [usage](ChatModel::usage) can be read while the search runs.
    pub fn model(&self) -> Arc<ChatModel> {
        Arc::clone(&self.model)
    }

    /// Calls that each of `niches` may use to ask again: what the limit leaves after the planned calls
    /// of this generation and the later ones.
    fn spare(&self, generation: usize, niches: usize) -> u64 {
        let Some(calls) = self.settings.calls else { return ASK_AGAIN };
        let to_come = (self.settings.generations + 1).saturating_sub(generation).max(1) as u64;
        let kept = self.model.usage().calls + self.settings.calls_of_generation(niches) * to_come;
        (calls.saturating_sub(kept) / niches.max(1) as u64).min(ASK_AGAIN)
    }

    /// Whether a turn asks for edits: in the first generation in every second niche, later if more
    /// edits than whole architectures were accepted.
    fn asks_for_edits(&self, turn: usize) -> bool {
        if self.contribution.edits.made + self.contribution.whole.made == 0 {
            return turn.is_multiple_of(2);
        }
        self.contribution.edits.rate() >= self.contribution.whole.rate()
    }

    fn count(&mut self, generation: usize, turn: &TurnResult) {
        let all = &mut self.contribution;
        all.reflections += turn.reflections;
        all.proposals += turn.proposals;
        all.asked_again += turn.asked_again;
        all.rules.add(&turn.rules_made);
        let form = match turn.form {
            ProposalForm::Whole => &mut all.whole,
            ProposalForm::Edits => &mut all.edits,
            ProposalForm::Choice => &mut all.choices,
        };
        form.add(&turn.made);
        match all.generations.last_mut() {
            Some(last) if last.generation == generation => last.proposals.add(&turn.made),
            _ => all.generations.push(Generation { generation, proposals: turn.made.clone() }),
        }
        let failed = if turn.replies > 0 { 0 } else { self.failed_in_a_row + turn.failures.len() };
        self.failed_in_a_row = failed;
        for error in &turn.failures {
            self.failed(error);
            let ends = error.kind().ends_all() || failed >= MOST_FAILED;
            if ends && self.contribution.ended.is_none() {
                self.contribution.ended = Some(error.to_string());
            }
        }
    }
}

impl Proposer for LanguageModel {
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
        self.answers(self.settings, None, requests, rng)
    }
}

impl LanguageModel {
    /// The result of calls; `None` where the search is stopped before.
    fn unless_stopped<T>(&self, calls: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            while !self.stop.load(Ordering::Relaxed) {
                tokio::time::sleep(STOP_CHECK).await;
            }
        };
        self.runtime.block_on(async {
            match select(Box::pin(calls), Box::pin(stopped)).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(_) => None,
            }
        })
    }

    /// What a navigator wants to be tried in each niche. Where its call fails, the niches are asked without.
    fn strategies(
        &mut self,
        requests: &[Request<'_>],
        names: &Names,
        seed: u64,
    ) -> Vec<Option<String>> {
        let subjects = requests.iter().map(|request| Subject::new(request, names));
        let subjects: Vec<Subject<'_>> = subjects.collect();
        let asked = self.unless_stopped(navigate(&self.model, &subjects, seed));
        let none = vec![None; requests.len()];
        let Some(strategies) = asked else { return none };
        self.contribution.navigations += was_made(&strategies);
        strategies.unwrap_or_else(|error| {
            self.failed(&error);
            none
        })
    }

    fn failed(&mut self, error: &Error) {
        if error.kind() == Kind::Budget {
            return;
        }
        let failures = self.contribution.failures.entry(error.kind()).or_default();
        if failures.count == 0 {
            failures.first = error.to_string();
        }
        failures.count += 1;
    }

    /// The answers to requests, asked as these settings say, in this form where one is named.
    fn answers(
        &mut self,
        settings: Prompting,
        form: Option<ProposalForm>,
        requests: &[Request<'_>],
        rng: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        if self.contribution.ended.is_some() {
            return requests.iter().map(|_| Ok(Answer::default())).collect();
        }
        let generation = requests.first().map_or(0, |request| request.generation);
        let spare = self.spare(generation, requests.len());
        // Where few calls are left, they ask for architectures.
        let made = self.model.usage().calls;
        let left = self.settings.calls.map_or(u64::MAX, |calls| calls.saturating_sub(made));
        let style = settings.style;
        let reflects =
            style == Style::CoEvolution && left >= settings.calls_of_generation(requests.len());
        let names = match (self.names.take(), requests.first()) {
            (Some(names), _) => names,
            (None, Some(request)) => match Names::of(request.space, settings.disguise) {
                Ok(names) => names,
                Err(error) => {
                    let ended = self.contribution.ended.insert(error.to_string()).clone();
                    return requests.iter().map(|_| Err(ended.clone().into())).collect();
                }
            },
            (None, None) => return Vec::new(),
        };
        let strategies = if settings.navigator {
            self.strategies(requests, &names, u64::from(rng.random::<u32>()))
        } else {
            vec![None; requests.len()]
        };
        let none = Vec::new();
        let turns: Vec<Turn<'_>> = requests
            .iter()
            .enumerate()
            .map(|(turn, request)| Turn {
                subject: Subject {
                    strategy: strategies[turn].as_deref(),
                    ..Subject::new(request, &names)
                },
                rejections: self.rejections.get(&request.niche).unwrap_or(&none),
                outcomes: self.settings.memory.then(|| self.memory.outcomes(request)),
                settings: &settings,
                reflects,
                edits: match form {
                    Some(form) => form == ProposalForm::Edits,
                    None => self.asks_for_edits(turn),
                },
                crossover: rng.random_bool(self.settings.crossover),
                seed: u64::from(rng.random::<u32>()),
                candidates: if style.chooses() {
                    request.slate(self.settings.candidates, rng)
                } else {
                    Vec::new()
                },
                spare,
            })
            .collect();
        let results = self.unless_stopped(join_all(turns.iter().map(|turn| turn.run(&self.model))));
        drop(turns);
        self.names = Some(names);
        let Some(results) = results else {
            return requests.iter().map(|_| Ok(Answer::default())).collect();
        };
        let mut answers = Vec::with_capacity(results.len());
        for (request, mut result) in requests.iter().zip(results) {
            self.count(generation, &result);
            self.rejections.insert(request.niche, std::mem::take(&mut result.rejections));
            self.memory.add(request.niche, std::mem::take(&mut result.tried));
            answers.push(result.answer());
        }
        answers
    }
}

/// A language model as one of several operators: it proposes in one form. Several may share a model.
#[derive(Debug)]
pub struct ModelOperator {
    model: Rc<RefCell<LanguageModel>>,
    form: ProposalForm,
}

impl ModelOperator {
    /// A model that proposes in this form.
    pub fn new(model: Rc<RefCell<LanguageModel>>, form: ProposalForm) -> Self {
        Self { model, form }
    }
}

impl Proposer for ModelOperator {
    fn name(&self) -> &'static str {
        self.form.name()
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
        let mut model = self.model.borrow_mut();
        let style = match (self.form, model.settings.style) {
            (ProposalForm::Choice, style) if style.chooses() => style,
            (ProposalForm::Choice, _) => Style::Choose,
            (_, Style::CoEvolution) => Style::CoEvolution,
            _ => Style::WithoutRules,
        };
        let settings = Prompting { style, ..model.settings };
        model.answers(settings, Some(self.form), requests, rng)
    }
}
