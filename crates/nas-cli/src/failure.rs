use std::{borrow::Cow, error::Error, process::ExitCode};

/// Why a command did not do its work, in a sentence, and its exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

/// The exit code of a search whose language model proposed nothing that could be used.
pub const NOTHING_FROM_MODEL: u8 = 4;

/// The exit code of a search that its user stopped: that of a program that ends by SIGINT.
pub const STOPPED: u8 = 130;

/// The exit code of a search that found nothing within the limits.
pub const NOT_WITHIN_LIMITS: u8 = 3;

impl Failure {
    /// Something the user can put right: exit code 2.
    pub fn input(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 2 }
    }

    /// The work itself went wrong: exit code 1.
    pub fn work(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// What a program that was built without libtorch cannot do: exit code 2.
    #[cfg(not(feature = "torch"))]
    pub fn without_torch(what: &str) -> Self {
        Self::input(format!(
            "this `nas` was built without libtorch and cannot {what}: build it with the feature `torch`, which is on by default"
        ))
    }

    /// Work that its user stopped: exit code 130.
    #[cfg(feature = "torch")]
    pub fn stopped(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: STOPPED }
    }

    /// An unreadable or unwritable file: exit code 2.
    pub fn file(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::input(format!("cannot {action} {}: {error}", path.display()))
    }

    /// A file to be written in a folder that is not there: exit code 2.
    pub fn no_folder(file: &std::path::Path) -> Result<(), Self> {
        match file.parent() {
            Some(folder) if !folder.join(".").is_dir() => Err(Self::input(format!(
                "{}: there is no folder {}; make it first",
                file.display(),
                folder.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The same, with what else to say.
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        Self { message: format!("{}\n{more}", self.message), ..self }
    }

    /// A file to be written that is a folder, that lies in none, or that is there and not to be
    /// replaced: exit code 2.
    pub fn occupied(file: &std::path::Path, force: bool, example: &str) -> Result<(), Self> {
        let shown = file.display();
        if file.is_dir() {
            let example = file.join(example);
            let example = example.display();
            return Err(Self::input(format!(
                "{shown} is a folder: name a file in it, for example {example}"
            )));
        }
        Self::no_folder(file)?;
        if file.exists() && !force {
            return Err(Self::input(format!(
                "{shown} is there already: replace it with --force, or name another"
            )));
        }
        Ok(())
    }

    /// Prints the message to standard error.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", printable(&self.message));
        ExitCode::from(self.code)
    }
}

/// A text without what a terminal would take for a command: it may quote a file or a model.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_command = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_command(c) { c.escape_default().to_string() } else { c.into() };
    text.chars().map(shown).collect::<String>().into()
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error and what caused it, as one line each; a cause that its effect already tells is
/// not told again.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str("\n  because: ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

macro_rules! input_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::input(chain(&error))
            }
        }
    )*};
}

input_errors!(
    nas_space::Error,
    nas_hw::Error,
    nas_partition::Error,
    nas_pareto::Error,
    nas_eval::Error,
    nas_predict::Error
);

#[cfg(feature = "torch")]
impl From<nas_proxy::Error> for Failure {
    fn from(error: nas_proxy::Error) -> Self {
        let hint = match error {
            nas_proxy::Error::NoCuda { .. } => "\n`nas doctor` tells what to do about it.",
            nas_proxy::Error::Inapplicable { .. } => {
                "\n--proxies all leaves out those that do not apply to such networks."
            }
            nas_proxy::Error::Records { fits: Some(_), .. } => {
                "\nIf that is what it is, say so with --dataset."
            }
            _ => "",
        };
        Self::input(chain(&error) + hint)
    }
}

impl From<nas_bench::Error> for Failure {
    /// Missing or damaged tables are for the user to put right; a failed download may pass.
    fn from(error: nas_bench::Error) -> Self {
        Self::input(chain(&error))
    }
}

impl From<nas_llm::Error> for Failure {
    /// What was given is for the user to put right; what a server does is not.
    fn from(error: nas_llm::Error) -> Self {
        use nas_llm::Kind;
        match error.kind() {
            Kind::Configuration | Kind::NotRecorded | Kind::Transcript => {
                Self::input(chain(&error))
            }
            _ => Self::work(chain(&error)),
        }
    }
}

impl From<nas_search::Error> for Failure {
    fn from(error: nas_search::Error) -> Self {
        Self::work(chain(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_no_command_to_a_terminal() {
        assert_eq!(printable("a\tb\nç"), "a\tb\nç");
        assert_eq!(printable("x\u{1b}]0;y\u{7}\u{9b}2J\r"), r"x\u{1b}]0;y\u{7}\u{9b}2J\r");
    }
}
