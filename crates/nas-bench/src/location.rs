//! The table folder: where downloaded files and tables are.

use std::{
    env,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;

use crate::Error;

/// The environment variable that names the table folder.
pub const TABLES_VARIABLE: &str = "PEL_NAS_TABLES";

/// The folder with the downloaded files and the tables compiled from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablesDir {
    /// The folder; it need not exist yet.
    pub path: PathBuf,
    /// The rule that chose it.
    pub origin: Origin,
}

/// Which rule chose the table folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The environment variable [`TABLES_VARIABLE`].
    Environment,
    /// A checkout of the project: the nearest folder upwards with `bench-data/manifest.toml`.
    Checkout,
    /// The user's data directory, for example `~/.local/share/pel-nas` on Linux.
    UserDirectory,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Environment => "from the environment variable PEL_NAS_TABLES",
            Self::Checkout => "the checkout's bench-data/downloads",
            Self::UserDirectory => "the user's data directory",
        })
    }
}

/// The table folder of this process: `PEL_NAS_TABLES`, else `bench-data/downloads` of the nearest
/// folder upwards from the working directory that has `bench-data/manifest.toml`, else `pel-nas`
/// in the user's data directory. An empty `PEL_NAS_TABLES` counts as unset.
///
/// # Errors
/// [`Error::NoDataDir`] if there is none of the three.
pub fn tables_dir() -> Result<TablesDir, Error> {
    let working = env::current_dir().ok();
    let user = || Some(etcetera::choose_base_strategy().ok()?.data_dir());
    locate(env::var_os(TABLES_VARIABLE), working.as_deref(), user)
}

fn locate(
    variable: Option<OsString>,
    working: Option<&Path>,
    user: impl FnOnce() -> Option<PathBuf>,
) -> Result<TablesDir, Error> {
    if let Some(path) = variable.filter(|value| !value.is_empty()) {
        return Ok(TablesDir { path: path.into(), origin: Origin::Environment });
    }
    let checkout = working
        .into_iter()
        .flat_map(Path::ancestors)
        .map(|folder| folder.join("bench-data"))
        .find(|folder| folder.join("manifest.toml").is_file());
    if let Some(folder) = checkout {
        return Ok(TablesDir { path: folder.join("downloads"), origin: Origin::Checkout });
    }
    user()
        .map(|folder| TablesDir { path: folder.join("pel-nas"), origin: Origin::UserDirectory })
        .ok_or(Error::NoDataDir)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_variable_takes_precedence_then_the_checkout_then_the_user() {
        let root = tempfile::tempdir().unwrap();
        let bench_data = root.path().join("bench-data");
        let deep = root.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(&bench_data).unwrap();
        let user = || Some(PathBuf::from("/home/u/share"));
        let found = |variable: Option<&str>| {
            let found = locate(variable.map(Into::into), Some(&deep), user).unwrap();
            (found.path, found.origin)
        };

        let at_user = (PathBuf::from("/home/u/share/pel-nas"), Origin::UserDirectory);
        assert_eq!(found(None), at_user);
        fs::write(bench_data.join("manifest.toml"), "").unwrap();
        let at_checkout = (bench_data.join("downloads"), Origin::Checkout);
        assert_eq!(found(None), at_checkout);
        assert_eq!(found(Some("")), at_checkout);
        assert_eq!(found(Some("/d")), ("/d".into(), Origin::Environment));
    }

    #[test]
    fn no_folder_is_an_error_that_names_the_variable() {
        let message = locate(None, None, || None).unwrap_err().to_string();
        assert!(message.contains(TABLES_VARIABLE), "{message}");
    }
}
