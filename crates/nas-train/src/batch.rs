//! Batches as tensors.

use nas_data::{Batch, Shape, Survey, Values, divisor};
use tch::{Device, Kind, TchError, Tensor};

/// Makes values with a mean of 0 and a deviation of 1 in each channel, over the training part.
#[derive(Debug)]
pub(crate) struct Normalisation {
    shape: Shape,
    /// Of shape (channels).
    means: Tensor,
    /// Of shape (channels): 1 / deviation.
    scales: Tensor,
    device: Device,
}

impl Normalisation {
    /// That of a training part.
    pub fn of(survey: &Survey, shape: Shape, device: Device) -> Result<Self, TchError> {
        let vector = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f32> = values.map(|value| value as f32).collect();
            Tensor::f_from_slice(&values)?.f_to_device(device)
        };
        let means = vector(&mut survey.means.iter().copied())?;
        let inverse = |deviation: &f64| 1.0 / divisor(*deviation);
        let scales = vector(&mut survey.deviations.iter().map(inverse))?;
        Ok(Self { shape, means, scales, device })
    }

    /// Examples of shape (count, channels, height, width) with their channels last in memory, or (count,
    /// channels, length).
    pub fn examples(&self, batch: &Batch) -> Result<Tensor, TchError> {
        let count = batch.labels.len() as i64;
        let values = match &batch.values {
            Values::Bytes(bytes) => Tensor::f_from_slice(bytes)?,
            Values::Floats(floats) => Tensor::f_from_slice(floats)?,
        };
        let values = values.f_to_device(self.device)?.f_to_kind(Kind::Float)?;
        match self.shape {
            Shape::Image { channels, height, width } => {
                let shape = [count, height as i64, width as i64, channels as i64];
                let values = values.f_reshape(shape)?;
                values.f_sub(&self.means)?.f_mul(&self.scales)?.f_permute([0, 3, 1, 2])
            }
            Shape::Sequence { channels, length } => {
                let values = values.f_reshape([count, channels as i64, length as i64])?;
                let [means, scales] =
                    [&self.means, &self.scales].map(|one| one.f_reshape([1, -1, 1]));
                values.f_sub(&means?)?.f_mul(&scales?)
            }
        }
    }

    /// Labels of shape (count).
    pub fn labels(&self, batch: &Batch) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(&batch.labels)?.f_to_device(self.device)
    }
}
