//! A client of one chat model, with retries and a budget.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::{
    Budget, ChatRequest, Endpoint, Error, Kind, Reply, Usage,
    attempt::Wire,
    budget::Meter,
    call::{Outcome, ReplyText},
    completion::Completion,
    dialect::Learnt,
    failure::{Next, Unnamed},
    pace::Pace,
    usage::{CallUsage, Tokens},
};

/// Calls one model at one endpoint, from any number of tasks.
///
/// # Retries
///
/// Up to the endpoint's number of retries, these attempts are repeated:
///
/// - HTTP 429, 503 and 529: after a wait that doubles each time, and no sooner than the server asks for;
/// - HTTP 408 and other 5xx, no connection, a broken connection and a timeout: after such a wait;
/// - a reply that is too large, not UTF-8, not JSON or empty: once.
///
/// Once a server has refused a request with HTTP 429, 503 or 529, all calls together send one request in
/// each first wait of the endpoint at most.
///
/// HTTP 401, 402, 403 and an exhausted quota end the call and all later calls of this client, and so does
/// a base URL without a version where no chat completions are. A refusal because of a request's content
/// ends its own call. Other refusals end the call, unless the request can be sent in another form:
/// without structured output (the schema is then added to the last message), with
/// `max_completion_tokens`, without temperature, without seed, or with the system's text in the user's
/// message. Later calls use the form that worked.
///
/// A call takes no longer than [`Endpoint::longest_call`] from its start.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    wire: Wire,
    turns: Semaphore,
    pace: Pace,
    learnt: Learnt,
    meter: Meter,
    /// The error after which no call is sent.
    ended: OnceLock<(Kind, String)>,
}

impl Client {
    /// A client with a budget. It reads the key, once.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] and [`Error::Key`] for invalid settings and keys. Nothing is sent.
    pub fn new(endpoint: Endpoint, budget: Budget) -> Result<Self, Error> {
        endpoint.check()?;
        budget.check(endpoint.prices)?;
        Ok(Self {
            wire: Wire::new(&endpoint)?,
            turns: Semaphore::new(endpoint.parallel),
            pace: Pace::new(endpoint.first_wait),
            learnt: Learnt::default(),
            meter: Meter::new(budget),
            ended: OnceLock::new(),
            endpoint,
        })
    }

    /// Calls the model, as soon as fewer calls than allowed are running.
    ///
    /// # Errors
    ///
    /// [`Error::BudgetSpent`] before anything is sent, else the error of the last attempt.
    pub async fn chat(&self, request: &ChatRequest) -> Result<Reply, Error> {
        self.call(request).await.into_reply()
    }

    /// What all calls used so far.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Counts an earlier call as one of this client's.
    pub(crate) fn count(&self, outcome: &Outcome) -> Result<(), Error> {
        // A call that was refused before its first attempt does not count.
        if outcome.usage.attempts > 0 {
            self.meter.begin()?;
        }
        self.meter.end(&outcome.usage, outcome.result.is_err());
        Ok(())
    }

    pub(crate) async fn call(&self, request: &ChatRequest) -> Outcome {
        // The semaphore is never closed, so this does not fail.
        let _turn = self.turns.acquire().await;
        let (url, model) = (self.endpoint.shown_url(), self.endpoint.model());
        debug!(url, model, messages = request.messages.len(), "call begins");
        let begun = Instant::now();
        let mut usage = CallUsage::default();
        self.pace.turn().await;
        let result = match self.begin(request) {
            Ok(()) => self.ask(request, &mut usage).await,
            Err(error) => {
                usage.failures.push(error.kind());
                Err(error)
            }
        };
        usage.seconds = (begun.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let Tokens { prompt, completion, .. } = usage.tokens;
        usage.cost = self.endpoint.prices.map(|prices| prices.of(prompt, completion));
        self.meter.end(&usage, result.is_err());
        debug!(
            url,
            model,
            attempts = usage.attempts,
            seconds = usage.seconds,
            prompt_tokens = prompt,
            completion_tokens = completion,
            failure = result.as_ref().err().map(|error| error.kind().name()),
            "call ends"
        );
        Outcome { usage, result }
    }

    fn begin(&self, request: &ChatRequest) -> Result<(), Error> {
        self.go_on()?;
        if request.messages.is_empty() {
            let (got, expected) = ("empty".to_owned(), "at least one message");
            return Err(Error::Setting { name: "messages", got, expected });
        }
        self.meter.begin()
    }

    /// Fails where an earlier call showed that none can succeed.
    fn go_on(&self) -> Result<(), Error> {
        self.ended.get().map_or(Ok(()), |(kind, message)| {
            Err(Error::Earlier { kind: *kind, message: message.clone() })
        })
    }

    async fn ask(&self, request: &ChatRequest, usage: &mut CallUsage) -> Result<ReplyText, Error> {
        let mut dialect = self.learnt.dialect();
        let mut retries = 0;
        let mut garbled = false;
        loop {
            usage.attempts += 1;
            let failure = match self.wire.attempt(&dialect.body(request, &self.endpoint)).await {
                Ok(completion) => {
                    self.learnt.keep(dialect);
                    usage.tokens.add(tokens(request, &completion));
                    let Completion { text, truncated, first_tokens, .. } = completion;
                    return Ok(ReplyText {
                        text,
                        structured: dialect.structured(request),
                        truncated,
                        first_tokens,
                    });
                }
                Err(failure) => *failure,
            };
            let asks_for_fewer = failure.asks_for_fewer();
            let error = failure.error;
            usage.tokens.add(failure.tokens);
            usage.failures.push(error.kind());
            let asked = match failure.next {
                Next::GiveUp => return Err(error),
                Next::GiveUpAll => {
                    let _ = self.ended.set((error.kind(), error.to_string()));
                    return Err(error);
                }
                Next::Rephrase(complaint, unnamed) => {
                    let guess = matches!(unnamed, Unnamed::Guess);
                    match (dialect.after(&complaint, request, guess), unnamed) {
                        (Some((next, quirk)), _) => {
                            let now = quirk.remedy;
                            warn!("{error}; sending it again with {now}");
                            dialect = next;
                            self.turn(usage).await?;
                            continue;
                        }
                        (None, Unnamed::Retry(asked)) => asked,
                        (None, Unnamed::Guess | Unnamed::GiveUp) => return Err(error),
                    }
                }
                Next::RetryOnce if garbled => return Err(error),
                Next::RetryOnce => {
                    garbled = true;
                    None
                }
                Next::Retry(asked) => asked,
            };
            // Some servers ask for no wait at all, or until a time in the past.
            let wait = self.backoff(retries).max(asked.unwrap_or_default());
            let gives_up = wait > self.endpoint.longest_wait;
            if asks_for_fewer {
                self.pace.refused(asked.filter(|_| !gives_up).unwrap_or_default());
            }
            if retries == self.endpoint.retries || gives_up {
                return Err(error);
            }
            retries += 1;
            warn!("{error}; trying again in {:.1} s", wait.as_secs_f64());
            tokio::time::sleep(wait).await;
            self.turn(usage).await?;
        }
    }

    /// Waits for the turn of another attempt. Fails where no attempt can succeed any more.
    async fn turn(&self, usage: &mut CallUsage) -> Result<(), Error> {
        self.pace.turn().await;
        self.go_on().inspect_err(|error| usage.failures.push(error.kind()))
    }

    /// A wait that doubles with each retry, times a random factor of at least one half, so that calls
    /// that failed together are not repeated together.
    fn backoff(&self, retries: u32) -> Duration {
        let whole = self.endpoint.first_wait.saturating_mul(2u32.saturating_pow(retries));
        whole.min(self.endpoint.longest_wait).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// The tokens that the server counted, or an estimate.
fn tokens(request: &ChatRequest, completion: &Completion) -> Tokens {
    let about = |characters: usize| characters.div_ceil(4) as u64;
    let prompt = || {
        about(request.messages.iter().map(|message| message.content.chars().count()).sum::<usize>())
    };
    let reply = || about(completion.text.chars().count() + completion.thoughts);
    Tokens {
        prompt: completion.prompt_tokens.unwrap_or_else(prompt),
        completion: completion.reply_tokens.unwrap_or_else(reply),
        thinking: completion.thinking_tokens,
        estimated: completion.prompt_tokens.is_none() || completion.reply_tokens.is_none(),
    }
}
