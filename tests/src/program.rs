//! Runs the program `nas` in a folder of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// The program `nas` in an empty working directory of its own.
pub struct Nas {
    program: PathBuf,
    tables: PathBuf,
    folder: TempDir,
}

/// The exit code and output of the program.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Nas {
    /// The program at this path, without benchmark tables.
    ///
    /// # Panics
    /// If no temporary folder can be created.
    pub fn without_tables(program: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { program: program.into(), tables: folder.path().join("no-tables"), folder }
    }

    /// The program at this path with the benchmark's tables; `None` where they are not there, and
    /// the calling test must end.
    pub fn with_tables(program: &str) -> Option<Self> {
        Some(Self { tables: crate::tables()?, ..Self::without_tables(program) })
    }

    /// The program at this path, without benchmark tables, and [`SPACE`](crate::SPACE) in `space.toml`.
    pub fn with_space(program: &str) -> Self {
        let nas = Self::without_tables(program);
        nas.write("space.toml", crate::SPACE);
        nas
    }

    /// The working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the working directory.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder().join(name), content).expect("the test's folder is writable");
    }

    /// Reads a file of the working directory.
    ///
    /// # Panics
    /// If it is not there.
    pub fn read(&self, name: &str) -> String {
        let path = self.folder().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs the program; a panic of the program is one of the test.
    ///
    /// # Panics
    /// If the program cannot be started, ends by a signal, or panics.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        self.start(Command::new(&self.program).args(arguments))
    }

    fn start(&self, command: &mut Command) -> Ran {
        let command = command.current_dir(self.folder()).env("PEL_NAS_TABLES", &self.tables);
        let output = command.output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
        let ran = Ran {
            code: output.status.code().expect("the program ends by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// Starts the program and leaves it running.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Child {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder()).env("PEL_NAS_TABLES", &self.tables);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Starts a search in the folder `run`, kills and resumes it after these pauses until it ends or was killed
    /// before it had begun, and returns how often it was killed.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn killed_and_resumed<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        mut pause: impl FnMut() -> Duration,
    ) -> usize {
        let mut child = self.spawn(arguments);
        let mut kills = 0;
        loop {
            sleep(pause());
            let ended = child.try_wait().expect("it can be waited for").is_some();
            child.kill().expect("it can be killed");
            child.wait().expect("it can be waited for");
            kills += usize::from(!ended);
            if ended || !self.folder().join("run/config.toml").exists() {
                return kills;
            }
            child = self.spawn(["search", "--resume", "run"]);
        }
    }

    /// Runs the program with arguments separated by spaces.
    pub fn run_line(&self, arguments: &str) -> Ran {
        self.run(arguments.split_whitespace())
    }

    /// Runs a line of the shell, which starts the program.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn shell(&self, line: &str) -> Ran {
        self.start(Command::new("sh").args(["-c", line]))
    }

    /// Runs the program with arguments separated by spaces, and a variable in its environment.
    pub fn with_variable(&self, name: &str, value: &str, arguments: &str) -> Ran {
        let arguments = arguments.split_whitespace();
        self.start(Command::new(&self.program).args(arguments).env(name, value))
    }

    /// Runs the program with arguments separated by spaces and reads its output as JSON.
    ///
    /// # Panics
    /// If the program fails or its output is no JSON.
    pub fn json(&self, arguments: &str) -> serde_json::Value {
        let ran = self.run_line(&format!("{arguments} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).expect("the output is JSON")
    }
}

/// The files of a run's folder by name. The page contains the folder, which is removed, so that equal
/// runs are equal.
///
/// # Panics
/// If the folder cannot be read.
pub fn run_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the run has a folder");
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry.expect("its files can be listed");
        let name = entry.file_name().into_string().expect("their names are UTF-8");
        let mut content = std::fs::read(entry.path()).expect("they can be read");
        if name == "report.html" {
            let page = String::from_utf8(content).expect("the page is UTF-8");
            let (before, after) = page.split_once("\"name\":\"").expect("the page names the run");
            let (_, after) = after.split_once('"').expect("the name has an end");
            content = format!("{before}{after}").into_bytes();
        }
        files.insert(name, content);
    }
    files
}
