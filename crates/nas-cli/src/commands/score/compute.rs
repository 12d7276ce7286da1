//! Proxies computed here, or by workers that an engine starts.

use std::{
    collections::BTreeSet, iter, path::Path, process::ExitCode, sync::atomic::Ordering, thread,
    time::Duration,
};

use nas_bench::{ScoreHeader, ScoreTable, ScoreWriter};
use nas_eval::{
    Problem,
    live::{Networks, Scoring},
};
use nas_proxy::Batch;
use nas_space::Arch;
use tch::{Device, Kind};

use super::{Arguments, ScorePlan, Shard};
use crate::{
    arch::shown,
    commands::images::blueprint,
    engine::{self, Job},
    failure::Failure,
    output::{Cell, Format, Records},
    progress::Progress,
    score_file::ScoreFile,
    stop::stop_signal,
    terminal::{note, print},
};

/// What is said when the user stops the computation.
const STOPPING: &str = "stopping after the architectures under way";

/// Where proxies are computed by default.
const CPU: &str = "cpu";

/// Time between two looks at another process's file.
const PAUSE: Duration = Duration::from_secs(1);

/// As many proxies beside a cell, or cells beside a proxy, as fit into 80 columns.
const PROXIES_ACROSS: usize = 4;
const CELLS_ACROSS: usize = 5;

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let out = arguments.out.as_deref();
    arguments.engine.check()?;
    let engine = arguments.engine.engine;
    if engine.is_some() {
        if out.is_none() {
            return Err(Failure::input(
                "--engine requires a file for the scores: add --out, for example --out scores.bin",
            ));
        }
        if arguments.shard.is_some() {
            return Err(Failure::input(
                "--shard computes one part here, --engine computes all parts: leave one of them out",
            ));
        }
        if arguments.architectures.are_on_standard_input() {
            return Err(Failure::input(
                "--file -: workers cannot read this command's standard input: name a file that they can read",
            ));
        }
    }
    let plan = ScorePlan::resolve(arguments)?;
    plan.proxies()?;
    let problem = plan.problem()?;
    blueprint(&problem)?;
    let out = out.map(|path| ScoreFile::new(path, arguments.force)).transpose()?;
    let architectures = plan.read(&problem)?;
    // Workers may have devices that this machine does not have.
    let compute = if engine.is_some() { CPU } else { &plan.compute };
    let scoring = scoring(&plan, &problem, compute, &architectures)?;
    if let (Some(kind), Some(out)) = (engine, &out) {
        // Images or proxies that do not fit are refused now, not by workers.
        if let Some(arch) = architectures.first() {
            scoring.proxies.check(&*scoring.networks.build(arch)?, &scoring.batch)?;
        }
        return by_engine(arguments, plan, kind, out, &architectures);
    }
    match out {
        None => show(arguments.format, &problem, &scoring, &architectures)?,
        Some(out) => {
            let shard = arguments.shard;
            write(&plan, &problem, &scoring, architectures, &out, Share { shard, waits: false })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Computes a shard of a job; one that was begun is resumed.
pub fn work(plan: &ScorePlan, shard: Shard, out: &Path) -> Result<ExitCode, Failure> {
    let problem = plan.problem()?;
    let out = ScoreFile::new(out, false)?;
    let architectures = plan.read(&problem)?;
    let scoring = scoring(plan, &problem, &plan.compute, &architectures)?;
    let part = Share { shard: Some(shard), waits: true };
    write(plan, &problem, &scoring, architectures, &out, part)?;
    Ok(ExitCode::SUCCESS)
}

/// Which part of the work is this process's.
#[derive(Clone, Copy)]
struct Share {
    shard: Option<Shard>,
    /// Whether it waits for another process that computes the same part.
    waits: bool,
}

/// Networks, batch and proxies of a plan.
fn scoring(
    plan: &ScorePlan,
    problem: &Problem,
    compute: &str,
    architectures: &[Arch],
) -> Result<Scoring, Failure> {
    let device = nas_proxy::device(compute)?;
    let batch = plan.batch().images(problem, plan.seed, device)?;
    let batch = if plan.double { batch.to_kind(Kind::Double)? } else { batch };
    let networks = Networks { blueprint: blueprint(problem)?.clone(), seed: plan.seed, device };
    let proxies = plan.proxies()?;
    let proxies = match architectures.first() {
        Some(arch) if plan.asks_for_all() => proxies.applicable_to(&*networks.build(arch)?),
        _ => proxies,
    };
    let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Scoring { networks, batch, proxies, jobs: plan.jobs.map_or_else(cores, usize::from) })
}

/// Lets workers compute the scores, and merges their files.
fn by_engine(
    arguments: &Arguments,
    plan: ScorePlan,
    kind: engine::Kind,
    out: &ScoreFile,
    architectures: &[Arch],
) -> Result<ExitCode, Failure> {
    let plan = ScorePlan { jobs: Some(arguments.engine.cpus() as u16), ..plan };
    let folder = out.beside("job");
    let engine = arguments.engine.with(arguments.workers);
    let shards = engine.shards().min(architectures.len());
    let job = Job::of_scores(plan, shards)?;
    let (stop, progress) = (stop_signal(STOPPING)?, Progress::new("shards", shards));
    let table = job.compute(&engine, kind, &folder, architectures, &stop, progress)?;
    out.write(&table)?;
    std::fs::remove_dir_all(&folder).map_err(|error| Failure::file("remove", &folder, &error))?;
    print(&out.summary(&table))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the scores in the order of the architectures. A table with many proxies is printed with a
/// row for each proxy.
fn show(
    format: Format,
    problem: &Problem,
    scoring: &Scoring,
    architectures: &[Arch],
) -> Result<(), Failure> {
    let mut scores: Vec<(Option<usize>, String, Vec<Option<f64>>)> = Vec::new();
    let mut progress = Progress::new("scoring", architectures.len());
    let mut done = 0;
    scoring.run(architectures, &|_| None, |arch, values| {
        let text = shown(problem.space, arch, format);
        scores.push((problem.index(arch), text, values.to_vec()));
        done += 1;
        progress.update(done, problem.dataset_name.unwrap_or_default());
        Ok::<(), Failure>(())
    })?;
    progress.finish();
    let names: Vec<&str> = scoring.proxies.proxies().iter().map(|proxy| proxy.name()).collect();
    let by_proxy = format == Format::Table && names.len() > PROXIES_ACROSS;
    let columns = if by_proxy { &[] } else { names.as_slice() };
    let numbered = problem.numbering.map(|_| "index");
    let first = numbered.into_iter().chain(["arch"]);
    let mut records = Records::new(first.chain(columns.iter().copied()));
    for (index, arch, values) in &scores {
        let row = index.map(Cell::from).into_iter().chain([arch.as_str().into()]);
        let values = values[..columns.len()].iter().copied().map(Cell::from);
        records.push(row.chain(values).collect());
    }
    records.print(format)?;
    if !by_proxy {
        return Ok(());
    }
    for (place, block) in scores.chunks(CELLS_ACROSS).enumerate() {
        // An architecture without a number is named by its place in the list above.
        let places = place * CELLS_ACROSS + 1..;
        let indices = block.iter().zip(places);
        let indices = indices.map(|((index, ..), place)| index.unwrap_or(place).to_string());
        let mut records = Records::new(iter::once("proxy".to_owned()).chain(indices));
        for (place, name) in names.iter().enumerate() {
            let values = block.iter().map(|(.., values)| Cell::from(values[place]));
            records.push(iter::once(Cell::from(*name)).chain(values).collect());
        }
        print(&format!("\n{}", records.table()))?;
    }
    Ok(())
}

/// Writes the scores to a file by way of a partial one, which a killed command leaves behind
/// for the next to go on from.
fn write(
    plan: &ScorePlan,
    problem: &Problem,
    scoring: &Scoring,
    architectures: Vec<Arch>,
    out: &ScoreFile,
    share: Share,
) -> Result<(), Failure> {
    let given = architectures.len();
    let distinct: BTreeSet<Arch> = architectures.into_iter().collect();
    let all = distinct.len();
    let architectures = part(share.shard, scoring, distinct);
    let partial = out.beside("partial");
    let header = header(plan, problem, scoring)?;
    let mut writer = loop {
        match ScoreWriter::open(&partial, &header) {
            // A worker that outlived the command that started it may still be writing.
            Err(nas_bench::Error::InUse { .. }) if share.waits => thread::sleep(PAUSE),
            opened => break opened?,
        }
        if out.exists() {
            return Ok(());
        }
    };
    let known = writer.take_known();
    let others = known.keys().filter(|arch| architectures.binary_search(arch).is_err()).count();
    if others > 0 {
        return Err(Failure::input(format!(
            "{}: {others} of the {} architectures in it are not among those of this command, and \
             would be lost: repeat the command that began it (another --shard, --file or \
             architectures), name another file with --out, or remove it",
            partial.display(),
            known.len()
        )));
    }
    let mut progress = Progress::new("scoring", architectures.len());
    if all < given {
        note(&format!("{given} architectures were given, {all} of them distinct"));
    }
    let before = known.len();
    if before > 0 {
        let count = architectures.len();
        note(&format!("resuming after {before} of {count} architectures"));
        progress.start_at(before);
    }
    let mut done = 0;
    let known_of = |network: &Arch| known.get(network).cloned();
    let stop = stop_signal(STOPPING)?;
    scoring.run(&architectures, &known_of, |arch, values| {
        if !known.contains_key(arch) {
            writer.append(arch, values)?;
        }
        done += 1;
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::stopped(format!(
                "stopped after {done} of {} architectures: the same command resumes",
                architectures.len()
            )));
        }
        progress.update(done, problem.dataset_name.unwrap_or_default());
        Ok::<(), Failure>(())
    })?;
    progress.finish();
    drop(writer);
    let table = ScoreTable::read(&partial)?;
    if table.rows().len() < architectures.len() {
        return Err(Failure::work(format!(
            "{}: another process replaced it, and its scores are lost",
            partial.display()
        )));
    }
    out.write(&table)?;
    std::fs::remove_file(&partial).map_err(|error| Failure::file("remove", &partial, &error))?;
    print(&out.summary(&table))
}

/// The architectures of a shard, in order: every N-th network, with all architectures that are the
/// same network.
fn part(shard: Option<Shard>, scoring: &Scoring, all: BTreeSet<Arch>) -> Vec<Arch> {
    let Some(shard) = shard else { return all.into_iter().collect() };
    let network = |arch: &Arch| scoring.networks.representative(arch);
    let networks: BTreeSet<Arch> = all.iter().map(network).collect();
    let mine = networks.into_iter().skip(shard.part - 1).step_by(shard.parts);
    let mine: BTreeSet<Arch> = mine.collect();
    all.into_iter().filter(|arch| mine.contains(&network(arch))).collect()
}

fn header(plan: &ScorePlan, problem: &Problem, scoring: &Scoring) -> Result<ScoreHeader, Failure> {
    let dataset = problem.dataset_name.unwrap_or_default();
    let names: Vec<String> =
        scoring.proxies.proxies().iter().map(|proxy| proxy.name().to_owned()).collect();
    let images = plan.images.as_deref().and_then(Path::file_name);
    let images = images.map(|name| name.to_string_lossy().into_owned());
    let device = match scoring.networks.device {
        Device::Cuda(_) => "cuda",
        _ => "cpu",
    };
    let mut command = "nas score".to_owned();
    // Only a command that scores the whole space has --space.
    if problem.numbering.is_none() || plan.architectures.none_given() {
        command += &format!(" --space {}", problem.space.name());
    }
    command += &format!(
        " --proxies {} --dataset {} --batch {} --seed {} --compute {device}",
        plan.proxies,
        dataset,
        scoring.batch.count(),
        plan.seed
    );
    if let Some(images) = &images {
        command += &format!(" --images {images}");
    }
    if plan.double {
        command += " --double";
    }
    Ok(ScoreHeader {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        space: problem.space.name().to_owned(),
        decisions: problem.space.decisions().len() as u16,
        dataset: dataset.to_owned(),
        images: images.unwrap_or_else(|| "gaussian".to_owned()),
        images_crc32: format!("{:08x}", checksum(&scoring.batch)?),
        batch: scoring.batch.count(),
        seed: plan.seed,
        device: device.to_owned(),
        precision: if plan.double { "double" } else { "single" }.to_owned(),
        proxies: names,
        ..ScoreHeader::new("computed by pel-nas", command)
    })
}

fn checksum(batch: &Batch) -> Result<u32, Failure> {
    let pixels = batch.images().f_to_device(Device::Cpu);
    let pixels = pixels.and_then(|pixels| pixels.f_to_kind(Kind::Float)?.f_flatten(0, -1));
    let pixels = pixels.and_then(Vec::<f32>::try_from).map_err(nas_proxy::Error::from)?;
    let bytes: Vec<u8> = pixels.into_iter().flat_map(f32::to_le_bytes).collect();
    Ok(crc32fast::hash(&bytes))
}
