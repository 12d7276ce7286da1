//! The program `nas`, built with these tests so that they always run its newest version.

use std::process::ExitCode;

fn main() -> ExitCode {
    nas_cli::main()
}
