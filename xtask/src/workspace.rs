//! Where the workspace is and which libtorch its builds use.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The checkout that this xtask belongs to.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that cargo runs this program in; without cargo, the one that contains the current
    /// folder. It may not be the one in which this program was built.
    pub fn find() -> Result<Self, Error> {
        let here = || {
            let folder = env::current_dir().unwrap_or_default();
            let checkout =
                folder.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
            checkout.unwrap_or(&folder).join("xtask")
        };
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(here, PathBuf::from);
        match manifest.parent() {
            Some(root) if root.join("Cargo.toml").is_file() => {
                Ok(Self { root: root.to_path_buf() })
            }
            _ => Err(Error::NoWorkspace { manifest }),
        }
    }

    /// The folder with the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that set-up owns.
    pub fn libtorch_home(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// The libtorch that set-up provides, as `.cargo/config.toml` names it.
    pub fn libtorch(&self) -> PathBuf {
        self.libtorch_home().join("torch")
    }

    /// The folder that set-up of ONNX Runtime owns.
    pub fn onnxruntime_home(&self) -> PathBuf {
        self.root.join(".onnxruntime")
    }

    /// The `LIBTORCH` that the user has set, if any. Cargo sets the variable itself for every program
    /// that it runs, from `.cargo/config.toml`; any other value is the user's.
    pub fn users_libtorch(&self) -> Option<PathBuf> {
        let set = PathBuf::from(env::var_os("LIBTORCH")?);
        (set != self.libtorch()).then_some(set)
    }
}
