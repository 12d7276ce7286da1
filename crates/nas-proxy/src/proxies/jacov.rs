//! jacov, after Mellor, Turner, Storkey and Crowley 2020, "Neural Architecture Search without
//! Training", arXiv 2006.04647v1.

use crate::Needs;
use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::ImageGradients;

pub(super) const JACOV: Definition = Definition {
    description: Description {
        name: "jacov",
        needs: Needs::IMAGE_GRADIENTS,
        least_images: 2,
        paper: "Mellor et al. 2020, arXiv 2006.04647v1",
        equation: "−Σ (ln(σ + 1e-5) + 1/(σ + 1e-5)) over the eigenvalues σ of the correlation \
                   matrix of the images' gradients of the summed logits",
        followed: "the paper",
        ..Description::DEFAULT
    },
    computation: Computation::ImageGradients(score),
};

/// Keeps logarithms and quotients finite.
const SMALL: f64 = 1e-5;

fn score(images: &ImageGradients) -> Score {
    let eigenvalues = Vec::<f64>::try_from(images.correlation.f_linalg_eigvalsh("L")?)?;
    let terms = eigenvalues.into_iter().map(|value| {
        // A singular matrix may have eigenvalues just below zero.
        let value = value.max(0.0) + SMALL;
        value.ln() + value.recip()
    });
    Ok(Some(-terms.sum::<f64>()))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::Batch;
    use crate::tiny::{Tiny, correlation, score_of};

    #[test]
    fn jacov_of_two_images_in_closed_form() {
        // The eigenvalues of [[1, r], [r, 1]] are 1 + r and 1 − r.
        let batch = Batch::new(&Tiny::batch().images().narrow(0, 0, 2)).unwrap();
        let network = Tiny::new();
        let rows = network.image_gradients(&batch);
        let r = correlation(&rows[0], &rows[1]);
        let terms = [1.0 + r, 1.0 - r].map(|value| (value + SMALL).ln() + 1.0 / (value + SMALL));
        let score = score_of(&JACOV, &network, &batch).unwrap();
        assert_relative_eq!(score, -terms.iter().sum::<f64>(), max_relative = 1e-6);
    }
}
