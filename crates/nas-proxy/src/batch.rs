//! A batch of images, with labels where proxies need them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, TchError, Tensor};

use crate::Error;
use crate::scalars::all_finite;

/// Images to score networks on: a tensor of shape (count, channels, height, width), channels last
/// in memory, without NaN or infinite values; and, for the proxies that need them, their labels.
#[derive(Debug)]
pub struct Batch {
    images: Tensor,
    /// Of shape (count), in i64.
    labels: Option<Tensor>,
}

impl Batch {
    /// A batch of images that are normalised already, on the device that they are on.
    pub fn new(images: &Tensor) -> Result<Self, Error> {
        let shape = images.size();
        let floating = matches!(images.kind(), tch::Kind::Float | tch::Kind::Double);
        if shape.len() != 4 || shape.contains(&0) || !floating {
            return Err(Error::NotImages { shape, kind: images.kind() });
        }
        if !all_finite(images)? {
            return Err(Error::NotFinite);
        }
        Ok(Self { images: channels_last(images)?, labels: None })
    }

    /// The same images with a label each: the number of a class, from 0.
    ///
    /// # Errors
    ///
    /// [`Error::LabelCount`] if there are not as many labels as images.
    pub fn with_labels(self, labels: &[i64]) -> Result<Self, Error> {
        if labels.len() != self.count() {
            return Err(Error::LabelCount { images: self.count(), labels: labels.len() });
        }
        let labels = Tensor::f_from_slice(labels)?.f_to_device(self.device())?;
        Ok(Self { labels: Some(labels), ..self })
    }

    /// The same images with labels drawn evenly from so many classes, the same for the same seed: for
    /// images that have none, such as Gaussian ones.
    pub fn with_random_labels(self, classes: usize, seed: u64) -> Result<Self, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let draw = |_| random.random_range(0..classes.max(1)) as i64;
        let labels: Vec<i64> = (0..self.count()).map(draw).collect();
        self.with_labels(&labels)
    }

    /// Independent standard normal values in place of images, the same for the same seed.
    pub fn gaussian(shape: [usize; 4], seed: u64) -> Result<Self, Error> {
        let values: Vec<f32> = StandardNormal
            .sample_iter(ChaCha8Rng::seed_from_u64(seed))
            .take(shape.iter().product())
            .collect();
        let shape = shape.map(|length| length as i64);
        Self::new(&Tensor::f_from_slice(&values)?.f_reshape(shape)?)
    }

    /// The images, of shape (count, channels, height, width).
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The labels, of shape (count) in i64, if the batch has any.
    pub fn labels(&self) -> Option<&Tensor> {
        self.labels.as_ref()
    }

    /// The number of images.
    pub fn count(&self) -> usize {
        self.images.size()[0] as usize
    }

    /// Channels, height and width of an image.
    pub fn image_shape(&self) -> [i64; 3] {
        let shape = self.images.size();
        [shape[1], shape[2], shape[3]]
    }

    /// The device that the images are on.
    pub fn device(&self) -> Device {
        self.images.device()
    }

    /// The same batch on another device.
    pub fn to_device(&self, device: Device) -> Result<Self, Error> {
        let labels = self.labels.as_ref().map(|labels| labels.f_to_device(device)).transpose()?;
        Ok(Self { images: self.images.f_to_device(device)?, labels })
    }

    /// The same batch with square images of so many pixels along a side, interpolated bilinearly.
    ///
    /// # Errors
    /// [`Error::NotImages`] for a side of 0.
    pub fn resized(&self, side: usize) -> Result<Self, Error> {
        let side = side as i64;
        let images = if self.image_shape()[1..] == [side; 2] {
            self.images.shallow_clone()
        } else if side == 0 {
            let mut shape = self.images.size();
            shape[2..].fill(side);
            return Err(Error::NotImages { shape, kind: self.images.kind() });
        } else {
            channels_last(&self.images.f_upsample_bilinear2d([side; 2], false, None, None)?)?
        };
        Ok(Self { images, labels: self.labels.as_ref().map(Tensor::shallow_clone) })
    }

    /// The same batch in another floating-point type, in which networks are then scored.
    pub fn to_kind(&self, kind: Kind) -> Result<Self, Error> {
        let labels = self.labels.as_ref().map(Tensor::shallow_clone);
        Ok(Self { images: self.images.f_to_kind(kind)?, labels })
    }
}

/// The same tensor of four dimensions with its second one innermost in memory, which is the layout
/// that convolutions on CPUs are fastest in.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_last_changes_the_memory_and_not_the_values() {
        let tensor = Tensor::arange(2 * 3 * 4 * 5, (Kind::Float, Device::Cpu));
        let tensor = tensor.reshape([2, 3, 4, 5]);
        let last = channels_last(&tensor).unwrap();
        assert_eq!(tensor, last);
        assert_eq!(last.stride(), [60, 1, 15, 3]);
    }

    #[test]
    fn gaussian_values_follow_the_seed() {
        let batch = |seed| Batch::gaussian([64, 3, 8, 8], seed).unwrap();
        assert_eq!(batch(1).images(), batch(1).images());
        assert_ne!(batch(1).images(), batch(2).images());
        let values = batch(1);
        let mean = values.images().mean(Kind::Double).double_value(&[]);
        let deviation = values.images().std(true).double_value(&[]);
        assert!(mean.abs() < 0.05, "{mean}");
        assert!((deviation - 1.0).abs() < 0.05, "{deviation}");
    }

    #[test]
    fn resized_images_keep_their_labels_and_their_means() {
        let batch = Batch::gaussian([3, 3, 8, 8], 1).unwrap().with_labels(&[1, 0, 2]).unwrap();
        assert_eq!(batch.resized(8).unwrap().images(), batch.images());
        let large = batch.resized(16).unwrap();
        assert_eq!((large.image_shape(), large.count()), ([3, 16, 16], 3));
        assert_eq!(large.labels(), batch.labels());
        let even = Batch::new(&(batch.images() * 0.0 + 2.5)).unwrap().resized(20).unwrap();
        let most = (even.images() - 2.5).abs().max().double_value(&[]);
        assert!(most < 1e-6, "{most}");
        assert!(matches!(batch.resized(0), Err(Error::NotImages { .. })));
    }

    #[test]
    fn other_shapes_and_kinds_are_refused() {
        let flat = Tensor::zeros([3, 32, 32], (Kind::Float, Device::Cpu));
        let whole = Tensor::zeros([1, 3, 32, 32], (Kind::Int64, Device::Cpu));
        let empty = Tensor::zeros([0, 3, 32, 32], (Kind::Float, Device::Cpu));
        for images in [flat, whole, empty] {
            assert!(matches!(Batch::new(&images), Err(Error::NotImages { .. })));
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_refused() {
        let images = Tensor::from_slice(&[1.0_f32, f32::NAN]).reshape([1, 1, 1, 2]);
        assert!(matches!(Batch::new(&images), Err(Error::NotFinite)));
    }
}
