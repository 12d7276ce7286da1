//! `nas download`: the files of benchmarks, and the tables compiled from them.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nas_bench::{Downloader, Entry, Error, Group, Manifest, Progress};

use crate::{failure::Failure, output::counted, tables::tables_folder, terminal::note};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Copy the files from this folder instead of the network; a file is at <host>/<path of its URL>
    #[arg(long, value_name = "DIR", conflicts_with = "base")]
    mirror: Option<PathBuf>,
    /// Download the files from a server with such a folder
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// What to download: the benchmark tables (27 MB), or the CIFAR images (340 MB)
    #[arg(long, value_enum, default_value_t = What::Tables)]
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Tables,
    Images,
}

pub fn run(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let folder = tables_folder(tables)?;
    let manifest = Manifest::embedded()?;
    let files = manifest.group(match arguments.what {
        What::Tables => Group::Tables,
        What::Images => Group::Images,
    });
    let mut downloader = Downloader::new(&folder);
    if let Some(mirror) = &arguments.mirror {
        if !mirror.is_dir() {
            return Err(Failure::input(format!(
                "--mirror {}: there is no such folder: name one that holds the files as <host>/<path of the URL>",
                mirror.display()
            )));
        }
        downloader = downloader.mirror(mirror);
    } else if let Some(base) = &arguments.base {
        if let Some(end) = base.find(['?', '#']) {
            return Err(Failure::input(format!(
                "--base {}: expected an address without {}: the path of each file is added to it",
                &base[..end],
                &base[end..=end]
            )));
        }
        downloader = downloader.base(base);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::work(format!("cannot start the download: {error}")))?;
    let bars = Bars::new(&files);
    let outcome = runtime.block_on(downloader.fetch(&files, &bars)).map_err(Failure::from);
    bars.bar.finish_and_clear();
    let outcome = outcome?;
    note(&format!(
        "{}: {} downloaded and verified, {} already there",
        folder.display(),
        counted(outcome.fetched.len(), "file"),
        outcome.present.len()
    ));
    if arguments.what == What::Tables {
        let compiled = nas_bench::compile(&folder)?;
        if compiled.written.is_empty() && outcome.fetched.is_empty() {
            note("nothing to do: all tables are up to date");
        }
        for table in &compiled.written {
            note(&format!("compiled {}", table.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One bar for all files, in bytes.
struct Bars {
    messages: MultiProgress,
    bar: ProgressBar,
    /// The bytes of each file so far, in the order of the list.
    done: std::sync::Mutex<Vec<(String, u64)>>,
}

impl Bars {
    fn new(files: &[&Entry]) -> Self {
        let total = files.iter().map(|entry| entry.bytes).sum();
        let style = ProgressStyle::with_template(
            "downloading [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
        );
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        let messages = MultiProgress::new();
        let bar = messages.add(ProgressBar::new(total).with_style(style));
        let done = files.iter().map(|entry| (entry.name.clone(), 0)).collect();
        Self { messages, bar, done: std::sync::Mutex::new(done) }
    }

    fn set(&self, entry: &Entry, bytes: u64) {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, known)) = done.iter_mut().find(|(name, _)| *name == entry.name) {
            *known = bytes;
        }
        self.bar.set_position(done.iter().map(|(_, bytes)| bytes).sum());
    }

    fn note(&self, message: &str) {
        self.messages.suspend(|| note(message));
    }
}

impl Progress for Bars {
    fn waiting(&self, folder: &Path) {
        self.note(&format!("waiting for another download into {}", folder.display()));
    }

    fn started(&self, entry: &Entry, already: u64) {
        self.set(entry, already);
    }

    fn advanced(&self, entry: &Entry, done: u64) {
        self.set(entry, done);
    }

    fn retrying(&self, entry: &Entry, reason: &Error, wait: Duration) {
        self.note(&format!("{}: {reason}; trying again in {wait:?}", entry.name));
    }

    fn finished(&self, entry: &Entry) {
        self.set(entry, entry.bytes);
    }
}
