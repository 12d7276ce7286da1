//! Networks in the ONNX format, <https://onnx.ai>.

use std::fmt;

use prost::Message;
use tch::{Device, Kind, TchError};

use super::proto::{self, Attribute};
use super::{Description, Names, Weighted};
use crate::attention::{Attention, Grid, HEAD};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};

/// The first with GELU.
const OPERATOR_SET: i64 = 20;
/// The version of the format that this operator set came with.
const FORMAT: i64 = 9;
const IMAGES: &str = "images";
const LOGITS: &str = "logits";

/// The file of a network that `walk` leads an executor through.
pub(crate) fn onnx(
    side: i64,
    description: &Description,
    walk: impl FnOnce(&Value, &mut Writer) -> Result<Value, TchError>,
) -> Result<Vec<u8>, TchError> {
    let mut writer = Writer::default();
    let images = Value { name: IMAGES.to_owned(), shape: vec![3, side, side] };
    let logits = walk(&images, &mut writer)?;
    let facts = description.facts.iter().cloned();
    let model = proto::Model {
        ir_version: FORMAT,
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPERATOR_SET }],
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: description.text.clone(),
        metadata_props: facts.map(|(key, value)| proto::Property { key, value }).collect(),
        graph: Some(proto::Graph {
            name: "network".to_owned(),
            doc_string: description.text.clone(),
            node: writer.nodes,
            initializer: writer.weights,
            input: vec![proto::ValueInfo::of_images(&images.name, &images.shape)],
            output: vec![proto::ValueInfo::of_images(&logits.name, &logits.shape)],
        }),
    };
    Ok(model.encode_to_vec())
}

/// Writes the nodes of a graph. Shapes are those of one image: in the format's reshapes, a 0 before
/// them keeps the number of images.
#[derive(Default)]
pub(crate) struct Writer {
    nodes: Vec<proto::Node>,
    weights: Vec<proto::Tensor>,
    constants: Vec<(Attribute, String)>,
    names: Names,
}

#[derive(Clone)]
pub(crate) struct Value {
    name: String,
    shape: Vec<i64>,
}

impl Writer {
    /// A node; returns the name of what it computes, which is its own.
    fn named(
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

    fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> String {
        let name = self.names.layer(operator);
        self.named(name, operator, inputs, attributes)
    }

    /// The weights of a layer; returns the layer's name and theirs.
    fn layer<L: Weighted, const N: usize>(
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

    /// Numbers that are no weights, once for all nodes that read them.
    fn constant(&mut self, value: Attribute) -> String {
        if let Some((_, name)) = self.constants.iter().find(|(known, _)| *known == value) {
            return name.clone();
        }
        let name = self.node("Constant", &[], vec![value.clone()]);
        self.constants.push((value, name.clone()));
        name
    }

    fn numbers(&mut self, numbers: &[i64]) -> String {
        self.constant(Attribute::ints("value_ints", numbers))
    }

    /// The values of each image in another shape.
    fn reshape(&mut self, input: &str, shape: &[i64]) -> String {
        let shape = self.numbers(&[&[0], shape].concat());
        self.node("Reshape", &[input, &shape], vec![])
    }

    fn transpose(&mut self, input: &str, order: impl Into<Vec<i64>>) -> String {
        self.node("Transpose", &[input], vec![Attribute::ints("perm", order)])
    }

    /// What begins at a place along an axis.
    fn slice(&mut self, input: &str, axis: i64, begin: i64, end: i64) -> String {
        let [begin, end, axis] = [begin, end, axis].map(|number| self.numbers(&[number]));
        self.node("Slice", &[input, &begin, &end, &axis], vec![])
    }

    /// Zeros before and behind, along an axis.
    fn pad(&mut self, input: &str, axis: i64, before: i64, behind: i64) -> String {
        let [pads, axis] = [&[before, behind][..], &[axis]].map(|numbers| self.numbers(numbers));
        // Between them, the value to pad with: left out, it is 0.
        self.node("Pad", &[input, &pads, "", &axis], vec![])
    }

    fn pair(&mut self, operator: &'static str, one: &str, other: &str) -> String {
        self.node(operator, &[one, other], vec![])
    }

    fn split(&mut self, input: &str, sizes: [i64; 3]) -> [String; 3] {
        let sizes = self.numbers(&sizes);
        let name = self.node("Split", &[input, &sizes], vec![Attribute::int("axis", -1)]);
        let outputs = [1, 2, 3].map(|part| format!("{name}_{part}"));
        if let Some(split) = self.nodes.last_mut() {
            split.output = outputs.to_vec();
        }
        outputs
    }

    /// A query's products with a row of a table for each column and one for each row, or what such
    /// products come to by columns and rows: for maps of (.., rows, columns, any) and tables of
    /// (columns, columns, any).
    fn by_column(&mut self, maps: &str, table: &str) -> String {
        const SWAPPED: [i64; 5] = [0, 1, 3, 2, 4];
        let columns_first = self.transpose(maps, SWAPPED);
        let product = self.pair("MatMul", &columns_first, table);
        self.transpose(&product, SWAPPED)
    }

    /// The embedding of the class token's distance, of shape (1, channels).
    fn class(&mut self, rows: &str, columns: &str) -> String {
        let [rows, columns] = [rows, columns].map(|table| self.slice(table, 0, 0, 1));
        self.pair("Add", &rows, &columns)
    }

    fn linear_of(&mut self, input: &str, linear: &Linear) -> Result<String, TchError> {
        let (name, [weight, bias]) = self.layer(linear)?;
        let weight = self.transpose(&weight, [1, 0]);
        let product = self.pair("MatMul", input, &weight);
        Ok(self.named(name, "Add", &[&product, &bias], vec![]))
    }

    /// The last node, whose output has the graph's name for it.
    fn logits(&mut self, features: &str, classifier: &Linear) -> Result<Value, TchError> {
        let (_, [weight, bias]) = self.layer(classifier)?;
        let inputs = [features, &weight, &bias];
        let transposed = Attribute::int("transB", 1);
        let name = self.named(LOGITS.to_owned(), "Gemm", &inputs, vec![transposed]);
        Ok(Value { name, shape: vec![classifier.weight.size()[0]] })
    }

    /// A node with one input that keeps the shape.
    fn pointwise(&mut self, operator: &'static str, input: &Value) -> Value {
        let name = self.node(operator, &[&input.name], vec![]);
        Value { name, shape: input.shape.clone() }
    }

    fn convolve(
        &mut self,
        name: String,
        inputs: &[&str],
        maps: &[i64],
        [outputs, kernel, stride, padding, groups]: [i64; 5],
    ) -> Value {
        let attributes = vec![
            Attribute::ints("kernel_shape", [kernel; 2]),
            Attribute::ints("strides", [stride; 2]),
            Attribute::ints("pads", [padding; 4]),
            Attribute::int("group", groups),
        ];
        let name = self.named(name, "Conv", inputs, attributes);
        Value { name, shape: sized(outputs, maps, kernel, stride, padding) }
    }
}

/// The shape of maps that a kernel was moved over.
fn sized(channels: i64, maps: &[i64], kernel: i64, stride: i64, padding: i64) -> Vec<i64> {
    let along = |length: &i64| (length + 2 * padding - kernel) / stride + 1;
    std::iter::once(channels).chain(maps[1..].iter().map(along)).collect()
}

/// A tensor of floats, or of integers.
fn tensor(name: &str, values: &tch::Tensor) -> Result<proto::Tensor, TchError> {
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

impl Executor for Writer {
    type Value = Value;

    fn part(&mut self, part: fmt::Arguments) {
        self.names.part(part);
    }

    fn relu(&mut self, input: &Value, _: usize) -> Result<Value, TchError> {
        Ok(self.pointwise("Relu", input))
    }

    fn convolution(&mut self, input: &Value, convolution: &Convolution) -> Result<Value, TchError> {
        let (name, [weight]) = self.layer(convolution)?;
        let (kernel, outputs) = (convolution.kernel(), convolution.weight.size()[0]);
        let how = [outputs, kernel, convolution.stride, kernel / 2, convolution.groups];
        Ok(self.convolve(name, &[&input.name, &weight], &input.shape, how))
    }

    fn batch_norm(&mut self, input: &Value, norm: &BatchNorm) -> Result<Value, TchError> {
        let (name, [weight, bias, mean, variance]) = self.layer(norm)?;
        let inputs = [&input.name, &weight, &bias, &mean, &variance].map(String::as_str);
        let epsilon = Attribute::float("epsilon", BatchNorm::EPSILON as f32);
        let name = self.named(name, "BatchNormalization", &inputs, vec![epsilon]);
        Ok(Value { name, shape: input.shape.clone() })
    }

    fn average_pool(&mut self, input: &Value, kernel: i64, stride: i64) -> Result<Value, TchError> {
        let padding = if stride == 1 { kernel / 2 } else { 0 };
        let attributes = vec![
            Attribute::ints("kernel_shape", [kernel; 2]),
            Attribute::ints("strides", [stride; 2]),
            Attribute::ints("pads", [padding; 4]),
            Attribute::int("count_include_pad", 0),
        ];
        let name = self.node("AveragePool", &[&input.name], attributes);
        let shape = sized(input.shape[0], &input.shape, kernel, stride, padding);
        Ok(Value { name, shape })
    }

    fn shuffle(&mut self, input: &Value, groups: i64) -> Result<Value, TchError> {
        let [channels, height, width] = input.shape[..] else {
            return Err(TchError::Shape(format!("{:?} are no maps", input.shape)));
        };
        let dealt = self.reshape(&input.name, &[groups, channels / groups, height, width]);
        let dealt = self.transpose(&dealt, [0, 2, 1, 3, 4]);
        let name = self.reshape(&dealt, &input.shape);
        Ok(Value { name, shape: input.shape.clone() })
    }

    fn patches(&mut self, images: &Value, to: &Patches) -> Result<Value, TchError> {
        let (name, [weight, bias, class, positions]) = self.layer(to)?;
        let (channels, patch) = (to.weight.size()[0], to.weight.size()[2]);
        let inputs = [&images.name, &weight, &bias].map(String::as_str);
        let how = [channels, patch, patch, 0, 1];
        let maps = self.convolve(name, &inputs, &images.shape, how);
        let count = maps.shape[1] * maps.shape[2];
        let shape = vec![count + 1, channels];
        if to.positions.size()[1..] != shape {
            let side = images.shape[1];
            let problem = format!("positions of {:?} for images of {side}", to.positions.size());
            return Err(TchError::Shape(problem));
        }
        let patches = self.reshape(&maps.name, &[channels, count]);
        let patches = self.transpose(&patches, [0, 2, 1]);
        let patches = self.pad(&patches, 1, 1, 0);
        let class = self.pad(&class, 1, 0, count);
        let positions = self.pair("Add", &class, &positions);
        Ok(Value { name: self.pair("Add", &patches, &positions), shape })
    }

    fn layer_norm(&mut self, tokens: &Value, norm: &LayerNorm) -> Result<Value, TchError> {
        let (name, [weight, bias]) = self.layer(norm)?;
        let inputs = [&tokens.name, &weight, &bias].map(String::as_str);
        let epsilon = Attribute::float("epsilon", LayerNorm::EPSILON as f32);
        let name = self.named(name, "LayerNormalization", &inputs, vec![epsilon]);
        Ok(Value { name, shape: tokens.shape.clone() })
    }

    fn linear(&mut self, tokens: &Value, linear: &Linear) -> Result<Value, TchError> {
        let name = self.linear_of(&tokens.name, linear)?;
        Ok(Value { name, shape: vec![tokens.shape[0], linear.weight.size()[0]] })
    }

    fn gelu(&mut self, tokens: &Value) -> Result<Value, TchError> {
        Ok(self.pointwise("Gelu", tokens))
    }

    /// As in the module `attention`, but that products with places are matrices beside those of
    /// queries, keys and values, which runtimes know better than longer vectors.
    fn attend(
        &mut self,
        queries_keys_values: &Value,
        attention: &Attention,
        grid: &Grid,
    ) -> Result<Value, TchError> {
        let (heads, side) = (attention.heads, grid.side);
        let (patches, tokens, channels) = (side * side, side * side + 1, heads * HEAD);
        let (_, [key_rows, key_columns, value_rows, value_columns]) = self.layer(attention)?;
        let distances = grid.distances.f_reshape([side, side])?;
        let distances = self.constant(Attribute::tensor("value", tensor("", &distances)?));
        let places = self.constant(Attribute::tensor("value", tensor("", &grid.places)?));

        let parts = self.split(&queries_keys_values.name, [channels; 3]);
        let [queries, keys, values] = parts.map(|part| self.reshape(&part, &[tokens, heads, HEAD]));
        let queries = self.transpose(&queries, [0, 2, 1, 3]);
        let keys = self.transpose(&keys, [0, 2, 3, 1]);
        let values = self.transpose(&values, [0, 2, 1, 3]);

        let asking = self.slice(&queries, 2, 1, tokens);
        let asking = self.reshape(&asking, &[heads, side, side, HEAD]);
        let class = self.class(&key_rows, &key_columns);
        let class = self.transpose(&class, [1, 0]);
        let class = self.pair("MatMul", &asking, &class);
        let [rows, columns] = [key_rows, key_columns].map(|table| {
            let table = self.pair("Gather", &table, &distances);
            self.transpose(&table, [0, 2, 1])
        });
        let rows = self.pair("MatMul", &asking, &rows);
        let columns = self.by_column(&asking, &columns);
        let axis = Attribute::int("axis", -1);
        let far = self.node("Concat", &[&class, &rows, &columns], vec![axis.clone()]);
        let far = self.reshape(&far, &[heads, patches, 2 * side + 1]);
        let to_places = self.transpose(&places, [1, 0]);
        let far = self.pair("MatMul", &far, &to_places);
        // The class token is equally far from all: what that adds to all of its logits changes none
        // of its weights.
        let far = self.pad(&far, 2, 1, 0);
        let products = self.pair("MatMul", &queries, &keys);
        let logits = self.pair("Add", &products, &far);
        let scale = self.constant(Attribute::float("value_float", (HEAD as f32).sqrt().recip()));
        let logits = self.pair("Mul", &logits, &scale);
        let weights = self.node("Softmax", &[&logits], vec![axis]);
        let attended = self.pair("MatMul", &weights, &values);

        let of_patches = self.slice(&weights, 2, 1, tokens);
        let sums = self.pair("MatMul", &of_patches, &places);
        let sums = self.reshape(&sums, &[heads, side, side, 2 * side + 1]);
        let [of_class, of_rows, of_columns] = self.split(&sums, [1, side, side]);
        let class = self.class(&value_rows, &value_columns);
        let of_class = self.pair("MatMul", &of_class, &class);
        let [rows, columns] =
            [value_rows, value_columns].map(|table| self.pair("Gather", &table, &distances));
        let of_rows = self.pair("MatMul", &of_rows, &rows);
        let of_columns = self.by_column(&of_columns, &columns);
        let positions = self.pair("Add", &of_class, &of_rows);
        let positions = self.pair("Add", &positions, &of_columns);
        let positions = self.reshape(&positions, &[heads, patches, HEAD]);
        let positions = self.pad(&positions, 2, 1, 0);
        let attended = self.pair("Add", &attended, &positions);
        // The class token's weights sum to one.
        let class = self.pad(&class, 0, 0, patches);
        let attended = self.pair("Add", &attended, &class);
        let attended = self.transpose(&attended, [0, 2, 1, 3]);
        let name = self.reshape(&attended, &[tokens, channels]);
        Ok(Value { name, shape: vec![tokens, channels] })
    }

    fn classify_tokens(&mut self, tokens: &Value, classifier: &Linear) -> Result<Value, TchError> {
        let patches = self.slice(&tokens.name, 1, 1, tokens.shape[0]);
        let axis = self.numbers(&[1]);
        let without = Attribute::int("keepdims", 0);
        let features = self.node("ReduceMean", &[&patches, &axis], vec![without]);
        self.logits(&features, classifier)
    }

    fn identity(&self, input: &Value) -> Value {
        input.clone()
    }

    fn classify(&mut self, input: &Value, classifier: &Linear) -> Result<Value, TchError> {
        let pooled = self.node("GlobalAveragePool", &[&input.name], vec![]);
        let features = self.node("Flatten", &[&pooled], vec![]);
        self.logits(&features, classifier)
    }

    fn sum(&mut self, values: Vec<Value>, like: &Value) -> Result<Value, TchError> {
        let mut values = values.into_iter();
        let Some(mut sum) = values.next() else {
            let shape = self.pointwise("Shape", like);
            return Ok(Value {
                shape: like.shape.clone(),
                ..self.pointwise("ConstantOfShape", &shape)
            });
        };
        for value in values {
            sum.name = self.pair("Add", &sum.name, &value.name);
        }
        Ok(sum)
    }
}
