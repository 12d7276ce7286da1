//! Many tensors as one: a step of an optimizer is then a few operations, not some for each tensor.

use tch::{Device, Kind, TchError, Tensor};

/// Tensors that share the memory of one vector, one after the other.
#[derive(Debug)]
pub(crate) struct Flat {
    /// All values.
    pub values: Tensor,
    lengths: Vec<i64>,
}

impl Flat {
    /// Moves the values of tensors into one vector, which they are views of from then on.
    pub fn of(tensors: &[Tensor]) -> Result<Self, TchError> {
        let flat: Vec<Tensor> =
            tensors.iter().map(|one| one.detach().f_reshape(-1)).collect::<Result<_, _>>()?;
        let lengths: Vec<i64> = flat.iter().map(|one| one.numel() as i64).collect();
        let values = if flat.is_empty() {
            Tensor::f_zeros(0, (Kind::Float, Device::Cpu))?
        } else {
            Tensor::f_cat(&flat, 0)?
        };
        let mut begin = 0;
        for (tensor, length) in tensors.iter().zip(&lengths) {
            let view = values.f_narrow(0, begin, *length)?.f_view(&tensor.size()[..])?;
            // The same tensor as that of the network.
            tensor.shallow_clone().f_set_data(&view)?;
            begin += length;
        }
        Ok(Self { values, lengths })
    }

    /// Other tensors of the same shapes as one vector; zeros in the place of one that is not defined.
    pub fn joined(&self, tensors: &[Tensor]) -> Result<Tensor, TchError> {
        let options = (self.values.kind(), self.values.device());
        let flat = tensors.iter().zip(&self.lengths).map(|(one, length)| {
            if one.defined() { one.f_reshape(-1) } else { Tensor::f_zeros(*length, options) }
        });
        Tensor::f_cat(&flat.collect::<Result<Vec<_>, _>>()?, 0)
    }
}
