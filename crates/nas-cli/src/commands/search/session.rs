//! Runs a search, from its plan to its results.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

use nas_eval::Problem;
use nas_llm::{ChatModel, LanguageModel, Prompting};
use nas_partition::Partition;
use nas_search::{
    Evaluated, Evaluation, Evaluator, Event, Outcome, Proposer, ReplayedEvaluator, Rule, Search,
};
use nas_space::Arch;

use super::{
    arguments::{Accuracy, Arguments},
    config::Config,
    evaluator::{Inputs, Opened},
    finish,
    limit::{KnownValue, Limited},
    plan::{Plan, TABLES},
    proposer::{Proposing, candidates, nearest},
    report::{OfProposer, Report},
    training::with_training,
    view::View,
    watch::Watch,
};
use crate::{
    evaluate::EVALUATE,
    failure::{Failure, NOT_WITHIN_LIMITS, STOPPED},
    inputs::{Input, changes},
    journal::{self, EVENTS, Journal, Kept, evaluations},
    output::{counted, rounded},
    partition::Cut,
    propose::PROPOSE,
    report::page,
    rules,
    run_folder::{
        CONFIG, ERROR, Kind, PAGE, PROGRAM_LOG, PROPOSALS, RESULT, RunFolder, STOPPED_BY_USER,
    },
    searcher::Searcher,
    space_arguments::SpaceArguments,
    stop::stop_signal,
    tables::{evaluations_before, tables_folder},
    target::Target,
    terminal::{note, typed},
    workers::Workers,
};

/// What is said when the user stops a search.
const STOPPING: &str = "stopping after the evaluation under way";

/// The same where an engine evaluates.
const ENDING: &str = "stopping: evaluations under way are ended";

/// What to do where a program's failures ended a search.
const NO_VALUE: &str =
    "no evaluation has a value: mend the command, and repeat the search with --force";

/// A new search.
pub fn begin(arguments: &Arguments, tables: Option<&Path>) -> Result<ExitCode, Failure> {
    let problem = arguments.space.problem()?;
    let (arguments, problem, train) = with_training(arguments.clone(), problem)?;
    let arguments = &arguments;
    let mut inputs = None;
    let mut plan = Plan::resolve(arguments, tables, &problem, || {
        let has_program = arguments.evaluate.is_given();
        let no_networks = !has_program && !problem.has_networks();
        let needed = matches!(arguments.device, Some(Target::Published(_)))
            || no_networks && arguments.accuracy_table.is_none()
            || matches!(arguments.accuracy, Some(Accuracy::Predictor | Accuracy::Benchmark));
        let (accuracy, latency) = (&arguments.accuracy_table, &arguments.latency_table);
        let opened =
            Inputs::open(&problem, tables, needed, accuracy.as_deref(), latency.as_deref())?;
        let facts = opened.facts();
        inputs = Some(opened);
        facts
    })?;
    plan.train = train;
    let folder = RunFolder::prepare(
        Kind::Search,
        arguments.run.as_deref(),
        &plan.run_name(&problem),
        arguments.force,
    )?;
    let inputs = match inputs {
        Some(inputs) => inputs,
        None => Inputs::of(&plan, &problem, tables)?,
    };
    let tables = tables_folder(tables)?;
    let files = plan.files(&problem, &tables);
    let files = files.iter().map(|(what, file)| Input::of(what, file));
    let files = files.collect::<Result<Vec<Input>, Failure>>()?;
    let commands =
        [(EVALUATE, arguments.evaluate.is_given()), (PROPOSE, arguments.propose.is_some())];
    for (option, _) in commands.into_iter().filter(|(_, given)| *given) {
        if !files.iter().any(|input| input.what == option) {
            note(&format!(
                "the command of {option} names no file that is here: --resume cannot tell whether what it runs has changed"
            ));
        }
    }
    let session = Session::new(plan, problem, &inputs, folder, Some(files), &[])?;
    if let Some(list) = session.list.as_ref().filter(|_| arguments.searcher().is_none()) {
        let tables = arguments.accuracy_table.is_some() || arguments.latency_table.is_some();
        if tables || arguments.evaluations.is_some() {
            let what = if tables { "the table" } else { session.problem.space.name() };
            note(&format!("{what} has {} architectures: every one is evaluated", list.len()));
        }
    }
    if arguments.accuracy.is_none()
        && session.plan.scores_accuracy()
        && let Some(which) = session.problem.accuracies_in_words()
        && session.problem.tables(&tables).is_some_and(|table| !table.exists())
    {
        note(&format!(
            "accuracies {which} of {} were published: nas download fetches them (27 MB)",
            session.problem.space.name()
        ));
    }
    session.run()
}

/// Resumes an earlier search with the plan in its folder.
///
/// With a number of evaluations it is extended to it, also where it has ended.
pub fn resume(
    run: &Path,
    tables: Option<&Path>,
    accept: bool,
    evaluations: Option<u32>,
) -> Result<ExitCode, Failure> {
    let mut folder = RunFolder::open(run)?.of(Kind::Search)?;
    let mut config: Config = folder.read_config()?;
    if folder.ended()? && evaluations.is_none() && finish::is_complete(&config.plan, run) {
        let more = config.plan.evaluations + 1;
        let extends = if config.plan.extend(more).is_ok() {
            "; --evaluations with a larger number extends it"
        } else {
            ""
        };
        note(&format!(
            "the search of {} has ended: there is nothing to resume{extends}",
            run.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(evaluations) = evaluations {
        config.plan.extend(evaluations as usize)?;
    }
    let plan = config.plan.clone();
    let tables: Option<PathBuf> = tables.map(Path::to_path_buf).or_else(|| plan.tables.clone());
    // Paths of files are relative to the folder in which the search was started.
    let from = &plan.folder;
    if from.is_dir() && std::env::current_dir().ok().as_ref() != Some(from) {
        let unreadable = |error: std::io::Error| Failure::file("find", run, &error);
        folder = RunFolder::open(&std::path::absolute(run).map_err(unreadable)?)?;
        std::env::set_current_dir(from).map_err(|error| Failure::file("go to", from, &error))?;
    }
    let space = SpaceArguments { space: plan.space.clone(), dataset: plan.dataset.clone() };
    let mut problem = space.problem()?;
    if let Some(train) = &plan.train {
        problem = train.problem(problem)?;
    }
    // Published tables may lie in another folder now.
    let published = problem.tables(&tables_folder(tables.as_deref())?);
    for input in &mut config.inputs {
        if let Some(file) = published.as_ref().filter(|_| input.what == TABLES) {
            input.file.clone_from(file);
        }
    }
    let changes = changes(&config.inputs)?;
    if !changes.is_empty() {
        config.take_up(&changes, &folder, accept)?;
    }
    if evaluations.is_some() {
        folder.write(CONFIG, &config.text()?)?;
    }
    let inputs = Inputs::of(&plan, &problem, tables.as_deref())?;
    let mut session = Session::new(plan, problem, &inputs, folder, None, &config.inputs)?;
    // With the changes that were accepted.
    session.opened.origins = config.origins;
    session.run()
}

/// A plan with its opened inputs.
struct Session {
    plan: Plan,
    problem: Problem,
    cut: Cut,
    rules: Vec<Rule>,
    /// The architectures of an exhaustive search.
    list: Option<Vec<Arch>>,
    /// The architectures with a value in each of the user's tables.
    tabulated: Option<Vec<Arch>>,
    opened: Opened,
    evaluator: Box<dyn Evaluator>,
    workers: Rc<Workers>,
    folder: RunFolder,
    /// The files that a new search depends on; none of a resumed one.
    files: Option<Vec<Input>>,
}

impl Session {
    fn new(
        plan: Plan,
        problem: Problem,
        inputs: &Inputs,
        folder: RunFolder,
        files: Option<Vec<Input>>,
        recorded: &[Input],
    ) -> Result<Self, Failure> {
        let cut = plan.partition.build(&problem, "whole")?;
        let rules = rules::read(plan.rules.as_deref(), problem.space, &cut)?;
        let stop = stop_signal(if plan.has_tasks() { ENDING } else { STOPPING })?;
        let fingerprints = files.as_deref().unwrap_or(recorded).to_vec();
        let workers =
            Rc::new(Workers { run: folder.path().to_path_buf(), inputs: fingerprints, stop });
        let tabulated = inputs.candidates()?;
        let list = (plan.searcher == Searcher::Exhaustive)
            .then(|| tabulated.clone().unwrap_or_else(|| problem.space.enumerate().collect()));
        let (opened, evaluator) = Opened::new(&plan, &problem, inputs, &workers)?;
        opened.log.log_to(folder.file(PROGRAM_LOG));
        Ok(Self {
            plan,
            problem,
            cut,
            rules,
            list,
            tabulated,
            opened,
            evaluator,
            workers,
            folder,
            files,
        })
    }

    fn run(mut self) -> Result<ExitCode, Failure> {
        let space = self.problem.space;
        let known = self.known()?;
        let mut settings = self.plan.settings();
        settings.evaluations += known.len();
        // A searcher that is not available is an error before an earlier run is replaced.
        let list = self.list.as_deref();
        let earlier: Vec<usize> = self.plan.extended.iter().map(|end| end + known.len()).collect();
        let ends = [&earlier[..], &[settings.evaluations]].concat();
        let proposing = Proposing::of(&self.plan, &self.problem, &self.opened, list, ends)?;
        let (mut journal, mut kept) = self.journal()?;
        kept.add(&known);
        let model = self.language_model().inspect_err(|_| self.folder.abandon())?;
        let with_model = proposing.with_model(&self.plan, &self.problem, model);
        let mut proposing = with_model.inspect_err(|_| self.folder.abandon())?;
        let proposals = self.folder.file(PROPOSALS);
        proposing.begin(&proposals, &self.workers.stop).inspect_err(|_| self.folder.abandon())?;
        let whole = Partition::whole();
        let candidates = candidates(&self.plan, &self.opened, self.tabulated.as_deref());
        let known: Vec<Arch> = known.into_iter().map(|(arch, _)| arch).collect();
        let search = match self.list {
            Some(_) => Search::new(space, &whole, settings),
            None => self.cut.search(space, settings).with_rules(&self.rules),
        };
        let search = search.with_stop_flag(&self.workers.stop).with_candidates(&candidates);
        let search = search.with_known(&known).with_earlier_ends(&earlier);
        let chat = proposing.chat();
        let trained = self.plan.training().map(|budget| budget.count);
        let mut view = View::new(&settings, &self.opened.objectives, trained, chat);
        let shown = typed(self.folder.path());
        let resume = format!("the evaluations are kept: resume with nas search --resume {shown}");
        let stop = &self.workers.stop;
        let evaluator = &mut *self.evaluator;
        let proposer = proposing.as_proposer();
        let mut watch = Watch::new(&self.plan, &self.problem, &self.opened, &self.folder);
        let mut show = |event: &Event<'_>| {
            view.show(event);
            watch.show(event);
        };
        let ran = go(&search, proposer, evaluator, &mut journal, kept, &mut show, stop);
        view.finish();
        let outcome = ran.map_err(|failure| {
            self.folder.keep();
            // If that fails, the run counts as killed.
            let _ = self.folder.write(ERROR, format!("{failure}\n"));
            let (all, failed) = evaluations(&self.folder.file(EVENTS));
            if all == failed && (all > 0 || self.plan.has_tasks()) {
                return failure.and(NO_VALUE);
            }
            failure.and(&resume)
        })?;

        let model = proposing.contribution(&outcome);
        if model
            .as_ref()
            .is_some_and(|model| model.failures.contains_key(&nas_llm::Kind::NotRecorded))
        {
            self.folder.abandon();
            return Err(self.not_recorded());
        }
        self.folder.keep();
        let stopped = || {
            let (done, all) = (outcome.evaluated.len(), settings.evaluations);
            note(&format!(
                "stopped after {done} of {all} evaluations: resume with nas search --resume {shown}"
            ));
            Ok(ExitCode::from(STOPPED))
        };
        if outcome.interrupted && outcome.evaluated.is_empty() {
            self.folder.write(ERROR, STOPPED_BY_USER)?;
            return stopped();
        }
        if outcome.evaluated.is_empty()
            && let Some((arch, known)) =
                nearest(&self.problem, &self.opened, self.tabulated.as_deref(), self.plan.seed)
        {
            self.folder.abandon();
            return Ok(self.nothing_within(&arch, &known, &outcome));
        }
        let predicted =
            proposing.predicted_front(&self.plan, &self.problem, &outcome, &candidates)?;
        let of_proposer = OfProposer {
            predicted,
            model,
            failures: proposing.failures(),
            shares: proposing.shares(),
        };
        let report = Report::new(&self.plan, &self.problem, &self.opened, &outcome, of_proposer)?;
        let code = self.results(&report).map_err(|failure| {
            let is_complete = |one: &Evaluated| one.complete().is_some();
            // Only what was evaluated is worth resuming.
            if outcome.evaluated.iter().any(is_complete) { failure.and(&resume) } else { failure }
        })?;
        if outcome.interrupted {
            return stopped();
        }
        journal.forget();
        let chosen = report.most_accurate(self.plan.train.as_ref().map_or(0, |train| train.finish));
        finish::finish(&self.plan, self.folder.path(), &chosen, &self.workers.stop)?;
        Ok(code)
    }

    /// Evaluations that were made before the search, which it starts from.
    fn known(&self) -> Result<Vec<(Arch, Evaluation)>, Failure> {
        let Some(file) = &self.plan.known else { return Ok(Vec::new()) };
        let objectives = &self.opened.objectives;
        let details = self.opened.details.len();
        evaluations_before(file, &self.problem, objectives, details)
    }

    /// The events of the run: new ones, or those of the earlier run.
    fn journal(&mut self) -> Result<(Journal, Kept), Failure> {
        let Some(files) = &self.files else {
            return self.folder.resume(self.problem.space);
        };
        let mut calls = None;
        if let Some(model) = &self.plan.model {
            model.check(&self.folder)?;
            if let Some(file) = model.replay.as_ref().filter(|_| model.is_replayed()) {
                let read = std::fs::read(file);
                calls = Some(read.map_err(|error| Failure::file("read", file, &error))?);
            }
        }
        let config = Config::new(&self.plan, &self.opened.origins, files).text()?;
        Ok((self.folder.begin(&config, calls.as_deref())?, Kept::default()))
    }

    fn language_model(&self) -> Result<Option<LanguageModel>, Failure> {
        let Some(model) = &self.plan.model else { return Ok(None) };
        let chat = model.open(&self.folder, self.files.is_none())?;
        let prompting = Prompting {
            generations: model.generations,
            calls: Some(model.calls),
            candidates: self.plan.candidates,
            ..model.asked.prompting()
        };
        let stop = std::sync::Arc::clone(&self.workers.stop);
        Ok(Some(LanguageModel::new(chat, prompting)?.with_stop_flag(stop)))
    }

    /// Says that nothing keeps the limits, by what is known before anything is evaluated.
    fn nothing_within(&self, arch: &Arch, known: &[KnownValue], outcome: &Outcome) -> ExitCode {
        let limits: Vec<&str> = self.opened.limits.iter().map(Limited::words).collect();
        let value = |known: &KnownValue| {
            let objective = &outcome.objectives[known.at];
            known
                .value
                .map(|value| format!("{} {} {}", objective.name, rounded(value), objective.unit))
        };
        let counted = self.problem.statistics.iter();
        let counted = counted.map(|one| format!("{} {}", one.heading, rounded(one.of(arch))));
        let values: Vec<String> = known.iter().filter_map(value).chain(counted).collect();
        note(&format!(
            "nothing found with {}: no architecture was evaluated; the nearest: {} ({})",
            limits.join(" and "),
            self.problem.space.format(arch),
            values.join(", ").trim_end()
        ));
        ExitCode::from(NOT_WITHIN_LIMITS)
    }

    /// The error for recorded calls of another search.
    fn not_recorded(&self) -> Failure {
        let model = self.plan.model.as_ref();
        let transcript = model.map(|model| model.transcript(&self.folder)).unwrap_or_default();
        let replayed = model.and_then(|model| model.replay.as_ref()).unwrap_or(&transcript);
        let read = ChatModel::replay(replayed).ok();
        let found = read.as_ref().and_then(ChatModel::replayed).map(|replay| match replay {
            cut if cut.incomplete_line().is_some() => {
                format!(" ({}, then an incomplete line)", counted(cut.calls(), "call"))
            }
            whole => format!(" ({})", counted(whole.calls(), "call")),
        });
        Failure::input(format!(
            "{}{} does not contain the calls of this search: replay it with the options and the seed of the recorded search, or name a server with --llm-url to continue after its last call",
            replayed.display(),
            found.unwrap_or_default(),
        ))
    }

    /// Writes the results into the run's folder, and prints them.
    fn results(&self, report: &Report<'_>) -> Result<ExitCode, Failure> {
        let folder = &self.folder;
        folder.write("generations.csv", &report.generations().csv()?)?;
        folder.write("knowledge.md", report.knowledge())?;
        if let Some(operators) = report.operators() {
            folder.write("operators.csv", &operators.csv()?)?;
        }
        if let Some(model) = report.model_json()? {
            folder.write("model.json", &model)?;
        }
        let transcript = self.plan.model.as_ref().map(|model| model.transcript(folder));
        if let Some(transcript) = transcript
            && transcript != folder.file("transcript.jsonl")
            && let Ok(calls) = std::fs::read_to_string(&transcript)
        {
            folder.write("transcript.jsonl", &calls)?;
        }
        folder.write("evaluations.csv", &report.evaluations().csv()?)?;
        folder.write("front.csv", &report.front().csv()?)?;
        folder.write("front.svg", &report.figure().svg()?)?;
        let rejected = journal::rejections(&folder.file(EVENTS));
        let shown = report.page(folder.path(), folder.settings()?, rejected);
        folder.write(PAGE, &page(&[&shown])?)?;
        // Written last: it marks the run as complete.
        folder.write(RESULT, format!("{:#}\n", report.json()))?;
        report.print(folder.path())
    }
}

/// Runs the search, or the rest of it, and shows and records its events.
fn go(
    search: &Search<'_>,
    proposer: &mut dyn Proposer,
    evaluator: &mut dyn Evaluator,
    journal: &mut Journal,
    kept: Kept,
    show: &mut dyn FnMut(&Event<'_>),
    stop: &AtomicBool,
) -> Result<Outcome, Failure> {
    let mut on_event = |event: &Event<'_>| {
        // Nothing is evaluated that cannot be recorded.
        if !journal.take(event, search.space()) {
            stop.store(true, Ordering::Relaxed);
        }
        show(event);
    };
    let Kept { state, answers } = kept;
    let mut evaluator = ReplayedEvaluator::new(answers, evaluator);
    let outcome = match state {
        Some(state) => search.resume(state, proposer, &mut evaluator, &mut on_event),
        None => search.run(proposer, &mut evaluator, &mut on_event),
    };
    journal.finish()?;
    Ok(outcome?)
}
