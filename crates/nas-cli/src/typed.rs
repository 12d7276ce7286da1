//! The program's arguments as they were typed, kept to be read again.

use crate::failure::Failure;

/// All of them but the given options, those of `with_value` together with their values.
pub fn without(with_value: &[&str], flags: &[&str]) -> Vec<String> {
    let all = std::env::args_os().skip(1);
    let mut arguments = all.map(|argument| argument.to_string_lossy().into_owned());
    let mut typed = Vec::new();
    while let Some(argument) = arguments.next() {
        let option = argument.split_once('=').map_or(argument.as_str(), |(option, _)| option);
        if with_value.contains(&option) {
            if !argument.contains('=') {
                arguments.next();
            }
        } else if !flags.contains(&option) {
            typed.push(argument);
        }
    }
    typed
}

/// Reads what was kept, as if it were typed now.
///
/// # Errors
/// For arguments that this version of the program does not take.
pub fn again(typed: &[String]) -> Result<crate::Arguments, Failure> {
    use clap::Parser;
    let typed = typed.iter().map(|argument| crate::cell(argument.into()));
    crate::Arguments::try_parse_from(std::iter::once("nas".into()).chain(typed)).map_err(|error| {
        let error = error.to_string();
        let error = error.strip_prefix("error: ").unwrap_or(&error);
        Failure::input(format!("the arguments that were kept: {error}"))
    })
}
