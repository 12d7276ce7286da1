//! Evaluations by a user's program, each in a task of an engine.
//!
//! A question is a file of the job's folder. A worker answers it: it starts the program, asks it, and
//! writes the answer beside the question. Both stay there until the search ends, so that one that was
//! killed takes up the answers that came meanwhile.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nas_bench::container;
use nas_eval::{Answer, Fault, Problem, ProgramFailure, Tasks};
use nas_search::BoxError;
use nas_space::{Arch, Space};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Drive, Ended, EngineArguments, Job, Kind, Work};
use crate::{
    evaluate::ProgramPlan, failure::Failure, inputs::Input, run_folder::EVALUATIONS,
    space_arguments::SpaceArguments, stop::stop_flag, terminal::note,
};

/// Who asks what, the same for all questions of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    space: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    program: ProgramPlan,
    /// When the job began, in nanoseconds: answers to an earlier one in the same folder do not count.
    begun: u64,
}

/// One question; its number is in the file's name.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    /// For reading: texts of a user's own space may be ambiguous.
    arch: String,
    choices: Arch,
}

/// What is written beside it.
#[derive(Debug, Serialize, Deserialize)]
struct Answered {
    begun: u64,
    answer: Answer,
}

/// The file of a question.
fn question(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("question-{part}.json"))
}

/// The file of its answer.
fn answer_to(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("answer-{part}.json"))
}

/// The file of what the program printed besides.
fn output(folder: &Path, part: usize) -> PathBuf {
    folder.join(format!("output-{part}.log"))
}

/// The value in a file, if there is one that can be read.
fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn write(file: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Failure::work(format!("cannot write {}: {error}", file.display())))?;
    container::replace(file, &text).map_err(|error| Failure::file("write", file, &error))
}

/// The answer to a question of the job that began then, if it is there.
fn answered(folder: &Path, part: usize, begun: u64) -> Option<Answer> {
    let answered: Answered = read(&answer_to(folder, part))?;
    (answered.begun == begun).then_some(answered.answer)
}

impl Job {
    /// What a program is asked about a problem.
    pub fn of_questions(
        problem: &Problem,
        space: &str,
        program: &ProgramPlan,
        inputs: Vec<Input>,
    ) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let questions = Questions {
            space: space.to_owned(),
            dataset: problem.dataset_name.map(str::to_owned),
            // Where it runs changes no answer.
            program: ProgramPlan { engine: None, ..program.clone() },
            begun: u64::try_from(now.as_nanos()).unwrap_or_default(),
        };
        Self::new(Work::Evaluate(questions), None, inputs)
    }

    /// The same job, if an equal one has begun in a folder; its questions and answers are taken up.
    fn taken_up(&self, folder: &Path) -> Option<u64> {
        let mut begun = Self::read(folder).ok()?;
        let (Work::Evaluate(then), Work::Evaluate(now)) = (&mut begun.work, &self.work) else {
            return None;
        };
        let when = std::mem::replace(&mut then.begun, now.begun);
        (begun == *self).then_some(when)
    }
}

/// Tasks of an engine that run a user's program for one architecture each.
pub struct Evaluations {
    space: &'static Space,
    engine: EngineArguments,
    kind: Kind,
    job: Job,
    folder: PathBuf,
    stop: Arc<AtomicBool>,
    /// From the first question on.
    open: Option<Open>,
}

/// A job that has begun.
struct Open {
    drive: Drive,
    folder: PathBuf,
    begun: u64,
    /// Questions in the folder that were not asked by this process.
    earlier: HashMap<Arch, usize>,
    last: usize,
    under_way: BTreeMap<usize, Arch>,
    ended: VecDeque<Ended>,
    has_lost: bool,
}

impl Evaluations {
    /// Tasks of this engine, which meet in a folder that may not exist yet. `stop` ends them.
    pub fn new(
        problem: &Problem,
        engine: &EngineArguments,
        kind: Kind,
        job: Job,
        folder: PathBuf,
        stop: &Arc<AtomicBool>,
    ) -> Self {
        let (engine, stop) = (engine.clone(), Arc::clone(stop));
        Self { space: problem.space, engine, kind, job, folder, stop, open: None }
    }

    fn open(&mut self) -> Result<&mut Open, Failure> {
        if self.open.is_none() {
            self.open = Some(self.begin_job()?);
        }
        self.open.as_mut().ok_or_else(|| Failure::work("no job has begun"))
    }

    /// Begins the job, or takes up the one that a killed search left.
    fn begin_job(&self) -> Result<Open, Failure> {
        let Work::Evaluate(Questions { begun, .. }) = self.job.work else {
            return Err(Failure::work("the job asks no questions"));
        };
        let folder = std::path::absolute(&self.folder)
            .map_err(|error| Failure::file("find", &self.folder, &error))?;
        let taken_up = self.job.taken_up(&folder);
        if taken_up.is_none() {
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .map_err(|error| Failure::file("remove", &folder, &error))?;
            }
            self.job.begin(&folder)?;
        }
        let begun = taken_up.unwrap_or(begun);
        let asked = (1..).map_while(|part| read::<Question>(&question(&folder, part)));
        let earlier: HashMap<Arch, usize> =
            asked.zip(1..).map(|(question, part)| (question.choices, part)).collect();
        let last = earlier.values().copied().max().unwrap_or(0);
        let results = folder.clone();
        let is_done = move |part| answered(&results, part, begun).is_some();
        let drive = Drive::new(&self.engine, self.kind, &folder, is_done, &self.stop)?;
        let (under_way, ended) = (BTreeMap::new(), VecDeque::new());
        Ok(Open { drive, folder, begun, earlier, last, under_way, ended, has_lost: false })
    }
}

impl Open {
    /// Asks about an architecture, unless an answer is there.
    fn ask(&mut self, arch: &Arch, space: &Space) -> Result<(), Failure> {
        let part = if let Some(part) = self.earlier.remove(arch) {
            part
        } else {
            self.last += 1;
            // Of a question that was lost from the folder.
            let _ = fs::remove_file(answer_to(&self.folder, self.last));
            let asked = Question { arch: space.format(arch), choices: arch.clone() };
            write(&question(&self.folder, self.last), &asked)?;
            self.last
        };
        self.under_way.insert(part, arch.clone());
        if answered(&self.folder, part, self.begun).is_some() {
            self.ended.push_back(Ended::Done(part));
            return Ok(());
        }
        self.drive.add(part);
        self.drive.start()
    }

    /// The next answer; nothing once the search is stopped.
    fn next(
        &mut self,
        stop: &AtomicBool,
        log: &mut dyn FnMut(&str),
    ) -> Result<Option<(Arch, Answer)>, Failure> {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                let (Ended::Done(part) | Ended::Lost { part, .. }) = ended;
                if let Some(arch) = self.under_way.remove(&part) {
                    return Ok(Some((arch, self.take(&ended, log))));
                }
            } else if stop.load(Ordering::Relaxed) {
                return Ok(None);
            } else {
                self.ended.extend(self.drive.step()?);
            }
        }
    }

    /// What has become of a question.
    fn take(&mut self, ended: &Ended, log: &mut dyn FnMut(&str)) -> Answer {
        let lost = |what| Err(ProgramFailure(Fault::Lost, what));
        match *ended {
            Ended::Done(part) => {
                lines(&output(&self.folder, part)).for_each(|line| log(&line));
                let answer = answered(&self.folder, part, self.begun);
                answer.unwrap_or_else(|| lost("its answer was removed".to_owned()))
            }
            Ended::Lost { part, times } => {
                self.has_lost = true;
                let file = self.drive.log(part);
                let message = lines(&file).filter(|line| !line.trim().is_empty()).last();
                let message = message.map(|text| text.chars().take(SHOWN).collect::<String>());
                let after = message.map(|text| format!(", after: {text}")).unwrap_or_default();
                let name = Path::new(EVALUATIONS).join(file.file_name().unwrap_or_default());
                lost(format!(
                    "it was started {times} times; its messages are in {}{after}",
                    name.display()
                ))
            }
        }
    }
}

/// Characters of a worker's last message that are shown.
const SHOWN: usize = 200;

/// The lines of a file, if it is there.
fn lines(file: &Path) -> impl Iterator<Item = String> {
    let lines = File::open(file).ok().map(|file| BufReader::new(file).split(b'\n'));
    let lines = lines.into_iter().flatten().map_while(Result::ok);
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}

impl Tasks for Evaluations {
    fn begin(&mut self, arch: &Arch, _: Vec<f64>) -> Result<(), BoxError> {
        let space = self.space;
        let asked = self.open().and_then(|open| open.ask(arch, space));
        asked.map_err(|failure| failure.to_string().into())
    }

    fn wait(&mut self, log: &mut dyn FnMut(&str)) -> Result<(Arch, Answer), BoxError> {
        let open = self.open.as_mut().ok_or("nothing was begun")?;
        match open.next(&self.stop, log) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err("stopped".into()),
            Err(failure) if open.drive.goes_on() => Err(format!(
                "{failure}\nwhat is under way goes on; a resumed search takes up its answers"
            )
            .into()),
            Err(failure) => Err(failure.to_string().into()),
        }
    }
}

impl Drop for Evaluations {
    /// Removes the job of a search that has all its answers, unless there are messages of lost tasks.
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let is_stopped = self.stop.load(Ordering::Relaxed);
        if open.under_way.is_empty() && !open.has_lost && !is_stopped {
            // What stays there does no harm.
            let _ = fs::remove_dir_all(&open.folder);
        }
    }
}

/// Time between two looks whether another worker still has the question.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers a question of a job, unless that was done: what `nas worker` does.
pub fn answer(folder: &Path, questions: &Questions, part: usize) -> Result<ExitCode, Failure> {
    let stop = stop_flag()?;
    let stopped =
        || Failure::stopped(format!("shard {part} was stopped before there was an answer"));
    let file = question(folder, part);
    let lock = OpenOptions::new().read(true).write(true).open(&file);
    let lock = lock.map_err(|error| Failure::file("read", &file, &error))?;
    // A worker that outlived the command that started it may still be at it. Without locks on a disk, both
    // work.
    while let Err(fs4::TryLockError::WouldBlock) = fs4::FileExt::try_lock(&lock) {
        if stop.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        sleep(PAUSE);
    }
    if answered(folder, part, questions.begun).is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(Question { arch, choices }) = read(&file) else {
        return Err(Failure::input(format!("{}: expected a question", file.display())));
    };
    let Questions { space, dataset, program, begun } = questions;
    let space = SpaceArguments { space: space.clone(), dataset: dataset.clone() }.problem()?.space;
    if space.check(&choices).is_err() || space.format(&choices) != arch {
        return Err(Failure::input(format!(
            "{}: {arch} is not written so in {}: was the space changed since the search began?",
            file.display(),
            space.name()
        )));
    }
    let program = program.build(space, None).stopped_by(Arc::clone(&stop));
    program.log().log_to(output(folder, part));
    let answer = program.ask(part, &choices);
    if stop.load(Ordering::Relaxed) {
        return Err(stopped());
    }
    if let Err(ProgramFailure(fault, why)) = &answer {
        note(&format!("{}: {why}", fault.name()));
    }
    write(&answer_to(folder, part), &Answered { begun: *begun, answer })?;
    Ok(ExitCode::SUCCESS)
}
