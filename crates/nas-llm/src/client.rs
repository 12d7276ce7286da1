use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::{
    Budget, ChatRequest, Endpoint, Error, Kind, Reply, Usage,
    attempt::{Completion, Next, Wire},
    budget::{Meter, Tally, Tokens},
    dialect::Learnt,
};

/// Asks one model at one endpoint, from as many tasks as there are.
///
/// # What is repeated
///
/// HTTP 429 after the time that the server asks for, or after a wait that doubles each time; HTTP
/// 408 and 5xx, no connection, a broken one and a timeout after such a wait; a reply that is too
/// large, not UTF-8, not JSON or empty once. Each up to the endpoint's number of retries. HTTP
/// 401, 402, 403 and an exhausted quota end the call and every later one of this client; other
/// refusals end the call, unless the server can be asked otherwise: without structured output
/// (the schema is then put into the last message), with `max_completion_tokens`, without
/// temperature or without seed. What worked is kept for later calls.
///
/// A call takes no longer than [`Endpoint::longest_call`] from its turn on.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    wire: Wire,
    turns: Semaphore,
    learnt: Learnt,
    meter: Meter,
    /// The error after which no call is sent.
    ended: OnceLock<(Kind, String)>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) result: Result<Answer, Error>,
}

/// A reply without what it took.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) structured: bool,
    pub(crate) truncated: bool,
}

impl Outcome {
    pub(crate) fn into_reply(self) -> Result<Reply, Error> {
        let Self { tally, result } = self;
        let Answer { text, structured, truncated } = result?;
        Ok(Reply {
            text,
            prompt_tokens: tally.tokens.prompt,
            completion_tokens: tally.tokens.completion,
            estimated: tally.tokens.estimated,
            seconds: tally.seconds,
            cost: tally.cost,
            structured,
            truncated,
            attempts: tally.attempts,
        })
    }
}

impl Client {
    /// A client that keeps to a budget. The key is read here, once.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] and [`Error::Key`] for what can not work; nothing is sent.
    pub fn new(endpoint: Endpoint, budget: Budget) -> Result<Self, Error> {
        endpoint.check()?;
        budget.check(endpoint.prices)?;
        Ok(Self {
            wire: Wire::new(&endpoint)?,
            turns: Semaphore::new(endpoint.parallel),
            learnt: Learnt::default(),
            meter: Meter::new(budget),
            ended: OnceLock::new(),
            endpoint,
        })
    }

    /// Asks the model, as soon as fewer calls than allowed are under way.
    ///
    /// # Errors
    ///
    /// [`Error::BudgetSpent`] before anything is sent, else what the last attempt met.
    pub async fn chat(&self, request: &ChatRequest) -> Result<Reply, Error> {
        self.call(request).await.into_reply()
    }

    /// What all calls so far have taken.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// The endpoint that is asked.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Counts a call that was made before as one of this client's.
    pub(crate) fn count(&self, outcome: &Outcome) -> Result<(), Error> {
        // A call that was refused before its first attempt was not counted as one.
        if outcome.tally.attempts > 0 {
            self.meter.begin()?;
        }
        self.meter.end(&outcome.tally, outcome.result.is_err());
        Ok(())
    }

    pub(crate) async fn call(&self, request: &ChatRequest) -> Outcome {
        // The semaphore is never closed, so that waiting for it does not fail.
        let _turn = self.turns.acquire().await;
        let (url, model) = (self.endpoint.shown_url(), self.endpoint.model());
        debug!(url, model, messages = request.messages.len(), "call begins");
        let begun = Instant::now();
        let mut tally = Tally::default();
        let result = match self.begin(request) {
            Ok(()) => self.ask(request, &mut tally).await,
            Err(error) => {
                tally.failures.push(error.kind());
                Err(error)
            }
        };
        tally.seconds = (begun.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let Tokens { prompt, completion, .. } = tally.tokens;
        tally.cost = self.endpoint.prices.map(|prices| prices.of(prompt, completion));
        self.meter.end(&tally, result.is_err());
        debug!(
            url,
            model,
            attempts = tally.attempts,
            seconds = tally.seconds,
            prompt_tokens = prompt,
            completion_tokens = completion,
            failure = result.as_ref().err().map(|error| error.kind().name()),
            "call ends"
        );
        Outcome { tally, result }
    }

    fn begin(&self, request: &ChatRequest) -> Result<(), Error> {
        self.go_on()?;
        if request.messages.is_empty() {
            let (got, expected) = ("empty".to_owned(), "at least one message");
            return Err(Error::Setting { name: "messages", got, expected });
        }
        self.meter.begin()
    }

    /// Fails if an earlier call showed that none can succeed.
    fn go_on(&self) -> Result<(), Error> {
        self.ended.get().map_or(Ok(()), |(kind, message)| {
            Err(Error::Earlier { kind: *kind, message: message.clone() })
        })
    }

    async fn ask(&self, request: &ChatRequest, tally: &mut Tally) -> Result<Answer, Error> {
        let mut dialect = self.learnt.dialect();
        let mut retries = 0;
        let mut garbled = false;
        loop {
            tally.attempts += 1;
            let failure = match self.wire.attempt(&dialect.body(request, &self.endpoint)).await {
                Ok(completion) => {
                    self.learnt.keep(dialect);
                    tally.tokens.add(tokens(request, &completion));
                    let Completion { text, truncated, .. } = completion;
                    return Ok(Answer { text, structured: dialect.structured(request), truncated });
                }
                Err(failure) => *failure,
            };
            let error = failure.error;
            tally.tokens.add(failure.tokens);
            tally.failures.push(error.kind());
            let asked = match failure.next {
                Next::GiveUp => return Err(error),
                Next::GiveUpAll => {
                    let _ = self.ended.set((error.kind(), error.to_string()));
                    return Err(error);
                }
                Next::Otherwise(complaint) => {
                    let Some((next, quirk)) = dialect.after(&complaint, request) else {
                        return Err(error);
                    };
                    warn!(reason = %error, now = quirk.remedy, "asking otherwise");
                    dialect = next;
                    continue;
                }
                Next::AgainOnce if garbled => return Err(error),
                Next::AgainOnce => {
                    garbled = true;
                    None
                }
                Next::Again(asked) => asked,
            };
            let wait = asked.unwrap_or_else(|| self.backoff(retries));
            if retries == self.endpoint.retries || wait > self.endpoint.longest_wait {
                return Err(error);
            }
            retries += 1;
            warn!(reason = %error, retry = retries, wait_seconds = wait.as_secs_f64(), "retrying");
            tokio::time::sleep(wait).await;
            self.go_on().inspect_err(|error| tally.failures.push(error.kind()))?;
        }
    }

    /// Doubles with each retry; between half and all of it, so that calls that failed together do
    /// not come back together.
    fn backoff(&self, retries: u32) -> Duration {
        let whole = self.endpoint.first_wait.saturating_mul(2u32.saturating_pow(retries));
        whole.min(self.endpoint.longest_wait).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The tokens that the server counted, or about as many as there should be.
fn tokens(request: &ChatRequest, completion: &Completion) -> Tokens {
    let about = |characters: usize| characters.div_ceil(4) as u64;
    let prompt = || {
        about(request.messages.iter().map(|message| message.content.chars().count()).sum::<usize>())
    };
    Tokens {
        prompt: completion.prompt_tokens.unwrap_or_else(prompt),
        completion: completion
            .reply_tokens
            .unwrap_or_else(|| about(completion.text.chars().count())),
        estimated: completion.prompt_tokens.is_none() || completion.reply_tokens.is_none(),
    }
}
