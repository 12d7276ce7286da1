//! Downloads and unpacks Python wheels.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::python;
use super::recipes::{Recipe, Wheel};
use super::say::say;
use super::stamp::Stamp;
use crate::error::Error;

/// The file names of the wheels end in one of these.
const PLATFORMS: [&str; 6] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_18_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
];

const UNPACK: &str = include_str!("unpack.py");

/// Downloads, unpacks beside the final place, and moves there in one step.
pub fn set_up(recipe: Recipe, home: &Path, place: &Path) -> Result<(), Error> {
    let python = python::with_pip()?;
    fs::create_dir_all(home).map_err(Error::file(home))?;
    let staging = Staging::new(home)?;
    require_disk_space(&recipe, home)?;
    download(&recipe, python, &staging)?;
    let unpacked = staging.folder.join("unpacked");
    for wheel in recipe.wheels {
        unpack(python, wheel, &staging, &unpacked)?;
    }
    (recipe.finish)(&unpacked)?;
    Stamp::clear(home, place)?;
    fs::rename(&unpacked, place).map_err(Error::file(place))?;
    Stamp::of_wheels(recipe.source, recipe.version, place)?.write(home)
}

/// A folder for the work in progress; its name is this process's number, and it is removed with it.
struct Staging {
    folder: PathBuf,
}

const STAGING: &str = "setting-up-";

impl Staging {
    /// Removes what killed set-ups have left. One that still runs is an error, as the two would
    /// replace each other's result.
    fn new(home: &Path) -> Result<Self, Error> {
        for entry in fs::read_dir(home).map_err(Error::file(home))? {
            let entry = entry.map_err(Error::file(home))?;
            let name = entry.file_name();
            let Some(process) = name.to_str().and_then(|name| name.strip_prefix(STAGING)) else {
                continue;
            };
            match process.parse() {
                Ok(process) if is_set_up(process) => return Err(Error::Running { process }),
                _ => {
                    say("removing what an interrupted set-up left");
                    fs::remove_dir_all(entry.path()).map_err(Error::file(entry.path()))?;
                }
            }
        }
        let folder = home.join(format!("{STAGING}{}", std::process::id()));
        fs::create_dir(&folder).map_err(Error::file(&folder))?;
        Ok(Self { folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Should it stay, the next set-up removes it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether a running process of this number is an xtask, and not another that has got its number.
fn is_set_up(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "xtask")
}

/// Asks `df`; where that has no answer, the set-up goes on, and fails if the space runs out.
fn require_disk_space(recipe: &Recipe, home: &Path) -> Result<(), Error> {
    let Some(free) = free_mb(home) else {
        return Ok(());
    };
    let (needed, kept) = (recipe.needed_mb, recipe.kept_mb);
    if free < needed {
        return Err(Error::DiskSpace { path: home.to_path_buf(), needed, free, kept });
    }
    Ok(())
}

fn free_mb(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}

fn download(recipe: &Recipe, python: &str, staging: &Staging) -> Result<(), Error> {
    let wheels = recipe.wheels.iter();
    let what: Vec<String> =
        wheels.map(|wheel| format!("{}=={}", wheel.package, wheel.version)).collect();
    let (megabytes, kept) = (recipe.download_mb, recipe.kept_mb);
    say(&format!(
        "downloading {megabytes} MB with pip, {kept} MB when unpacked: {}",
        what.join(", ")
    ));
    let log = staging.folder.join("pip.log");
    let sink = File::create(&log).map_err(Error::file(&log))?;
    let mut pip = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--no-input"])
        .args(["--only-binary", ":all:", "--implementation", "cp"])
        .args(["--python-version", "3.11", "--abi", "cp311", "--abi", "none"])
        .args(PLATFORMS.iter().flat_map(|name| ["--platform", name]))
        .arg("--dest")
        .arg(staging.folder.join("wheels"))
        .args(&what)
        // Otherwise pip would need the same space again on the disk with the system's temporary files.
        .env("TMPDIR", &staging.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(sink)
        .spawn()
        .map_err(|source| Error::Start { program: python.to_owned(), source })?;
    let mut reported = Instant::now();
    let status = loop {
        match pip.try_wait().map_err(Error::file(&log))? {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(100)),
        }
        if reported.elapsed() > Duration::from_secs(10) {
            reported = Instant::now();
            let done = (size(&staging.folder) / 1_000_000).min(megabytes);
            say(&format!("{done} of {megabytes} MB"));
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(Error::Download {
        what: what.join(", "),
        output: fs::read_to_string(&log).unwrap_or_default(),
    })
}

/// The bytes of all files below a folder, as far as they can be seen while pip works there.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

fn unpack(python: &str, wheel: &Wheel, staging: &Staging, target: &Path) -> Result<(), Error> {
    say(&format!("unpacking {}", wheel.package));
    let wheels = staging.folder.join("wheels");
    // File names of wheels have underscores where the names of packages have hyphens.
    let start = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
    let failed = |output: String| Error::Unpack { what: wheel.package.to_owned(), output };
    let file = fs::read_dir(&wheels)
        .map_err(Error::file(&wheels))?
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&start))
        .ok_or_else(|| failed(format!("pip left no file {start}*.whl")))?
        .path();
    let output = Command::new(python)
        .args(["-c", UNPACK])
        .arg(&file)
        .arg(target)
        .args(wheel.members.iter().map(|(from, to)| format!("{from}={to}")))
        .output()
        .map_err(|source| Error::Start { program: python.to_owned(), source })?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.trim_end().to_owned()));
    }
    // The next wheel may need the space.
    fs::remove_file(&file).map_err(Error::file(&file))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::setup::recipes;

    #[test]
    fn leftovers_of_dead_set_ups_are_removed() {
        let home = tempfile::tempdir().unwrap();
        // Numbers of processes stay below 2^22 on Linux.
        let dead = home.path().join("setting-up-4194305");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("half.whl"), "half").unwrap();
        let staging = Staging::new(home.path()).unwrap();
        assert!(!dead.exists());
        let folder = staging.folder.clone();
        assert!(folder.is_dir());
        drop(staging);
        assert!(!folder.exists());
    }

    #[test]
    fn recipes_name_each_package_once() {
        for recipe in [recipes::CPU, recipes::CUDA, recipes::ONNX] {
            let names: std::collections::BTreeSet<_> =
                recipe.wheels.iter().map(|wheel| wheel.package).collect();
            assert_eq!(names.len(), recipe.wheels.len());
            assert!(recipe.download_mb < recipe.needed_mb && recipe.kept_mb < recipe.needed_mb);
        }
    }

    #[test]
    fn the_free_space_of_a_disk_is_known() {
        assert!(free_mb(Path::new("/")).is_some());
        assert_eq!(free_mb(Path::new("/no such folder")), None);
    }
}
