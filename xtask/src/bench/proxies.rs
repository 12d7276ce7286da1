//! `cargo xtask bench proxies`: the seconds of each proxy, here and in plain PyTorch.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::beside_pytorch::{Sides, printed};
use crate::error::Error;
use crate::versions::LIBTORCH as VERSION;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("proxies.py");

/// Cells of NAS-Bench-201 without unreachable operations, drawn at random: index and arch string.
const CELLS: [(&str, &str); 6] = [
    ("3537", "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"),
    (
        "3861",
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|",
    ),
    (
        "50",
        "|nor_conv_1x1~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|",
    ),
    (
        "11396",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2|",
    ),
    (
        "150",
        "|skip_connect~0|+|avg_pool_3x3~0|none~1|+|nor_conv_1x1~0|nor_conv_1x1~1|avg_pool_3x3~2|",
    ),
    (
        "10468",
        "|skip_connect~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    ),
];

/// How many of them each side measures before it is the other's turn; a divisor of their number.
const CELLS_OF_ROUND: usize = 2;

/// Seconds, or another figure, by name and number of threads.
type Figures = BTreeMap<(String, u32), f64>;

/// Measures both sides and prints a row for each proxy.
pub fn run(workspace: &Workspace, python: Option<&Path>) -> Result<ExitCode, Error> {
    let Sides { python, example } = Sides::set_up(workspace, python, "nas-net", "time_proxies")?;
    let indices: Vec<&str> = CELLS.iter().map(|(index, _)| *index).collect();
    let archs: Vec<&str> = CELLS.iter().map(|(_, arch)| *arch).collect();
    // In turns, since the speed of a machine drifts over minutes.
    let rounds = indices.chunks(CELLS_OF_ROUND).zip(archs.chunks(CELLS_OF_ROUND));
    let count = rounds.len();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (round, (indices, archs)) in rounds.enumerate() {
        eprintln!("Measuring PyTorch {VERSION} and nas-proxy, {} of {count} ...", round + 1);
        theirs.push(figures(Command::new(&python).args(["-c", SCRIPT]), archs)?);
        ours.push(figures(&mut Command::new(&example), indices)?);
    }
    print!("{}", report(&means(ours), &means(theirs)));
    Ok(ExitCode::SUCCESS)
}

/// The mean of each figure over rounds of equally many cells.
fn means(rounds: Vec<Figures>) -> Figures {
    let count = rounds.len() as f64;
    let mut means = Figures::new();
    for (key, figure) in rounds.into_iter().flatten() {
        *means.entry(key).or_default() += figure / count;
    }
    means
}

/// Runs a program on lines of input and reads lines `name threads figure` from it.
fn figures(command: &mut Command, input: &[&str]) -> Result<Figures, Error> {
    let text = printed(command, &input.join("\n"))?;
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let key = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some((key, words.next()?.parse().ok()?))
    };
    let figures: Option<Figures> = text.lines().map(line).collect();
    figures.ok_or_else(|| Error::Step { step: "read what was measured", problem: text.clone() })
}

fn report(ours: &Figures, theirs: &Figures) -> String {
    let get =
        |figures: &Figures, name: &str, threads| figures.get(&(name.to_owned(), threads)).copied();
    let mut text = format!(
        "Seconds for a cell of NAS-Bench-201 (mean of {}), batch of 64 images of 32x32, f32, on\n\
         the CPU. PyTorch {VERSION}: each proxy by itself in plain Python\n\
         (xtask/src/bench/proxies.py), contiguous as the peers' code runs it and channels\n\
         last. Both sides have the same settings of threads and memory.\n\n\
         {:24}{:>8}{:>10}{:>12}{:>7}{:>12}{:>7}\n",
        CELLS.len(),
        "",
        "threads",
        "nas-proxy",
        "contiguous",
        "ratio",
        "ch. last",
        "ratio"
    );
    for threads in [2, 1] {
        // Python has no sets: each proxy alone, one after the other.
        let layout = |name: &str, layout: &str| {
            let alone = |name: &str| get(theirs, &format!("{name}@{layout}"), threads);
            let ends = format!("@{layout}");
            let all =
                theirs.iter().filter(|((name, of), _)| *of == threads && name.ends_with(&ends));
            let sum: f64 = all.map(|(_, seconds)| seconds).sum();
            match name {
                "suite_zero" => Some(sum),
                "suite_zero_without_grasp" => alone("grasp").map(|grasp| sum - grasp),
                name => alone(name),
            }
        };
        for ((name, _), seconds) in ours.iter().filter(|((_, of), _)| *of == threads) {
            text += &format!("{name:24}{threads:>8}{seconds:>10.4}");
            for theirs in ["contiguous", "channels_last"].map(|one| layout(name, one)) {
                match theirs {
                    Some(theirs) => {
                        text += &format!("{theirs:>12.4}{:>7.1}", theirs / seconds);
                    }
                    None => text += &format!("{:>12}{:>7}", "-", "-"),
                }
            }
            text.push('\n');
        }
    }
    for threads in [2, 1] {
        let (Some(peak), Some(macs), Some(seconds)) =
            (get(theirs, "gemm", threads), get(theirs, "macs", 1), get(ours, "nwot", threads))
        else {
            continue;
        };
        let least = 2.0 * macs / peak / 1e9;
        text += &format!(
            "\n{threads} threads: a matrix product reaches {peak:.0} GFLOP/s; at that rate the \
             forward pass\n({:.2} GFLOP) takes {least:.3} s, {:.0} % of the time of nwot.\n",
            2.0 * macs / 1e9,
            100.0 * least / seconds
        );
    }
    text
}
