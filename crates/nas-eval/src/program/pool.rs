//! The processes of a program, each with a thread that asks it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use nas_space::Arch;

use super::{asking::Setting, tasks::Answer, worker::Worker};

/// An architecture, with its costs that are known before.
type Question = (Arch, Vec<f64>);

/// Threads that take architectures in the order in which they come, and answer in the order in which
/// they are done.
pub(super) struct Pool {
    setting: Arc<Setting>,
    questions: Option<Sender<Question>>,
    answers: Receiver<(Arch, Answer)>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(setting: &Arc<Setting>, workers: usize) -> Self {
        let (questions, to_ask) = mpsc::channel::<Question>();
        let to_ask = Arc::new(Mutex::new(to_ask));
        let (answered, answers) = mpsc::channel();
        let start = |_| {
            let (setting, to_ask, answered) =
                (Arc::clone(setting), Arc::clone(&to_ask), answered.clone());
            thread::spawn(move || {
                let mut worker: Option<Worker> = None;
                loop {
                    let next = to_ask.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((arch, known)) = next else { break };
                    let answer = setting.ask(&mut worker, &arch, &known);
                    if answered.send((arch, answer)).is_err() {
                        break;
                    }
                }
            })
        };
        let threads = (0..workers).map(start).collect();
        Self { setting: Arc::clone(setting), questions: Some(questions), answers, threads }
    }

    pub(super) fn begin(&self, arch: &Arch, known: Vec<f64>) {
        // It fails only once all threads have ended, which `wait` reports.
        let _ = self.questions.as_ref().map(|questions| questions.send((arch.clone(), known)));
    }

    /// The next answer; nothing once all threads have ended.
    pub(super) fn wait(&self) -> Option<(Arch, Answer)> {
        self.answers.recv().ok()
    }
}

impl Drop for Pool {
    /// Ends the processes, also those that are at work.
    fn drop(&mut self) {
        self.setting.abandoned.store(true, Ordering::Relaxed);
        self.questions = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
