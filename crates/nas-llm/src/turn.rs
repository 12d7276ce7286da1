//! One turn of the language model: what one niche asks for in one generation, and the result.

use nas_search::{Answer, BoxError, Evaluated, KnowledgeBase, Proposal, Request, Rule};
use nas_space::Arch;

use crate::{
    ChatModel, ChatRequest, Error, Kind, Message, Reply,
    contribution::Tally,
    fault::Rejected,
    prompt::{self, shown_parents},
    prompting::Style,
    reply,
    schema::{admitted_choices, proposals_schema, reply_tokens, rules_schema},
};

/// The largest number of rules that one call may state.
const RULES: usize = 2;

/// 1 for a call that was made, also for a failed one; 0 for a call that the budget refused.
fn was_made(call: &Result<Reply, Error>) -> u64 {
    u64::from(!matches!(call, Err(error) if error.kind() == Kind::Budget))
}

/// What one niche asks for in one generation.
pub(crate) struct Turn<'a> {
    pub request: &'a Request<'a>,
    /// Why the niche's last proposals were rejected.
    pub rejections: &'a [String],
    pub style: Style,
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
    pub edits: bool,
    accepted: Vec<Proposal>,
    rules: Vec<Rule>,
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
}

impl Turn<'_> {
    pub async fn run(&self, model: &ChatModel) -> TurnResult {
        let mut result = TurnResult::default();
        let done = async {
            if self.reflects {
                self.reflect(model, &mut result).await?;
            }
            self.propose(model, &mut result).await
        };
        if let Err(error) = done.await {
            result.failures.push(error);
        }
        result
    }

    /// Stage 1. Where it fails, stage 2 follows, unless no call can succeed.
    async fn reflect(&self, model: &ChatModel, result: &mut TurnResult) -> Result<(), Error> {
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
        let schema = ("rules", rules_schema(space, &admitted_choices(self.request), RULES));
        let call = self.ask(model, messages, schema, RULES).await;
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
        let rules = reply::rules(space, partition, niche, generation, &text);
        for rule in rules.into_iter().take(RULES) {
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
        let request = self.request;
        let Request { space, count, .. } = *request;
        let parents = shown_parents(request);
        let from_parents = self.style.has_parents() && !parents.is_empty();
        result.edits = from_parents && self.edits;
        let prompt = if from_parents {
            let mut knowledge = KnowledgeBase::default();
            if self.style == Style::CoEvolution {
                knowledge.clone_from(request.knowledge());
                knowledge.update(
                    space,
                    request.objectives,
                    request.partition.niches().len(),
                    request.evaluated,
                    request.generation,
                    result.rules.iter().cloned(),
                );
            }
            prompt::propose(
                request,
                &parents,
                &knowledge,
                self.rejections,
                self.edits,
                self.crossover,
            )?
        } else {
            prompt::plain(request, self.style == Style::LatencyOriented)?
        };
        let parents: Vec<&Arch> = parents.iter().map(|parent| &parent.arch).collect();
        let mut messages = vec![Message::system(prompt::system()?), Message::user(prompt)];
        let choices = admitted_choices(request);
        for round in 0..=self.spare {
            let missing = count - result.accepted.len();
            let shown = result.edits.then_some(parents.len());
            let schema = ("proposals", proposals_schema(space, &choices, shown, missing));
            let call = self.ask(model, messages.clone(), schema, missing).await;
            let calls = if round == 0 { &mut result.proposals } else { &mut result.asked_again };
            *calls += was_made(&call);
            let Reply { text, .. } = call?;
            result.replies += 1;
            let mut rejections = Vec::new();
            for proposal in reply::proposals(space, &parents, &text) {
                let valid = proposal.and_then(|proposal| {
                    reply::validate(request, &result.accepted, &proposal.arch).map(|()| proposal)
                });
                match valid {
                    // More proposals than asked for are ignored.
                    Ok(_) if result.accepted.len() == count => {}
                    Ok(proposal) => {
                        result.made.accept();
                        result.accepted.push(proposal);
                    }
                    Err(Rejected { fault, message }) => {
                        result.made.reject(fault);
                        rejections.push(message);
                    }
                }
            }
            result.rejections.extend(rejections.iter().cloned());
            let missing = count - result.accepted.len();
            if missing == 0 {
                break;
            }
            messages.truncate(2);
            messages.push(Message::assistant(text));
            messages.push(Message::user(prompt::again(&rejections, missing)?));
        }
        Ok(())
    }

    async fn ask(
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
