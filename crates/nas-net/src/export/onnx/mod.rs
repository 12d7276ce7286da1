//! Networks in the ONNX format, <https://onnx.ai>.

mod graph;
mod layers;
pub(super) mod proto;

use prost::Message;

use self::graph::Graph;
use super::{
    description::Description,
    format::{Format, write_bytes},
};
use crate::walk::Symbol;
use crate::{BuiltNetwork, Error};

pub(super) const FORMAT: Format = Format {
    name: "onnx",
    title: "ONNX",
    extension: "onnx",
    description: "operator set 20, from images [batch, channels, side, side] to logits [batch, classes]; \
                  ONNX Runtime reads it from 1.17 on",
    has_weights: true,
    write: |network, side, description, file| write_bytes(file, onnx(network, side, description)?),
};

/// The first with GELU.
const OPERATOR_SET: i64 = 20;
/// The version of the format that introduced this operator set.
const FORMAT_VERSION: i64 = 9;

/// A network with its weights as a file in the ONNX format, operator set 20, for square images of
/// `side` pixels.
///
/// It computes what [`BuiltNetwork::forward_inference`] does: from `images` of shape
/// (batch, channels, side, side) `logits` of shape (batch, classes), floats of 32 bits, for a batch of any
/// length. Initializers are the parameters and running statistics, by their names in the module of
/// [`python`](super::python()).
///
/// # Errors
/// [`Error::Torch`] for a side that the network does not take.
pub fn onnx(
    network: &dyn BuiltNetwork,
    side: usize,
    description: &Description,
) -> Result<Vec<u8>, Error> {
    let mut graph = Graph::default();
    let (channels, side) = (network.channels() as i64, side as i64);
    let images = Symbol { name: "images".to_owned(), shape: vec![channels, side, side] };
    let logits = network.walkable().0.write(&images, &mut graph)?;
    let metadata = description.metadata.iter().cloned();
    let model = proto::Model {
        ir_version: FORMAT_VERSION,
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPERATOR_SET }],
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: description.text.clone(),
        metadata_props: metadata.map(|(key, value)| proto::Property { key, value }).collect(),
        graph: Some(proto::Graph {
            name: "network".to_owned(),
            doc_string: description.text.clone(),
            node: graph.nodes,
            initializer: graph.weights,
            input: vec![proto::ValueInfo::of_images(&images.name, &images.shape)],
            output: vec![proto::ValueInfo::of_images(&logits.name, &logits.shape)],
        }),
    };
    Ok(model.encode_to_vec())
}
