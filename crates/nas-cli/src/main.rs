//! The program `nas`.
fn main() {}
