//! Which proposals are rejected, and why.

use std::collections::HashSet;

use nas_partition::Partition;
use nas_space::{Arch, Error as SpaceError, Space};

/// Why a proposal was rejected.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// It is not in the space.
    Illegal(SpaceError),
    /// It was evaluated before, or proposed twice.
    Duplicate,
    /// It lies in another niche.
    OutsideNiche {
        /// The niche that it lies in.
        niche: usize,
    },
}

/// Rejected proposals, counted by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejections {
    /// Not in the space.
    pub illegal: usize,
    /// Evaluated before, or proposed twice.
    pub duplicate: usize,
    /// In another niche.
    pub outside_niche: usize,
}

impl Rejections {
    pub(crate) fn count(&mut self, rejection: &Rejection) {
        match rejection {
            Rejection::Illegal(_) => self.illegal += 1,
            Rejection::Duplicate => self.duplicate += 1,
            Rejection::OutsideNiche { .. } => self.outside_niche += 1,
        }
    }
}

/// Accepts an architecture that is legal, new, and inside the niche.
pub(crate) fn check(
    space: &Space,
    partition: &Partition,
    niche: usize,
    seen: &HashSet<Arch>,
    arch: &Arch,
) -> Result<(), Rejection> {
    space.check(arch).map_err(Rejection::Illegal)?;
    if seen.contains(arch) {
        return Err(Rejection::Duplicate);
    }
    match partition.niche_of(arch) {
        found if found == niche => Ok(()),
        found => Err(Rejection::OutsideNiche { niche: found }),
    }
}
