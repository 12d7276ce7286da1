//! The program `nas` where libtorch can be loaded, and where it cannot.
#![cfg(all(feature = "torch", target_os = "linux"))]

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

const NAS: &str = env!("CARGO_BIN_EXE_nas");

fn run(nas: impl AsRef<Path>, libraries: Option<&Path>, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(nas.as_ref());
    command.args(arguments).env_remove("LD_LIBRARY_PATH").env("PEL_NAS_TABLES", "no-tables");
    command.envs(libraries.map(|folder| ("LD_LIBRARY_PATH", folder)));
    // A file that was just written is busy while another test's child, which has it open, has not begun.
    let output = loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => break other,
        }
    };
    let Output { status, stdout, stderr } = output.unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap(), text)
}

/// Whatever is asked, the answer says which file is wrong, and what to do.
fn refused(nas: impl AsRef<Path>, libraries: Option<&Path>, expected: &[&str]) {
    for arguments in [&["doctor"][..], &["front", "--help"], &["--version"], &[]] {
        let (code, text) = run(&nas, libraries, arguments);
        assert_eq!(code, 2, "{text}");
        for expected in expected {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}

#[test]
fn where_libtorch_loads_the_program_runs() {
    let (code, text) = run(NAS, None, &["--version"]);
    assert_eq!((code, text.as_str()), (0, concat!("nas ", env!("CARGO_PKG_VERSION"), "\n")));
    let (code, text) = run(NAS, None, &["doctor"]);
    assert!(code == 0 && text.contains("ok       libtorch"), "{text}");
    // The exit code is the program's.
    assert_eq!(run(NAS, None, &["front", "no-such-file.csv", "--objectives", "a:min"]).0, 2);
}

#[test]
fn a_libtorch_that_cannot_be_loaded_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| folder.path().join(name);
    let advice = ["LD_LIBRARY_PATH is set", "cargo xtask setup", "a libtorch 2.11.0"];
    // Something cut it short.
    fs::write(named("libc10.so"), "").unwrap();
    let cut = [&["libc10.so: file too short"][..], &advice].concat();
    refused(NAS, Some(folder.path()), &cut);
    // Another library by that name.
    fs::remove_file(named("libc10.so")).unwrap();
    let libtorch = PathBuf::from(env::var_os("LIBTORCH").unwrap());
    fs::copy(libtorch.join("lib/libc10.so"), named("libtorch_cpu.so")).unwrap();
    let foreign = format!("{} is not of libtorch 2.11.0", named("libtorch_cpu.so").display());
    refused(NAS, Some(folder.path()), &[&[foreign.as_str()][..], &advice].concat());
}

#[test]
fn alone_it_says_what_is_missing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("nas");
    fs::copy(NAS, &alone).unwrap();
    refused(&alone, None, &["nas-program is missing", "cargo install --path crates/nas-cli"]);
}
