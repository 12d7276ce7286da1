//! Set-up, tests, benchmarks of the workspace.
fn main() {}
