//! Networks as Python that needs nothing but PyTorch.

use std::fmt;

use tch::TchError;

use super::{Description, Names, Weighted};
use crate::attention::{Attention, DISTANCE, Grid};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

const ATTEND: &str = include_str!("attend.py");

/// The module of a network that `walk` leads an executor through.
pub(crate) fn python(
    description: &Description,
    walk: impl FnOnce(&String, &mut Writer) -> Result<String, TchError>,
) -> Result<String, TchError> {
    let mut writer = Writer::default();
    let logits = walk(&"images".to_owned(), &mut writer)?;
    let Writer { layers, steps, attends, .. } = writer;
    // Backslashes and quotes would end or change a docstring.
    let lines = description.text.replace('\\', "/").replace('"', "'");
    let lines = lines.lines().flat_map(|line| ["    ", line, "\n"]).collect::<String>();
    let attend = if attends { ATTEND } else { "" };
    let distance = if attends { format!("\nDISTANCE = {DISTANCE}\n") } else { String::new() };
    Ok(format!(
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n{distance}\n\n\
         class Network(nn.Module):\n    \"\"\"\n{lines}    \"\"\"\n\n    \
         def __init__(self):\n        super().__init__()\n{layers}\n    \
         def forward(self, images):\n{steps}        return {logits}\n{attend}"
    ))
}

/// Writes what a module is made of, and what it does with images. Values are names of variables.
#[derive(Default)]
pub(crate) struct Writer {
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

    /// Weights of a layer that are no module's.
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

    /// A variable for what an expression gives.
    fn step(&mut self, expression: fmt::Arguments) -> String {
        self.variables += 1;
        let variable = format!("x{}", self.variables);
        self.steps += &format!("        {variable} = {expression}\n");
        variable
    }

    fn apply(&mut self, layer: &str, input: &str) -> String {
        self.step(format_args!("self.{layer}({input})"))
    }
}

impl Executor for Writer {
    type Value = String;

    fn part(&mut self, part: fmt::Arguments) {
        self.names.part(part);
    }

    fn relu(&mut self, input: &String, _: usize) -> Result<String, TchError> {
        Ok(self.step(format_args!("F.relu({input})")))
    }

    fn convolution(
        &mut self,
        input: &String,
        convolution: &Convolution,
    ) -> Result<String, TchError> {
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

    fn batch_norm(&mut self, input: &String, norm: &BatchNorm) -> Result<String, TchError> {
        let (channels, epsilon) = (norm.weight.size1()?, BatchNorm::EPSILON);
        let layer = self.layer(norm, format_args!("nn.BatchNorm2d({channels}, eps={epsilon:e})"));
        Ok(self.apply(&layer, input))
    }

    fn average_pool(
        &mut self,
        input: &String,
        kernel: i64,
        stride: i64,
    ) -> Result<String, TchError> {
        let padding = if stride == 1 { kernel / 2 } else { 0 };
        Ok(self.step(format_args!(
            "F.avg_pool2d({input}, {kernel}, stride={stride}, padding={padding}, count_include_pad=False)"
        )))
    }

    fn shuffle(&mut self, input: &String, groups: i64) -> Result<String, TchError> {
        Ok(self.step(format_args!("torch.channel_shuffle({input}, {groups})")))
    }

    fn patches(&mut self, images: &String, to: &Patches) -> Result<String, TchError> {
        let (channels, _, patch, _) = to.weight.size4()?;
        let layer =
            self.layer(to, format_args!("nn.Conv2d(3, {channels}, {patch}, stride={patch})"));
        let parameters = self.parameters(&layer, to);
        let [class, positions] = &parameters[..] else {
            return Err(TchError::Shape("patches have a class and positions".to_owned()));
        };
        let patches = self.step(format_args!("self.{layer}({images}).flatten(2).transpose(1, 2)"));
        let class = self.step(format_args!("{class}.expand(len({images}), -1, -1)"));
        Ok(self.step(format_args!("torch.cat([{class}, {patches}], 1) + {positions}")))
    }

    fn layer_norm(&mut self, tokens: &String, norm: &LayerNorm) -> Result<String, TchError> {
        let (channels, epsilon) = (norm.weight.size1()?, LayerNorm::EPSILON);
        let layer = self.layer(norm, format_args!("nn.LayerNorm({channels}, eps={epsilon:e})"));
        Ok(self.apply(&layer, tokens))
    }

    fn linear(&mut self, tokens: &String, linear: &Linear) -> Result<String, TchError> {
        let (outputs, inputs) = linear.weight.size2()?;
        let layer = self.layer(linear, format_args!("nn.Linear({inputs}, {outputs})"));
        Ok(self.apply(&layer, tokens))
    }

    fn gelu(&mut self, tokens: &String) -> Result<String, TchError> {
        Ok(self.step(format_args!("F.gelu({tokens})")))
    }

    fn attend(
        &mut self,
        queries_keys_values: &String,
        attention: &Attention,
        _: &Grid,
    ) -> Result<String, TchError> {
        self.attends = true;
        let name = self.names.layer(Attention::KIND);
        let tables = self.parameters(&name, attention).join(", ");
        let heads = attention.heads;
        Ok(self.step(format_args!("self.attend({queries_keys_values}, {heads}, {tables})")))
    }

    fn classify_tokens(
        &mut self,
        tokens: &String,
        classifier: &Linear,
    ) -> Result<String, TchError> {
        let features = self.step(format_args!("{tokens}[:, 1:].mean(1)"));
        self.linear(&features, classifier)
    }

    fn identity(&self, input: &String) -> String {
        input.clone()
    }

    fn classify(&mut self, input: &String, classifier: &Linear) -> Result<String, TchError> {
        let features = self.step(format_args!("{input}.mean((2, 3))"));
        self.linear(&features, classifier)
    }

    fn sum(&mut self, values: Vec<String>, like: &String) -> Result<String, TchError> {
        Ok(match &values[..] {
            [] => self.step(format_args!("torch.zeros_like({like})")),
            [one] => one.clone(),
            _ => self.step(format_args!("{}", values.join(" + "))),
        })
    }
}
