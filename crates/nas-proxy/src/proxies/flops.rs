//! The number of floating-point operations.

use crate::Error;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::Subject;

pub(super) const FLOPS: Definition = Definition {
    description: Description {
        name: "flops",
        paper: "Ning et al. 2021, arXiv 2008.03064",
        equation: "floating-point operations of one image, by the network's own convention \
                   (Network::flops); AZ-NAS's complexity",
        followed: "multiply-accumulates of the weighted layers unless the network defines otherwise",
        ..Description::DEFAULT
    },
    computation: Computation::Alone(score),
};

fn score(subject: &Subject) -> Score {
    let batch = subject.batch;
    let flops = subject.network.flops(batch.image_shape(), batch.device())?;
    if flops == 0.0 { Err(Error::no_layers(FLOPS.name())) } else { Ok(Some(flops)) }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::tiny::{Tiny, score_of};

    #[test]
    fn multiply_accumulates_are_counted_by_position() {
        let score = score_of(&FLOPS, &Tiny::new(), &Tiny::batch()).unwrap();
        // 16 positions for the convolutions.
        assert_relative_eq!(score, f64::from(16 * 54 + 16 * 12 + 12));
    }
}
