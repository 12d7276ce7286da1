//! A user's program that proposes architectures.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nas_search::{
    Answer, BoxError, Evaluation, Proposal, Proposer, Rejection, Request, SearchRng, propose_by_all,
};
use nas_space::{Arch, Space};
use serde_json::{Map, Value, json};

use super::{
    answer::{error, shown},
    architecture::with_choices,
    asking::Setting,
    failures::{Failure, Fault, Tally},
    log::Log,
    record::{Answered, Asked, Record},
    told,
    worker::{AfterStep, Worker},
};
use crate::Error;

/// What an answer of a searcher contains.
const PROPOSALS: &str = "proposals";

/// A program that proposes architectures.
///
/// It is started by the shell, and reads lines of JSON from its standard input. The first describes the
/// space, the objectives and the seed. Each other line is a request, `{"id": 7, "count": 2, "results": […],
/// "refused": […], "pending": […]}`, with the results since the last line, the proposals that were refused
/// since, and what is being evaluated. It answers each with one line on its standard output, of the same
/// `id`: `{"id": 7, "proposals": [{"choices": {"depth": 2, …}, "reason": "…"}]}`; `arch`, a text, may
/// stand in place of `choices`. Fewer proposals than wanted are allowed, and none. All other lines are
/// log lines.
///
/// A failure costs the proposals of its request: an answer that is none, no answer in time, an end before
/// the answer. The program is then started again, and receives everything that was evaluated. A program that
/// fails several times and never answered [ends](Proposer::gives_up) the search.
///
/// Its answers can be [recorded](Self::record_in). A search that is repeated takes them from there, and
/// starts the program where they end.
pub struct SearcherProgram {
    name: String,
    seed: u64,
    setting: Setting,
    worker: Option<Worker>,
    record: Option<Record>,
    /// Requests so far.
    requests: usize,
    /// What the running program knows of each evaluation.
    told: Vec<Evaluation>,
    /// Its last proposals, each with the request and as it was written.
    proposed: Vec<(Arch, usize, Value)>,
    /// Those that were refused, as they are told.
    refused: Vec<Value>,
    /// Its failures, those that were recorded among them.
    failures: Tally,
    /// How it did since it was started here.
    live: Tally,
    broken: Option<Error>,
}

impl SearcherProgram {
    /// A searcher of this name that runs `command`; `timeout` limits one answer, and `note` receives messages
    /// for the user.
    pub fn new(
        name: impl Into<String>,
        command: impl Into<String>,
        space: &'static Space,
        seed: u64,
        timeout: Duration,
        note: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let (expected, example) = (vec![PROPOSALS.to_owned()], format!("\"{PROPOSALS}\": []"));
        let (command, note) = (command.into(), Box::new(note));
        let setting = Setting::new(command, space, vec![], expected, example, timeout, note);
        Self {
            name: name.into(),
            seed,
            setting,
            worker: None,
            record: None,
            requests: 0,
            told: Vec::new(),
            proposed: Vec::new(),
            refused: Vec::new(),
            failures: Tally::default(),
            live: Tally::default(),
            broken: None,
        }
    }

    /// With its log lines kept here.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.setting.log = log;
        self
    }

    /// Has it stopped by a flag: once it is set, nothing more is waited for or proposed.
    pub fn stop_by(&mut self, stop: Arc<AtomicBool>) {
        self.setting.abandoned = stop;
    }

    /// Records its answers in this file; those that the file has are not asked for again.
    ///
    /// # Errors
    /// [`Error::Record`] for a file that cannot be read or written, or that contains something else.
    pub fn record_in(&mut self, file: &Path) -> Result<(), Error> {
        self.record = Some(Record::open(file)?);
        Ok(())
    }

    /// How often it failed in each way, in words, with the first message.
    pub fn failures(&self) -> Vec<(&'static str, usize, String)> {
        self.failures.kinds().map(|(kind, count, first)| (kind, count, first.to_owned())).collect()
    }

    fn is_stopped(&self) -> bool {
        self.setting.abandoned.load(Ordering::Relaxed)
    }

    /// The answer to a request: the recorded one, or the program's.
    fn answer(&mut self, request: &Request<'_>) -> Result<Answer, BoxError> {
        if self.broken.is_some() || self.is_stopped() {
            return Ok(Answer::default());
        }
        let asked = Asked {
            id: self.requests,
            count: request.count,
            niche: request.niche,
            evaluated: request.evaluated.len(),
            pending: request.pending.len(),
        };
        let id = asked.id;
        let note = &self.setting.note;
        let recorded = self.record.as_mut().map(|record| record.take(&asked, note)).transpose();
        let (answered, is_live) = match recorded {
            Ok(Some(Some(answered))) => (answered, false),
            Ok(_) => (self.ask(id, request), true),
            Err(broken) => return Ok(self.breaks(broken)),
        };
        if is_live && self.is_stopped() {
            return Ok(Answer::default());
        }
        if let Some(record) = self.record.as_mut().filter(|_| is_live)
            && let Err(broken) = record.add(asked, &answered)
        {
            return Ok(self.breaks(broken));
        }
        self.requests += 1;
        self.refused.clear();
        let read = answered.and_then(|answer| self.read(id, &answer));
        match &read {
            Ok(_) if is_live => self.live.succeed(),
            Ok(_) => {}
            Err(failure) => {
                self.failures.fail(failure);
                if is_live {
                    self.live.fail(failure);
                    self.broken = self.live.check_hopeless(&self.setting.command, "requests").err();
                }
            }
        }
        read.map_err(|failure| format!("{} {failure}", self.name).into())
    }

    /// Ends the search with an error that concerns more than one request.
    fn breaks(&mut self, broken: Error) -> Answer {
        self.broken = Some(broken);
        Answer::default()
    }

    /// Asks the program. One that was just started is told everything, any other what is new: evaluations
    /// whose values it does not know.
    fn ask(&mut self, id: usize, request: &Request<'_>) -> Answered {
        let is_known = |number: usize| {
            let (one, told) = (&request.evaluated[number], self.told.get(number));
            told.is_some_and(|told| told.values == one.values && told.failure == one.failure)
        };
        let all = 0..request.evaluated.len();
        let new: Vec<usize> = all.clone().filter(|number| !is_known(*number)).collect();
        let question = |is_new: bool| {
            if !is_new {
                return told::request(id, request, new.iter().copied(), &self.refused).to_string();
            }
            let start = told::start(request.space, request.objectives, self.seed);
            let line = told::request(id, request, all.clone(), &self.refused);
            format!("{start}\n{line}")
        };
        let goes_on = |_: u64, _: &Map<String, Value>| AfterStep::GoesOn;
        let answered = self.setting.exchange(&mut self.worker, id, &question, &goes_on);
        let answered = answered.map(Option::unwrap_or_default);
        for number in new {
            let now = request.evaluated[number].evaluation();
            match self.told.get_mut(number) {
                Some(told) => *told = now,
                None => self.told.push(now),
            }
        }
        answered
    }

    /// The proposals of an answer. One that names no architecture is refused here.
    fn read(&mut self, id: usize, answer: &Map<String, Value>) -> Result<Answer, Failure> {
        if let Some(error) = error(answer) {
            return Err(Failure(Fault::Reported, error));
        }
        let Some(Value::Array(proposals)) = answer.get(PROPOSALS) else {
            let found = answer.get(PROPOSALS).unwrap_or(&Value::Null).to_string();
            let problem = format!("{PROPOSALS}: `{}`, expected a list", shown(&found));
            return Err(Failure(Fault::Value, problem));
        };
        let mut read = Answer::default();
        let mut first = None;
        for written in proposals {
            match proposal(self.setting.space, written) {
                Ok(proposal) => {
                    self.proposed.push((proposal.arch.clone(), id, written.clone()));
                    read.proposals.push(proposal);
                }
                Err(problem) => {
                    self.refuse(id, written, "illegal", &problem);
                    read.unreadable += 1;
                    first.get_or_insert_with(|| format!("{problem} in {written}"));
                }
            }
        }
        match first {
            Some(first) if read.proposals.is_empty() => Err(Failure(Fault::Value, shown(&first))),
            _ => Ok(read),
        }
    }

    fn refuse(&mut self, id: usize, proposal: &Value, why: &str, problem: &str) {
        self.refused
            .push(json!({ "id": id, "proposal": proposal, "why": why, "problem": problem }));
    }
}

/// The proposal that an object is.
fn proposal(space: &Space, written: &Value) -> Result<Proposal, String> {
    let arch = match (written.get("choices"), written.get("arch")) {
        (Some(Value::Object(choices)), _) => with_choices(space, choices)?,
        (None | Some(Value::Null), Some(Value::String(text))) => {
            space.parse(text.trim()).map_err(|error| error.to_string())?
        }
        _ => return Err("expected an object with `choices`, an object, or `arch`, a text".into()),
    };
    let rationale = match written.get("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Some(other) => Some(other.to_string()),
    };
    Ok(Proposal { arch, rationale, by: None })
}

impl Proposer for SearcherProgram {
    fn name(&self) -> &str {
        &self.name
    }

    fn propose(
        &mut self,
        request: &Request<'_>,
        rng: &mut SearchRng,
    ) -> Result<Vec<Proposal>, BoxError> {
        propose_by_all(self, request, rng)
    }

    fn propose_all(
        &mut self,
        requests: &[Request<'_>],
        _: &mut SearchRng,
    ) -> Vec<Result<Answer, BoxError>> {
        self.proposed.clear();
        requests.iter().map(|request| self.answer(request)).collect()
    }

    fn rejected(&mut self, proposal: &Proposal, why: &Rejection) {
        let found = self.proposed.iter().rposition(|(arch, _, _)| *arch == proposal.arch);
        let Some((_, id, written)) = found.map(|at| self.proposed.remove(at)) else { return };
        let (why, problem) = match why {
            Rejection::Illegal(error) => ("illegal", error.to_string()),
            Rejection::Duplicate => {
                ("duplicate", "it was evaluated before, or is proposed twice".to_owned())
            }
            Rejection::NoCandidate => {
                let problem = "a table lacks it, or it is known to exceed a limit";
                ("no candidate", problem.to_owned())
            }
            Rejection::OutsideNiche { niche } => {
                ("outside niche", format!("it lies in niche {}", niche + 1))
            }
        };
        self.refuse(id, &written, why, &problem);
    }

    fn gives_up(&mut self) -> Option<BoxError> {
        self.broken.take().map(Into::into)
    }
}
