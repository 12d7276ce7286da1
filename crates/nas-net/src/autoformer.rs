//! Vision transformers of AutoFormer's spaces.

use nas_proxy::{NetworkKind, Role};
use nas_space::Task;
use nas_space::autoformer::{HEAD, Network as Plan, PATCH};
use tch::{Device, TchError, Tensor};

use crate::Error;
use crate::attention::{Attention, Grid};
use crate::builder::{Builder, Initial};
use crate::executor::Executor;
use crate::layer::{LayerNorm, Linear, Patches};
use crate::network::Built;
use crate::walk::Walk;

/// A vision transformer of AutoFormer's spaces (Chen et al. 2021, arXiv 2107.00651).
///
/// Patches of 16×16 pixels become tokens behind a class token, with learnt positions; each layer is
/// attention with relative positions in two dimensions, and an MLP with GELU, each after a layer
/// normalisation and around a residual connection; the mean of all tokens but the class token is
/// classified. Its parameters are initialised as published: normal with a deviation of 0.02, the
/// patch embedding as PyTorch's convolutions.
#[derive(Debug)]
pub struct AutoFormerNetwork {
    patches: Patches,
    grid: Grid,
    layers: Vec<TransformerLayer>,
    last_norm: LayerNorm,
    classifier: Linear,
    parameters: Vec<(Role, Tensor)>,
    flops: u64,
}

#[derive(Debug)]
struct TransformerLayer {
    attention_norm: LayerNorm,
    queries_keys_values: Linear,
    attention: Attention,
    projection: Linear,
    mlp_norm: LayerNorm,
    hidden: Linear,
    output: Linear,
}

impl AutoFormerNetwork {
    /// The untrained network of a plan ([`nas_space::autoformer::Size::network`]); images have 224 pixels
    /// along a side as published. Equal seeds give equal parameters.
    ///
    /// # Errors
    /// [`Error::Side`] if the side is not a multiple of a patch's; [`Error::Torch`] if the device is out
    /// of memory.
    pub fn new(plan: &Plan, task: Task, seed: u64, device: Device) -> Result<Built<Self>, Error> {
        let side = task.side as u64;
        if side == 0 || !side.is_multiple_of(PATCH) {
            return Err(Error::Side { side, patch: PATCH });
        }
        let along = (side / PATCH) as i64;
        let width = plan.embedding as i64;
        let mut builder = Builder::new(seed, device, Initial::Transformer);
        let channels = task.channels as i64;
        let patches = builder.patches(channels, PATCH as i64, along * along, width)?;
        let mut layers = Vec::with_capacity(plan.layers.len());
        for layer in &plan.layers {
            let hidden = plan.hidden(layer) as i64;
            layers.push(TransformerLayer::new(&mut builder, width, layer.heads as i64, hidden)?);
        }
        Ok(Built(Self {
            patches,
            grid: Grid::new(along, device)?,
            layers,
            last_norm: builder.layer_norm(width)?,
            classifier: builder.linear(width, task.classes as i64)?,
            parameters: builder.into_parameters(),
            flops: plan.flops(task),
        }))
    }
}

impl Walk for AutoFormerNetwork {
    const KIND: NetworkKind = NetworkKind::Transformer;

    fn parameters(&self) -> &[(Role, Tensor)] {
        &self.parameters
    }

    /// For its image size.
    fn operations(&self) -> Option<u64> {
        Some(self.flops)
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        images: &E::Value,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        executor.part(format_args!("stem"));
        let mut tokens = executor.patches(images, &self.patches)?;
        for (layer, number) in self.layers.iter().zip(1..) {
            executor.part(format_args!("layer{number}"));
            tokens = layer.walk(&tokens, &self.grid, executor)?;
            tokens = executor.block_of_tokens(tokens)?;
        }
        executor.part(format_args!("head"));
        let tokens = executor.layer_norm(&tokens, &self.last_norm)?;
        executor.classify_tokens(&tokens, &self.classifier)
    }
}

impl TransformerLayer {
    fn new(builder: &mut Builder, width: i64, heads: i64, hidden: i64) -> Result<Self, TchError> {
        let attended = heads * HEAD as i64;
        Ok(Self {
            attention_norm: builder.layer_norm(width)?,
            queries_keys_values: builder.linear_of(Role::Attention, width, 3 * attended)?,
            attention: Attention::new(builder, heads)?,
            projection: builder.linear_of(Role::Attention, attended, width)?,
            mlp_norm: builder.layer_norm(width)?,
            hidden: builder.linear(width, hidden)?,
            output: builder.linear(hidden, width)?,
        })
    }

    fn walk<E: Executor + ?Sized>(
        &self,
        tokens: &E::Value,
        grid: &Grid,
        executor: &mut E,
    ) -> Result<E::Value, TchError> {
        let x = executor.layer_norm(tokens, &self.attention_norm)?;
        let x = executor.linear(&x, &self.queries_keys_values)?;
        let x = executor.attend(&x, &self.attention, grid)?;
        let x = executor.linear(&x, &self.projection)?;
        let tokens = executor.sum(vec![executor.identity(tokens), x], tokens)?;
        let x = executor.layer_norm(&tokens, &self.mlp_norm)?;
        let x = executor.linear(&x, &self.hidden)?;
        let x = executor.gelu(&x)?;
        let x = executor.linear(&x, &self.output)?;
        executor.sum(vec![executor.identity(&tokens), x], &tokens)
    }
}

#[cfg(test)]
mod tests {
    use nas_proxy::{Batch, Network, Proxy, ProxySet};
    use nas_space::Arch;
    use nas_space::autoformer::{Layer, Size};

    use super::*;
    use crate::BuiltNetwork;

    /// The narrowest and the widest network of a space.
    fn plans(size: Size) -> [Plan; 2] {
        let decisions = size.space().decisions();
        let most = decisions.iter().map(|decision| decision.choices.len() as u8 - 1);
        let ends = [Arch::new(vec![0; decisions.len()]), Arch::new(most.collect::<Vec<u8>>())];
        ends.map(|arch| size.network(&arch).unwrap())
    }

    fn small() -> Plan {
        let layer = |heads, mlp_ratio| Layer { heads, mlp_ratio };
        Plan { embedding: 48, layers: vec![layer(1, 2.0), layer(2, 3.5)] }
    }

    fn task(side: usize, classes: usize) -> Task {
        Task { channels: 3, side, classes }
    }

    fn network(plan: &Plan, side: u64) -> Built<AutoFormerNetwork> {
        AutoFormerNetwork::new(plan, task(side as usize, 10), 1, Device::Cpu).unwrap()
    }

    #[test]
    fn parameters_are_as_many_as_the_space_counts() {
        for size in Size::ALL {
            for plan in plans(size) {
                for (side, classes) in [(224, 1000), (32, 10)] {
                    let task = task(side, classes);
                    let network = AutoFormerNetwork::new(&plan, task, 0, Device::Cpu);
                    let parameters = network.unwrap().parameters();
                    let count: usize = parameters.iter().map(|(_, one)| one.numel()).sum();
                    assert_eq!(count as u64, plan.parameters(task), "{size:?} {side}");
                }
            }
        }
    }

    #[test]
    fn operations_are_those_of_the_layers_and_of_attentions_products() {
        let (plan, side) = (small(), 64);
        let network = network(&plan, side);
        let mut counted = 0;
        let tokens = (side / PATCH).pow(2) + 1;
        for layer in network.layers().unwrap() {
            counted += match layer {
                crate::Layer::Patches { patch, channels, tokens } => {
                    ((tokens - 1) * 3 * patch * patch * channels) as u64
                }
                crate::Layer::Linear { inputs, outputs: 10 } => inputs as u64 * 10,
                crate::Layer::Linear { inputs, outputs } => tokens * (inputs * outputs) as u64,
                crate::Layer::Attention { heads, channels } => {
                    2 * tokens * tokens * (heads * channels) as u64
                }
                _ => 0,
            };
        }
        assert_eq!(plan.flops(task(side as usize, 10)), counted);
        let flops = network.flops([3, side as i64, side as i64], Device::Cpu).unwrap();
        assert!((flops - counted as f64).abs() < 0.5);
    }

    #[test]
    fn scoring_and_inference_compute_the_same() {
        for side in [32, 64] {
            let network = network(&small(), side);
            let images = Batch::gaussian([3, 3, side as usize, side as usize], 5).unwrap();
            let one = network.forward_inference(images.images()).unwrap();
            let other = network.forward(images.images(), &mut nas_proxy::Pass::plain()).unwrap();
            assert_eq!(one.size(), [3, 10]);
            let most = (one - other).abs().max().double_value(&[]);
            assert!(most < 1e-5, "{most}");
        }
    }

    #[test]
    fn the_order_of_patches_matters() {
        let network = network(&small(), 32);
        let images = Batch::gaussian([1, 3, 32, 32], 5).unwrap();
        let turned = images.images().flip([2]);
        let one = network.forward_inference(images.images()).unwrap();
        let other = network.forward_inference(&turned).unwrap();
        assert!(f64::try_from((one - other).abs().max()).unwrap() > 1e-4);
    }

    #[test]
    fn proxies_that_apply_score_and_the_others_are_refused() {
        let network = network(&small(), 32);
        let batch = Batch::gaussian([8, 3, 32, 32], 2).unwrap().with_random_labels(10, 2).unwrap();
        for proxy in Proxy::ALL {
            let score = ProxySet::new([proxy]).score(&network, &batch);
            match proxy.inapplicable(NetworkKind::Transformer) {
                None => assert!(score.unwrap()[0].is_some_and(f64::is_finite), "{proxy}"),
                Some(_) => {
                    assert!(matches!(score, Err(nas_proxy::Error::Inapplicable { .. })), "{proxy}");
                }
            }
        }
        let applicable = ProxySet::new(Proxy::ALL).applicable_to(&network);
        let refused = Proxy::ALL.into_iter().filter(|proxy| !applicable.proxies().contains(proxy));
        let refused: Vec<_> = refused.map(Proxy::name).collect();
        let synflow = ["synflow", "ln_synflow", "log_synflow"];
        assert_eq!(
            refused,
            [&["nwot"], &synflow[..1], &["zen"], &synflow[1..], &["meco", "swap"]].concat()
        );
    }

    #[test]
    fn images_of_another_size_are_refused() {
        let error = AutoFormerNetwork::new(&small(), task(40, 10), 0, Device::Cpu).unwrap_err();
        assert!(error.to_string().contains("40"), "{error}");
        let images = Batch::gaussian([1, 3, 64, 64], 5).unwrap();
        assert!(network(&small(), 32).forward_inference(images.images()).is_err());
    }
}
