//! A network small enough for finite differences, in f64.

use tch::{Device, Kind, TchError, Tensor};

use crate::definition::Definition;
use crate::{Batch, Error, Network, Pass, Proxy, ProxySet, Role};

/// Convolution, batch normalisation, ReLU; convolution; pooling, linear layer.
pub(crate) struct Tiny {
    pub first: Tensor,
    pub scale: Tensor,
    pub second: Tensor,
    pub logits: Tensor,
    pub bias: Tensor,
    /// What the first convolution's output is multiplied with, of shape (count, channels).
    pub gates: Option<Tensor>,
}

/// Values that look random, the same on every machine.
pub(crate) fn values(shape: &[i64], frequency: f64) -> Tensor {
    let count = shape.iter().product::<i64>();
    let steps = Tensor::arange(count, (Kind::Double, Device::Cpu)) + 1.0;
    (steps * frequency).sin().reshape(shape)
}

impl Tiny {
    pub fn new() -> Self {
        Self {
            first: values(&[3, 2, 3, 3], 12.9),
            scale: values(&[3], 2.0) + 1.5,
            second: values(&[4, 3, 1, 1], 7.3),
            logits: values(&[3, 4], 5.7),
            bias: values(&[3], 3.1),
            gates: None,
        }
    }

    pub fn batch() -> Batch {
        let images = values(&[6, 2, 4, 4], 9.17);
        Batch::new(&images).unwrap().with_labels(&[0, 2, 1, 1, 0, 2]).unwrap()
    }

    /// The mean cross-entropy of a batch.
    pub fn loss(&self, batch: &Batch) -> f64 {
        let logits = self.forward(batch.images(), &mut Pass::plain()).unwrap();
        let chosen = logits.log_softmax(1, Kind::Double);
        let chosen = chosen.gather(1, &batch.labels().unwrap().unsqueeze(1), false);
        -chosen.mean(Kind::Double).double_value(&[])
    }

    /// ∂L/∂θ of every weight by central differences, tensor by tensor.
    pub fn loss_gradients(&self, batch: &Batch) -> Vec<Vec<f64>> {
        let weights = [&self.first, &self.second, &self.logits];
        weights.map(|weight| differences(weight, || self.loss(batch))).into()
    }

    /// θ ∂L/∂θ of every weight.
    pub fn saliencies(&self, batch: &Batch) -> Vec<f64> {
        let (weights, gradients) = (self.weights(), self.loss_gradients(batch));
        let products = weights.iter().flatten().zip(gradients.iter().flatten());
        products.map(|(weight, gradient)| weight * gradient).collect()
    }

    /// The gradient of the summed logits with respect to each image, by differences.
    pub fn image_gradients(&self, batch: &Batch) -> Vec<Vec<f64>> {
        let images = batch.images().contiguous();
        let logits = || {
            let logits = self.forward(&images, &mut Pass::plain()).unwrap();
            logits.sum(Kind::Double).double_value(&[])
        };
        let slopes = differences(&images, logits);
        slopes.chunks(slopes.len() / batch.count()).map(<[f64]>::to_vec).collect()
    }

    /// The values of every weight, tensor by tensor.
    pub fn weights(&self) -> Vec<Vec<f64>> {
        [&self.first, &self.second, &self.logits].map(numbers).into()
    }
}

/// The correlation of two rows of numbers.
pub(crate) fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let centred = |row: &[f64]| -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        row.iter().map(|value| value - mean).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (one, other) = (centred(one), centred(other));
    dot(&one, &other) / (dot(&one, &one) * dot(&other, &other)).sqrt()
}

/// Central differences of a function with respect to each element of a tensor that it reads.
pub(crate) fn differences(tensor: &Tensor, function: impl Fn() -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let flat = tensor.view([-1]);
    let moved = |place: i64, step: f64| {
        let mut element = flat.select(0, place);
        let before = element.double_value(&[]);
        let _ = tch::no_grad(|| element.fill_(before + step));
        let value = function();
        let _ = tch::no_grad(|| element.fill_(before));
        value
    };
    let slope = |place| (moved(place, STEP) - moved(place, -STEP)) / (2.0 * STEP);
    (0..tensor.numel() as i64).map(slope).collect()
}

pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(tensor.detach().reshape([-1])).unwrap()
}

impl Network for Tiny {
    fn parameters(&self) -> Vec<(Role, Tensor)> {
        let weight = |tensor: &Tensor| (Role::Weight, tensor.shallow_clone());
        vec![
            weight(&self.first),
            (Role::Normalisation, self.scale.shallow_clone()),
            weight(&self.second),
            weight(&self.logits),
            (Role::Bias, self.bias.shallow_clone()),
        ]
    }

    fn forward(&self, images: &Tensor, pass: &mut Pass) -> Result<Tensor, TchError> {
        let none = None::<&Tensor>;
        let mut x = images.f_conv2d(&self.first, none, 1, 1, 1, 1)?;
        if let Some(gates) = &self.gates {
            x = x.f_mul(&gates.unsqueeze(-1).unsqueeze(-1))?;
        }
        pass.weighted(&self.first, &x);
        x = pass.batch_norm(&x, Some(&self.scale), None, 1e-5)?;
        x = pass.relu(&x)?;
        pass.block(&x);
        x = x.f_conv2d(&self.second, none, 1, 0, 1, 1)?;
        pass.weighted(&self.second, &x);
        pass.block(&x);
        pass.features(&x);
        let logits = x.f_mean_dim([2, 3].as_slice(), false, None::<Kind>)?;
        let logits = logits.f_linear(&self.logits, Some(&self.bias))?;
        pass.weighted(&self.logits, &logits);
        Ok(logits)
    }
}

/// The score of one proxy.
pub(crate) fn score_of(
    proxy: &'static Definition,
    network: &dyn Network,
    batch: &Batch,
) -> Option<f64> {
    try_score_of(proxy, network, batch).unwrap()
}

/// The score of one proxy, or why there is none.
pub(crate) fn try_score_of(
    proxy: &'static Definition,
    network: &dyn Network,
    batch: &Batch,
) -> Result<Option<f64>, Error> {
    let proxy: Proxy = proxy.name().parse()?;
    Ok(ProxySet::new([proxy]).score(network, batch)?.remove(0))
}
