//! NASWOT, after Mellor, Turner, Storkey and Crowley 2021, "Neural Architecture Search without
//! Training", arXiv 2006.04647.

use tch::{Kind, TchError, Tensor};

use crate::{Error, Network, Pass, Proxy};

/// log |det K_H| (equation 3) of one forward pass of the batch, with batch statistics in batch
/// normalisation; `None` where K_H is singular to the precision of f64.
pub(crate) fn naswot(network: &dyn Network, images: &Tensor) -> Result<Option<f64>, Error> {
    let count = images.size()[0];
    if count < 2 {
        return Err(Error::BatchTooSmall {
            proxy: Proxy::Naswot.name(),
            found: usize::try_from(count).unwrap_or(0),
        });
    }
    let mut pass = Pass::recording(count);
    let _logits = tch::no_grad(|| network.forward(images, &mut pass))?;
    match pass.into_kernel().and_then(|kernel| kernel.matrix) {
        Some(matrix) => Ok(log_determinant(&matrix)?),
        None => Err(Error::NoRelu),
    }
}

/// K_H (equation 2): for each pair of images, the number of ReLU units that are active for both or
/// for neither, which is the number of units less the Hamming distance of the two binary codes.
#[derive(Debug)]
pub(crate) struct HammingKernel {
    images: i64,
    /// Of shape (images, images), in f64; absent until the first ReLU.
    matrix: Option<Tensor>,
}

/// Products of 0 and 1 add up exactly in f32 up to this many units.
const EXACT_IN_F32: i64 = 1 << 24;

impl HammingKernel {
    pub(crate) fn new(images: i64) -> Self {
        Self { images, matrix: None }
    }

    /// Adds the units of `layers` ReLUs whose common output is `rectified`.
    pub(crate) fn add(&mut self, rectified: &Tensor, layers: usize) -> Result<(), TchError> {
        let shape = rectified.size();
        if shape.first() != Some(&self.images) {
            return Err(TchError::Shape(format!(
                "a ReLU of shape {shape:?} in a pass of {} images",
                self.images
            )));
        }
        let active = units(rectified)?.f_sign()?;
        let units = active.size()[1];
        let active = if units > EXACT_IN_F32 { active.f_to_kind(Kind::Double)? } else { active };
        // With X the binary codes and r their row sums,
        // X Xᵀ + (1 − X)(1 − X)ᵀ = 2 X Xᵀ − r 1ᵀ − 1 rᵀ + units.
        let both = active.f_matmul(&active.f_tr()?)?.f_to_kind(Kind::Double)?;
        let each = both.f_diagonal(0, 0, 1)?;
        let alike = (both * 2.0)
            .f_sub(&each.f_unsqueeze(0)?)?
            .f_sub(&each.f_unsqueeze(1)?)?
            .f_add_scalar(units)?
            .f_mul_scalar(layers as f64)?;
        self.matrix = Some(match self.matrix.take() {
            Some(matrix) => matrix.f_add(&alike)?,
            None => alike,
        });
        Ok(())
    }
}

/// The activations as (images, units). The order of the units is that of the memory where it can
/// be, since no sum over units depends on it and a copy costs time.
fn units(activations: &Tensor) -> Result<Tensor, TchError> {
    if activations.dim() == 4 && !activations.is_contiguous() {
        activations.f_permute([0, 2, 3, 1])?.f_flatten(1, -1)
    } else {
        activations.f_reshape([activations.size()[0], -1])
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

/// Whether a tensor holds neither NaN nor an infinite value.
pub(crate) fn all_finite(tensor: &Tensor) -> Result<bool, TchError> {
    bool::try_from(tensor.f_isfinite()?.f_all()?)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::Role;

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
    fn layout_does_not_matter() {
        let batch = Tensor::from_slice(
            &(0..3 * 4 * 5 * 6).map(|index| (index as f32 * 1.7).sin()).collect::<Vec<_>>(),
        )
        .reshape([3, 4, 5, 6]);
        let network = OnlyRelu { layers: 1 };
        let last = crate::channels_last(&batch).unwrap();
        assert_eq!(naswot(&network, &batch).unwrap(), naswot(&network, &last).unwrap());
    }

    #[test]
    fn overflowed_activations_have_no_score() {
        let batch = images(&[f32::NAN, 1.0, -1.0, 1.0], 2);
        assert_eq!(naswot(&OnlyRelu { layers: 1 }, &batch).unwrap(), None);
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
            pass.relu(&normalised)
        }
    }

    #[test]
    fn batch_statistics_and_running_statistics_differ() {
        // Positive images: by untrained running statistics every unit is active for all of them.
        let images = crate::Batch::gaussian([4, 3, 8, 8], 1).unwrap();
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
