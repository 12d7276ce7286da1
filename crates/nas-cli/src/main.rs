//! The program `nas`.

use std::process::ExitCode;

fn main() -> ExitCode {
    nas_cli::main()
}
