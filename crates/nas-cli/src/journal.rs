//! The events of a search, line by line: `events.jsonl` in the run's folder.

use std::{
    borrow::Cow,
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nas_bench::container::{self, Kind};
use nas_search::{Evaluation, Event, State};
use nas_space::{Arch, Space};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, terminal::note};

/// The file's name.
pub const EVENTS: &str = "events.jsonl";

/// The name of the file with the state of the search.
pub const CHECKPOINT: &str = "checkpoint.bin";

const FORMAT: Kind = Kind { name: *b"srch", version: 3 };

/// Checkpoints are at least this far apart, and take at most one part in so many of the time.
const PAUSE: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Evaluated {
        arch: Cow<'a, str>,
        /// Used to read the event again: texts of a user's own space may be ambiguous.
        choices: Cow<'a, Arch>,
        values: Cow<'a, [Option<f64>]>,
        details: Cow<'a, [Option<f64>]>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stopped: bool,
        niche: usize,
        generation: usize,
        proposer: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rationale: Option<Cow<'a, str>>,
    },
    Trained {
        trained: usize,
        evaluated: usize,
    },
    Partitioned {
        niches: Cow<'a, str>,
        explained: f64,
        evaluated: usize,
    },
    Generation {
        generation: usize,
        evaluated: usize,
        front: usize,
        illegal: usize,
        duplicate: usize,
        #[serde(default)]
        no_candidate: usize,
        outside_niche: usize,
    },
    ProposerFailed {
        niche: usize,
        generation: usize,
        error: String,
    },
}

/// The file with the events of a search, which only grows, and the checkpoint beside it.
///
/// A resumed search repeats the events that are in the file: they are compared, not written again.
pub struct Journal {
    path: PathBuf,
    /// Locked as long as the search runs.
    file: File,
    /// Bytes of the file before the events to compare.
    before: u64,
    /// The recorded events, and how many bytes of them the search has repeated.
    recorded: Vec<u8>,
    compared: usize,
    /// When a checkpoint was last written, and how long that took.
    written: (Instant, Duration),
    /// Why nothing more can be written.
    failed: Option<Failure>,
}

/// What a search is resumed from; by default nothing.
#[derive(Default)]
pub struct Kept {
    /// The state of the last checkpoint.
    pub state: Option<State>,
    /// The evaluations after it, in the order of the answers.
    pub answers: Vec<(Arch, Evaluation)>,
}

impl Kept {
    /// Adds evaluations that were made before the search, unless they were recorded in it.
    pub fn add(&mut self, known: &[(Arch, Evaluation)]) {
        let recorded: HashSet<&Arch> = self.answers.iter().map(|(arch, _)| arch).collect();
        let new = known.iter().filter(|(arch, _)| !recorded.contains(arch)).cloned();
        let new: Vec<(Arch, Evaluation)> = new.collect();
        self.answers.extend(new);
    }
}

/// The content of a checkpoint: the program's version, the bytes of the events before it, and the
/// state.
type Content<'a> = (Cow<'a, str>, u64, Cow<'a, State>);

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Journal {
    /// The events of a new search: an empty file, which no other process may write.
    pub fn create(path: PathBuf) -> Result<Self, Failure> {
        File::create_new(&path).map_err(|error| Failure::file("write", &path, &error))?;
        Self::new(path)
    }

    /// The events of a search that will be resumed, and what it is resumed from.
    pub fn open(path: PathBuf, space: &Space) -> Result<(Self, Kept), Failure> {
        let mut this = Self::new(path)?;
        let state = this.checkpoint()?;
        let cannot = |error: &std::io::Error| Failure::file("read", &this.path, error);
        this.file.seek(SeekFrom::Start(this.before)).map_err(|error| cannot(&error))?;
        this.file.read_to_end(&mut this.recorded).map_err(|error| cannot(&error))?;
        // A line that was cut when the process was killed did not happen.
        let whole = this.recorded.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        this.recorded.truncate(whole);
        let end = this.before + whole as u64;
        this.file.set_len(end).map_err(|error| Failure::file("write", &this.path, &error))?;
        let answers = this.answers(space)?;
        Ok((this, Kept { state, answers }))
    }

    /// Opens the file of an earlier search, and locks it.
    pub fn lock(path: &Path) -> Result<File, Failure> {
        let file = OpenOptions::new().read(true).append(true).open(path);
        let file = file.map_err(|error| Failure::file("resume", path, &error))?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(file),
            Err(fs4::TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(path).display();
                Err(Failure::input(format!("{folder} is in use by another process")))
            }
            Err(fs4::TryLockError::Error(error)) => Err(Failure::file("lock", path, &error)),
        }
    }

    /// Whether another process writes the events.
    pub fn is_in_use(path: &Path) -> bool {
        let file = File::open(path);
        file.is_ok_and(|file| {
            matches!(fs4::FileExt::try_lock(&file), Err(fs4::TryLockError::WouldBlock))
        })
    }

    /// The file has another name now.
    pub fn moved(&mut self, path: PathBuf) {
        self.path = path;
    }

    fn new(path: PathBuf) -> Result<Self, Failure> {
        Ok(Self {
            file: Self::lock(&path)?,
            path,
            before: 0,
            recorded: Vec::new(),
            compared: 0,
            written: (Instant::now(), Duration::ZERO),
            failed: None,
        })
    }

    /// Reads the checkpoint. One that cannot be used is ignored: the events contain the same, but are
    /// slower.
    fn checkpoint(&mut self) -> Result<Option<State>, Failure> {
        let path = self.path.with_file_name(CHECKPOINT);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        let useless = match container::decode::<Content<'_>>(FORMAT, &bytes) {
            Ok((version, _, _)) if version != VERSION => {
                format!("it was written by version {version} of this program, which is {VERSION}")
            }
            Ok((_, before, _)) if before > length => format!("it is newer than {EVENTS}"),
            Ok((_, before, state)) => {
                self.before = before;
                return Ok(Some(state.into_owned()));
            }
            Err(problem) => problem.to_string(),
        };
        note(&format!(
            "{} is ignored: {useless}; the search is resumed from {EVENTS}",
            path.display()
        ));
        Ok(None)
    }

    /// The evaluations in the recorded events.
    fn answers(&self, space: &Space) -> Result<Vec<(Arch, Evaluation)>, Failure> {
        answers(&self.recorded, space).map_err(|(line, what)| {
            let place = if self.before > 0 { " after the checkpoint" } else { "" };
            let (path, name) = (self.path.display(), space.name());
            Failure::input(format!(
                "{path}, line {line}{place}: {what}; expected an event of a search in {name}"
            ))
        })
    }

    /// Writes an event, and now and then a checkpoint. Returns false once that has failed: nothing more is
    /// written, and [`finish`](Self::finish) returns the reason.
    pub fn take(&mut self, event: &Event<'_>, space: &Space) -> bool {
        if self.failed.is_none()
            && let Err(failure) = self.write(event, space)
        {
            self.failed = Some(failure);
        }
        self.failed.is_none()
    }

    fn write(&mut self, event: &Event<'_>, space: &Space) -> Result<(), Failure> {
        let Some(line) = Line::of(event, space) else { return Ok(()) };
        let line = serde_json::to_string(&line)
            .map_err(|error| Failure::work(format!("cannot write an event: {error}")))?;
        let line = line + "\n";
        let open = &self.recorded[self.compared..];
        if open.starts_with(line.as_bytes()) {
            self.compared += line.len();
        } else {
            let cannot = |error: std::io::Error| Failure::file("write", &self.path, &error);
            // When a search was stopped, what was under way still came, and no generation ended meanwhile.
            let came = !matches!(event, Event::Evaluated { .. })
                && !open.is_empty()
                && open.split_inclusive(|byte| *byte == b'\n').all(is_evaluation);
            let mut lines = line.clone().into_bytes();
            if came {
                lines.extend(open);
                self.file.set_len(self.before + self.compared as u64).map_err(cannot)?;
            } else if !open.is_empty() {
                note(&format!(
                    "{}: from event {} on, the resumed search differs from the recorded one: its inputs or this program have changed",
                    self.path.display(),
                    self.recorded[..self.compared].split(|byte| *byte == b'\n').count()
                ));
                self.file.set_len(self.before + self.compared as u64).map_err(cannot)?;
                self.recorded.truncate(self.compared);
            }
            self.file.write_all(&lines).map_err(cannot)?;
            self.before += line.len() as u64;
        }
        if let Event::Generation { state: Some(state), .. } = event {
            self.save(state)?;
        }
        Ok(())
    }

    /// Writes a checkpoint, unless that would take more than its share of the time.
    fn save(&mut self, state: &State) -> Result<(), Failure> {
        let (when, took) = self.written;
        if when.elapsed() < PAUSE.max(SHARE * took) {
            return Ok(());
        }
        let begun = Instant::now();
        let path = self.path.with_file_name(CHECKPOINT);
        let content: Content<'_> =
            (Cow::Borrowed(VERSION), self.before + self.compared as u64, Cow::Borrowed(state));
        // The events before it must be on the disk first.
        self.file
            .sync_data()
            .and_then(|()| container::encode(FORMAT, &content))
            .and_then(|bytes| container::replace(&path, &bytes))
            .map_err(|error| Failure::file("write", &path, &error))?;
        self.written = (Instant::now(), begun.elapsed());
        Ok(())
    }

    /// Why not all events were taken down, if they were not.
    pub fn finish(&mut self) -> Result<(), Failure> {
        match self.failed.take() {
            Some(failure) => Err(failure),
            None => {
                self.file.sync_data().map_err(|error| Failure::file("write", &self.path, &error))
            }
        }
    }

    /// Removes the checkpoint of a search that ended.
    pub fn forget(&self) {
        // One that stays is of no harm.
        let _ = std::fs::remove_file(self.path.with_file_name(CHECKPOINT));
    }
}

/// Whether a line of a file of events is an evaluation.
fn is_evaluation(line: &[u8]) -> bool {
    line.starts_with(br#"{"event":"evaluated""#)
}

/// How many evaluations a file of events contains, and how many of them have no value at all.
pub fn evaluations(path: &Path) -> (usize, usize) {
    let events = std::fs::read(path).unwrap_or_default();
    let lines = events.split(|byte| *byte == b'\n');
    let evaluated = lines.filter(|line| is_evaluation(line));
    evaluated.fold((0, 0), |(all, failed), line| {
        // Few lines lack the first value, and only those are read whole.
        const ABSENT: &[u8] = br#""values":[null"#;
        let is_failed = line.windows(ABSENT.len()).any(|part| part == ABSENT)
            && match serde_json::from_slice(line) {
                Ok(Line::Evaluated { values, .. }) => values.iter().all(Option::is_none),
                _ => false,
            };
        (all + 1, failed + usize::from(is_failed))
    })
}

/// What was evaluated by these events.
///
/// # Errors
/// The line that is no event of a search in this space, and why.
pub fn answers(events: &[u8], space: &Space) -> Result<Vec<(Arch, Evaluation)>, (usize, String)> {
    let mut answers = Vec::new();
    for (at, line) in (1..).zip(events.split_inclusive(|byte| *byte == b'\n')) {
        let line = serde_json::from_slice(line).map_err(|error| (at, error.to_string()))?;
        if let Line::Evaluated { arch, choices, values, details, failure, stopped, .. } = line {
            space.check(&choices).map_err(|error| (at, error.to_string()))?;
            let found = space.format(&choices);
            if found != arch {
                let what = format!("`{arch}` is now written `{found}`: the space was reordered");
                return Err((at, what));
            }
            let evaluation = Evaluation {
                values: values.into_owned(),
                details: details.into_owned(),
                failure: failure.map(Cow::into_owned),
                stopped,
            };
            answers.push((choices.into_owned(), evaluation));
        }
    }
    Ok(answers)
}

impl<'a> Line<'a> {
    fn of(event: &'a Event<'a>, space: &Space) -> Option<Self> {
        Some(match event {
            Event::Evaluated { evaluated, .. } => Self::Evaluated {
                arch: space.format(&evaluated.arch).into(),
                choices: Cow::Borrowed(&evaluated.arch),
                values: (&evaluated.values).into(),
                details: (&evaluated.details).into(),
                failure: evaluated.failure.as_ref().map(Into::into),
                stopped: evaluated.stopped,
                niche: evaluated.niche,
                generation: evaluated.generation,
                proposer: (&evaluated.proposer).into(),
                rationale: evaluated.rationale.as_ref().map(Into::into),
            },
            Event::Trained { trained, done } => {
                Self::Trained { trained: *trained, evaluated: *done }
            }
            Event::Partitioned { ranked, done } => Self::Partitioned {
                niches: (&ranked.name).into(),
                explained: ranked.explained,
                evaluated: *done,
            },
            Event::Generation { generation, done, front, rejections, .. } => Self::Generation {
                generation: *generation,
                evaluated: *done,
                front: *front,
                illegal: rejections.illegal,
                duplicate: rejections.duplicate,
                no_candidate: rejections.no_candidate,
                outside_niche: rejections.outside_niche,
            },
            Event::ProposerFailed { niche, generation, error } => Self::ProposerFailed {
                niche: *niche,
                generation: *generation,
                error: error.to_string(),
            },
            _ => return None,
        })
    }
}

/// Rejected proposals by kind, over all generations in the events.
pub fn rejections(path: &Path) -> Vec<(String, u64)> {
    let mut all = ["illegal", "duplicate", "no candidate", "outside the niche"]
        .map(|kind| (kind.to_owned(), 0));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    for line in text.lines().filter(|line| line.starts_with(r#"{"event":"generation""#)) {
        if let Ok(Line::Generation { illegal, duplicate, no_candidate, outside_niche, .. }) =
            serde_json::from_str(line)
        {
            let counts = [illegal, duplicate, no_candidate, outside_niche];
            for (kind, more) in all.iter_mut().zip(counts) {
                kind.1 += more as u64;
            }
        }
    }
    all.to_vec()
}
