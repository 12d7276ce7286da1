//! The options about a language model.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use nas_llm::{Budget, ChatModel, Disguise, Endpoint, Failed, Prompting, Reply, Style, Transcript};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, run_folder::RunFolder, terminal::note};

/// The server of the model.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Language model")]
pub struct EndpointArguments {
    /// The base URL of an OpenAI-compatible server, for example http://127.0.0.1:8911/v1
    #[arg(long = "llm-url", value_name = "URL")]
    base_url: Option<String>,
    /// The model's name at that server
    #[arg(long = "llm-model", value_name = "NAME", default_value = "default")]
    name: String,
    /// The environment variable with the API key, for a server that requires one
    #[arg(long = "llm-key-env", value_name = "VARIABLE")]
    key_env: Option<String>,
    /// Calls in parallel
    #[arg(long = "llm-parallel", value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// Seconds that one attempt of a call may take
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
    /// Tokens that each reply may have, for a model that thinks before it answers [default: as many as the
    /// answer needs]
    #[arg(long = "llm-reply-tokens", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    reply_tokens: Option<u32>,
    /// Prices of a million prompt tokens and of a million reply tokens
    #[arg(long = "llm-prices", value_name = "PROMPT,REPLY", value_delimiter = ',')]
    prices: Vec<f64>,
}

/// How the model is used in a search.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Language model")]
pub struct ModelArguments {
    #[command(flatten)]
    pub endpoint: EndpointArguments,
    /// What the model is asked for
    #[arg(long, value_enum, default_value_t)]
    pub prompting: Prompts,
    /// With --prompting choose, let the model choose twice, the second time from the candidates in the
    /// reverse order: models prefer what comes first
    #[arg(long)]
    llm_both_orders: bool,
    /// Show the model what came of its last proposals, and ask which values it expects of new ones
    #[arg(long)]
    llm_memory: bool,
    /// Ask the model before each generation, in one call more, what to try in every niche; the calls of the
    /// niches see its answer
    #[arg(long)]
    llm_navigator: bool,
    #[command(flatten)]
    disguise: DisguiseArguments,
    /// Limit of calls [default: as many as the generations need]
    #[arg(long, value_name = "N")]
    llm_calls: Option<u64>,
    /// Limit of tokens: no new call once they are used
    #[arg(long, value_name = "N")]
    llm_tokens: Option<u64>,
    /// Limit of money by --llm-prices: no new call once it is spent
    #[arg(long, value_name = "AMOUNT", requires = "prices")]
    llm_money: Option<f64>,
    /// Write every call to this file [default: transcript.jsonl in the run's folder]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer from a recorded file, without a network; with --llm-url, continue after its last call and
    /// add to the file
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub replay: Option<PathBuf>,
}

/// Under which names a model sees a space.
#[derive(Debug, Clone, clap::Args)]
pub struct DisguiseArguments {
    /// Show the model neutral names of decisions and choices, drawn by this seed, so that it cannot use
    /// what it knows of a benchmark
    #[arg(long, value_name = "SEED")]
    disguise: Option<u64>,
    /// With --disguise, show the model what choices do, as the space's descriptions say it
    #[arg(long, requires = "disguise")]
    describe_operations: bool,
}

impl DisguiseArguments {
    pub fn names(&self) -> Option<Disguise> {
        let described = self.describe_operations;
        self.disguise.map(|seed| Disguise { seed, described })
    }
}

/// What a model is asked, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompts {
    /// Rules, then architectures from parents, in niches, after a random sample; the statistical searcher
    /// adds architectures where the model proposes too few
    #[default]
    CoEvolution,
    /// As co-evolution, but no rules
    WithoutRules,
    /// As without-rules, but the model chooses from new architectures of the niche, made by one or two
    /// edits of its front
    Choose,
    /// As choose, but the candidates are ranked by the probabilities of their letters, in calls with a
    /// reply of one letter; for servers that give log-probabilities
    Rank,
    /// As choose, but the model is asked for the values that it expects of each candidate, in a call for
    /// each; those that would add most to the niche's front are taken
    Estimate,
    /// Only architectures, without a random sample or parents
    Plain,
    /// As plain, over the whole range of latency
    LatencyOriented,
}

impl Prompts {
    pub fn style(self) -> Style {
        match self {
            Self::CoEvolution => Style::CoEvolution,
            Self::WithoutRules => Style::WithoutRules,
            Self::Choose => Style::Choose,
            Self::Rank => Style::Rank,
            Self::Estimate => Style::Estimate,
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
        if let Some(tokens) = self.reply_tokens {
            endpoint = endpoint.reply_tokens(tokens);
        }
        match self.prices[..] {
            [] => {}
            [prompt, reply] => endpoint = endpoint.prices(prompt, reply),
            _ => {
                return Err(Failure::input(format!(
                    "--llm-prices has {} values: expected two, the prices of a million prompt tokens and of a million reply tokens",
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

    /// The model, for a command that has no run. That may take a while: standard error shows which
    /// server it waits for, and each retry.
    pub fn model(&self, calls: Calls<'_>) -> Result<ChatModel, Failure> {
        // A missing server is an error before a file is created.
        let endpoint = self.endpoint()?;
        let (name, url) = (endpoint.model().to_owned(), endpoint.shown_url());
        let budget = Budget::default();
        let model = match calls {
            Calls::New(file) => {
                file.map_or(Ok(()), refuse_existing)?;
                let transcript = file.map(Transcript::create).transpose()?;
                ChatModel::live(endpoint, budget, transcript)?
            }
            Calls::Continued(file) => ChatModel::resume(endpoint, budget, file, Failed::Again)?,
        };
        note(&format!("asking {name} at {url}, at most {} s for each attempt", self.timeout));
        // Fails if one is set up already.
        let _ = tracing_subscriber::fmt()
            .with_writer(|| Notes)
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .with_level(false)
            .with_target(false)
            .without_time()
            .try_init();
        Ok(model)
    }
}

/// Refuses to record calls into a file that exists.
fn refuse_existing(record: &Path) -> Result<(), Failure> {
    if !record.exists() {
        return Ok(());
    }
    let file = record.display();
    Err(Failure::input(if ChatModel::replay(record).is_ok() {
        format!(
            "--record {file} contains earlier calls: continue it with --replay {file} and --llm-url, or move the file away"
        )
    } else {
        format!("--record {file} exists, and is no transcript: name another file")
    }))
}

/// Where a model's calls are written.
#[derive(Debug, Clone, Copy)]
pub enum Calls<'a> {
    /// To a new file, or nowhere.
    New(Option<&'a Path>),
    /// To a file with recorded calls, which are not made again.
    Continued(&'a Path),
}

/// The model of a command that has no run.
#[derive(Debug, clap::Args)]
pub struct CallArguments {
    /// Write every call to this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Answer from a recorded file, without a network; with --llm-url, continue after its last call and
    /// add to the file
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    endpoint: EndpointArguments,
}

impl CallArguments {
    /// The model, live or replayed.
    pub fn model(&self) -> Result<ChatModel, Failure> {
        match &self.replay {
            Some(file) if !self.endpoint.is_given() => Ok(ChatModel::replay(file)?),
            Some(file) => self.endpoint.model(Calls::Continued(file)),
            None => self.endpoint.model(Calls::New(self.record.as_deref())),
        }
    }

    /// Calls at the same time.
    pub fn parallel(&self) -> usize {
        if self.endpoint.is_given() { usize::from(self.endpoint.parallel) } else { 1 }
    }
}

/// What the client of a model reports, as notes on standard error.
struct Notes;

impl Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        note(String::from_utf8_lossy(bytes).trim());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Says so where a reply's end is missing.
pub fn note_truncated(reply: &Reply) {
    if reply.truncated {
        note("the reply's end is missing: allow more tokens with --llm-reply-tokens N");
    }
}

impl ModelArguments {
    /// The first option about a language model that is given.
    pub fn given(&self) -> Option<&'static str> {
        let endpoint = &self.endpoint;
        let options = [
            ("--llm-url", endpoint.is_given()),
            ("--llm-key-env", endpoint.key_env.is_some()),
            ("--llm-reply-tokens", endpoint.reply_tokens.is_some()),
            ("--llm-prices", !endpoint.prices.is_empty()),
            ("--prompting", self.prompting != Prompts::default()),
            ("--llm-both-orders", self.llm_both_orders),
            ("--llm-memory", self.llm_memory),
            ("--llm-navigator", self.llm_navigator),
            ("--disguise", self.disguise.disguise.is_some()),
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

    /// Refuses options that have no effect with this `--prompting`.
    pub fn refuse(&self) -> Result<(), Failure> {
        if self.llm_both_orders && !matches!(self.style(), Style::Choose | Style::Rank) {
            return Err(Failure::input(
                "--llm-both-orders: there are two orders of candidates only with --prompting choose or rank; add one of these, or leave it out",
            ));
        }
        let uses = [("--llm-memory", self.llm_memory), ("--llm-navigator", self.llm_navigator)];
        if !self.style().has_parents()
            && let Some((option, _)) = uses.into_iter().find(|(_, given)| *given)
        {
            let prompting = self.prompting.to_possible_value();
            return Err(Failure::input(format!(
                "{option}: with --prompting {} the model sees nothing of the search; choose another --prompting, or leave {option} out",
                prompting.as_ref().map_or("", |value| value.get_name()),
            )));
        }
        Ok(())
    }

    /// The model of a search of so many generations and niches.
    pub fn plan(&self, generations: usize, niches: usize) -> Result<ModelPlan, Failure> {
        let asked = Asked {
            prompting: self.prompting,
            both_orders: self.llm_both_orders,
            memory: self.llm_memory,
            navigator: self.llm_navigator,
            disguise: self.disguise.names(),
        };
        let needed = asked.prompting().calls_of_generation(niches) * generations as u64;
        // A server is required unless recorded calls replace it.
        let live = self.endpoint.is_given() || self.replay.is_none();
        Ok(ModelPlan {
            asked,
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

/// How a model is asked, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub prompting: Prompts,
    #[serde(default)]
    pub both_orders: bool,
    #[serde(default)]
    pub memory: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub navigator: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disguise: Option<Disguise>,
}

impl Asked {
    /// How the model is asked in a search of any number of generations and calls.
    pub fn prompting(self) -> Prompting {
        let Self { prompting, both_orders, memory, navigator, disguise } = self;
        let style = prompting.style();
        Prompting { style, both_orders, memory, navigator, disguise, ..Prompting::default() }
    }
}

/// The language model of a search, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlan {
    pub asked: Asked,
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
    /// The server; none if recorded calls replace it.
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

    /// Whether recorded calls replace the server.
    pub fn is_replayed(&self) -> bool {
        self.replay.is_some() && self.endpoint.is_none()
    }

    /// The file that the calls of a run are written to: its own, unless the user named another.
    pub fn transcript(&self, folder: &RunFolder) -> PathBuf {
        let grows = self.replay.as_ref().filter(|_| self.endpoint.is_some());
        let named = grows.or(self.record.as_ref()).cloned();
        named.unwrap_or_else(|| folder.file("transcript.jsonl"))
    }

    /// Refuses, before a run's folder is created, what cannot be asked or replayed.
    pub fn check(&self, folder: &RunFolder) -> Result<(), Failure> {
        if let Some(file) = self.record.as_ref().filter(|file| file.parent() == Some(folder.path()))
        {
            return Err(Failure::input(format!(
                "--record {} is in the run's folder, which contains a transcript.jsonl in any case: leave --record out",
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
        self.record.as_deref().map_or(Ok(()), refuse_existing)
    }

    /// The model of a run whose folder exists: live and recorded, or replayed.
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
