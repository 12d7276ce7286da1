//! SPEA2 by name; the searcher itself is the feature `spea2`.

#[cfg(feature = "spea2")]
mod by_moors;

use crate::Searcher;

#[cfg(feature = "spea2")]
pub use by_moors::Spea2;

pub(super) const SEARCHER: Searcher = Searcher {
    name: "spea2",
    summary: "SPEA2 (library moors); requires a build with --features spea2",
    #[cfg(feature = "spea2")]
    make: |_| Ok(Box::new(Spea2::new(super::nsga2::POPULATION))),
    #[cfg(not(feature = "spea2"))]
    make: |_| Err(crate::Error::Feature { searcher: SEARCHER.name, feature: "spea2" }),
};
