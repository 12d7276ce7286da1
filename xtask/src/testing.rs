//! The workspace's tests, and an account of those that found no data to run on.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use crate::error::Error;
use crate::process::{cargo, exit_code, status};
use crate::setup::{onnxruntime, pytorch, say::say};
use crate::workspace::Workspace;

const HOW_TO_RUN_THEM: &str = "\
To run them, fetch the files with `cargo xtask download`, or set
  PEL_NAS_MIRROR  to a folder that holds the benchmark files as <host>/<path of the URL>
  PEL_NAS_IMAGES  to a folder with the CIFAR images in their binary form
Those of ORT_DYLIB_PATH and PEL_NAS_ONNX need ONNX Runtime and the Python package onnx, which
`cargo xtask test` downloads with pip; that of PEL_NAS_PYTORCH needs PyTorch,
`cargo xtask setup --pytorch`.";

/// Runs `cargo test` on the whole workspace, or on the packages that `args` names.
///
/// A test without its data appends one line to the file that `PEL_NAS_LEFT_OUT` names; they are
/// listed at the end so that nobody takes a partial run for a whole one.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<ExitCode, Error> {
    let file = tempfile::NamedTempFile::new().map_err(Error::LeftOutFile)?;
    let mut command = cargo(workspace);
    command.arg("test");
    if !names_packages(args) {
        command.arg("--workspace");
    }
    command.args(args).env("PEL_NAS_LEFT_OUT", file.path());
    match onnxruntime::set_up_for_tests(workspace) {
        Ok(packages) => {
            command.env("PEL_NAS_ONNX", packages);
        }
        // Only some tests need it.
        Err(error) => say(&error.to_string()),
    }
    if let Some(python) = pytorch::installed(workspace) {
        command.env("PEL_NAS_PYTORCH", python);
    }
    let status = status(&mut command)?;
    let lines = fs::read_to_string(file.path()).map_err(Error::LeftOutFile)?;
    if let Some(account) = account(&lines) {
        eprintln!("\n{account}");
    }
    Ok(exit_code(status))
}

fn names_packages(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| {
        arg.starts_with("-p") || arg.starts_with("--package") || arg.starts_with("--manifest-path")
    })
}

fn account(lines: &str) -> Option<String> {
    let left_out: BTreeSet<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
    if left_out.is_empty() {
        return None;
    }
    let mut text = format!("{} tests were left out for lack of data:\n", left_out.len());
    for line in left_out {
        text.extend(["  ", line, "\n"]);
    }
    text.push_str(HOW_TO_RUN_THEM);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_left_out_is_listed_once() {
        let text = account("proxies::rank (PEL_NAS_MIRROR)\nfronts\nfronts\n\n").unwrap();
        assert!(text.starts_with("2 tests were left out"), "{text}");
        assert_eq!(text.matches("fronts").count(), 1);
        assert!(text.contains("PEL_NAS_IMAGES"));
    }

    #[test]
    fn a_complete_run_needs_no_account() {
        assert_eq!(account(""), None);
    }

    #[test]
    fn packages_named_after_the_dashes_belong_to_the_test_program() {
        let args = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        assert!(names_packages(&args(&["-p", "nas-space"])));
        assert!(names_packages(&args(&["--package=nas-space"])));
        assert!(!names_packages(&args(&["--", "-p"])));
        assert!(!names_packages(&args(&["front"])));
    }
}
