//! Trainings on drawn images, and what disturbs them.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Nas;

/// Writes images of 12×12 pixels in three classes, which differ in their pattern: easy to learn.
///
/// # Panics
/// If they cannot be written.
pub fn shapes(folder: &Path, each: u32) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (class, name) in ["dots", "plain", "stripes"].into_iter().enumerate() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        for number in 0..each {
            let image = RgbImage::from_fn(12, 12, |x, y| {
                let bright = match class {
                    0 => x % 4 == 0 && y % 4 == 0,
                    1 => false,
                    _ => x / 2 % 2 == 1,
                };
                let value = random.random_range(0..60) + if bright { 150 } else { 0 };
                Rgb([value, value / 2, 40])
            });
            image.save(folder.join(format!("{number}.png"))).expect("an image can be written");
        }
    }
}

/// The processes whose command line contains all of these.
fn processes(parts: &[&str]) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("Linux lists its processes").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let are_these = |number: &String| {
        let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&words).replace('\0', " ");
        parts.iter().all(|part| line.contains(part))
    };
    numbers.filter(are_these).collect()
}

/// A search whose trainings an engine runs, one of which is killed, finds what one finds that trains here.
///
/// # Panics
/// If it does not.
pub fn trains_by(nas: &Nas, program: &str, engine: &str, slurm: &Path) {
    let data = nas.folder().join("shapes");
    shapes(&data, 40);
    let search = |run: &str, how: &str| {
        let fixed = "search --accuracy train --searcher random --trained 8 --epochs 6 --width 4 --cells 1 \
                     --minimise flops --seed 1";
        let mut search = Command::new(program);
        search.args(fixed.split_whitespace()).args(["--run", run]).arg("--data").arg(&data);
        search.args(how.split_whitespace()).current_dir(nas.folder()).env("SLURM_CONF", slurm);
        search.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let ends = |search: std::process::Child| {
        let output = search.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        text
    };
    let by_engine = search("by-engine", &format!("--workers 2 --engine {engine}"));
    let task = format!("{}/by-engine/", nas.folder().display());
    let data = data.display().to_string();
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(300), "no training began");
        sleep(Duration::from_millis(20));
        if processes(&["train --questions", &data]).is_empty() {
            continue;
        }
        if let Some(process) = processes(&[" worker ", &task]).first() {
            let kill = Command::new("sh").arg("-c").arg(format!("kill -KILL {process}")).status();
            assert!(kill.expect("a shell is there").success());
            break;
        }
    }
    let said = ends(by_engine);
    assert!(said.contains("started again"), "{said}");
    // On one thread each, as by an engine.
    let cores = available_parallelism().map_or(1, usize::from);
    ends(search("alone", &format!("--workers {cores}")));
    let rows = |run: &str| {
        let text = nas.read(&format!("{run}/evaluations.csv"));
        text.lines().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (by_engine, alone) = (rows("by-engine"), rows("alone"));
    assert_eq!((by_engine.len(), &by_engine), (9, &alone), "{said}");
}
