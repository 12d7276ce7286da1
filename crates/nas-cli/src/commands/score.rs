use std::path::PathBuf;

use crate::{arch::Architectures, commands::live::ProxyArguments, output::Format};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nas score 6111 --proxies all                                 one cell, all proxies
  nas score --space nb201 --proxies suite_zero --out all.bin   the whole space; goes on if killed
  nas score --space nb201 --out a.bin --shard 1/2              half of it; then nas score-merge
  nas score --space nb201 --out all.bin --engine slurm --workers 32    by a Slurm cluster
  nas score --space autoformer-tiny --proxies all --file mine.txt    vision transformers
  nas space sample --space autoformer-base --count 1000000 --format arch > list.txt
  nas score --space autoformer-base --file list.txt --out list.bin --engine ray --workers 64")]
pub struct Arguments {
    #[command(flatten)]
    pub architectures: Architectures,
    /// The space that they are of: nasbench201, fbnet, autoformer-tiny, autoformer-small or
    /// autoformer-base [default: nasbench201]. Where none are given, all of it: nb201 is the first
    /// cell of each of its 6,466 classes and 5,425 networks, 6,877 cells together
    #[arg(long, value_name = "NAME")]
    pub space: Option<String>,
    /// The proxies, separated by commas; all (those that say something of such networks), suite_zero
    /// (the 13 of NAS-Bench-Suite-Zero) and az_nas stand for many
    #[arg(long, value_name = "NAMES", default_value = "nwot,synflow")]
    pub proxies: String,
    /// What networks are built for: nasbench201: cifar10, cifar100 or ImageNet16-120 [default:
    /// cifar10]; fbnet: cifar10, cifar100 or imagenet; autoformer: imagenet, cifar100, flowers or
    /// chaoyang
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// The seed of weights, batch and what proxies draw
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub proxy: ProxyArguments,
    /// Where proxies are computed: cpu, cuda or cuda:N
    #[arg(long, value_name = "cpu|cuda:N", default_value = "cpu")]
    pub device: String,
    /// Compute in double precision, which takes several times as long
    #[arg(long)]
    pub double: bool,
    /// Networks at a time, each on a thread of its own; values do not depend on it [default: as
    /// many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Write a file, .csv or .bin (compact), each architecture once, in order; the same command goes
    /// on where it was if it is interrupted
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only one of N parts of about equal size, for several processes or machines
    #[arg(long, value_name = "I/N", requires = "out", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Whether it waits for another process that computes the same part.
    #[cfg(feature = "torch")]
    #[arg(skip)]
    pub waits: bool,
    /// Replace the file of --out if it is there
    #[arg(long, requires = "out")]
    pub force: bool,
    #[cfg(feature = "torch")]
    #[command(flatten)]
    pub engine: crate::engine::EngineArguments,
    /// Parts under way at a time [default: 2]
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "N", requires = "engine", help_heading = crate::engine::HEADING, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub workers: Option<u16>,
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["out", "shard"])]
    pub format: Format,
}

/// One of several parts.
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

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<std::process::ExitCode, crate::failure::Failure> {
    Err(super::live::unavailable("compute proxies"))
}

#[cfg(feature = "torch")]
pub use torch::run;

#[cfg(feature = "torch")]
mod torch {
    use std::{
        collections::BTreeSet, iter, path::Path, process::ExitCode, sync::atomic::Ordering, thread,
        time::Duration,
    };

    use nas_bench::{ScoreHeader, ScoreTable, ScoreWriter};
    use nas_eval::{
        Task,
        live::{Networks, Scoring},
    };
    use nas_proxy::{Batch, ProxySet};
    use nas_space::{
        Arch,
        nasbench201::{self, distinct_cells, from_index},
    };
    use tch::{Device, Kind};

    use super::Arguments;
    use crate::{
        arch::shown,
        commands::{SpaceArguments, live::blueprint},
        engine::{self, Job},
        failure::Failure,
        output::{Cell, Format, Records, print},
        progress::Progress,
        score_file::ScoreFile,
        stop::stop_signal,
        typed,
    };

    /// How long another process is left alone.
    const PAUSE: Duration = Duration::from_secs(1);

    /// As many proxies beside a cell, or cells beside a proxy, as fit into 80 columns.
    const PROXIES_ACROSS: usize = 4;
    const CELLS_ACROSS: usize = 5;

    pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
        let proxies = proxies(&arguments.proxies)?.with_seed(arguments.seed);
        let space = arguments.space.as_deref().unwrap_or(nasbench201::space().name());
        let space = SpaceArguments { space: space.to_owned(), dataset: arguments.dataset.clone() };
        let task = space.task()?;
        let out = arguments.out.as_deref();
        if arguments.engine.engine.is_some() {
            if out.is_none() {
                return Err(Failure::input(
                    "--engine: what workers compute goes to a file: add --out, for example --out scores.bin",
                ));
            }
            if arguments.shard.is_some() {
                return Err(Failure::input(
                    "--shard says which part is this process's, and --engine has all parts computed: leave one of them out",
                ));
            }
            if arguments.architectures.are_on_standard_input() {
                return Err(Failure::input(
                    "--file -: workers cannot read this command's standard input: name a file that they see",
                ));
            }
        }
        let out = out.map(|path| ScoreFile::new(path, arguments.force)).transpose()?;
        let architectures = architectures(arguments, &task)?;
        let all = arguments.proxies.split(',').any(|name| name.trim() == "all");
        let seed = arguments.seed;
        let device = match arguments.engine.engine {
            // Workers may have devices that this machine has not.
            Some(_) => Device::Cpu,
            None => nas_proxy::device(&arguments.device)?,
        };
        let batch = arguments.proxy.images(&task, seed, device)?;
        let batch = if arguments.double { batch.to_kind(Kind::Double)? } else { batch };
        let networks = Networks { blueprint: blueprint(&task)?.clone(), seed, device };
        let proxies = match architectures.first() {
            Some(arch) if all => proxies.applicable_to(&*networks.build(arch)?),
            _ => proxies,
        };
        if let (Some(kind), Some(out)) = (arguments.engine.engine, &out) {
            // What is wrong with images or proxies is told now, not by workers.
            if let Some(arch) = architectures.first() {
                proxies.check(&*networks.build(arch)?, &batch)?;
            }
            return by_engine(arguments, kind, out, &architectures);
        }
        let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let scoring = Scoring {
            networks,
            batch,
            proxies,
            jobs: arguments.jobs.map_or_else(cores, usize::from),
        };
        match out {
            None => show(arguments, &task, &scoring, &architectures)?,
            Some(out) => write(arguments, &task, &scoring, architectures, &out)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Has the scores computed by workers, and merges what they wrote.
    fn by_engine(
        arguments: &Arguments,
        kind: engine::Kind,
        out: &ScoreFile,
        architectures: &[Arch],
    ) -> Result<ExitCode, Failure> {
        let mut with_value = engine::OPTIONS.to_vec();
        with_value.extend(["--out", "--jobs"]);
        let mut typed = typed::without(&with_value, &["--force"]);
        typed.extend(["--jobs".to_owned(), arguments.engine.cpus().to_string()]);
        let folder = out.beside("job");
        let engine = arguments.engine.with(arguments.workers);
        let job = Job::new(typed, engine.shards().min(architectures.len()));
        let (stop, progress) = (stop_signal()?, Progress::new("shards", job.shards));
        let table = job.compute(&engine, kind, &folder, architectures, &stop, progress)?;
        out.write(&table)?;
        std::fs::remove_dir_all(&folder)
            .map_err(|error| Failure::file("remove", &folder, &error))?;
        print(&out.told(&table))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The proxies of these names; an unknown one comes with the nearest that there is.
    fn proxies(names: &str) -> Result<ProxySet, Failure> {
        names.parse().map_err(|error| match error {
            nas_proxy::Error::UnknownProxy { name, .. } => {
                nas_space::Error::unknown_name("proxy", &name, ProxySet::names()).into()
            }
            other => Failure::from(other),
        })
    }

    fn architectures(arguments: &Arguments, task: &Task) -> Result<Vec<Arch>, Failure> {
        if !arguments.architectures.none_given() {
            return arguments.architectures.read(task);
        }
        if arguments.space.is_none() {
            return Err(Failure::input(
                "nothing to score: name a cell, for example `nas score 6111`, a --file with \
                 one on each line, or `--space nb201` for all",
            ));
        }
        if !task.is_numbered() {
            return Err(Failure::input(format!(
                "{0} holds too many architectures to score all: name some, or a --file with one on \
                 each line, for example of `nas space sample --space {0} --format arch`",
                task.space.name()
            )));
        }
        let cells = distinct_cells().into_iter();
        Ok(cells.map(from_index).collect::<Result<Vec<Arch>, _>>()?)
    }

    /// Prints the scores in the order of the architectures; where a line would be too long for
    /// people, the architectures and then the proxies line by line.
    fn show(
        arguments: &Arguments,
        task: &Task,
        scoring: &Scoring,
        architectures: &[Arch],
    ) -> Result<(), Failure> {
        let mut scores: Vec<(Option<usize>, String, Vec<Option<f64>>)> = Vec::new();
        let mut progress = Progress::new("scoring", architectures.len());
        let mut done = 0;
        scoring.run(architectures, &|_| None, |arch, values| {
            let text = shown(task.space, arch, arguments.format);
            scores.push((task.index(arch), text, values.to_vec()));
            done += 1;
            progress.update(done, task.dataset.unwrap_or_default());
            Ok::<(), Failure>(())
        })?;
        progress.finish();
        let names: Vec<&str> = scoring.proxies.proxies().iter().map(|proxy| proxy.name()).collect();
        let by_proxy = arguments.format == Format::Table && names.len() > PROXIES_ACROSS;
        let columns = if by_proxy { &[] } else { names.as_slice() };
        let numbered = task.is_numbered().then_some("index");
        let first = numbered.into_iter().chain(["arch"]);
        let mut records = Records::new(first.chain(columns.iter().copied()));
        for (index, arch, values) in &scores {
            let row = index.map(Cell::from).into_iter().chain([arch.as_str().into()]);
            let values = values[..columns.len()].iter().copied().map(Cell::from);
            records.push(row.chain(values).collect());
        }
        records.print(arguments.format)?;
        if !by_proxy {
            return Ok(());
        }
        for (place, block) in scores.chunks(CELLS_ACROSS).enumerate() {
            // What has no number goes by its place in the list above.
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
        arguments: &Arguments,
        task: &Task,
        scoring: &Scoring,
        architectures: Vec<Arch>,
        out: &ScoreFile,
    ) -> Result<(), Failure> {
        let given = architectures.len();
        let distinct: BTreeSet<Arch> = architectures.into_iter().collect();
        let all = distinct.len();
        let architectures = part(arguments, scoring, distinct);
        let partial = out.beside("partial");
        let header = header(arguments, task, scoring)?;
        let mut writer = loop {
            match ScoreWriter::open(&partial, &header) {
                // A worker that outlived the command that started it may still be at it.
                Err(nas_bench::Error::InUse { .. }) if arguments.waits => thread::sleep(PAUSE),
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
                 would be lost: go on with the command that began it (another --shard, --file \
                 or architectures), name another file with --out, or remove it",
                partial.display(),
                known.len()
            )));
        }
        let mut progress = Progress::new("scoring", architectures.len());
        if all < given {
            progress.say(&format!("{given} architectures were given, {all} different ones"));
        }
        let before = known.len();
        if before > 0 {
            let count = architectures.len();
            progress.say(&format!("going on after {before} of {count} architectures"));
            progress.start_at(before);
        }
        let mut done = 0;
        let known_of = |network: &Arch| known.get(network).cloned();
        let stop = stop_signal()?;
        scoring.run(&architectures, &known_of, |arch, values| {
            if !known.contains_key(arch) {
                writer.append(arch, values)?;
            }
            done += 1;
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::stopped(format!(
                    "stopped after {done} of {} architectures: the same command goes on",
                    architectures.len()
                )));
            }
            progress.update(done, task.dataset.unwrap_or_default());
            Ok::<(), Failure>(())
        })?;
        progress.finish();
        drop(writer);
        let table = ScoreTable::read(&partial)?;
        if table.rows().len() < architectures.len() {
            return Err(Failure::work(format!(
                "{}: another process replaced it: its scores are lost",
                partial.display()
            )));
        }
        out.write(&table)?;
        std::fs::remove_file(&partial)
            .map_err(|error| Failure::file("remove", &partial, &error))?;
        print(&out.told(&table))
    }

    /// Those of a shard, in order: every N-th network with all architectures that are the same
    /// network.
    fn part(arguments: &Arguments, scoring: &Scoring, all: BTreeSet<Arch>) -> Vec<Arch> {
        let Some(shard) = arguments.shard else { return all.into_iter().collect() };
        let network = |arch: &Arch| scoring.networks.representative(arch);
        let networks: BTreeSet<Arch> = all.iter().map(network).collect();
        let mine = networks.into_iter().skip(shard.part - 1).step_by(shard.parts);
        let mine: BTreeSet<Arch> = mine.collect();
        all.into_iter().filter(|arch| mine.contains(&network(arch))).collect()
    }

    fn header(
        arguments: &Arguments,
        task: &Task,
        scoring: &Scoring,
    ) -> Result<ScoreHeader, Failure> {
        let dataset = task.dataset.unwrap_or_default();
        let names: Vec<String> =
            scoring.proxies.proxies().iter().map(|proxy| proxy.name().to_owned()).collect();
        let images = arguments.proxy.images.as_deref().and_then(Path::file_name);
        let images = images.map(|name| name.to_string_lossy().into_owned());
        let device = match scoring.networks.device {
            Device::Cuda(_) => "cuda",
            _ => "cpu",
        };
        let mut command = "nas score".to_owned();
        // A list of cells is told from the whole space by this.
        if !task.is_numbered() || arguments.architectures.none_given() {
            command += &format!(" --space {}", task.space.name());
        }
        command += &format!(
            " --proxies {} --dataset {} --batch {} --seed {} --device {device}",
            arguments.proxies,
            dataset,
            scoring.batch.count(),
            arguments.seed
        );
        if let Some(images) = &images {
            command += &format!(" --images {images}");
        }
        if arguments.double {
            command += " --double";
        }
        Ok(ScoreHeader {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            space: task.space.name().to_owned(),
            decisions: task.space.decisions().len() as u16,
            dataset: dataset.to_owned(),
            images: images.unwrap_or_else(|| "gaussian".to_owned()),
            images_crc32: format!("{:08x}", checksum(&scoring.batch)?),
            batch: scoring.batch.count(),
            seed: arguments.seed,
            device: device.to_owned(),
            precision: if arguments.double { "double" } else { "single" }.to_owned(),
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
}
