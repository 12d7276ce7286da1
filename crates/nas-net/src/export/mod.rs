//! A network as a file that other programs run. Each format is an executor that writes down what
//! the others compute.

mod onnx;
mod proto;
mod python;
mod torchscript;

use std::{collections::HashMap, fmt};

use tch::Tensor;

pub(crate) use onnx::onnx;
pub(crate) use python::python;
pub(crate) use torchscript::save_torchscript;

use crate::attention::Attention;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// What an exported file tells of its network beside its layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// For people, for example that the weights are untrained; one line or several.
    pub text: String,
    /// For programs: names and values.
    pub facts: Vec<(String, String)>,
}

/// Names what a network is made of: its part, the kind of layer, and a number among these, such as
/// `stage1_cell2_conv1`.
#[derive(Default)]
struct Names {
    part: String,
    counts: HashMap<&'static str, usize>,
}

impl Names {
    fn part(&mut self, part: fmt::Arguments) {
        self.part = part.to_string();
        self.counts.clear();
    }

    fn layer(&mut self, kind: &'static str) -> String {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        format!("{}_{kind}{count}", self.part)
    }
}

/// A layer with weights: its kind, as in names, and the names that its weights have behind the
/// layer's own in a state dict of PyTorch.
trait Weighted {
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

#[cfg(test)]
mod tests;
