//! Tests that need other software: Slurm, Ray, and Chromium. `cargo xtask test --engines`
//! sets it up and runs these tests, which the others leave out.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nas_tests::{Nas, SPACE, latencies, trains_by};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");
const EVALUATOR: &str = env!("CARGO_BIN_EXE_evaluator-under-test");

/// The folder in which the set-up put what no system package contains.
fn set_up() -> PathBuf {
    let folder = env::var_os("PEL_NAS_ENGINES").expect("run this by `cargo xtask test --engines`");
    folder.into()
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Waits for a condition, up to a limit.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(300), "{what} did not come");
        sleep(Duration::from_millis(200));
    }
}

/// A Slurm cluster of this machine alone.
struct Slurm(TempDir);

impl Slurm {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = succeeds(Command::new("hostname").arg("-s"));
        let (host, at) = (host.trim(), folder.path().display());
        for name in ["state", "spool"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let settings = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nAuthType=auth/munge\nSlurmUser=root\n\
             StateSaveLocation={at}/state\nSlurmdSpoolDir={at}/spool\n\
             SlurmctldPidFile={at}/slurmctld.pid\nSlurmdPidFile={at}/slurmd.pid\n\
             SlurmctldLogFile={at}/slurmctld.log\nSlurmdLogFile={at}/slurmd.log\n\
             ProctrackType=proctrack/pgid\nTaskPlugin=task/none\nSelectType=select/cons_tres\n\
             SelectTypeParameters=CR_Core\nReturnToService=2\nSlurmdTimeout=10\n\
             JobAcctGatherType=jobacct_gather/none\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN\n\
             PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP\n"
        );
        let this = Self(folder);
        fs::write(this.settings(), settings).unwrap();
        // It may be running already.
        let _ = Command::new("service").args(["munge", "start"]).output();
        for daemon in ["slurmctld", "slurmd"] {
            this.start_daemon(daemon);
        }
        wait_until("an idle node", || this.ask("sinfo", &[]).contains("idle"));
        this
    }

    fn start_daemon(&self, daemon: &str) {
        succeeds(Command::new(daemon).arg("-f").arg(self.settings()));
    }

    /// What a program of Slurm prints.
    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let result =
            Command::new(program).args(arguments).env("SLURM_CONF", self.settings()).output();
        result
            .map(|result| String::from_utf8_lossy(&result.stdout).into_owned())
            .unwrap_or_default()
    }

    /// The node dies, with all that runs on it.
    fn kill_node(&self) {
        let pid = fs::read_to_string(self.0.path().join("slurmd.pid")).unwrap();
        kill(&[pid.trim().to_owned()]);
        // What runs on it are the processes that its daemon started, which are nobody's children.
        let jobs = self.ask("squeue", &["--noheader", "--format=%A", "--states=RUNNING"]);
        let steps =
            jobs.lines().flat_map(|job| found(&["-f", &format!("slurmstepd: \\[{job}\\.")]));
        steps.for_each(|step| kill_tree(&step));
    }

    /// It comes back once it was found dead; what ran there does not wait for minutes.
    fn revive_node(&self) {
        wait_until("a dead node", || self.ask("sinfo", &[]).contains("down"));
        // A machine does not come back in the same second, which Slurm 22 does not take well.
        sleep(Duration::from_secs(5));
        self.start_daemon("slurmd");
        wait_until("an idle node", || self.ask("sinfo", &[]).contains("idle"));
        for job in self.ask("squeue", &["--noheader", "--format=%A"]).lines() {
            self.ask("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]);
        }
    }

    fn settings(&self) -> PathBuf {
        self.0.path().join("slurm.conf")
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for daemon in ["slurmd.pid", "slurmctld.pid"] {
            if let Ok(pid) = fs::read_to_string(self.0.path().join(daemon)) {
                let _ = Command::new("kill").arg(pid.trim()).status();
            }
        }
    }
}

/// A Ray cluster of this machine alone.
struct Ray(PathBuf);

const DASHBOARD: &str = "8266";
const PORT: &str = "--port=6399";

impl Ray {
    fn start() -> Self {
        Self::start_with(2)
    }

    /// A head with so many cores for jobs.
    fn start_with(cores: usize) -> Self {
        let this = Self(set_up().join("ray/bin/ray"));
        let dashboard = format!("--dashboard-port={DASHBOARD}");
        let cores = format!("--num-cpus={cores}");
        let options = [PORT, &cores, "--disable-usage-stats"];
        let mut command = Command::new(&this.0);
        command.args(["start", "--head", "--include-dashboard=true", &dashboard]).args(options);
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        this
    }

    /// Another node with two cores; its processes are children of this one.
    fn add_node(&self) -> Child {
        let address = PORT.replace("--port=", "--address=127.0.0.1:");
        let mut command = Command::new(&self.0);
        command.args(["start", &address, "--num-cpus=2", "--disable-usage-stats", "--block"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        let _ = Command::new(&self.0).arg("stop").output();
    }
}

fn kill(pids: &[String]) {
    let _ = Command::new("kill").arg("-KILL").args(pids).output();
}

/// The processes that `pgrep` finds.
fn found(arguments: &[&str]) -> Vec<String> {
    let result = Command::new("pgrep").args(arguments).output().unwrap();
    String::from_utf8_lossy(&result.stdout).lines().map(str::to_owned).collect()
}

/// Kills a process and all that it has started.
fn kill_tree(pid: &str) {
    let children = found(&["-P", pid]);
    kill(&[pid.to_owned()]);
    for child in &children {
        kill_tree(child);
    }
}

/// All classes of NAS-Bench-201.
const SCORE: &str = "score --space nb201 --proxies synflow --batch 8";

/// The scores as one process computes them.
fn alone(nas: &Nas) -> Vec<u8> {
    assert_eq!(nas.run_line(&format!("{SCORE} --out alone.bin")).code, 0);
    fs::read(nas.folder().join("alone.bin")).unwrap()
}

/// Computes the scores by an engine, and kills one of its workers.
fn by(nas: &Nas, engine: &str, settings: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new(PROGRAM);
    command.args(SCORE.split_whitespace()).args(["--out", "parts.bin", "--shards", "8"]);
    command.args(["--engine"]).args(engine.split_whitespace()).current_dir(nas.folder());
    if let Some(settings) = settings {
        command.env("SLURM_CONF", settings);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let job = nas.folder().join("parts.bin.job");
    let mut killed = None;
    // One that has begun to write, so that there is something to resume.
    wait_until("a worker", || {
        let parts = fs::read_dir(&job).into_iter().flatten().flatten();
        let begun = parts.map(|part| part.file_name().into_string().unwrap());
        let begun: Vec<String> = begun.filter(|name| name.ends_with(".partial")).collect();
        let Some(part) = begun.first().and_then(|name| name.split(['-', '.']).nth(1)) else {
            return false;
        };
        let worker = format!("worker {} --shard {part}$", job.display());
        killed = Some(worker.clone());
        Command::new("pkill").args(["-KILL", "-f", &worker]).status().unwrap().success()
    });
    let output = child.wait_with_output().unwrap();
    let result = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{result}");
    assert!(result.contains("was lost and is started again"), "{killed:?}: {result}");
    assert!(!job.exists());
    fs::read(nas.folder().join("parts.bin")).unwrap()
}

/// Compares a search whose generations an engine computes with one that computes them itself.
fn searches(nas: &Nas, engine: &str, settings: &Path) {
    nas.write("latency.csv", &latencies());
    let search = "search --accuracy proxies --batch 8 --latency-table latency.csv --evaluations 20 --children 10";
    // As workers do, on one thread.
    let alone = nas.with_variable("OMP_NUM_THREADS", "1", &format!("{search} --run alone"));
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    let by_engine = format!("{search} --shards 3 --run by-engine --engine {engine}");
    let ran = nas.with_variable("SLURM_CONF", &settings.to_string_lossy(), &by_engine);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(nas.read("by-engine/evaluations.csv"), nas.read("alone/evaluations.csv"));
}

/// A search whose program an engine runs, and during which `disturb` is called while evaluations are under
/// way: it ends as one whose program runs here.
fn evaluates(nas: &Nas, engine: &str, settings: &Path, disturb: impl FnOnce()) {
    nas.write("space.toml", SPACE);
    let command = format!("date +%s >> begun; '{EVALUATOR}' seconds");
    let search = |run: &str, how: &str| {
        let mut search = Command::new(PROGRAM);
        let fixed = ["search", "--space", "space.toml", "--searcher", "random", "--evaluations"];
        search.args(fixed).args(["12", "--run", run, "--evaluate", &command]);
        search.args(how.split_whitespace()).current_dir(nas.folder()).env("SLURM_CONF", settings);
        search.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let ends = |mut search: Child| {
        wait_until("the end", || search.try_wait().unwrap().is_some());
        let output = search.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        text
    };
    let begun =
        || fs::read_to_string(nas.folder().join("begun")).unwrap_or_default().lines().count();
    let child = search("by-engine-program", &format!("--workers 2 --engine {engine}"));
    wait_until("evaluations", || begun() >= 5);
    disturb();
    let said = ends(child);
    let count = begun();
    assert!(count > 12, "nothing was lost: {count}: {said}");
    println!("{engine}: 12 evaluations, {} of them started again: {said}", count - 12);
    ends(search("alone-program", "--workers 2"));
    let rows = |run: &str| {
        let text = nas.read(&format!("{run}/evaluations.csv"));
        let row = |row: &str| row.splitn(4, ',').take(3).map(str::to_owned).collect();
        text.lines().map(row).collect::<BTreeSet<Vec<String>>>()
    };
    let (by_engine, alone) = (rows("by-engine-program"), rows("alone-program"));
    assert_eq!((by_engine.len(), &by_engine), (13, &alone));
    assert!(!nas.folder().join("by-engine-program/program.job").exists());
}

#[test]
#[ignore = "needs Slurm: cargo xtask test --engines"]
fn slurm_runs_a_users_program_and_a_dead_node_costs_nothing() {
    let nas = Nas::without_tables(PROGRAM);
    let slurm = Slurm::start();
    evaluates(&nas, "slurm", &slurm.settings(), || {
        slurm.kill_node();
        slurm.revive_node();
    });
    trains_by(&nas, PROGRAM, "slurm", &slurm.settings());
}

#[test]
#[ignore = "needs Ray: cargo xtask test --engines"]
fn ray_runs_a_users_program_and_a_dead_node_costs_nothing() {
    let nas = Nas::without_tables(PROGRAM);
    // A head without cores of its own, and a node beside it.
    let ray = Ray::start_with(0);
    let mut node = ray.add_node();
    let engine = format!("ray --ray-address http://127.0.0.1:{DASHBOARD} --retries 8");
    let another = std::cell::OnceCell::new();
    evaluates(&nas, &engine, Path::new(""), || {
        kill_tree(&node.id().to_string());
        node.wait().unwrap();
        let _ = another.set(ray.add_node());
    });
    trains_by(&nas, PROGRAM, &engine, Path::new(""));
    let mut another = another.into_inner().unwrap();
    another.kill().unwrap();
    another.wait().unwrap();
}

#[test]
#[ignore = "needs Slurm: cargo xtask test --engines"]
fn slurm_computes_the_scores_of_one_process() {
    let nas = Nas::without_tables(PROGRAM);
    let alone = alone(&nas);
    let slurm = Slurm::start();
    assert!(by(&nas, "slurm", Some(&slurm.settings())) == alone);
    searches(&nas, "slurm", &slurm.settings());
}

#[test]
#[ignore = "needs Ray: cargo xtask test --engines"]
fn ray_computes_the_scores_of_one_process() {
    let nas = Nas::without_tables(PROGRAM);
    let alone = alone(&nas);
    let _ray = Ray::start();
    let engine = format!("ray --ray-address http://127.0.0.1:{DASHBOARD}");
    assert!(by(&nas, &engine, None) == alone);
    searches(&nas, &engine, Path::new(""));
}

/// Opens a page at the size of a phone and of a desktop, light and dark, and uses its controls.
fn opens(nas: &Nas, page: &str) {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("report/check.mjs");
    let shots = nas.folder().join("shots");
    fs::create_dir_all(&shots).unwrap();
    let mut node = Command::new("node");
    node.arg(check).arg(nas.folder().join(page)).arg(shots);
    let result = succeeds(node.env("NODE_PATH", set_up().join("node_modules")));
    assert!(result.contains("nothing wrong"), "{result}");
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --engines"]
fn pages_work_in_a_browser() {
    let Some(nas) = Nas::with_tables(PROGRAM) else { return };
    let calls = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../bench-data/language-model/qwen/choose-cifar10-edgegpu-seed1.jsonl");
    let searches = [
        format!(
            "search --proposer llm --device edgegpu --accuracy benchmark --prompting choose --evaluations 120 --seed 1 --replay {} --run model",
            calls.display()
        ),
        "search --device raspi4 --energy --accuracy benchmark --run refused".to_owned(),
        "search --device eyeriss --energy --accuracy benchmark --evaluations 200 --run three"
            .to_owned(),
        "search --device fpga --trained 60 --evaluations 150 --max-latency 3ms --run labels"
            .to_owned(),
    ];
    for search in &searches {
        let code = nas.run_line(search).code;
        assert_eq!(code, if search.contains("refused") { 2 } else { 0 }, "{search}");
    }
    for run in ["model", "three", "labels"] {
        opens(&nas, &format!("{run}/report.html"));
    }
    assert_eq!(nas.run_line("report model labels --out both.html").code, 0);
    opens(&nas, "both.html");
}
