//! Networks as Python that needs nothing but PyTorch.

use std::fmt;

use tch::TchError;

use super::{
    description::Description,
    format::{Format, write_bytes},
};
use crate::attention::{Attention, DISTANCE, Grid};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::names::Names;
use crate::walk::Symbol;
use crate::weights::Weighted;
use crate::{BuiltNetwork, Error};

pub(super) const FORMAT: Format = Format {
    name: "python",
    title: "Python",
    extension: "py",
    description: "a module with a class Network that needs only PyTorch, to train and to change; the \
                  initializers of the ONNX file are a state dict of it",
    has_weights: false,
    write: |network, _, description, file| write_bytes(file, python(network, description)?),
};

/// The attention of AutoFormer as a method of the module.
const ATTEND: &str = include_str!("attend.py");

/// A network as a Python module, a class `Network` that needs nothing but PyTorch. It is initialised
/// as PyTorch's layers are; the initializers of the ONNX file are a state dict of it. The description's
/// metadata are its `METADATA`, a dictionary of strings.
///
/// # Errors
/// None for a network of this crate.
pub fn python(network: &dyn BuiltNetwork, description: &Description) -> Result<String, Error> {
    let mut writer = Writer::default();
    let logits = network.walkable().0.write(&Symbol::named("images"), &mut writer)?;
    let Writer { layers, steps, attends, .. } = writer;
    // Backslashes and quotes would end or change a docstring.
    let lines = description.text.replace('\\', "/").replace('"', "'");
    let lines = lines.lines().flat_map(|line| ["    ", line, "\n"]).collect::<String>();
    let attend = if attends { ATTEND } else { "" };
    let distance = if attends { format!("\nDISTANCE = {DISTANCE}\n") } else { String::new() };
    let metadata = description.metadata.iter();
    let metadata =
        metadata.map(|(name, value)| format!("    {}: {},\n", quoted(name), quoted(value)));
    let metadata = metadata.collect::<String>();
    Ok(format!(
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n{distance}\n\n\
         class Network(nn.Module):\n    \"\"\"\n{lines}    \"\"\"\n\n    \
         def __init__(self):\n        super().__init__()\n{layers}\n    \
         def forward(self, images):\n{steps}        return {logits}\n{attend}\n\n\
         METADATA = {{\n{metadata}}}\n"
    ))
}

/// A string as Python writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted += "\\n",
            _ if character.is_control() => quoted += &format!("\\u{:04x}", u32::from(character)),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// Writes the layers of a module, and the steps of its forward pass. Values are variables.
#[derive(Default)]
struct Writer {
    names: Names,
    layers: String,
    steps: String,
    variables: usize,
    attends: bool,
}

impl Writer {
    /// A layer that the module has; returns its name.
    fn layer<L: Weighted>(&mut self, _: &L, module: fmt::Arguments) -> String {
        let name = self.names.layer(L::KIND);
        self.layers += &format!("        self.{name} = {module}\n");
        name
    }

    /// Weights of a layer that belong to no module of PyTorch; returns their names.
    fn parameters<L: Weighted>(&mut self, name: &str, layer: &L) -> Vec<String> {
        let all = layer.weights().into_iter().filter(|(end, _)| end.starts_with('_'));
        all.map(|(end, weight)| {
            let parameter = format!("self.{name}{end}");
            let shape = weight.size();
            let shape = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.layers +=
                &format!("        {parameter} = nn.Parameter(0.02 * torch.randn({shape}))\n");
            parameter
        })
        .collect()
    }

    /// A variable for the value of an expression.
    fn step(&mut self, expression: fmt::Arguments) -> Symbol {
        self.variables += 1;
        let variable = format!("x{}", self.variables);
        self.steps += &format!("        {variable} = {expression}\n");
        Symbol::named(variable)
    }

    fn apply(&mut self, layer: &str, input: &Symbol) -> Symbol {
        self.step(format_args!("self.{layer}({input})"))
    }
}

impl Executor for Writer {
    type Value = Symbol;

    fn part(&mut self, part: fmt::Arguments) {
        self.names.part(part);
    }

    fn relu(&mut self, input: &Symbol, _: usize) -> Result<Symbol, TchError> {
        Ok(self.step(format_args!("F.relu({input})")))
    }

    fn convolution(
        &mut self,
        input: &Symbol,
        convolution: &Convolution,
    ) -> Result<Symbol, TchError> {
        let (outputs, inputs, kernel, _) = convolution.weight.size4()?;
        let Convolution { stride, groups, .. } = *convolution;
        let (inputs, padding) = (inputs * groups, kernel / 2);
        let layer = self.layer(
            convolution,
            format_args!(
                "nn.Conv2d({inputs}, {outputs}, {kernel}, stride={stride}, padding={padding}, groups={groups}, bias=False)"
            ),
        );
        Ok(self.apply(&layer, input))
    }

    fn batch_norm(&mut self, input: &Symbol, norm: &BatchNorm) -> Result<Symbol, TchError> {
        let (channels, epsilon) = (norm.weight.size1()?, BatchNorm::EPSILON);
        let layer = self.layer(norm, format_args!("nn.BatchNorm2d({channels}, eps={epsilon:e})"));
        Ok(self.apply(&layer, input))
    }

    fn average_pool(
        &mut self,
        input: &Symbol,
        kernel: i64,
        stride: i64,
    ) -> Result<Symbol, TchError> {
        let padding = if stride == 1 { kernel / 2 } else { 0 };
        Ok(self.step(format_args!(
            "F.avg_pool2d({input}, {kernel}, stride={stride}, padding={padding}, count_include_pad=False)"
        )))
    }

    fn shuffle(&mut self, input: &Symbol, groups: i64) -> Result<Symbol, TchError> {
        Ok(self.step(format_args!("torch.channel_shuffle({input}, {groups})")))
    }

    fn patches(&mut self, images: &Symbol, to: &Patches) -> Result<Symbol, TchError> {
        let (channels, inputs, patch, _) = to.weight.size4()?;
        let module = format_args!("nn.Conv2d({inputs}, {channels}, {patch}, stride={patch})");
        let layer = self.layer(to, module);
        let parameters = self.parameters(&layer, to);
        let [class, positions] = &parameters[..] else {
            return Err(TchError::Shape("patches have a class and positions".to_owned()));
        };
        let patches = self.step(format_args!("self.{layer}({images}).flatten(2).transpose(1, 2)"));
        let class = self.step(format_args!("{class}.expand(len({images}), -1, -1)"));
        Ok(self.step(format_args!("torch.cat([{class}, {patches}], 1) + {positions}")))
    }

    fn layer_norm(&mut self, tokens: &Symbol, norm: &LayerNorm) -> Result<Symbol, TchError> {
        let (channels, epsilon) = (norm.weight.size1()?, LayerNorm::EPSILON);
        let layer = self.layer(norm, format_args!("nn.LayerNorm({channels}, eps={epsilon:e})"));
        Ok(self.apply(&layer, tokens))
    }

    fn linear(&mut self, tokens: &Symbol, linear: &Linear) -> Result<Symbol, TchError> {
        let (outputs, inputs) = linear.weight.size2()?;
        let layer = self.layer(linear, format_args!("nn.Linear({inputs}, {outputs})"));
        Ok(self.apply(&layer, tokens))
    }

    fn gelu(&mut self, tokens: &Symbol) -> Result<Symbol, TchError> {
        Ok(self.step(format_args!("F.gelu({tokens})")))
    }

    fn attend(
        &mut self,
        queries_keys_values: &Symbol,
        attention: &Attention,
        _: &Grid,
    ) -> Result<Symbol, TchError> {
        self.attends = true;
        let name = self.names.layer(Attention::KIND);
        let tables = self.parameters(&name, attention).join(", ");
        let heads = attention.heads;
        Ok(self.step(format_args!("self.attend({queries_keys_values}, {heads}, {tables})")))
    }

    fn classify_tokens(
        &mut self,
        tokens: &Symbol,
        classifier: &Linear,
    ) -> Result<Symbol, TchError> {
        let features = self.step(format_args!("{tokens}[:, 1:].mean(1)"));
        self.linear(&features, classifier)
    }

    fn identity(&self, input: &Symbol) -> Symbol {
        input.clone()
    }

    fn classify(&mut self, input: &Symbol, classifier: &Linear) -> Result<Symbol, TchError> {
        let features = self.step(format_args!("{input}.mean((2, 3))"));
        self.linear(&features, classifier)
    }

    fn sum(&mut self, values: Vec<Symbol>, like: &Symbol) -> Result<Symbol, TchError> {
        Ok(match &values[..] {
            [] => self.step(format_args!("torch.zeros_like({like})")),
            [one] => one.clone(),
            _ => {
                let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
                self.step(format_args!("{}", names.join(" + ")))
            }
        })
    }
}
