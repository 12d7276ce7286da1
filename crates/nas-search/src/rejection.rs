//! Which proposals are rejected, and why.

use std::collections::HashSet;

use nas_partition::Partition;
use nas_space::{Arch, Error as SpaceError, Space};

use crate::Candidates;

/// Why a proposal was rejected.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    /// It is not in the space.
    Illegal(SpaceError),
    /// It was evaluated before, or proposed twice.
    Duplicate,
    /// It is none of the [candidates](Candidates).
    NoCandidate,
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
    /// None of the candidates.
    pub no_candidate: usize,
    /// In another niche.
    pub outside_niche: usize,
}

impl Rejections {
    pub(crate) fn add(&mut self, more: Self) {
        self.illegal += more.illegal;
        self.duplicate += more.duplicate;
        self.no_candidate += more.no_candidate;
        self.outside_niche += more.outside_niche;
    }

    pub(crate) fn count(&mut self, rejection: &Rejection) {
        match rejection {
            Rejection::Illegal(_) => self.illegal += 1,
            Rejection::Duplicate => self.duplicate += 1,
            Rejection::NoCandidate => self.no_candidate += 1,
            Rejection::OutsideNiche { .. } => self.outside_niche += 1,
        }
    }
}

/// Accepts an architecture that is legal, new, a candidate, and inside the niche.
pub(crate) fn check(
    space: &Space,
    partition: &Partition,
    niche: usize,
    seen: &HashSet<Arch>,
    candidates: Option<&Candidates<'_>>,
    arch: &Arch,
) -> Result<(), Rejection> {
    space.check(arch).map_err(Rejection::Illegal)?;
    if seen.contains(arch) {
        return Err(Rejection::Duplicate);
    }
    match partition.niche_of(arch) {
        found if found != niche => Err(Rejection::OutsideNiche { niche: found }),
        // Last: what is known of an architecture may take time.
        _ if candidates.is_some_and(|all| !all.contains(arch)) => Err(Rejection::NoCandidate),
        _ => Ok(()),
    }
}
