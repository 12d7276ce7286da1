//! The weights of layers, with their names in a state dict of PyTorch.

use tch::Tensor;

use crate::attention::Attention;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// A layer with weights: its kind, and what each weight's name adds to the layer's own.
pub(crate) trait Weighted {
    const KIND: &'static str;

    fn weights(&self) -> Vec<(&'static str, &Tensor)>;
}

impl Weighted for Convolution {
    const KIND: &'static str = "conv";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![(".weight", &self.weight)]
    }
}

impl Weighted for BatchNorm {
    const KIND: &'static str = "norm";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            (".weight", &self.weight),
            (".bias", &self.bias),
            (".running_mean", &self.running_mean),
            (".running_var", &self.running_variance),
        ]
    }
}

impl Weighted for LayerNorm {
    const KIND: &'static str = "norm";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![(".weight", &self.weight), (".bias", &self.bias)]
    }
}

impl Weighted for Linear {
    const KIND: &'static str = "linear";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![(".weight", &self.weight), (".bias", &self.bias)]
    }
}

impl Weighted for Patches {
    const KIND: &'static str = "patches";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            (".weight", &self.weight),
            (".bias", &self.bias),
            ("_class", &self.class),
            ("_positions", &self.positions),
        ]
    }
}

impl Weighted for Attention {
    const KIND: &'static str = "attention";

    fn weights(&self) -> Vec<(&'static str, &Tensor)> {
        vec![
            ("_key_rows", &self.keys.rows),
            ("_key_columns", &self.keys.columns),
            ("_value_rows", &self.values.rows),
            ("_value_columns", &self.values.columns),
        ]
    }
}
