//! Why a command failed, in a sentence, and its exit code.

use std::{error::Error, process::ExitCode};

use crate::terminal::typed;

/// Why a command did not do its work, in a sentence, and its exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

/// The exit code of a search whose language model proposed nothing that could be used.
pub const NOTHING_FROM_MODEL: u8 = 4;

/// The exit code of a search that the user stopped: that of a program that ends by SIGINT.
pub const STOPPED: u8 = 130;

/// The exit code of a search that found nothing within the limits.
pub const NOT_WITHIN_LIMITS: u8 = 3;

impl Failure {
    /// Something the user can correct: exit code 2.
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
            "this `nas` was built without libtorch and cannot {what}: build it with the default feature `torch`"
        ))
    }

    /// Work that the user stopped: exit code 130.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: STOPPED }
    }

    /// An unreadable or unwritable file: exit code 2.
    pub fn file(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::input(format!("cannot {action} {}: {error}", path.display()))
    }

    /// Checks that the folder of a file to be written exists: exit code 2.
    pub fn no_folder(file: &std::path::Path) -> Result<(), Self> {
        match file.parent() {
            Some(folder) if !folder.join(".").is_dir() => Err(Self::input(format!(
                "{}: there is no folder {}: create it first",
                file.display(),
                folder.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The same, with another line.
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        Self { message: format!("{}\n{more}", self.message), ..self }
    }

    /// Checks that a file can be written: it is no folder, its folder exists, and it does not exist
    /// itself unless `force` allows to replace it: exit code 2.
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
                "{shown} exists: replace it with --force, or name another file"
            )));
        }
        Ok(())
    }

    /// The exit code of the program.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error and its causes, a line each, without causes that the error already contains.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str("\n  because: ");
            text.push_str(&message);
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
    nas_data::Error,
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
            nas_proxy::Error::NoCuda { .. } => "\n`nas doctor` shows what to do.",
            nas_proxy::Error::Inapplicable { .. } => {
                "\n--proxies all leaves out proxies that do not apply to such networks."
            }
            nas_proxy::Error::Records { fits: Some(_), .. } => {
                "\nIf it is that data set, name it with --dataset."
            }
            _ => "",
        };
        Self::input(chain(&error) + hint)
    }
}

impl From<nas_bench::Error> for Failure {
    /// Missing or damaged tables, which the user can correct.
    fn from(error: nas_bench::Error) -> Self {
        use nas_bench::Error::{MissingTables, Table};
        let text = chain(&error);
        let (MissingTables { path } | Table { path, .. }) = &error else {
            return Self::input(text);
        };
        // By default `nas download` writes to another folder than the one that --tables names.
        let folder = path.parent().unwrap_or(path);
        let default = nas_bench::tables_dir().is_ok_and(|default| default.path == folder);
        let named = format!("`nas download --tables {}`", typed(folder));
        Self::input(if default { text } else { text.replace("`nas download`", &named) })
    }
}

impl From<nas_llm::Error> for Failure {
    /// The user can correct what was typed, but not what a server does.
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
        match error {
            nas_search::Error::Feature { feature, .. } => Self::input(format!(
                "{error}: `cargo install --path crates/nas-cli --features {feature}`"
            )),
            nas_search::Error::NoAxis { .. } | nas_search::Error::Partition(_) => {
                Self::input(chain(&error))
            }
            _ => Self::work(chain(&error)),
        }
    }
}
