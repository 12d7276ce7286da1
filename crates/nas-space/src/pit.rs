//! PiT: vision transformers with pooling between three stages (Heo et al. 2021, arXiv 2103.16302),
//! as ViT-Bench-101 varies them (Wei et al. 2024, arXiv 2312.09059).

use std::sync::LazyLock;

use crate::{Arch, Decision, Error, Space};

/// A network of the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Channels of each head in the first stage; each further stage has heads of as many.
    pub base_dimension: u64,
    /// Channels of the hidden layer of each MLP for each channel of a token.
    pub mlp_ratio: u64,
    /// Layers of each stage.
    pub depths: [u64; STAGES],
    /// Attention heads of each stage.
    pub heads: [u64; STAGES],
}

/// Stages, with a pooling between each two.
pub const STAGES: usize = 3;

static SPACE: LazyLock<Space> = LazyLock::new(|| {
    let numbers = |values: &[u64]| values.iter().map(u64::to_string).collect::<Vec<_>>();
    let mut decisions = vec![
        Decision::new("base dimension", numbers(&[16, 24, 32, 40])),
        Decision::new("MLP ratio", numbers(&[2, 4, 6, 8])),
    ];
    for (stage, depths) in [[1, 2, 3], [4, 6, 8], [2, 4, 6]].iter().enumerate() {
        decisions.push(Decision::new(format!("depth {}", stage + 1), numbers(depths)));
    }
    for stage in 1..=STAGES {
        decisions.push(Decision::new(format!("heads {stage}"), numbers(&[2, 4, 8])));
    }
    Space::new(
        "pit",
        "Vision transformers of three stages with pooling between them (PiT): each stage has layers \
         as many as its depth, with attention heads of the base dimension and MLPs whose hidden \
         layer is the MLP ratio times as wide.",
        decisions,
        "{} {}: {} {} {}, {} {} {}",
        None,
    )
    .expect("its parts fit together")
});

/// The space: base dimension, MLP ratio, the stages' depths, then their heads.
pub fn space() -> &'static Space {
    &SPACE
}

/// The architecture of a network of the space.
///
/// # Errors
/// [`Error::UnknownName`] for the first number that the space does not choose from.
pub fn arch(network: &Network) -> Result<Arch, Error> {
    let numbers = [network.base_dimension, network.mlp_ratio].into_iter();
    let numbers = numbers.chain(network.depths).chain(network.heads);
    let choices = SPACE.decisions().iter().zip(numbers);
    let choices = choices.map(|(decision, number)| decision.choice(&number.to_string()));
    Ok(Arch::new(choices.collect::<Result<Vec<u8>, Error>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_architectures_of_the_space() {
        let network =
            Network { base_dimension: 16, mlp_ratio: 6, depths: [2, 8, 4], heads: [2, 4, 4] };
        let arch = arch(&network).unwrap();
        assert_eq!(space().format(&arch), "16 6: 2 8 4, 2 4 4");
        assert_eq!(space().parse("16 6: 2 8 4, 2 4 4"), Ok(arch));
        assert_eq!(space().size(), Some(4 * 4 * 27 * 27));
        let foreign = Network { base_dimension: 17, ..network };
        assert!(super::arch(&foreign).unwrap_err().to_string().contains("17"));
    }
}
