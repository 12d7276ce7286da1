//! A proposed architecture.

use nas_space::Arch;

/// A proposed architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The architecture.
    pub arch: Arch,
    /// Why it is proposed, in the proposer's words.
    pub rationale: Option<String>,
    /// Who proposes it, where a proposer is several; `None` for the proposer itself.
    pub by: Option<String>,
}

impl From<Arch> for Proposal {
    fn from(arch: Arch) -> Self {
        Self { arch, rationale: None, by: None }
    }
}
