//! `cargo xtask bench proxies`: the seconds of each proxy, here and in plain PyTorch.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::venv;
use crate::cargo::cargo;
use crate::error::Error;
use crate::libtorch::VERSION;
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

/// Both sides get the settings of threads and memory that the program `nas` runs with.
const SETTINGS: [(&str, &str); 3] = [
    ("GOMP_SPINCOUNT", "1000"),
    ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
];

/// Seconds, or another figure, by name and number of threads.
type Figures = BTreeMap<(String, u32), f64>;

/// Measures both sides and prints a row for each proxy.
pub fn run(workspace: &Workspace, python: Option<&Path>) -> Result<ExitCode, Error> {
    let packages = [("torch", VERSION), ("numpy", "2.4.6")];
    let python = match python {
        Some(python) => python.to_path_buf(),
        None => venv::python_with(workspace, "bench-venv-torch", &packages)?,
    };
    let indices: Vec<&str> = CELLS.iter().map(|(index, _)| *index).collect();
    let archs: Vec<&str> = CELLS.iter().map(|(_, arch)| *arch).collect();

    let mut build = cargo(workspace);
    build.args(["build", "--release", "--package", "nas-net", "--example", "time_proxies"]);
    crate::cargo::status(&mut build)?;
    eprintln!("Measuring PyTorch {VERSION}, some minutes ...");
    let theirs = figures(Command::new(&python).args(["-c", SCRIPT]), &archs)?;
    eprintln!("Measuring nas-proxy ...");
    let example: PathBuf = ["target", "release", "examples", "time_proxies"].iter().collect();
    let ours = figures(&mut Command::new(workspace.root().join(example)), &indices)?;
    print!("{}", report(&ours, &theirs));
    Ok(ExitCode::SUCCESS)
}

/// Runs a program on lines of input and reads lines `name threads figure` from it.
fn figures(command: &mut Command, input: &[&str]) -> Result<Figures, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let not_started = |source| Error::Start { program: program.clone(), source };
    let mut child = command
        .envs(SETTINGS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.join("\n").as_bytes()).map_err(not_started)?;
    }
    let output = child.wait_with_output().map_err(not_started)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let key = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some((key, words.next()?.parse().ok()?))
    };
    let figures: Option<Figures> = text.lines().map(line).collect();
    figures.filter(|_| output.status.success()).ok_or_else(|| Error::Bench {
        step: "measure",
        problem: format!("{program} ended with {} after\n{text}", output.status),
    })
}

fn report(ours: &Figures, theirs: &Figures) -> String {
    let get =
        |figures: &Figures, name: &str, threads| figures.get(&(name.to_owned(), threads)).copied();
    let mut text = format!(
        "Seconds for a cell of NAS-Bench-201 (mean of {}), batch of 64 images of 32x32, f32, the\n\
         CPU. PyTorch {VERSION}: each proxy by itself in plain Python (xtask/src/bench/proxies.py),\n\
         in the faster of the two memory layouts; both sides with the same settings of threads\n\
         and memory.\n\n{:25}{:>7}  {:>9}  {:>9}  {:>6}\n",
        CELLS.len(),
        "",
        "threads",
        "nas-proxy",
        "PyTorch",
        "ratio"
    );
    let mut row = |name: &str, threads: u32, ours: f64, theirs: Option<f64>| {
        let (theirs, ratio) = match theirs {
            Some(theirs) => (format!("{theirs:.4}"), format!("{:.1}", theirs / ours)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        text += &format!("{name:25}{threads:>7}  {ours:>9.4}  {theirs:>9}  {ratio:>6}\n");
    };
    for threads in [2, 1] {
        let each = theirs
            .iter()
            .filter(|((name, of), _)| *of == threads && get(ours, name, threads).is_some());
        let sum: f64 = each.clone().map(|(_, seconds)| seconds).sum();
        let grasp = get(theirs, "grasp", threads);
        for ((name, of), seconds) in ours.iter().filter(|((_, of), _)| *of == threads) {
            let theirs = match name.as_str() {
                "suite_zero" => Some(sum),
                "suite_zero_without_grasp" => grasp.map(|grasp| sum - grasp),
                name => get(theirs, name, *of),
            };
            row(name, *of, *seconds, theirs);
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
