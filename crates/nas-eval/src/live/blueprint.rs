//! How the networks of a space are built, and what images they take.

use std::{path::Path, sync::Arc};

use nas_bench::ScoreTable;
use nas_net::{BuiltNetwork, Task};
use nas_proxy::{Batch, Proxy, Selection};
use nas_space::Arch;
use tch::Device;

use crate::{Error, Numbering};

/// How the networks of a space are built for a data set, and what images they take.
#[derive(Clone)]
pub struct Blueprint {
    /// The images and classes.
    pub task: Task,
    /// Images in a batch of proxies, by default.
    pub batch: usize,
    /// The proxies of the training-free score ([`ProxyScore`](super::ProxyScore)).
    pub score: &'static [Proxy],
    /// Scores that were computed before, if there are any.
    pub computed: Option<Computed>,
    /// Reads images of a file, if a format of files with the data set's images is known.
    pub read: Option<ReadImages>,
    /// Builds a network.
    pub build: Arc<Build>,
    /// How a benchmark numbers the architectures, and which of them are the same network.
    pub numbering: Option<Numbering>,
}

/// Opens scores that were computed before.
pub type Computed = fn() -> Result<ScoreTable, nas_bench::Error>;

/// Reads images of a file.
pub type ReadImages = fn(&Path, Selection) -> Result<Batch, nas_proxy::Error>;

/// Builds the network of an architecture with initial weights of a seed.
pub type Build =
    dyn Fn(&Arch, u64, Device) -> Result<Box<dyn BuiltNetwork>, nas_net::Error> + Send + Sync;

impl Blueprint {
    /// The same for other images and classes, or of another size: without what was computed and published for
    /// its own.
    #[must_use]
    pub fn for_task(self, task: Task, build: Arc<Build>) -> Self {
        Self { task, build, computed: None, read: None, ..self }
    }

    /// Images of a file, as large as the networks take them; `None` if no format of such files is
    /// known.
    ///
    /// # Errors
    /// Those of the reader, for example for too few images.
    pub fn images(
        &self,
        file: &Path,
        selection: Selection,
    ) -> Option<Result<Batch, nas_proxy::Error>> {
        Some(self.read?(file, selection).and_then(|batch| batch.resized(self.task.side)))
    }

    /// The architecture that represents all that are the same network.
    pub fn representative(&self, arch: &Arch) -> Arch {
        let first = |numbering: Numbering| (numbering.arch)((numbering.representative)(arch)).ok();
        self.numbering.and_then(first).unwrap_or_else(|| arch.clone())
    }

    /// A number of the architecture that is the same on all machines, and differs from those of others.
    fn number(&self, arch: &Arch) -> u64 {
        self.numbering.map_or_else(|| fingerprint(arch), |known| (known.index)(arch) as u64)
    }
}

/// A number of the architecture that is the same on all machines, and differs from those of others.
fn fingerprint(arch: &Arch) -> u64 {
    // FNV-1a.
    let step = |hash: u64, choice: &u8| (hash ^ u64::from(*choice)).wrapping_mul(0x0100_0000_01b3);
    arch.choices().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// How and where networks are built.
#[derive(Clone)]
pub struct Networks {
    /// How.
    pub blueprint: Blueprint,
    /// The seed of the initial weights. Each network draws its own from it, as in published
    /// tables: with one draw for all, its chance would rank networks that differ little.
    pub seed: u64,
    /// Where they run.
    pub device: Device,
}

impl Networks {
    /// The untrained network of an architecture. Architectures that are the same network get the
    /// same weights.
    ///
    /// # Errors
    /// An architecture of another space; failures of libtorch, for example out of memory.
    pub fn build(&self, arch: &Arch) -> Result<Box<dyn BuiltNetwork>, Error> {
        let arch = self.representative(arch);
        let seed = self.seed.wrapping_add(self.blueprint.number(&arch) << 32);
        Ok((self.blueprint.build)(&arch, seed, self.device)?)
    }

    /// The architecture that represents all that are the same network.
    pub fn representative(&self, arch: &Arch) -> Arch {
        self.blueprint.representative(arch)
    }
}
