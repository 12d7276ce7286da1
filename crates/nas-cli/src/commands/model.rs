//! The language model that a command asks.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use nas_llm::{Budget, ChatModel, Endpoint, Failed, Style, Transcript};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, run_folder::RunFolder, terminal::note};

/// Where the model is.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Language model")]
pub struct EndpointArguments {
    /// The base URL of an OpenAI-compatible server, for example http://127.0.0.1:8911/v1
    #[arg(long = "llm-url", value_name = "URL")]
    base_url: Option<String>,
    /// The model's name at that server
    #[arg(long = "llm-model", value_name = "NAME", default_value = "default")]
    name: String,
    /// The environment variable that holds the key, for a server that wants one
    #[arg(long = "llm-key-env", value_name = "VARIABLE")]
    key_env: Option<String>,
    /// Calls side by side
    #[arg(long = "llm-parallel", value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// Seconds that one attempt may take
    #[arg(long = "llm-timeout", value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Sampling temperature
    #[arg(
        long = "llm-temperature",
        value_name = "T",
        default_value_t = 0.7,
        allow_negative_numbers = true
    )]
    temperature: f64,
    /// Price of a million tokens of prompts and of replies
    #[arg(long = "llm-prices", value_name = "PROMPT,REPLY", value_delimiter = ',')]
    prices: Vec<f64>,
}

/// How the model is used in a search.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Language model")]
pub struct ModelArguments {
    #[command(flatten)]
    pub endpoint: EndpointArguments,
    /// What the model is asked. co-evolution: rules, then architectures from parents, in niches,
    /// after a random sample; statistics fill what it owes. without-rules: the same without rules.
    /// plain: for architectures, and nothing else is done. latency-oriented: the same, over the whole range of latency
    #[arg(long, value_enum, default_value_t)]
    pub prompting: Prompts,
    /// Calls that the search may make [default: as many as its generations need]
    #[arg(long, value_name = "N")]
    llm_calls: Option<u64>,
    /// No call begins once so many tokens are used; calls under way end
    #[arg(long, value_name = "N")]
    llm_tokens: Option<u64>,
    /// No call begins once so much money is spent, by --llm-prices; calls under way end
    #[arg(long, value_name = "AMOUNT", requires = "prices")]
    llm_money: Option<f64>,
    /// Write every call to this file [default: transcript.jsonl in the run's folder]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer from a recorded file, with no network; with --llm-url go on where the record ends, and
    /// add to it
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub replay: Option<PathBuf>,
}

/// What a model is asked, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompts {
    #[default]
    CoEvolution,
    WithoutRules,
    Plain,
    LatencyOriented,
}

impl Prompts {
    pub fn style(self) -> Style {
        match self {
            Self::CoEvolution => Style::CoEvolution,
            Self::WithoutRules => Style::WithoutRules,
            Self::Plain => Style::Plain,
            Self::LatencyOriented => Style::LatencyOriented,
        }
    }
}

impl EndpointArguments {
    pub fn endpoint(&self) -> Result<Endpoint, Failure> {
        let Some(url) = &self.base_url else {
            return Err(Failure::input(
                "no language model given: name a server, for example --llm-url http://127.0.0.1:8911/v1 --llm-model NAME",
            ));
        };
        let mut endpoint = Endpoint::new(url, self.name.as_str())?
            .parallel(usize::from(self.parallel))
            .timeout(Duration::from_secs(self.timeout))
            .temperature(self.temperature);
        if let Some(variable) = &self.key_env {
            endpoint = endpoint.key_env(variable);
        }
        match self.prices[..] {
            [] => {}
            [prompt, reply] => endpoint = endpoint.prices(prompt, reply),
            _ => {
                return Err(Failure::input(format!(
                    "--llm-prices has {} values, expected two: the price of a million tokens of prompts and of replies",
                    self.prices.len()
                )));
            }
        }
        Ok(endpoint)
    }

    /// Whether a server is named.
    pub fn is_given(&self) -> bool {
        self.base_url.is_some()
    }

    /// The model, for a command that asks it a single time. That may take a while: standard error
    /// tells whom it waits for, and each retry.
    pub fn model(&self, transcript: Option<Transcript>) -> Result<ChatModel, Failure> {
        let endpoint = self.endpoint()?;
        let (name, url) = (endpoint.model().to_owned(), endpoint.shown_url());
        let model = ChatModel::live(endpoint, Budget::default(), transcript)?;
        note(&format!("asking {name} at {url}, at most {} s an attempt", self.timeout));
        // Only the first of a process is set up, which is the only one.
        let _ = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .with_target(false)
            .without_time()
            .try_init();
        Ok(model)
    }
}

impl ModelArguments {
    /// The first option that says something about a language model, if there is one.
    pub fn given(&self) -> Option<&'static str> {
        let endpoint = &self.endpoint;
        let options = [
            ("--llm-url", endpoint.is_given()),
            ("--llm-key-env", endpoint.key_env.is_some()),
            ("--llm-prices", !endpoint.prices.is_empty()),
            ("--prompting", self.prompting != Prompts::default()),
            ("--llm-calls", self.llm_calls.is_some()),
            ("--llm-tokens", self.llm_tokens.is_some()),
            ("--llm-money", self.llm_money.is_some()),
            ("--record", self.record.is_some()),
            ("--replay", self.replay.is_some()),
        ];
        options.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    /// How the model is prompted.
    pub fn style(&self) -> Style {
        self.prompting.style()
    }

    /// The model of a search of so many generations and niches.
    pub fn plan(&self, generations: usize, niches: usize) -> Result<ModelPlan, Failure> {
        let needed = self.style().stages() * (generations * niches) as u64;
        // A server that is not named is refused, unless recorded calls replace it.
        let live = self.endpoint.is_given() || self.replay.is_none();
        Ok(ModelPlan {
            prompting: self.prompting,
            generations,
            calls: self.llm_calls.unwrap_or(needed),
            tokens: self.llm_tokens,
            money: self.llm_money,
            record: self.record.clone(),
            replay: self.replay.clone(),
            endpoint: live.then(|| self.endpoint.endpoint()).transpose()?,
        })
    }
}

/// The language model of a search, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlan {
    pub prompting: Prompts,
    /// Generations that the model proposes in.
    pub generations: usize,
    /// Calls that the search may make.
    pub calls: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<PathBuf>,
    /// The server; none where recorded calls are all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

impl ModelPlan {
    fn budget(&self) -> Budget {
        Budget { calls: Some(self.calls), tokens: self.tokens, money: self.money }
    }

    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let missing = || Failure::input("no language model given: name a server with --llm-url");
        self.endpoint.clone().ok_or_else(missing)
    }

    /// Whether recorded calls are all there is, with no server beside them.
    pub fn is_replayed(&self) -> bool {
        self.replay.is_some() && self.endpoint.is_none()
    }

    /// The file with the calls of a run: its own, unless the user named another that grows.
    pub fn transcript(&self, folder: &RunFolder) -> PathBuf {
        let grows = self.replay.as_ref().filter(|_| self.endpoint.is_some());
        let named = grows.or(self.record.as_ref()).cloned();
        named.unwrap_or_else(|| folder.file("transcript.jsonl"))
    }

    /// Refuses, before a run's folder is made, what cannot be asked or replayed.
    pub fn check(&self, folder: &RunFolder) -> Result<(), Failure> {
        if let Some(file) = self.record.as_ref().filter(|file| file.parent() == Some(folder.path()))
        {
            return Err(Failure::input(format!(
                "--record {} lies in the run's folder, which gets a transcript.jsonl in any case: leave --record out",
                file.display()
            )));
        }
        match &self.replay {
            Some(file) if self.is_replayed() => drop(ChatModel::replay(file)?),
            Some(file) => {
                ChatModel::resume(self.endpoint()?, self.budget(), file, Failed::Again)?;
            }
            None => drop(ChatModel::live(self.endpoint()?, self.budget(), None)?),
        }
        if let Some(file) = self.record.as_ref().filter(|file| file.exists()) {
            let file = file.display();
            return Err(Failure::input(format!(
                "{file} contains the calls of an earlier search: go on with it by --replay {file} beside --llm-url, or move it away"
            )));
        }
        Ok(())
    }

    /// The model of a run whose folder is there: live and recorded, or replayed.
    pub fn open(&self, folder: &RunFolder, resumed: bool) -> Result<ChatModel, Failure> {
        let transcript = self.transcript(folder);
        if self.is_replayed() {
            return Ok(ChatModel::replay(transcript)?);
        }
        let (endpoint, budget) = (self.endpoint()?, self.budget());
        Ok(if self.replay.is_some() {
            ChatModel::resume(endpoint, budget, transcript, Failed::Again)?
        } else if resumed && transcript.exists() {
            ChatModel::resume(endpoint, budget, transcript, Failed::Kept)?
        } else {
            ChatModel::live(endpoint, budget, Some(Transcript::create(transcript)?))?
        })
    }
}
