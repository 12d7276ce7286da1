//! A process that runs a user's program.

use std::{
    collections::HashSet,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write as _},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use process_wrap::std::{ChildWrapper, CommandWrap};

use serde_json::{Map, Value};

use super::{
    answer::{Line, read, shown},
    failures::{Failure, Fault},
};

/// The longest line that is read from a program, in bytes: 16 MiB.
const LINE: u64 = 1 << 24;

/// Lines that are read ahead; a program that prints without end waits.
const AHEAD: usize = 64;

/// Characters of standard error that are kept.
const KEPT: usize = 200;

/// How long a program may take to end after its input has ended.
const GRACE: Duration = Duration::from_millis(500);

/// A program that has its answer ready, but did not flush it, gives it this soon after its input
/// has ended.
const FLUSHED: Duration = Duration::from_millis(1500);

/// So many more steps may come from a program that is told to stop before it is ended: it may have been at
/// work on the next.
const MORE_STEPS: u32 = 2;

/// How often it is looked whether anybody still waits.
const GLANCE: Duration = Duration::from_millis(200);

/// A running program.
pub(super) struct Worker {
    child: Box<dyn ChildWrapper>,
    lines: Receiver<String>,
    errors: Arc<Mutex<String>>,
    /// Disconnected once all of its standard error was read.
    reading_errors: Receiver<()>,
    /// Whether it has answered a question.
    pub(super) answered: bool,
    /// Whether it ended without an answer once its input was ended before the time limit.
    pub(super) was_cut_short: bool,
    /// The questions that it was asked.
    asked: HashSet<u64>,
}

/// How long a worker is waited for.
pub(super) struct Patience<'a> {
    /// The longest time for an answer.
    pub(super) timeout: Duration,
    /// When its input is ended, so that an answer that it did not flush comes out.
    pub(super) ends_input: Option<Duration>,
    /// When `waiting` is called.
    pub(super) hint: Option<Duration>,
    /// Called once if there is no answer yet.
    pub(super) waiting: &'a dyn Fn(),
    /// Called for each line that is no answer.
    pub(super) log: &'a dyn Fn(&str),
    /// Called for each answer to a question that was not asked.
    pub(super) astray: &'a dyn Fn(u64),
    /// What an answer contains one of.
    pub(super) expected: &'a [String],
    /// Called for each answer that holds after a number of steps.
    pub(super) step: &'a dyn Fn(u64, &Map<String, Value>) -> AfterStep,
    /// Whether it can be told to stop; else it is ended.
    pub(super) listens: &'a AtomicBool,
    /// Set when nobody waits any more.
    pub(super) abandoned: &'a AtomicBool,
}

/// A worker's answer.
pub(super) struct Answered {
    /// Nothing where it was stopped before.
    pub(super) answer: Option<Map<String, Value>>,
    pub(super) came: Came,
}

/// What follows an answer that holds after a number of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterStep {
    GoesOn,
    /// It was the last step: the answer is whole.
    IsWhole,
    Stops,
}

/// What a line means.
enum Heard {
    Nothing,
    /// It is at work.
    Step,
    /// The answer, or that it has stopped.
    End(Option<Map<String, Value>>),
}

/// What is known of a question that is not answered yet.
#[derive(Default)]
struct Open {
    /// An answer to a question that was not asked.
    astray: Option<u64>,
    /// The steps that came since it was told to stop.
    since_stop: Option<u32>,
}

/// When an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// While the worker's input was open.
    ByItself,
    /// Just after its input was ended: before the time limit, or because of it.
    WithTheEndOfInput { at_the_limit: bool },
    /// Long after its input was ended.
    Later,
}

impl Worker {
    pub(super) fn start(command: &str) -> Result<Self, Failure> {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut wrap = CommandWrap::with_new(shell, |shell| {
            shell.args([option, command]);
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        // Processes that the shell starts end with it.
        #[cfg(unix)]
        wrap.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::std::JobObject);
        let cannot = |why: &dyn std::fmt::Display| Failure(Fault::Start, why.to_string());
        let mut child = wrap.spawn().map_err(|error| cannot(&error))?;
        let output = child.stdout().take().ok_or_else(|| cannot(&"it has no output"))?;
        let mut errors_of = child.stderr().take().ok_or_else(|| cannot(&"it has no output"))?;
        let (sender, lines) = mpsc::sync_channel(AHEAD);
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = output.by_ref().take(LINE).read_until(b'\n', &mut line);
                let line = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&errors);
        let (is_reading, reading_errors) = mpsc::channel();
        thread::spawn(move || {
            let _until_the_end: mpsc::Sender<()> = is_reading;
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = errors_of.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                *kept += &String::from_utf8_lossy(&buffer[..count]);
                let all = kept.chars().count();
                if all > KEPT {
                    *kept = kept.chars().skip(all - KEPT).collect();
                }
            }
        });
        Ok(Self {
            child,
            lines,
            errors,
            reading_errors,
            answered: false,
            was_cut_short: false,
            asked: HashSet::new(),
        })
    }

    /// Sends a question, and waits for its answer.
    pub(super) fn exchange(
        &mut self,
        id: usize,
        question: &str,
        patience: &Patience<'_>,
    ) -> Result<Answered, Failure> {
        let begun = Instant::now();
        let asked = self.send(question, patience);
        self.asked.insert(id as u64);
        // If it no longer reads, how it ended is more informative than a broken pipe.
        let mut limit = begun + if asked.is_ok() { patience.timeout } else { GRACE };
        let mut hint = patience.hint.map(|after| begun + after);
        let mut ends_input = patience.ends_input.map(|after| begun + after);
        let mut ended: Option<Instant> = None;
        let mut open = Open::default();
        let timed_out = |astray: Option<u64>| {
            let seconds = patience.timeout.as_secs_f64();
            let late = format!("no answer within {seconds} s");
            match astray {
                None => Failure(Fault::TimedOut, late),
                Some(other) => Failure(
                    Fault::NotAnAnswer,
                    format!("an answer to \"id\": {other}, expected \"id\": {id}; {late}"),
                ),
            }
        };
        loop {
            let now = Instant::now();
            if hint.is_some_and(|at| at <= now) {
                hint = None;
                (patience.waiting)();
            }
            if ended.is_none() && (limit <= now || ends_input.is_some_and(|at| at <= now)) {
                ends_input = None;
                ended = Some(now);
                drop(self.child.stdin().take());
            }
            // After the time limit, only an answer that was ready is waited for.
            let last =
                ended.map_or(limit, |ended| limit.max(ended + FLUSHED.min(patience.timeout)));
            if last <= now {
                return Err(match asked {
                    Ok(()) => timed_out(open.astray),
                    Err(_) => Failure(Fault::Ended, self.end()),
                });
            }
            let until = [hint, ends_input, ended.is_none().then_some(limit)];
            let until = until.into_iter().flatten().fold(last, Instant::min).min(now + GLANCE);
            if patience.abandoned.load(Ordering::Relaxed) {
                return Err(Failure(Fault::Ended, "nobody waits for it any more".to_owned()));
            }
            match self.lines.recv_timeout(until.saturating_duration_since(now)) {
                Ok(line) => match self.hear(id, &line, patience, &mut open)? {
                    Heard::Nothing => {}
                    Heard::Step => {
                        limit = Instant::now() + patience.timeout;
                        (hint, ends_input) = (None, None);
                    }
                    Heard::End(answer) => {
                        let came = match ended {
                            None => Came::ByItself,
                            Some(at) if at.elapsed() <= FLUSHED => {
                                Came::WithTheEndOfInput { at_the_limit: limit <= at }
                            }
                            Some(_) => Came::Later,
                        };
                        return Ok(Answered { answer, came });
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.was_cut_short = ended.is_some_and(|at| at < limit);
                    return Err(match ended {
                        Some(at) if limit <= at && asked.is_ok() => timed_out(open.astray),
                        _ => Failure(Fault::Ended, self.end()),
                    });
                }
            }
        }
    }

    /// Writes a question. A program may stop reading in the middle of a long one: it is waited for as for
    /// an answer.
    fn send(&mut self, question: &str, patience: &Patience<'_>) -> io::Result<()> {
        let Some(mut input) = self.child.stdin().take() else { return Ok(()) };
        let line = format!("{question}\n");
        let (done, written) = mpsc::channel();
        thread::spawn(move || {
            let wrote = input.write_all(line.as_bytes()).and_then(|()| input.flush());
            let _ = done.send((input, wrote));
        });
        let limit = Instant::now() + patience.timeout;
        while limit > Instant::now() && !patience.abandoned.load(Ordering::Relaxed) {
            let left = limit.saturating_duration_since(Instant::now());
            if let Ok((input, wrote)) = written.recv_timeout(left.min(GLANCE)) {
                *self.child.stdin() = Some(input);
                return wrote;
            }
        }
        // The thread ends with the process.
        Ok(())
    }

    /// What a line means; answers to earlier questions come too late, and those to questions that were not
    /// asked may stand before the right one.
    fn hear(
        &mut self,
        id: usize,
        line: &str,
        patience: &Patience<'_>,
        open: &mut Open,
    ) -> Result<Heard, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Err(Failure(Fault::NotAnAnswer, format!("`{}`: {why}", shown(line))))
        };
        match read(line, id, patience.expected) {
            Line::Bare if open.since_stop.is_some() => Ok(Heard::End(None)),
            // It has not heard yet, and would take it for its next question.
            Line::Answer(_) if open.since_stop.is_some() => {
                self.kill();
                Ok(Heard::End(None))
            }
            Line::Answer(answer) => Ok(Heard::End(Some(answer))),
            Line::Step(..) if let Some(since) = &mut open.since_stop => {
                *since += 1;
                if *since <= MORE_STEPS {
                    return Ok(Heard::Step);
                }
                patience.listens.store(false, Ordering::Relaxed);
                self.kill();
                Ok(Heard::End(None))
            }
            Line::Step(step, answer) => Ok(match (patience.step)(step, &answer) {
                AfterStep::GoesOn => Heard::Step,
                AfterStep::IsWhole => Heard::End(Some(answer)),
                AfterStep::Stops if self.is_told_to_stop(id, patience) => {
                    open.since_stop = Some(0);
                    Heard::Step
                }
                AfterStep::Stops => {
                    self.kill();
                    Heard::End(None)
                }
            }),
            Line::OfAnother(other) => {
                if !self.asked.contains(&other) {
                    open.astray = Some(other);
                    (patience.astray)(other);
                }
                Ok(Heard::Nothing)
            }
            Line::Broken(why) => wrong(&why),
            Line::Bare | Line::Log => {
                (patience.log)(line);
                Ok(Heard::Nothing)
            }
        }
    }

    /// Tells it to stop, if it listens.
    fn is_told_to_stop(&mut self, id: usize, patience: &Patience<'_>) -> bool {
        let tell = |input: &mut std::process::ChildStdin| {
            writeln!(input, "{{\"id\": {id}, \"stop\": true}}").and_then(|()| input.flush()).is_ok()
        };
        patience.listens.load(Ordering::Relaxed) && self.child.stdin().as_mut().is_some_and(tell)
    }

    /// Ends it at once: it takes no more questions.
    fn kill(&mut self) {
        drop(self.child.stdin().take());
        let _ = self.child.kill();
    }

    /// Whether it takes no more questions.
    pub(super) fn is_spent(&mut self) -> bool {
        self.child.stdin().is_none()
    }

    /// How it ended, in words.
    fn end(&mut self) -> String {
        let mut text = match self.wait() {
            Some(status) => status.to_string(),
            None => "its output ended".to_owned(),
        };
        // Its last words may arrive after its end; a process that it left behind may keep them open.
        let _ = self.reading_errors.recv_timeout(GRACE);
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = errors.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            let _ = write!(text, ", after: {last}");
        }
        text
    }

    fn wait(&mut self) -> Option<std::process::ExitStatus> {
        for _ in 0..50 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(GRACE / 50);
        }
        None
    }

    /// Whether it has ended without an error.
    pub(super) fn ended_well(&mut self) -> bool {
        self.wait().is_some_and(|status| status.success())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.stdin().take());
        let waits = self.answered && self.wait().is_some();
        if !waits {
            let _ = self.child.kill();
        }
    }
}
