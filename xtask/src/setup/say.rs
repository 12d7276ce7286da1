//! What set-up reports while it works.

/// Prints a message to standard error.
pub fn say(message: &str) {
    eprintln!("setup: {message}");
}
