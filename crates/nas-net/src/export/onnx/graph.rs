//! A graph of the ONNX format, node by node.

use tch::{Device, Kind, TchError};

use super::proto::{self, Attribute};
use crate::layer::Linear;
use crate::names::Names;
use crate::walk::Symbol;
use crate::weights::Weighted;

/// The name of the graph's output.
const LOGITS: &str = "logits";

/// A graph as it grows node by node. Shapes are those of one image; in the format's reshapes, a leading
/// 0 keeps the number of images.
#[derive(Default)]
pub(super) struct Graph {
    pub nodes: Vec<proto::Node>,
    pub weights: Vec<proto::Tensor>,
    constants: Vec<(Attribute, String)>,
    pub names: Names,
}

impl Graph {
    /// A node of that name; returns the name of its output, which is the same.
    pub fn named(
        &mut self,
        name: String,
        operator: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) -> String {
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_owned(),
            attribute,
        });
        name
    }

    /// A node that is named after its operator; returns the name of its output.
    pub fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> String {
        let name = self.names.layer(operator);
        self.named(name, operator, inputs, attributes)
    }

    /// The weights of a layer; returns the layer's name and theirs.
    pub fn layer<L: Weighted, const N: usize>(
        &mut self,
        layer: &L,
    ) -> Result<(String, [String; N]), TchError> {
        let name = self.names.layer(L::KIND);
        let mut names = Vec::with_capacity(N);
        for (end, weight) in layer.weights() {
            let name = format!("{name}{end}");
            self.weights.push(tensor(&name, weight)?);
            names.push(name);
        }
        let count = names.len();
        let names = names.try_into();
        let wrong = |_| TchError::Shape(format!("{} has {count} weights, not {N}", L::KIND));
        Ok((name, names.map_err(wrong)?))
    }

    /// A constant that is no weight, once for all nodes that read it; returns its name.
    pub fn constant(&mut self, value: Attribute) -> String {
        if let Some((_, name)) = self.constants.iter().find(|(known, _)| *known == value) {
            return name.clone();
        }
        let name = self.node("Constant", &[], vec![value.clone()]);
        self.constants.push((value, name.clone()));
        name
    }

    pub fn numbers(&mut self, numbers: &[i64]) -> String {
        self.constant(Attribute::ints("value_ints", numbers))
    }

    /// The values of each image in another shape.
    pub fn reshape(&mut self, input: &str, shape: &[i64]) -> String {
        let shape = self.numbers(&[&[0], shape].concat());
        self.node("Reshape", &[input, &shape], vec![])
    }

    pub fn transpose(&mut self, input: &str, order: impl Into<Vec<i64>>) -> String {
        self.node("Transpose", &[input], vec![Attribute::ints("perm", order)])
    }

    /// The part from `begin` to before `end` along an axis.
    pub fn slice(&mut self, input: &str, axis: i64, begin: i64, end: i64) -> String {
        let [begin, end, axis] = [begin, end, axis].map(|number| self.numbers(&[number]));
        self.node("Slice", &[input, &begin, &end, &axis], vec![])
    }

    /// Zeros before and after, along an axis.
    pub fn pad(&mut self, input: &str, axis: i64, before: i64, behind: i64) -> String {
        let [pads, axis] = [&[before, behind][..], &[axis]].map(|numbers| self.numbers(numbers));
        // Between them, the value to pad with: left out, it is 0.
        self.node("Pad", &[input, &pads, "", &axis], vec![])
    }

    pub fn pair(&mut self, operator: &'static str, one: &str, other: &str) -> String {
        self.node(operator, &[one, other], vec![])
    }

    pub fn split(&mut self, input: &str, sizes: [i64; 3]) -> [String; 3] {
        let sizes = self.numbers(&sizes);
        let name = self.node("Split", &[input, &sizes], vec![Attribute::int("axis", -1)]);
        let outputs = [1, 2, 3].map(|part| format!("{name}_{part}"));
        if let Some(split) = self.nodes.last_mut() {
            split.output = outputs.to_vec();
        }
        outputs
    }

    /// A query's products with a row of a table for each column and one for each row, or the sum of
    /// such products by columns and rows: for maps of (.., rows, columns, any) and tables of
    /// (columns, columns, any).
    pub fn by_column(&mut self, maps: &str, table: &str) -> String {
        const SWAPPED: [i64; 5] = [0, 1, 3, 2, 4];
        let columns_first = self.transpose(maps, SWAPPED);
        let product = self.pair("MatMul", &columns_first, table);
        self.transpose(&product, SWAPPED)
    }

    /// The embedding of the class token's distance, of shape (1, channels).
    pub fn class(&mut self, rows: &str, columns: &str) -> String {
        let [rows, columns] = [rows, columns].map(|table| self.slice(table, 0, 0, 1));
        self.pair("Add", &rows, &columns)
    }

    pub fn linear_of(&mut self, input: &str, linear: &Linear) -> Result<String, TchError> {
        let (name, [weight, bias]) = self.layer(linear)?;
        let weight = self.transpose(&weight, [1, 0]);
        let product = self.pair("MatMul", input, &weight);
        Ok(self.named(name, "Add", &[&product, &bias], vec![]))
    }

    /// The last node, whose output is the graph's.
    pub fn logits(&mut self, features: &str, classifier: &Linear) -> Result<Symbol, TchError> {
        let (_, [weight, bias]) = self.layer(classifier)?;
        let inputs = [features, &weight, &bias];
        let transposed = Attribute::int("transB", 1);
        let name = self.named(LOGITS.to_owned(), "Gemm", &inputs, vec![transposed]);
        Ok(Symbol { name, shape: vec![classifier.weight.size()[0]] })
    }

    /// A node with one input that keeps the shape.
    pub fn pointwise(&mut self, operator: &'static str, input: &Symbol) -> Symbol {
        let name = self.node(operator, &[&input.name], vec![]);
        Symbol { name, shape: input.shape.clone() }
    }

    pub fn convolve(
        &mut self,
        name: String,
        inputs: &[&str],
        maps: &[i64],
        [outputs, kernel, stride, padding, groups]: [i64; 5],
    ) -> Symbol {
        let attributes = vec![
            Attribute::ints("kernel_shape", [kernel; 2]),
            Attribute::ints("strides", [stride; 2]),
            Attribute::ints("pads", [padding; 4]),
            Attribute::int("group", groups),
        ];
        let name = self.named(name, "Conv", inputs, attributes);
        Symbol { name, shape: sized(outputs, maps, kernel, stride, padding) }
    }
}

/// The shape of maps after a convolution or pooling.
pub(super) fn sized(
    channels: i64,
    maps: &[i64],
    kernel: i64,
    stride: i64,
    padding: i64,
) -> Vec<i64> {
    let along = |length: &i64| (length + 2 * padding - kernel) / stride + 1;
    std::iter::once(channels).chain(maps[1..].iter().map(along)).collect()
}

/// A tensor of floats, or of integers.
pub(super) fn tensor(name: &str, values: &tch::Tensor) -> Result<proto::Tensor, TchError> {
    let dims = values.size();
    let flat = values.f_detach()?.f_to_device(Device::Cpu)?.f_reshape(-1)?;
    let (data_type, raw_data) = if values.kind() == Kind::Int64 {
        let values = Vec::<i64>::try_from(flat)?;
        (proto::INT64, values.into_iter().flat_map(i64::to_le_bytes).collect())
    } else {
        let values = Vec::<f32>::try_from(flat.f_to_kind(Kind::Float)?)?;
        (proto::FLOAT, values.into_iter().flat_map(f32::to_le_bytes).collect())
    };
    Ok(proto::Tensor { dims, data_type, name: name.to_owned(), raw_data })
}
