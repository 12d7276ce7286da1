//! Attention with relative positions in two dimensions, as in AutoFormer (Chen et al. 2021, arXiv
//! 2107.00651; Wu et al. 2021, arXiv 2107.14222).
//!
//! A query's logit for a key is their product, plus the query's product with two embeddings: of the
//! distance between their rows, and of that between their columns. Values get embeddings in the same
//! way. Computed directly, that is a vector for each pair of tokens, 197² of them. But all keys in a row
//! have the same row embedding. So the products are computed once for each row and each column, and
//! appended to the query as further channels; a key is extended by ones at the places of its row and its
//! column. One product of the longer vectors is then the whole logit. Values are extended by the same
//! ones: attention then also sums its weights by row and by column, and these sums weight the
//! embeddings of the values.

use tch::{Device, Kind, TchError, Tensor};

use crate::builder::Builder;

/// Channels of a head's queries, keys and values.
pub(crate) const HEAD: i64 = nas_space::autoformer::HEAD as i64;
/// All distances beyond it have the same embedding.
pub(crate) const DISTANCE: i64 = nas_space::autoformer::DISTANCE as i64;

/// The parameters of attention without its projections.
#[derive(Debug)]
pub struct Attention {
    pub(crate) heads: i64,
    pub(crate) keys: RelativePositions,
    pub(crate) values: RelativePositions,
}

/// For each distance between rows, and between columns, a vector; the first is the class token's,
/// which is equally far from all. Each of shape (2 · distances + 2, channels of a head).
#[derive(Debug)]
pub(crate) struct RelativePositions {
    pub(crate) rows: Tensor,
    pub(crate) columns: Tensor,
}

impl Attention {
    /// The untrained parameters of so many heads.
    ///
    /// # Errors
    /// Where the device is out of memory.
    pub fn new(builder: &mut Builder, heads: i64) -> Result<Self, TchError> {
        let mut table = || builder.embedding(&[2 * DISTANCE + 2, HEAD]);
        let keys = RelativePositions { rows: table()?, columns: table()? };
        Ok(Self { heads, keys, values: RelativePositions { rows: table()?, columns: table()? } })
    }
}

/// The positions of an image's patches.
#[derive(Debug)]
pub struct Grid {
    pub(crate) side: i64,
    /// For each token a one at the class's place, its row's and its column's, of shape
    /// (1 + side², 1 + 2 · side).
    pub(crate) places: Tensor,
    /// Which embedding belongs to the distance of a row or column to another, of length side².
    pub(crate) distances: Tensor,
}

impl Grid {
    /// The grid of so many patches along a side.
    ///
    /// # Errors
    /// Where the device is out of memory.
    pub fn new(side: i64, device: Device) -> Result<Self, TchError> {
        let ones = Tensor::f_eye(side, (Kind::Float, device))?;
        let rows = ones.f_repeat_interleave_self_int(side, 0, None)?;
        let patches = Tensor::f_cat(&[rows, ones.f_repeat([side, 1])?], 1)?;
        let class = Tensor::f_eye(1, (Kind::Float, device))?;
        let step = Tensor::f_arange(side, (Kind::Int64, device))?;
        let distances = step.f_unsqueeze(0)?.f_sub(&step.f_unsqueeze(1)?)?;
        Ok(Self {
            side,
            places: Tensor::f_block_diag(&[class, patches])?,
            distances: (distances.f_clamp(-DISTANCE, DISTANCE)? + (DISTANCE + 1))
                .f_flatten(0, -1)?,
        })
    }
}

impl RelativePositions {
    /// The embeddings between rows, and between columns, each of shape (side, side, channels).
    fn between(&self, grid: &Grid) -> Result<[Tensor; 2], TchError> {
        let table = |table: &Tensor| {
            let shape = [grid.side, grid.side, HEAD];
            table.f_index_select(0, &grid.distances)?.f_reshape(shape)
        };
        Ok([table(&self.rows)?, table(&self.columns)?])
    }

    /// The embedding of the class token's distance, of shape (channels).
    fn class(&self) -> Result<Tensor, TchError> {
        self.rows.f_select(0, 0)?.f_add(&self.columns.f_select(0, 0)?)
    }
}

/// The attention of queries, keys and values, side by side in shape (count, tokens, 3 · heads ·
/// channels); the result has shape (count, tokens, heads · channels).
pub(crate) fn attend(
    queries_keys_values: &Tensor,
    attention: &Attention,
    grid: &Grid,
) -> Result<Tensor, TchError> {
    attend_by(queries_keys_values, attention, grid, |queries, keys, values, scale| {
        let logits = queries.f_matmul(&keys.f_transpose(-2, -1)?)?;
        (logits * scale).f_softmax(-1, None::<Kind>)?.f_matmul(values)
    })
}

/// [`attend`] by libtorch's fused kernel, which does not keep the weights: faster, but its gradient
/// cannot be differentiated again.
pub(crate) fn attend_fused(
    queries_keys_values: &Tensor,
    attention: &Attention,
    grid: &Grid,
) -> Result<Tensor, TchError> {
    attend_by(queries_keys_values, attention, grid, |queries, keys, values, scale| {
        let mask = None::<&Tensor>;
        Tensor::f_scaled_dot_product_attention(
            queries, keys, values, mask, 0.0, false, scale, false,
        )
    })
}

fn attend_by(
    queries_keys_values: &Tensor,
    attention: &Attention,
    grid: &Grid,
    product: impl FnOnce(&Tensor, &Tensor, &Tensor, f64) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let (heads, side) = (attention.heads, grid.side);
    let (patches, tokens) = (side * side, side * side + 1);
    // No shape contains the number of images, so that a trace takes any number.
    let parts = queries_keys_values.f_reshape([-1, tokens, 3, heads, HEAD])?;
    let parts = parts.f_permute([2, 0, 3, 1, 4])?;
    let [queries, keys, values] = [0, 1, 2].map(|at| parts.f_select(0, at));
    let (queries, keys, values) = (queries?, keys?, values?);
    let on_grid = |of: &Tensor, channels: i64| {
        of.f_narrow(2, 1, patches)?.f_reshape([-1, heads, side, side, channels])
    };
    let einsum = |how: &str, a: &Tensor, b: &Tensor| Tensor::f_einsum(how, &[a, b], None::<&[i64]>);

    let asking = on_grid(&queries, HEAD)?;
    let [rows, columns] = attention.keys.between(grid)?;
    let class = asking.f_matmul(&attention.keys.class()?)?.f_unsqueeze(-1)?;
    let rows = einsum("bhrcd,rsd->bhrcs", &asking, &rows)?;
    let columns = einsum("bhrcd,csd->bhrcs", &asking, &columns)?;
    let far = Tensor::f_cat(&[class, rows, columns], -1)?;
    // The class token is equally far from all: the same is added to all of its logits and changes
    // none of its weights.
    let far = far.f_reshape([-1, heads, patches, 2 * side + 1])?.f_constant_pad_nd([0, 0, 1, 0])?;
    let places = grid.places.f_to_kind(queries.kind())?.f_expand_as(&far)?;
    let queries = Tensor::f_cat(&[queries, far], -1)?;
    let with_places = |of: &Tensor| Tensor::f_cat(&[of, &places], -1);
    let scale = (HEAD as f64).sqrt().recip();
    let attended = product(&queries, &with_places(&keys)?, &with_places(&values)?, scale)?;

    let weights = on_grid(&attended.f_narrow(-1, HEAD, 2 * side + 1)?, 2 * side + 1)?;
    let [rows, columns] = attention.values.between(grid)?;
    let class = attention.values.class()?;
    let of_class = weights.f_narrow(-1, 0, 1)?.f_mul(&class)?;
    let rows = einsum("bhrcs,rsd->bhrcd", &weights.f_narrow(-1, 1, side)?, &rows)?;
    let columns = einsum("bhrcs,csd->bhrcd", &weights.f_narrow(-1, 1 + side, side)?, &columns)?;
    let of_patches = of_class.f_add(&rows)?.f_add(&columns)?;
    let of_patches = of_patches.f_reshape([-1, heads, patches, HEAD])?;
    // The class token's weights sum to one.
    let class = class.f_expand_as(&of_patches.f_narrow(2, 0, 1)?)?;
    let positions = Tensor::f_cat(&[class, of_patches], 2)?;
    let sum = attended.f_narrow(-1, 0, HEAD)?.f_add(&positions)?;
    sum.f_transpose(1, 2)?.f_reshape([-1, tokens, heads * HEAD])
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::builder::Initial;

    /// With a vector for each pair of tokens, by its definition.
    fn written_out(queries_keys_values: &Tensor, attention: &Attention, side: i64) -> Tensor {
        let (count, tokens, _) = queries_keys_values.size3().unwrap();
        let parts = queries_keys_values.reshape([count, tokens, 3, attention.heads, HEAD]);
        let parts = parts.permute([2, 0, 3, 1, 4]);
        let [queries, keys, values] = [0, 1, 2].map(|at| parts.select(0, at));
        let index = |token: i64, other: i64, of: fn(i64, i64) -> i64| {
            if token == 0 || other == 0 {
                return 0;
            }
            let distance = of(other - 1, side) - of(token - 1, side);
            distance.clamp(-DISTANCE, DISTANCE) + DISTANCE + 1
        };
        let pairs = |positions: &RelativePositions| {
            let vector = |token: i64, other: i64| {
                let row = index(token, other, |patch, side| patch / side);
                let column = index(token, other, |patch, side| patch % side);
                positions.rows.select(0, row) + positions.columns.select(0, column)
            };
            let all = (0..tokens).flat_map(|token| (0..tokens).map(move |other| (token, other)));
            let all: Vec<Tensor> = all.map(|(token, other)| vector(token, other)).collect();
            Tensor::stack(&all, 0).reshape([tokens, tokens, HEAD])
        };
        let none = None::<&[i64]>;
        let far = Tensor::einsum("bhid,ijd->bhij", &[&queries, &pairs(&attention.keys)], none);
        let logits = (queries.matmul(&keys.transpose(-2, -1)) + far) / (HEAD as f64).sqrt();
        let weights = logits.softmax(-1, Kind::Double);
        let far = Tensor::einsum("bhij,ijd->bhid", &[&weights, &pairs(&attention.values)], none);
        let sum = weights.matmul(&values) + far;
        sum.transpose(1, 2).reshape([count, tokens, attention.heads * HEAD])
    }

    #[test]
    fn both_ways_agree_with_the_definition() {
        let mut builder = Builder::new(3, Device::Cpu, Initial::Transformer);
        let mut attention = Attention::new(&mut builder, 2).unwrap();
        for positions in [&mut attention.keys, &mut attention.values] {
            // Large enough to matter.
            let far = |table: &Tensor| table.detach().to_kind(Kind::Double) * 30.0;
            (positions.rows, positions.columns) = (far(&positions.rows), far(&positions.columns));
        }
        // Beyond a side of 15 distances are clamped.
        for side in [1, 3, 17] {
            let tokens = side * side + 1;
            let values = Tensor::arange(2 * tokens * 6 * HEAD, (Kind::Double, Device::Cpu));
            let values = (values * 12.9898).sin().reshape([2, tokens, 6 * HEAD]);
            let grid = Grid::new(side, Device::Cpu).unwrap();
            let expected = written_out(&values, &attention, side);
            for way in [attend, attend_fused] {
                let found = way(&values, &attention, &grid).unwrap();
                let most = (found - &expected).abs().max().double_value(&[]);
                assert_abs_diff_eq!(most, 0.0, epsilon = 1e-10);
            }
        }
    }
}
