//! A process that runs a user's program.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use process_wrap::std::{ChildWrapper, CommandWrap};

use super::failures::{Failure, Fault};

/// The longest line that is read from a program, in bytes.
const LINE: u64 = 1 << 20;

/// Characters of a program's output that an error shows at most.
pub(super) const SHOWN: usize = 200;

/// How long a program may take to end after its input has ended.
const GRACE: Duration = Duration::from_millis(500);

/// A running program.
pub(super) struct Worker {
    child: Box<dyn ChildWrapper>,
    lines: Receiver<String>,
    errors: Arc<Mutex<String>>,
    /// Disconnected once all of its standard error was read.
    reading_errors: Receiver<()>,
    /// Whether it has answered a question.
    pub(super) answered: bool,
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
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = output.by_ref().take(LINE).read_until(b'\n', &mut line);
                let line = String::from_utf8_lossy(&line).trim().to_owned();
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
                if all > SHOWN {
                    *kept = kept.chars().skip(all - SHOWN).collect();
                }
            }
        });
        Ok(Self { child, lines, errors, reading_errors, answered: false })
    }

    /// Sends a question, and waits for the line that answers it.
    pub(super) fn exchange(
        &mut self,
        question: &str,
        timeout: Duration,
    ) -> Result<String, Failure> {
        let asked = match self.child.stdin() {
            Some(input) => writeln!(input, "{question}").and_then(|()| input.flush()),
            None => Ok(()),
        };
        // If it no longer reads, how it ended is more informative than a broken pipe.
        match self.lines.recv_timeout(if asked.is_ok() { timeout } else { GRACE }) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) if asked.is_ok() => {
                let seconds = timeout.as_secs_f64();
                Err(Failure(Fault::TimedOut, format!("no answer within {seconds} s")))
            }
            Err(_) => Err(Failure(Fault::Ended, self.end())),
        }
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
