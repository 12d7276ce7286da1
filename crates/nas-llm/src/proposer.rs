use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{Either, join_all, select};
use nas_search::{
    Answer, BoxError, Evaluated, KnowledgeBase, Proposal, Proposer, Request, Rule, SearchRng,
};
use nas_space::Arch;
use rand::RngExt;
use tokio::runtime::Runtime;

use crate::{
    ChatRequest, Error, Kind, Message, Model, ModelReport, Reply,
    prompt::{self, shown_parents},
    reply::{self, Proposed, Refused},
    report::{Generation, Tally},
};

/// A language model as a proposer: PEL-NAS's architecture–prompt co-evolution.
///
/// In each niche and generation the model is asked twice: to state design rules from what the last
/// generation showed, and to propose new architectures from the niche's parents and the rules that
/// the data bear out. The niches are asked side by side. Whatever the model says is validated;
/// what was wrong is told back to it, in the same turn if the budget of calls has room for it, and
/// in the next prompt.
#[derive(Debug)]
pub struct LanguageModel {
    model: Arc<Model>,
    settings: Prompting,
    runtime: Runtime,
    /// What was wrong with each niche's last proposals.
    refusals: HashMap<usize, Vec<String>>,
    report: ModelReport,
    /// Calls that failed since the last reply.
    silence: usize,
    /// When it is set, calls under way are given up.
    stop: Arc<AtomicBool>,
}

/// How the model is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prompting {
    /// What is asked.
    pub style: Style,
    /// Probability that a niche is asked for crossover rather than mutation; 0.5 as in PEL-NAS.
    pub crossover: f64,
    /// Generations that are planned, so that calls are kept for the later ones.
    pub generations: usize,
    /// Calls that all generations may take together; none for no bound.
    pub calls: Option<u64>,
}

/// What the model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Stage 1 for rules, stage 2 for proposals from parents and rules: the whole method.
    CoEvolution,
    /// For proposals from parents alone: the method without its knowledge base.
    WithoutRules,
    /// For architectures, without parents or rules.
    Plain,
    /// The same, over the whole range of latency.
    LatencyOriented,
}

impl Style {
    /// Calls that one niche takes in one generation, when nothing is asked again.
    pub fn stages(self) -> u64 {
        if self == Self::CoEvolution { 2 } else { 1 }
    }

    /// Whether proposals are made from parents.
    pub fn has_parents(self) -> bool {
        matches!(self, Self::CoEvolution | Self::WithoutRules)
    }
}

/// Rules that one call may state.
const RULES: usize = 2;

/// How often one turn asks again for what is owed.
const AGAIN: u64 = 2;

/// Failed calls in a row after which no further one is made: the server is not there, or the wrong
/// one.
const SILENCE: usize = 6;

/// How often a call under way looks whether it is to be given up.
const LOOK: Duration = Duration::from_millis(100);

/// Tokens of a reply for each item that is asked for, and beside them.
const TOKENS: (u32, u32) = (160, 100);

impl LanguageModel {
    /// A proposer that asks the model.
    ///
    /// # Errors
    /// [`Error::Runtime`] where the system gives no threads.
    pub fn new(model: Model, settings: Prompting) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            model: Arc::new(model),
            settings,
            runtime: runtime.map_err(Error::Runtime)?,
            refusals: HashMap::new(),
            report: ModelReport::default(),
            silence: 0,
            stop: Arc::default(),
        })
    }

    /// Until `stop` is set: then the calls under way are given up, and nothing is proposed.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Tokens that a reply with so many architectures or rules may have.
    pub fn reply_tokens(items: usize) -> u32 {
        let (each, beside) = TOKENS;
        each.saturating_mul(items as u32).saturating_add(beside)
    }

    /// What the model contributed so far, and what that took.
    pub fn report(&self) -> ModelReport {
        ModelReport { usage: self.model.usage(), ..self.report.clone() }
    }

    /// The model, whose [usage](Model::usage) can be looked at while the search asks it.
    pub fn model(&self) -> Arc<Model> {
        Arc::clone(&self.model)
    }

    /// Calls that may be spent on asking again, for each of `niches`: what the bound leaves beyond
    /// two calls for every niche of this generation and the later ones.
    fn spare(&self, generation: usize, niches: usize) -> u64 {
        let Some(calls) = self.settings.calls else { return AGAIN };
        let to_come = (self.settings.generations + 1).saturating_sub(generation).max(1) * niches;
        let kept = self.model.usage().calls + self.settings.style.stages() * to_come as u64;
        (calls.saturating_sub(kept) / niches.max(1) as u64).min(AGAIN)
    }

    /// Whether a turn asks for edits: in the first generation in every second niche, then what the
    /// model has done better.
    fn asks_for_edits(&self, turn: usize) -> bool {
        if self.report.edits.made + self.report.whole.made == 0 {
            return turn.is_multiple_of(2);
        }
        self.report.edits.rate() >= self.report.whole.rate()
    }

    fn count(&mut self, generation: usize, turn: &Turn) {
        let report = &mut self.report;
        report.reflections += turn.reflections;
        report.proposals += turn.proposals;
        report.asked_again += turn.asked_again;
        report.rules.add(&turn.rules_made);
        let form = if turn.edits { &mut report.edits } else { &mut report.whole };
        form.add(&turn.made);
        match report.generations.last_mut() {
            Some(last) if last.generation == generation => last.proposals.add(&turn.made),
            _ => report.generations.push(Generation { generation, proposals: turn.made.clone() }),
        }
        self.silence = if turn.replies > 0 { 0 } else { self.silence + turn.failures.len() };
        for error in &turn.failures {
            if error.kind() != Kind::Budget {
                let failures = report.failures.entry(error.kind()).or_default();
                if failures.count == 0 {
                    failures.first = error.to_string();
                }
                failures.count += 1;
            }
            if (error.kind().ends_all() || self.silence >= SILENCE) && report.ended.is_none() {
                report.ended = Some(error.to_string());
            }
        }
    }
}

impl Proposer for LanguageModel {
    fn name(&self) -> &'static str {
        "language-model"
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        let answers = self.propose_all(std::slice::from_ref(request), rng);
        answers.into_iter().next().unwrap_or_else(|| Ok(Answer::default())).map(|a| a.proposals)
    }

    fn propose_all(
        &mut self,
        requests: &[Request<'_>],
        rng: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        if self.report.ended.is_some() {
            return requests.iter().map(|_| Ok(Answer::default())).collect();
        }
        let generation = requests.first().map_or(0, |request| request.generation);
        let spare = self.spare(generation, requests.len());
        // Where calls are short they go to architectures.
        let made = self.model.usage().calls;
        let left = self.settings.calls.map_or(u64::MAX, |calls| calls.saturating_sub(made));
        let style = self.settings.style;
        let reflects =
            style == Style::CoEvolution && left >= style.stages() * requests.len() as u64;
        let none = Vec::new();
        let asked: Vec<Asked<'_>> = requests
            .iter()
            .enumerate()
            .map(|(turn, request)| Asked {
                request,
                refusals: self.refusals.get(&request.niche).unwrap_or(&none),
                style,
                reflects,
                edits: self.asks_for_edits(turn),
                crossover: rng.random_bool(self.settings.crossover),
                seed: u64::from(rng.random::<u32>()),
                spare,
            })
            .collect();
        let turns = join_all(asked.iter().map(|asked| asked.turn(&self.model)));
        let stopped = async {
            while !self.stop.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let turns = self.runtime.block_on(async {
            match select(Box::pin(turns), Box::pin(stopped)).await {
                Either::Left((turns, _)) => turns,
                Either::Right(_) => Vec::new(),
            }
        });
        if turns.is_empty() {
            return requests.iter().map(|_| Ok(Answer::default())).collect();
        }
        let mut answers = Vec::with_capacity(turns.len());
        for (request, mut turn) in requests.iter().zip(turns) {
            self.count(generation, &turn);
            self.refusals.insert(request.niche, std::mem::take(&mut turn.refusals));
            answers.push(turn.answer());
        }
        answers
    }
}

/// One for a call that was made, whatever came of it; none for one that the budget refused.
fn was_made(asked: &Result<Reply, Error>) -> u64 {
    u64::from(!matches!(asked, Err(error) if error.kind() == Kind::Budget))
}

/// What one niche is asked in one generation.
struct Asked<'a> {
    request: &'a Request<'a>,
    refusals: &'a [String],
    style: Style,
    reflects: bool,
    edits: bool,
    crossover: bool,
    seed: u64,
    spare: u64,
}

/// What came of it.
#[derive(Default)]
struct Turn {
    edits: bool,
    accepted: Vec<Proposed>,
    rules: Vec<Rule>,
    refusals: Vec<String>,
    made: Tally,
    rules_made: Tally,
    reflections: u64,
    proposals: u64,
    asked_again: u64,
    /// Calls that were answered.
    replies: u64,
    failures: Vec<Error>,
}

impl Turn {
    fn answer(self) -> Result<Answer, BoxError> {
        let proposals = self.accepted.into_iter();
        let proposals: Vec<Proposal> =
            proposals.map(|Proposed { arch, rationale }| Proposal { arch, rationale }).collect();
        match self.failures.into_iter().next_back() {
            Some(error) if proposals.is_empty() && self.rules.is_empty() => Err(error.into()),
            _ => Ok(Answer { proposals, rules: self.rules }),
        }
    }
}

impl Asked<'_> {
    async fn turn(&self, model: &Model) -> Turn {
        let mut turn = Turn::default();
        let done = async {
            if self.reflects {
                self.reflect(model, &mut turn).await?;
            }
            self.propose(model, &mut turn).await
        };
        if let Err(error) = done.await {
            turn.failures.push(error);
        }
        turn
    }

    /// Stage 1. Its failure does not keep stage 2 from being asked, unless no call would succeed.
    async fn reflect(&self, model: &Model, turn: &mut Turn) -> Result<(), Error> {
        let Request { space, partition, niche, evaluated, generation, .. } = *self.request;
        let last = |one: &&Evaluated| one.niche == niche && one.generation + 1 == generation;
        let recent: Vec<&Evaluated> = evaluated.iter().filter(last).collect();
        if recent.is_empty() {
            return Ok(());
        }
        let messages = vec![
            Message::system(prompt::system()?),
            Message::user(prompt::reflect(self.request, &recent, RULES)?),
        ];
        let schema = ("rules", reply::rules_schema(space, &reply::choices(self.request), RULES));
        let asked = self.ask(model, messages, schema, RULES).await;
        turn.reflections += was_made(&asked);
        let text = match asked {
            Ok(reply) => {
                turn.replies += 1;
                reply.text
            }
            Err(error) if error.kind().ends_all() => return Err(error),
            Err(error) => {
                turn.failures.push(error);
                return Ok(());
            }
        };
        let rules = reply::rules(space, partition, niche, generation, &text);
        for rule in rules.into_iter().take(RULES) {
            match rule {
                Ok(rule) => {
                    turn.rules_made.taken();
                    turn.rules.push(rule);
                }
                Err(Refused { fault, .. }) => turn.rules_made.refused(fault),
            }
        }
        Ok(())
    }

    /// Stage 2, and once more for what is owed.
    async fn propose(&self, model: &Model, turn: &mut Turn) -> Result<(), Error> {
        let request = self.request;
        let Request { space, count, .. } = *request;
        let parents = shown_parents(request);
        let from_parents = self.style.has_parents() && !parents.is_empty();
        turn.edits = from_parents && self.edits;
        let prompt = if from_parents {
            let mut knowledge = KnowledgeBase::default();
            if self.style == Style::CoEvolution {
                knowledge.clone_from(request.knowledge);
                knowledge.update(
                    space,
                    request.objectives,
                    request.partition.niches().len(),
                    request.evaluated,
                    request.generation,
                    turn.rules.iter().cloned(),
                );
            }
            prompt::propose(
                request,
                &parents,
                &knowledge,
                self.refusals,
                self.edits,
                self.crossover,
            )?
        } else {
            prompt::plain(request, self.style == Style::LatencyOriented)?
        };
        let parents: Vec<&Arch> = parents.iter().map(|parent| &parent.arch).collect();
        let mut messages = vec![Message::system(prompt::system()?), Message::user(prompt)];
        for asked in 0..=self.spare {
            let owed = count - turn.accepted.len();
            let shown = turn.edits.then_some(parents.len());
            let schema = (
                "proposals",
                reply::proposals_schema(space, &reply::choices(request), shown, owed),
            );
            let reply = self.ask(model, messages.clone(), schema, owed).await;
            let calls = if asked == 0 { &mut turn.proposals } else { &mut turn.asked_again };
            *calls += was_made(&reply);
            let Reply { text, .. } = reply?;
            turn.replies += 1;
            let mut refusals = Vec::new();
            for proposed in reply::proposals(space, &parents, &text) {
                let valid = proposed.and_then(|proposed| {
                    reply::validate(request, &turn.accepted, &proposed.arch).map(|()| proposed)
                });
                match valid {
                    // What goes beyond what was asked for is not looked at.
                    Ok(_) if turn.accepted.len() == count => {}
                    Ok(proposed) => {
                        turn.made.taken();
                        turn.accepted.push(proposed);
                    }
                    Err(Refused { fault, message }) => {
                        turn.made.refused(fault);
                        refusals.push(message);
                    }
                }
            }
            turn.refusals.extend(refusals.iter().cloned());
            let owed = count - turn.accepted.len();
            if owed == 0 {
                break;
            }
            messages.truncate(2);
            messages.push(Message::assistant(text));
            messages.push(Message::user(prompt::again(&refusals, owed)?));
        }
        Ok(())
    }

    async fn ask(
        &self,
        model: &Model,
        messages: Vec<Message>,
        (name, schema): (&str, serde_json::Value),
        items: usize,
    ) -> Result<Reply, Error> {
        let tokens = LanguageModel::reply_tokens(items);
        let request = ChatRequest::new(messages).schema(name, schema).max_tokens(tokens);
        model.chat(&request.seed(self.seed)).await
    }
}
