//! Each layer as nodes of a graph of the ONNX format.

use std::fmt;

use tch::TchError;

use super::graph::{Graph, sized, tensor};
use super::proto::Attribute;
use crate::attention::{Attention, Grid, HEAD};
use crate::executor::Executor;
use crate::layer::{BatchNorm, Convolution, LayerNorm, Linear, Patches};
use crate::walk::Symbol;

impl Executor for Graph {
    type Value = Symbol;

    fn part(&mut self, part: fmt::Arguments) {
        self.names.part(part);
    }

    fn relu(&mut self, input: &Symbol, _: usize) -> Result<Symbol, TchError> {
        Ok(self.pointwise("Relu", input))
    }

    fn convolution(
        &mut self,
        input: &Symbol,
        convolution: &Convolution,
    ) -> Result<Symbol, TchError> {
        let (name, [weight]) = self.layer(convolution)?;
        let (kernel, outputs) = (convolution.kernel(), convolution.weight.size()[0]);
        let how = [outputs, kernel, convolution.stride, kernel / 2, convolution.groups];
        Ok(self.convolve(name, &[&input.name, &weight], &input.shape, how))
    }

    fn batch_norm(&mut self, input: &Symbol, norm: &BatchNorm) -> Result<Symbol, TchError> {
        let (name, [weight, bias, mean, variance]) = self.layer(norm)?;
        let inputs = [&input.name, &weight, &bias, &mean, &variance].map(String::as_str);
        let epsilon = Attribute::float("epsilon", BatchNorm::EPSILON as f32);
        let name = self.named(name, "BatchNormalization", &inputs, vec![epsilon]);
        Ok(Symbol { name, shape: input.shape.clone() })
    }

    fn average_pool(
        &mut self,
        input: &Symbol,
        kernel: i64,
        stride: i64,
    ) -> Result<Symbol, TchError> {
        let padding = if stride == 1 { kernel / 2 } else { 0 };
        let attributes = vec![
            Attribute::ints("kernel_shape", [kernel; 2]),
            Attribute::ints("strides", [stride; 2]),
            Attribute::ints("pads", [padding; 4]),
            Attribute::int("count_include_pad", 0),
        ];
        let name = self.node("AveragePool", &[&input.name], attributes);
        let shape = sized(input.shape[0], &input.shape, kernel, stride, padding);
        Ok(Symbol { name, shape })
    }

    fn shuffle(&mut self, input: &Symbol, groups: i64) -> Result<Symbol, TchError> {
        let [channels, height, width] = input.shape[..] else {
            return Err(TchError::Shape(format!("{:?} are no maps", input.shape)));
        };
        let dealt = self.reshape(&input.name, &[groups, channels / groups, height, width]);
        let dealt = self.transpose(&dealt, [0, 2, 1, 3, 4]);
        let name = self.reshape(&dealt, &input.shape);
        Ok(Symbol { name, shape: input.shape.clone() })
    }

    fn patches(&mut self, images: &Symbol, to: &Patches) -> Result<Symbol, TchError> {
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
        Ok(Symbol { name: self.pair("Add", &patches, &positions), shape })
    }

    fn layer_norm(&mut self, tokens: &Symbol, norm: &LayerNorm) -> Result<Symbol, TchError> {
        let (name, [weight, bias]) = self.layer(norm)?;
        let inputs = [&tokens.name, &weight, &bias].map(String::as_str);
        let epsilon = Attribute::float("epsilon", LayerNorm::EPSILON as f32);
        let name = self.named(name, "LayerNormalization", &inputs, vec![epsilon]);
        Ok(Symbol { name, shape: tokens.shape.clone() })
    }

    fn linear(&mut self, tokens: &Symbol, linear: &Linear) -> Result<Symbol, TchError> {
        let name = self.linear_of(&tokens.name, linear)?;
        Ok(Symbol { name, shape: vec![tokens.shape[0], linear.weight.size()[0]] })
    }

    fn gelu(&mut self, tokens: &Symbol) -> Result<Symbol, TchError> {
        Ok(self.pointwise("Gelu", tokens))
    }

    /// As in the module `attention`, except that products with places are separate matrices: runtimes
    /// handle these better than longer vectors.
    fn attend(
        &mut self,
        queries_keys_values: &Symbol,
        attention: &Attention,
        grid: &Grid,
    ) -> Result<Symbol, TchError> {
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
        // The class token is equally far from all: the same is added to all of its logits and changes
        // none of its weights.
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
        Ok(Symbol { name, shape: vec![tokens, channels] })
    }

    fn classify_tokens(
        &mut self,
        tokens: &Symbol,
        classifier: &Linear,
    ) -> Result<Symbol, TchError> {
        let patches = self.slice(&tokens.name, 1, 1, tokens.shape[0]);
        let axis = self.numbers(&[1]);
        let without = Attribute::int("keepdims", 0);
        let features = self.node("ReduceMean", &[&patches, &axis], vec![without]);
        self.logits(&features, classifier)
    }

    fn identity(&self, input: &Symbol) -> Symbol {
        input.clone()
    }

    fn classify(&mut self, input: &Symbol, classifier: &Linear) -> Result<Symbol, TchError> {
        let pooled = self.node("GlobalAveragePool", &[&input.name], vec![]);
        let features = self.node("Flatten", &[&pooled], vec![]);
        self.logits(&features, classifier)
    }

    fn sum(&mut self, values: Vec<Symbol>, like: &Symbol) -> Result<Symbol, TchError> {
        let mut values = values.into_iter();
        let Some(mut sum) = values.next() else {
            let shape = self.pointwise("Shape", like);
            return Ok(Symbol {
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
