//! SWAP, after Peng, Song, Fayek, Ciesielski and Chang 2024, "SWAP-NAS: Sample-Wise Activation
//! Patterns for Ultra-fast NAS", arXiv 2403.04161.

use crate::definition::{Computation, Definition, Description, Record, Score};
use crate::inputs::Forward;
use crate::{Needs, NetworkKind};

pub(super) const SWAP: Definition = Definition {
    description: Description {
        name: "swap",
        needs: Needs::IMAGES,
        inapplicable: &[(
            NetworkKind::Transformer,
            "it compares which units are active, and GELU, unlike ReLU, has no inactive units",
        )],
        paper: "Peng et al. 2024, arXiv 2403.04161",
        equation: "number of distinct patterns that units show over the images, a pattern being \
                   where a unit is active (equation 3, without the regularisation)",
        followed: "the paper",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::ActivationPatterns], score),
};

fn score(forward: &Forward) -> Score {
    let patterns = forward.patterns(SWAP.name())?;
    Ok(patterns.distinct_patterns().map(|count| count as f64))
}
