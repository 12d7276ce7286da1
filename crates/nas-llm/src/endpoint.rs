//! Where a chat model is, and how it is asked.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{ChatRequest, Error, address::Address};

/// The number of parts of a request that a server may refuse: structured output, `max_tokens`,
/// `temperature`, `seed`, the system role, log-probabilities. After each refusal the request is sent once
/// more without that part.
pub(crate) const REFUSABLE: usize = 6;

/// Where a chat model is, and how it is asked.
///
/// It can be written to a file and read again. The user info and query of its URLs are never written;
/// an endpoint whose URL had them is refused until the URL is given again. It does not contain a key,
/// only the name of the environment variable that holds the key.
///
/// ```
/// # use std::time::Duration;
/// let endpoint = nas_llm::Endpoint::new("https://api.openai.com/v1", "gpt-4.1-mini")?
///     .key_env("OPENAI_API_KEY")
///     .timeout(Duration::from_secs(60))
///     .parallel(6)
///     .prices(0.4, 1.6);
/// # Ok::<(), nas_llm::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    base_url: Address,
    model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proxy: Option<Address>,
    #[serde(default = "default_timeout", with = "seconds", rename = "timeout_seconds")]
    pub(crate) timeout: Duration,
    #[serde(default = "default_parallel")]
    pub(crate) parallel: usize,
    #[serde(default = "default_retries")]
    pub(crate) retries: u32,
    #[serde(default = "default_first_wait", with = "seconds", rename = "first_wait_seconds")]
    pub(crate) first_wait: Duration,
    #[serde(default = "default_longest_wait", with = "seconds", rename = "longest_wait_seconds")]
    pub(crate) longest_wait: Duration,
    #[serde(default = "default_temperature")]
    pub(crate) temperature: f64,
    #[serde(default = "default_max_reply_tokens")]
    max_reply_tokens: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prices: Option<Prices>,
}

/// The prices of tokens per million, in any currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The price of a million tokens of prompts.
    pub prompt: f64,
    /// The price of a million tokens of replies.
    pub completion: f64,
}

impl Prices {
    /// The price of a number of tokens.
    pub fn of(self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        (self.prompt * prompt_tokens as f64 + self.completion * completion_tokens as f64) / 1e6
    }
}

fn default_timeout() -> Duration {
    Duration::from_secs(120)
}

fn default_parallel() -> usize {
    4
}

fn default_retries() -> u32 {
    4
}

fn default_first_wait() -> Duration {
    Duration::from_secs(1)
}

fn default_longest_wait() -> Duration {
    Duration::from_secs(60)
}

fn default_temperature() -> f64 {
    0.7
}

fn default_max_reply_tokens() -> u32 {
    2048
}

impl Endpoint {
    /// A model at a base URL, the part before `/chat/completions`, such as
    /// `http://127.0.0.1:8911/v1`. User info is sent as basic authentication, a query with every
    /// request.
    ///
    /// The defaults are: no key, 120 s for an attempt, 4 calls at the same time, 4 retries after waits
    /// of 1 s (doubled each time) to 60 s, temperature 0.7, 2048 tokens for a reply, no prices, and
    /// the proxy that the environment names.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] unless it is an `http` or `https` URL.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            base_url: Address::parse(base_url)?,
            model: model.into(),
            key_env: None,
            proxy: None,
            timeout: default_timeout(),
            parallel: default_parallel(),
            retries: default_retries(),
            first_wait: default_first_wait(),
            longest_wait: default_longest_wait(),
            temperature: default_temperature(),
            max_reply_tokens: default_max_reply_tokens(),
            reply_tokens: None,
            prices: None,
        })
    }

    /// Names the environment variable that holds the key, which is sent as a bearer token. A request
    /// has only one `Authorization` header: with a key, the URL's user info is not sent.
    #[must_use]
    pub fn key_env(mut self, variable: impl Into<String>) -> Self {
        self.key_env = Some(variable.into());
        self
    }

    /// Sets a proxy in place of those that the environment names. A base URL on this machine never
    /// uses a proxy.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] unless it is an `http` or `https` URL.
    pub fn proxy(mut self, url: &str) -> Result<Self, Error> {
        self.proxy = Some(Address::parse(url)?);
        Ok(self)
    }

    /// Sets the longest time of one attempt, from connecting to the reply's last byte.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many calls run at the same time.
    #[must_use]
    pub fn parallel(mut self, calls: usize) -> Self {
        self.parallel = calls;
        self
    }

    /// Sets how often a failed attempt is repeated, where that may help.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the waits between attempts: about `first`, then twice as long each time, at most
    /// `longest`, and no shorter than the server asks for. Where it asks for more than `longest`, the
    /// call fails. Once a server has refused a request because there are too many, all calls together
    /// send one request in each `first` at most.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// Sets the temperature of requests that set none.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets the longest reply of requests that set none, in tokens.
    #[must_use]
    pub fn max_reply_tokens(mut self, tokens: u32) -> Self {
        self.max_reply_tokens = tokens;
        self
    }

    /// Sets the longest reply of every request, in tokens, in place of what the request sets. A model that
    /// thinks may need more than its answer is long. Recorded replies are found with any value.
    #[must_use]
    pub fn reply_tokens(mut self, tokens: u32) -> Self {
        self.reply_tokens = Some(tokens);
        self
    }

    /// Sets the prices of a million tokens of prompts and of replies.
    #[must_use]
    pub fn prices(mut self, prompt: f64, completion: f64) -> Self {
        self.prices = Some(Prices { prompt, completion });
        self
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The base URL, without user info and query.
    pub fn shown_url(&self) -> String {
        self.base_url.to_string()
    }

    /// The prices of tokens, if known.
    pub fn token_prices(&self) -> Option<Prices> {
        self.prices
    }

    /// The longest reply of every request, in tokens, if it is set.
    pub fn token_limit(&self) -> Option<u32> {
        self.reply_tokens
    }

    /// The longest reply of a request, in tokens.
    pub(crate) fn reply_limit(&self, request: &ChatRequest) -> u32 {
        self.reply_tokens.or(request.max_tokens).unwrap_or(self.max_reply_tokens)
    }

    /// The longest time of a call from its start: every attempt its timeout and every wait its maximum,
    /// with one more attempt for each part of a request that a server may refuse (structured output,
    /// `max_tokens`, `temperature`, `seed`, the system role, log-probabilities). Without the time until its
    /// turn, where the server limits the rate of all calls.
    pub fn longest_call(&self) -> Duration {
        let attempts = (1 + REFUSABLE as u32).saturating_add(self.retries);
        let attempts = self.timeout.saturating_mul(attempts);
        attempts.saturating_add(self.longest_wait.saturating_mul(self.retries))
    }

    pub(crate) fn address(&self) -> &Address {
        &self.base_url
    }

    pub(crate) fn proxy_address(&self) -> Option<&Address> {
        self.proxy.as_ref()
    }

    /// Its name in errors and logs.
    pub(crate) fn place(&self) -> String {
        format!("model {} at {}", self.model, self.base_url)
    }

    /// Refuses invalid settings.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |name, got, expected| Err(Error::Setting { name, got, expected });
        for (name, address) in [("base_url", Some(&self.base_url)), ("proxy", self.proxy.as_ref())]
        {
            if let Some(address) = address.filter(|address| address.lacks_secrets()) {
                let expected = "the complete URL, because user info and query are not stored";
                return wrong(name, address.to_string(), expected);
            }
        }
        if self.model.trim().is_empty() {
            return wrong("model", format!("{:?}", self.model), "a model's name");
        }
        if self.timeout.is_zero() {
            return wrong("timeout", "0 s".to_owned(), "more than 0 s");
        }
        if self.parallel == 0 || self.parallel > tokio::sync::Semaphore::MAX_PERMITS {
            return wrong("parallel", self.parallel.to_string(), "at least one call at a time");
        }
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            let expected = "a number of at least 0";
            return wrong("temperature", self.temperature.to_string(), expected);
        }
        if self.max_reply_tokens == 0 || self.reply_tokens == Some(0) {
            return wrong("the limit of a reply's tokens", "0".to_owned(), "at least 1");
        }
        if let Some(Prices { prompt, completion }) = self.prices
            && ![prompt, completion].iter().all(|price| price.is_finite() && *price >= 0.0)
        {
            let got = format!("{prompt} and {completion}");
            return wrong("prices", got, "two numbers of at least 0");
        }
        Ok(())
    }

    /// Reads the key from the environment.
    pub(crate) fn key(&self) -> Result<Option<SecretString>, Error> {
        let Some(variable) = &self.key_env else { return Ok(None) };
        let wrong = |problem| Error::Key { variable: variable.clone(), problem };
        // Text that may be the key itself is not shown.
        let hidden = |problem| Error::Key { variable: "(not shown)".to_owned(), problem };
        let in_names = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !variable.chars().all(in_names)
            || variable.starts_with(|char: char| char.is_ascii_digit())
        {
            return Err(hidden("has an invalid name (is it the key itself?)"));
        }
        let key = match std::env::var(variable) {
            Ok(key) => key,
            Err(std::env::VarError::NotPresent) if may_be_key(variable) => {
                return Err(hidden("is not set (is it the key itself?)"));
            }
            Err(std::env::VarError::NotPresent) => return Err(wrong("is not set")),
            Err(std::env::VarError::NotUnicode(_)) => return Err(wrong("is not UTF-8")),
        };
        match key.trim() {
            "" => Err(wrong("is empty")),
            key if key.chars().any(|char| !char.is_ascii_graphic()) => {
                Err(wrong("contains characters that no HTTP header may contain"))
            }
            key => Ok(Some(key.into())),
        }
    }
}

/// Whether a valid name of a variable looks like a key: long, with digits among letters, or with small and
/// capital letters.
fn may_be_key(name: &str) -> bool {
    let has = |of: fn(&char) -> bool| name.chars().any(|char| of(&char));
    let (small, capital) = (has(char::is_ascii_lowercase), has(char::is_ascii_uppercase));
    name.len() >= 16
        && (has(char::is_ascii_digit) && (small || !name.contains('_')) || small && capital)
}

/// A duration as a number of seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| de::Error::custom(format!("{seconds} seconds: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_as_it_was_written() {
        let endpoint = Endpoint::new("http://127.0.0.1:8911/v1", "m")
            .unwrap()
            .key_env("KEY")
            .timeout(Duration::from_millis(2500))
            .prices(0.1, 0.3);
        let text = toml::to_string(&endpoint).unwrap();
        assert!(text.contains("timeout_seconds = 2.5"), "{text}");
        assert_eq!(toml::from_str::<Endpoint>(&text).unwrap(), endpoint);
        let short = "base_url = 'http://127.0.0.1:8911/v1'\nmodel = 'm'";
        let short: Endpoint = toml::from_str(short).unwrap();
        assert_eq!(short, Endpoint::new("http://127.0.0.1:8911/v1", "m").unwrap());
    }

    #[test]
    fn secrets_of_a_url_are_not_stored_and_must_be_given_again() {
        let endpoint = Endpoint::new("http://u:hunter2@host/v1?key=hunter3", "m").unwrap();
        let endpoint = endpoint.proxy("http://u:hunter4@proxy:3128").unwrap();
        endpoint.check().unwrap();
        let text = toml::to_string(&endpoint).unwrap();
        assert!(!format!("{text}{endpoint:?}").contains("hunter"), "{text}");
        let error = toml::from_str::<Endpoint>(&text).unwrap().check().unwrap_err();
        assert!(error.to_string().contains("http://REDACTED@host/v1?REDACTED"), "{error}");
    }

    #[test]
    fn invalid_settings_are_refused() {
        let endpoint = Endpoint::new("http://host/v1", "m").unwrap();
        let wrong = [
            Endpoint::new("http://host/v1", " ").unwrap(),
            endpoint.clone().timeout(Duration::ZERO),
            endpoint.clone().parallel(0),
            endpoint.clone().temperature(f64::NAN),
            endpoint.clone().temperature(-1.0),
            endpoint.clone().max_reply_tokens(0),
            endpoint.clone().reply_tokens(0),
            endpoint.clone().prices(-1.0, 0.0),
        ];
        for endpoint in wrong {
            let error = endpoint.check().unwrap_err();
            assert!(matches!(error, Error::Setting { .. }), "{error}");
        }
        let negative = "base_url = 'http://host/v1'\nmodel = 'm'\ntimeout_seconds = -1.0";
        assert!(toml::from_str::<Endpoint>(negative).is_err());
    }

    #[test]
    fn a_missing_key_is_named() {
        let endpoint = Endpoint::new("http://host/v1", "m").unwrap().key_env("NAS_LLM_NO_SUCH_KEY");
        let error = endpoint.key().unwrap_err().to_string();
        assert!(error.contains("NAS_LLM_NO_SUCH_KEY is not set"), "{error}");
    }

    #[test]
    fn a_key_in_place_of_its_variable_is_not_shown() {
        for key in [
            "sk-abc",
            "gsk_0a1b2c3d4e5f6a7b8c9d",
            "AIzaSyD0a1b2c3d4e5f6a7b8c9d",
            "f0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5",
            "AKIA0123456789ABCDEF",
            "hf_abcdefGHIJKLmnopQRSTuvwx",
        ] {
            let endpoint = Endpoint::new("http://host/v1", "m").unwrap().key_env(key);
            let error = endpoint.key().unwrap_err();
            assert!(!format!("{error} {error:?}").contains(key), "{error}");
            assert!(error.to_string().contains("is it the key itself?"), "{error}");
        }
        for name in ["OPENAI_API_KEY_2_NOT_SET", "openai_api_key_not_set", "KEY_2"] {
            assert!(!may_be_key(name), "{name}");
        }
    }

    #[test]
    fn the_limit_of_every_reply_replaces_that_of_a_request() {
        let endpoint = Endpoint::new("http://host/v1", "m").unwrap();
        let request = ChatRequest::new(Vec::new());
        assert_eq!(endpoint.reply_limit(&request), 2048);
        assert_eq!(endpoint.reply_limit(&request.clone().max_tokens(580)), 580);
        let endpoint = endpoint.reply_tokens(8000);
        assert_eq!(endpoint.reply_limit(&request.max_tokens(580)), 8000);
        let text = toml::to_string(&endpoint).unwrap();
        assert_eq!(toml::from_str::<Endpoint>(&text).unwrap(), endpoint);
    }
}
