//! One turn of the language model: what one niche asks for in one generation, and the result.

use nas_search::{
    Answer, BoxError, Child, Evaluated, KnowledgeBase, Objective, Proposal, Request, Rule,
};
use nas_space::Arch;

use crate::{
    ChatModel, ChatRequest, Error, Kind, Message, Reply,
    contribution::Tally,
    fault::Rejected,
    memory::{Outcome, Tried},
    prompt::{self, Proposing, Subject},
    prompting::{Prompting, ProposalForm, Style},
    reply::{self, Suggestion},
    schema::{EDITS, Written, items_of_architecture, proposals_schema, reply_tokens, rules_schema},
};

/// The most decisions that a mutation changes.
const MUTATED: usize = 2;

/// The largest number of rules that one call may state.
const RULES: usize = 2;

/// 1 for a call that was made, also for a failed one; 0 for a call that the budget refused.
pub(crate) fn was_made<T>(call: &Result<T, Error>) -> u64 {
    u64::from(!matches!(call, Err(error) if error.kind() == Kind::Budget))
}

/// What one niche asks for in one generation.
pub(crate) struct Turn<'a> {
    pub subject: Subject<'a>,
    /// Why the niche's last proposals were rejected.
    pub rejections: &'a [String],
    /// What became of its last proposals, where the model is reminded of them.
    pub outcomes: Option<Vec<Outcome>>,
    /// What the model chooses from.
    pub candidates: Vec<Child<'a>>,
    pub settings: &'a Prompting,
    /// Whether stage 1 asks for rules.
    pub reflects: bool,
    /// Whether edits of parents are asked for, rather than whole architectures.
    pub edits: bool,
    /// Whether crossover is asked for, rather than mutation.
    pub crossover: bool,
    pub seed: u64,
    /// How often it may ask again for missing architectures.
    pub spare: u64,
}

/// The result of a turn.
#[derive(Default)]
pub(crate) struct TurnResult {
    pub form: ProposalForm,
    accepted: Vec<Proposal>,
    rules: Vec<Rule>,
    /// What was accepted and refused, in order.
    pub tried: Vec<Tried>,
    pub rejections: Vec<String>,
    pub made: Tally,
    pub rules_made: Tally,
    /// Calls that asked for rules, for architectures, and again for architectures.
    pub reflections: u64,
    pub proposals: u64,
    pub asked_again: u64,
    /// Calls with a reply.
    pub replies: u64,
    pub failures: Vec<Error>,
}

impl TurnResult {
    pub fn answer(self) -> Result<Answer, BoxError> {
        let Self { accepted: proposals, rules, failures, .. } = self;
        match failures.into_iter().next_back() {
            Some(error) if proposals.is_empty() && rules.is_empty() => Err(error.into()),
            _ => Ok(Answer { proposals, rules, unreadable: 0 }),
        }
    }

    pub fn accept(&mut self, arch: Arch, rationale: Option<String>) {
        self.made.accept();
        self.accepted.push(Proposal { arch, rationale, by: None });
    }
}

impl Turn<'_> {
    pub async fn run(&self, model: &ChatModel) -> TurnResult {
        let mut result = TurnResult::default();
        let done = async {
            if self.reflects {
                self.reflect(model, &mut result).await?;
            }
            match self.settings.style {
                style if style.chooses() => self.choose(model, &mut result).await,
                _ => self.propose(model, &mut result).await,
            }
        };
        if let Err(error) = done.await {
            result.failures.push(error);
        }
        result
    }

    /// Stage 1. Where it fails, stage 2 follows, unless no call can succeed.
    async fn reflect(&self, model: &ChatModel, result: &mut TurnResult) -> Result<(), Error> {
        let Request { niche, evaluated, generation, .. } = *self.subject.request;
        let last = |one: &&Evaluated| one.niche == niche && one.generation + 1 == generation;
        let recent: Vec<&Evaluated> = evaluated.iter().filter(last).collect();
        if recent.is_empty() {
            return Ok(());
        }
        let prompt = prompt::reflect(self.subject, &recent, RULES)?;
        let choices = self.subject.admitted_names();
        let schema = ("rules", rules_schema(self.subject.names.space(), &choices, RULES));
        let call = self.ask(model, messages(prompt)?, schema, RULES).await;
        result.reflections += was_made(&call);
        let text = match call {
            Ok(reply) => {
                result.replies += 1;
                reply.text
            }
            Err(error) if error.kind().ends_all() => return Err(error),
            Err(error) => {
                result.failures.push(error);
                return Ok(());
            }
        };
        for rule in reply::rules(self.subject, &text).into_iter().take(RULES) {
            match rule {
                Ok(rule) => {
                    result.rules_made.accept();
                    result.rules.push(rule);
                }
                Err(Rejected { fault, .. }) => result.rules_made.reject(fault),
            }
        }
        Ok(())
    }

    /// Stage 2, and again for missing architectures.
    async fn propose(&self, model: &ChatModel, result: &mut TurnResult) -> Result<(), Error> {
        let Subject { request, names, .. } = self.subject;
        let parents = self.subject.parents();
        let from_parents = self.settings.style.has_parents() && !parents.is_empty();
        let edits = from_parents && self.edits;
        result.form = if edits { ProposalForm::Edits } else { ProposalForm::Whole };
        let prompt = if from_parents {
            let mut knowledge = KnowledgeBase::default();
            if self.settings.style == Style::CoEvolution {
                knowledge.clone_from(request.knowledge());
                knowledge.update(
                    request.space,
                    request.objectives,
                    request.partition.niches().len(),
                    request.evaluated,
                    request.generation,
                    result.rules.iter().cloned(),
                );
            }
            let asked = Proposing {
                parents: &parents,
                knowledge: &knowledge,
                rejections: self.rejections,
                outcomes: self.outcomes.as_deref(),
                edits,
                crossover: self.crossover,
            };
            prompt::propose(self.subject, &asked)?
        } else {
            prompt::plain(self.subject, self.settings.style == Style::LatencyOriented)?
        };
        let listed = if edits { self.subject.edits(&parents, self.crossover) } else { None };
        let parents: Vec<&Arch> = parents.iter().map(|parent| &parent.arch).collect();
        let mut messages = messages(prompt)?;
        let (choices, admitted) = (self.subject.admitted_names(), self.subject.admitted());
        let written = match &listed {
            Some(parents) => {
                // As the prompt says it.
                let most = if self.crossover { EDITS } else { MUTATED };
                Written::Listed { parents, most }
            }
            None if edits => Written::Edits { parents: parents.len(), choices: &choices },
            None => Written::Whole { choices: &admitted },
        };
        let items = match written {
            Written::Whole { .. } => items_of_architecture(names.space()),
            _ => 1,
        };
        let expected = if from_parents { self.expected() } else { &[] };
        for round in 0..=self.spare {
            let missing = request.count - result.accepted.len();
            let schema = proposals_schema(names.space(), &written, expected, missing);
            let asked = ("proposals", schema);
            let call = self.ask(model, messages.clone(), asked, missing * items).await;
            let calls = if round == 0 { &mut result.proposals } else { &mut result.asked_again };
            *calls += was_made(&call);
            let Reply { text, .. } = call?;
            result.replies += 1;
            let mut rejections = Vec::new();
            for suggestion in reply::proposals(names, request.objectives, &parents, &text) {
                if let Err(rejected) = self.take(suggestion, &parents, result) {
                    result.made.reject(rejected.fault);
                    rejections.push(rejected.told());
                }
            }
            result.rejections.extend(rejections.iter().cloned());
            let missing = request.count - result.accepted.len();
            if missing == 0 {
                break;
            }
            messages.truncate(2);
            messages.push(Message::assistant(text));
            messages.push(Message::user(prompt::again(&rejections, missing)?));
        }
        Ok(())
    }

    /// Accepts a valid suggestion; those beyond the number that was asked for are ignored.
    fn take(
        &self,
        suggestion: Result<Suggestion, Rejected>,
        parents: &[&Arch],
        result: &mut TurnResult,
    ) -> Result<(), Rejected> {
        let Suggestion { arch, parent, rationale, expected } = suggestion?;
        let accepted = result.accepted.iter().map(|accepted| &accepted.arch);
        let valid = reply::validate(self.subject, accepted, &arch);
        let is_enough = result.accepted.len() == self.subject.request.count;
        if valid.is_err() || !is_enough {
            let parent = parent.and_then(|at| parents.get(at)).map(|parent| (*parent).clone());
            let refused = valid.as_ref().err().map(|rejected| rejected.message.clone());
            result.tried.push(Tried { arch: arch.clone(), parent, expected, refused });
        }
        valid?;
        if !is_enough {
            result.accept(arch, rationale);
        }
        Ok(())
    }

    /// The objectives whose values the model is to expect.
    pub fn expected(&self) -> &[Objective] {
        if self.outcomes.is_some() { self.subject.request.objectives } else { &[] }
    }

    pub async fn ask(
        &self,
        model: &ChatModel,
        messages: Vec<Message>,
        (name, schema): (&str, serde_json::Value),
        items: usize,
    ) -> Result<Reply, Error> {
        let request = ChatRequest::new(messages).schema(name, schema);
        let request = request.max_tokens(reply_tokens(items));
        model.chat(&request.seed(self.seed)).await
    }
}

pub(crate) fn messages(prompt: String) -> Result<Vec<Message>, Error> {
    Ok(vec![Message::system(prompt::system()?), Message::user(prompt)])
}
