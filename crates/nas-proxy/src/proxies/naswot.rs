//! NASWOT, after Mellor, Turner, Storkey and Crowley 2021, "Neural Architecture Search without
//! Training", arXiv 2006.04647.

use tch::{TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Record, Score};
use crate::inputs::Forward;
use crate::scalars::all_finite;
use crate::{Needs, NetworkKind};

pub(super) const NASWOT: Definition = Definition {
    description: Description {
        name: "nwot",
        needs: Needs::IMAGES,
        least_images: 2,
        inapplicable: &[(
            NetworkKind::Transformer,
            "it compares which units are active, and GELU, unlike ReLU, has no inactive units",
        )],
        paper: "Mellor et al. 2021, arXiv 2006.04647",
        equation: "ln |det K_H|, K_H = units − Hamming distances (equations 2 and 3)",
        followed: "the paper, with the batch's own statistics in normalisation",
        ..Description::DEFAULT
    },
    computation: Computation::Forward(&[Record::HammingKernel], score),
};

/// ln |det K_H| (equation 3); absent where K_H is singular to the precision of f64.
fn score(forward: &Forward) -> Score {
    match forward.patterns(NASWOT.name())?.kernel()? {
        Some(kernel) => Ok(log_determinant(&kernel)?),
        None => Ok(None),
    }
}

/// The logarithm of the determinant of a symmetric matrix without negative eigenvalues.
///
/// The smallest eigenvalue decides whether it is singular, by the usual tolerance of the numerical
/// rank: a factorisation would leave rounding noise in place of the zero, and a plausible number.
fn log_determinant(matrix: &Tensor) -> Result<Option<f64>, TchError> {
    let matrix = matrix.f_to_device(tch::Device::Cpu)?;
    if !all_finite(&matrix)? {
        return Ok(None);
    }
    let eigenvalues = Vec::<f64>::try_from(matrix.f_linalg_eigvalsh("L")?)?;
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let tolerance = largest * eigenvalues.len() as f64 * f64::EPSILON;
    if largest > 0.0 && eigenvalues.iter().all(|&value| value > tolerance) {
        Ok(Some(eigenvalues.iter().map(|value| value.ln()).sum()))
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::tiny::try_score_of;
    use crate::{Batch, Error, Network, Pass, Role};

    fn naswot(network: &dyn Network, images: &Tensor) -> Result<Option<f64>, Error> {
        try_score_of(&NASWOT, network, &Batch::new(images)?)
    }

    /// ReLU of the images as they are.
    struct OnlyRelu {
        layers: usize,
    }

    impl Network for OnlyRelu {
        fn parameters(&self) -> Vec<(Role, Tensor)> {
            Vec::new()
        }

        fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
            pass.relu_shared(images, self.layers)?.f_flatten(1, -1)
        }
    }

    fn images(values: &[f32], count: i64) -> Tensor {
        Tensor::from_slice(values).reshape([count, 1, 1, -1])
    }

    /// K_H by counting, unit by unit.
    fn kernel_by_counting(values: &[f32], count: usize) -> Vec<Vec<f64>> {
        let units = values.len() / count;
        let code = |image: usize| &values[image * units..(image + 1) * units];
        let alike = |one: usize, other: usize| {
            let pairs = code(one).iter().zip(code(other));
            pairs.filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count() as f64
        };
        (0..count).map(|one| (0..count).map(|other| alike(one, other)).collect()).collect()
    }

    /// The determinant by expansion along the first row.
    fn determinant(matrix: &[Vec<f64>]) -> f64 {
        if matrix.is_empty() {
            return 1.0;
        }
        (0..matrix.len())
            .map(|column| {
                let minor: Vec<Vec<f64>> = matrix[1..]
                    .iter()
                    .map(|row| [&row[..column], &row[column + 1..]].concat())
                    .collect();
                let sign = if column % 2 == 0 { 1.0 } else { -1.0 };
                sign * matrix[0][column] * determinant(&minor)
            })
            .sum()
    }

    proptest! {
        #[test]
        fn it_is_the_determinant_of_the_hamming_kernel(
            values in proptest::collection::vec(-1.0_f32..1.0, 4 * 9),
            layers in 1_usize..4,
        ) {
            let score = naswot(&OnlyRelu { layers }, &images(&values, 4)).unwrap();
            let expected = determinant(&kernel_by_counting(&values, 4));
            if expected < 0.5 {
                // The determinant of whole numbers is whole: this one is zero.
                prop_assert_eq!(score, None);
            } else {
                let scale = 4.0 * (layers as f64).ln();
                let difference = score.unwrap() - expected.ln() - scale;
                prop_assert!(difference.abs() < 1e-9, "{score:?} for ln {expected}");
            }
        }
    }

    #[test]
    fn two_images_by_hand() {
        // Codes 1100 and 0110 differ in 2 of 4 units: K_H = [[4, 2], [2, 4]], determinant 12.
        let batch = images(&[1.0, 2.0, -1.0, 0.0, -3.0, 0.1, 0.2, -0.0], 2);
        let score = naswot(&OnlyRelu { layers: 1 }, &batch).unwrap().unwrap();
        assert_relative_eq!(score, 12.0_f64.ln(), max_relative = 1e-12);
    }

    #[test]
    fn equal_images_have_no_score() {
        let batch = images(&[1.0, -2.0, 3.0, 1.0, -2.0, 3.0, -1.0, 0.0, 1.0], 3);
        assert_eq!(naswot(&OnlyRelu { layers: 1 }, &batch).unwrap(), None);
    }

    #[test]
    fn overflowed_activations_have_no_score() {
        struct Overflow;
        impl Network for Overflow {
            fn parameters(&self) -> Vec<(Role, Tensor)> {
                Vec::new()
            }
            fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
                let huge = images.f_mul_scalar(1e30)?.f_mul_scalar(1e30)?;
                pass.relu(&huge)?.f_flatten(1, -1)
            }
        }
        let batch = images(&[2.0, 1.0, -1.0, 1.0], 2);
        assert_eq!(naswot(&Overflow, &batch).unwrap(), None);
    }

    #[test]
    fn a_single_image_is_refused() {
        let error = naswot(&OnlyRelu { layers: 1 }, &images(&[1.0], 1)).unwrap_err();
        assert!(matches!(error, Error::BatchTooSmall { found: 1, .. }));
    }

    /// Batch normalisation, then ReLU; untrained running statistics are mean 0 and variance 1.
    struct Normalised {
        running_statistics: bool,
    }

    impl Network for Normalised {
        fn parameters(&self) -> Vec<(Role, Tensor)> {
            Vec::new()
        }

        fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
            let normalised = if self.running_statistics {
                let mean = images.f_zeros_like()?.f_select(0, 0)?.f_select(1, 0)?.f_select(1, 0)?;
                let variance = mean.f_ones_like()?;
                let (mean, variance) = (Some(mean), Some(variance));
                images.f_batch_norm(None, None, mean, variance, false, 0.1, 1e-5, true)?
            } else {
                pass.batch_norm(images, None, None, 1e-5)?
            };
            pass.relu(&normalised)?.f_flatten(1, -1)
        }
    }

    #[test]
    fn batch_statistics_and_running_statistics_differ() {
        // Positive images: by untrained running statistics every unit is active for all of them.
        let images = Batch::gaussian([4, 3, 8, 8], 1).unwrap();
        let images = images.images().abs() + 0.1;
        let score =
            |running_statistics| naswot(&Normalised { running_statistics }, &images).unwrap();
        assert!(score(false).is_some());
        assert_eq!(score(true), None);
    }

    #[test]
    fn a_relu_of_another_batch_is_refused() {
        struct Halves;
        impl Network for Halves {
            fn parameters(&self) -> Vec<(Role, Tensor)> {
                Vec::new()
            }
            fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
                pass.relu(&images.f_narrow(0, 0, 1)?)
            }
        }
        let error = naswot(&Halves, &images(&[1.0, -1.0], 2)).unwrap_err();
        assert!(error.to_string().contains("2 images"), "{error}");
    }
}
