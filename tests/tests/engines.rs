//! Tests that need other software: Slurm, Ray, and Chromium. `cargo xtask test --engines`
//! sets it up and runs these tests, which the others leave out.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nas_tests::{Nas, latencies};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_nas-under-test");

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
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} did not come");
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
             SelectTypeParameters=CR_Core\nReturnToService=2\n\
             JobAcctGatherType=jobacct_gather/none\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN\n\
             PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP\n"
        );
        let this = Self(folder);
        fs::write(this.settings(), settings).unwrap();
        // It may be running already.
        let _ = Command::new("service").args(["munge", "start"]).output();
        for daemon in ["slurmctld", "slurmd"] {
            succeeds(Command::new(daemon).arg("-f").arg(this.settings()));
        }
        wait_until("an idle node", || {
            let result = Command::new("sinfo").env("SLURM_CONF", this.settings()).output();
            result.is_ok_and(|result| String::from_utf8_lossy(&result.stdout).contains("idle"))
        });
        this
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

impl Ray {
    fn start() -> Self {
        let this = Self(set_up().join("ray/bin/ray"));
        let dashboard = format!("--dashboard-port={DASHBOARD}");
        let options = ["--port=6399", "--num-cpus=2", "--disable-usage-stats"];
        let mut command = Command::new(&this.0);
        command.args(["start", "--head", "--include-dashboard=true", &dashboard]).args(options);
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        this
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        let _ = Command::new(&self.0).arg("stop").output();
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
        .join("../bench-data/search/co-evolution-10-seed1.jsonl");
    let searches = [
        format!(
            "search --proposer llm --device edgegpu --accuracy benchmark --generations 10 --seed 1 --replay {} --run model",
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
