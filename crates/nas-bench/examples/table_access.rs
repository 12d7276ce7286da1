//! How long it takes to open the NAS-Bench-201 table and look up every cell; what
//! `cargo xtask bench tables` runs.

use std::{
    env,
    error::Error,
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use nas_bench::{Fidelity, NasBench201, compile, tables_dir};
use nas_space::nasbench201::{self, CELLS, Dataset};

const REPEATS: usize = 101;

/// What the design asks of opening and looking up together.
const LIMIT: Duration = Duration::from_millis(10);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = match env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => tables_dir()?.path,
    };
    compile(&folder).inspect_err(|_| eprintln!("get the tables with: cargo xtask download"))?;
    // The first lookup of a process sets up the benchmark's order of cells once.
    let start = Instant::now();
    black_box(nasbench201::from_index(0)?);
    let order = start.elapsed();
    let cells = (0..CELLS).map(nasbench201::from_index).collect::<Result<Vec<_>, _>>()?;

    let (mut opening, mut both) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let start = Instant::now();
        let table = NasBench201::open(black_box(&folder))?;
        opening.push(start.elapsed());
        let accuracy = table.accuracy(Dataset::Cifar10, Fidelity::TEST)?;
        let latency = table.latency(Dataset::Cifar10, "edgegpu")?;
        for cell in &cells {
            let index = nasbench201::index(black_box(cell));
            black_box((accuracy[index], latency[index]));
        }
        both.push(start.elapsed());
    }
    println!("table: {}", describe(&folder));
    println!("order of cells, once in a process: {order:.2?}");
    report("open", &mut opening);
    let median = report("open, then accuracy and latency of all 15,625 cells", &mut both);
    if median < LIMIT {
        Ok(ExitCode::SUCCESS)
    } else {
        println!("slower than {LIMIT:.2?}");
        Ok(ExitCode::FAILURE)
    }
}

fn describe(folder: &Path) -> String {
    let path = folder.join("nasbench201.bin");
    let bytes = path.metadata().map_or(0, |metadata| metadata.len());
    format!("{} ({:.1} MB)", path.display(), bytes as f64 / 1e6)
}

fn report(what: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!(
        "{what}: median {median:.2?}, fastest {:.2?}, slowest {:.2?} of {}",
        times[0],
        times[times.len() - 1],
        times.len()
    );
    median
}
