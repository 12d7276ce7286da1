//! `nas score`: zero-cost proxies of architectures.

use std::path::PathBuf;

use crate::{
    arch::Architectures,
    commands::images::ProxyArguments,
    output::Format,
    space_arguments::{dataset_help, default_space, space_help},
};

/// The names of the spaces, as help.
fn spaces() -> String {
    let default = default_space();
    space_help(&format!(
        " [default: {default}]. If you name one but no architectures, all its networks are scored"
    ))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas score 6111 --proxies all
  nas score --space autoformer-tiny --proxies all --file mine.txt

  # The whole space; if interrupted, the same command resumes
  nas score --space nasbench201 --proxies suite_zero --out all.bin
  # Half of it on each of two machines; then nas score-merge
  nas score --space nasbench201 --out a.bin --shard 1/2

  # A million networks, on a Ray cluster
  nas space sample --space autoformer-base -n 1000000 --format arch > list.txt
  nas score --space autoformer-base --file list.txt --out list.bin \\
      --engine ray --workers 64")]
pub struct Arguments {
    #[command(flatten)]
    pub architectures: Architectures,
    #[arg(long, value_name = "NAME", help = spaces())]
    pub space: Option<String>,
    /// The proxies, separated by commas. Groups: all (those that apply to the networks), suite_zero (the
    /// 13 of NAS-Bench-Suite-Zero), az_nas
    #[arg(long, value_name = "NAMES", default_value = "nwot,synflow")]
    pub proxies: String,
    #[arg(long, value_name = "NAME", help = dataset_help())]
    pub dataset: Option<String>,
    /// The seed of weights, batch and random directions of proxies
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// Write a file, .csv or .bin (compact), with each architecture once, in order; if interrupted, the
    /// same command resumes
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Score only part I of N of about equal size, for several processes or machines
    #[arg(long, value_name = "I/N", requires = "out", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Replace the file of --out if it exists
    #[arg(long, requires = "out")]
    pub force: bool,
    /// The format of the results
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["out", "shard"])]
    pub format: Format,
    #[command(flatten)]
    pub proxy: ProxyArguments,
    /// Where proxies are computed: cpu, cuda or cuda:N
    #[arg(long, value_name = "cpu|cuda:N", default_value = "cpu")]
    pub compute: String,
    /// Compute in double precision, which takes several times as long
    #[arg(long)]
    pub double: bool,
    /// Networks computed in parallel, a thread each; values do not depend on it [default: the number of
    /// cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    #[cfg(feature = "torch")]
    #[command(flatten)]
    pub engine: crate::engine::EngineArguments,
    /// Workers in parallel [default: 2]
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "N", requires = "engine", help_heading = crate::engine::HEADING, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub workers: Option<u16>,
}

/// One of several parts of the work.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub struct Shard {
    pub part: usize,
    pub parts: usize,
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(part, parts)| {
        let (part, parts) = (part.parse().ok()?, parts.parse().ok()?);
        (1..=parts).contains(&part).then_some(Shard { part, parts })
    });
    parts.ok_or_else(|| "expected I/N with I from 1 to N, for example 1/4".to_owned())
}

#[cfg(feature = "torch")]
mod compute;
#[cfg(feature = "torch")]
mod plan;

#[cfg(feature = "torch")]
pub use compute::{run, work};
#[cfg(feature = "torch")]
pub use plan::ScorePlan;

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<std::process::ExitCode, crate::failure::Failure> {
    Err(crate::failure::Failure::without_torch("compute proxies"))
}
