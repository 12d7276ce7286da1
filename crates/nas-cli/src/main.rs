//! The program that `nas` starts where it was built with libtorch.

use std::process::ExitCode;

fn main() -> ExitCode {
    nas_cli::main()
}
