//! `cargo xtask bench digits`: from a folder of images and a limit to a trained network in one command, and how
//! long it takes.

use std::process::{Command, ExitCode};
use std::time::Instant;

use super::beside_pytorch::printed;
use crate::error::Error;
use crate::nas::{self, Build};
use crate::process::{exit_code, status};
use crate::setup::venv;
use crate::workspace::Workspace;

const PACKAGES: [(&str, &str); 3] =
    [("scikit-learn", "1.9.1"), ("numpy", "2.4.6"), ("pillow", "13.0.0")];

/// Writes the first 1,500 of scikit-learn's digits as PNG, in folders by class: 8×8 pixels, each with a value of
/// 0 to 16, which becomes one of 0 to 255.
const DIGITS: &str = "\
import os, sys
import numpy
from PIL import Image
from sklearn.datasets import load_digits
digits = load_digits()
for number, (image, label) in enumerate(zip(digits.images[:1500], digits.target)):
    folder = os.path.join(sys.argv[1], str(label))
    os.makedirs(folder, exist_ok=True)
    pixels = numpy.minimum(image * 16, 255).astype(numpy.uint8)
    Image.fromarray(pixels).save(os.path.join(folder, f'{number}.png'))
";

/// What is typed, after the folder of images.
const SEARCH: &str = "--max-latency 1ms --trained 20 --finish 1 --finish-epochs 60 --run run";

/// Writes the images, runs the command and prints its seconds.
pub fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let program = nas::build(workspace, Build::Installed)?;
    let python = venv::python_with(workspace, "bench-venv-digits", &PACKAGES)?;
    let folder = tempfile::tempdir()
        .map_err(|error| Error::Step { step: "make a folder", problem: error.to_string() })?;
    let images = folder.path().join("digits");
    printed(Command::new(python).args(["-c", DIGITS]).arg(&images), "")?;
    println!("nas search --accuracy train --data digits {SEARCH}");
    let begun = Instant::now();
    let mut search = Command::new(program);
    search.args(["search", "--accuracy", "train", "--data", "digits"]).args(SEARCH.split(' '));
    let ended = status(search.current_dir(folder.path()))?;
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    Ok(exit_code(ended))
}
