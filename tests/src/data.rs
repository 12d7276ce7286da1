//! The data that tests need: benchmark tables and images.

use std::{
    env,
    ffi::OsString,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
};

use nas_bench::{Downloader, Error, Group, Manifest, compile, tables_dir};

const MIRROR: &str = "PEL_NAS_MIRROR";
const IMAGES: &str = "PEL_NAS_IMAGES";
const ONNX_RUNTIME: &str = "ORT_DYLIB_PATH";
const ONNX_PACKAGES: &str = "PEL_NAS_ONNX";
const PYTORCH: &str = "PEL_NAS_PYTORCH";

/// The folder of benchmark files, laid out `<host>/<path of the URL>`, that `PEL_NAS_MIRROR`
/// names. `None` means that the calling test must end.
///
/// # Panics
/// If the variable names no folder, or under `CI=true` is not set.
pub fn mirror() -> Option<PathBuf> {
    folder(MIRROR).or_else(|| left_out(MIRROR))
}

/// The folder of CIFAR images in binary form that `PEL_NAS_IMAGES` names. `None` means that the
/// calling test must end.
///
/// # Panics
/// If the variable names no folder, or under `CI=true` is not set.
pub fn images() -> Option<PathBuf> {
    folder(IMAGES).or_else(|| left_out(IMAGES))
}

/// Whether there is an ONNX Runtime at `ORT_DYLIB_PATH`, which `.cargo/config.toml` sets.
/// Otherwise the calling test must end.
///
/// # Panics
/// If there is none under `CI=true`.
pub fn onnx_runtime() -> bool {
    let there = env::var_os(ONNX_RUNTIME).is_some_and(|path| Path::new(&path).is_file());
    there || left_out::<()>(ONNX_RUNTIME).is_some()
}

/// The folder of Python packages with onnx and numpy that `PEL_NAS_ONNX` names, as `cargo xtask test`
/// provides it. `None` means that the calling test must end.
///
/// # Panics
/// If the variable names no folder, or under `CI=true` is not set.
pub fn onnx_packages() -> Option<PathBuf> {
    folder(ONNX_PACKAGES).or_else(|| left_out(ONNX_PACKAGES))
}

/// The Python with PyTorch that `PEL_NAS_PYTORCH` names, as `cargo xtask setup --pytorch` installs it and
/// `cargo xtask test` finds it. `None` means that the calling test must end.
///
/// # Panics
/// If there is none under `CI=true`.
pub fn pytorch() -> Option<PathBuf> {
    let python = env::var_os(PYTORCH).map(PathBuf::from).filter(|python| python.is_file());
    python.or_else(|| left_out(PYTORCH))
}

/// A table folder with all tables compiled: from the mirror, once for all test processes, or
/// where no mirror is given, the developer's own if it has them. `None` means that the calling
/// test must end.
///
/// # Panics
/// If the tables of a mirror do not compile, or under `CI=true` without a mirror.
pub fn tables() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| match folder(MIRROR) {
        Some(mirror) => Some(compiled_from(&mirror)),
        None => tables_dir().ok().map(|found| found.path).filter(|path| compile(path).is_ok()),
    });
    folder.clone().or_else(|| left_out(MIRROR))
}

/// Other test processes may do the same at the same time: downloads lock the folder, and tables
/// appear whole.
fn compiled_from(mirror: &Path) -> PathBuf {
    let folder = scratch().join("benchmark-tables");
    if compile(&folder).is_err() {
        let result = fetch(mirror, &folder).and_then(|()| compile(&folder).map(|_| ()));
        if let Err(error) = result {
            panic!("the tables of {MIRROR} do not compile: {error}");
        }
    }
    folder
}

fn fetch(mirror: &Path, folder: &Path) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime without worker threads starts");
    let manifest = Manifest::embedded()?;
    let files = manifest.group(Group::Tables);
    runtime.block_on(Downloader::new(folder).mirror(mirror).fetch(&files, &())).map(|_| ())
}

/// The target directory's folder for files of tests; a test program is in its `<profile>/deps`.
fn scratch() -> PathBuf {
    let program = env::current_exe().expect("a running test has a program");
    let target = program.ancestors().nth(3).expect("a test program lies in the target directory");
    target.join("tmp")
}

fn folder(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable).filter(|value| !value.is_empty())?;
    let path = PathBuf::from(value);
    assert!(path.is_dir(), "{variable} is {}, which is not a folder", path.display());
    Some(path)
}

fn left_out<T>(variable: &str) -> Option<T> {
    let program = env::current_exe().unwrap_or_default();
    let thread = thread::current();
    let name = test_name(&program, thread.name());
    let ci = env::var("CI").is_ok_and(|value| value == "true");
    report(&name, variable, ci, env::var_os("PEL_NAS_LEFT_OUT"));
    None
}

/// `program::test`, the program without the hash that cargo puts behind its name.
fn test_name(program: &Path, thread: Option<&str>) -> String {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    let program = stem.rsplit_once('-').map_or(&*stem, |(name, _)| name);
    format!("{program}::{}", thread.unwrap_or("?"))
}

fn report(test: &str, variable: &str, ci: bool, file: Option<OsString>) {
    let line = format!("{test}: needs {variable}");
    assert!(!ci, "{line}; under CI every test must run");
    eprintln!("{line}");
    let Some(path) = file else { return };
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        // One write for the whole line: other tests append at the same time.
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        panic!("{}: {error}", Path::new(&path).display());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_left_out_is_listed_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("left-out");
        report("a::b", MIRROR, false, Some(file.clone().into()));
        report("c::d", IMAGES, false, Some(file.clone().into()));
        let lines = fs::read_to_string(file).unwrap();
        assert_eq!(lines, "a::b: needs PEL_NAS_MIRROR\nc::d: needs PEL_NAS_IMAGES\n");
    }

    #[test]
    #[should_panic(expected = "a::b: needs PEL_NAS_MIRROR; under CI every test must run")]
    fn under_ci_nothing_is_left_out() {
        report("a::b", MIRROR, true, None);
    }

    #[test]
    fn a_test_is_named_by_program_and_thread() {
        let program = Path::new("/target/debug/deps/benchmark_tables-0123abcd");
        assert_eq!(test_name(program, Some("known")), "benchmark_tables::known");
    }
}
