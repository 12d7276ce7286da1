//! Which units are active for which image, one bit each.

use std::slice;

use multiversion::multiversion;
use tch::kind::Element;
use tch::{Device, Kind, TchError, Tensor};

/// The activation patterns of a forward pass, as far as they are needed.
#[derive(Debug)]
pub(crate) struct ActivationPatterns {
    images: usize,
    kernel: Option<HammingKernel>,
    patterns: Option<Vec<u64>>,
    /// Whether the network had a ReLU.
    any: bool,
}

/// K_H of NASWOT (equation 2): for each pair of images, the number of ReLU units that are active
/// for both or for neither, which is the number of units minus the Hamming distance of the codes.
#[derive(Debug)]
enum HammingKernel {
    /// Distances by exclusive or and population count.
    Counted { units: u64, distances: Vec<u64> },
    /// The kernel by matrix products, which is what GPUs are made for; in f64, on the device.
    Multiplied(Option<Tensor>),
}

/// The bits of a word.
const WORD: usize = u64::BITS as usize;

/// Products of 0 and 1 add up exactly in f32 up to this many units.
const EXACT_IN_F32: i64 = 1 << 24;

impl ActivationPatterns {
    /// For a batch of `images`; `kernel` and `patterns` state what is recorded.
    pub fn new(images: usize, device: Device, kernel: bool, patterns: bool) -> Self {
        let kernel = kernel.then(|| match device {
            Device::Cuda(_) => HammingKernel::Multiplied(None),
            _ => HammingKernel::Counted { units: 0, distances: vec![0; images * images] },
        });
        Self { images, kernel, patterns: patterns.then(Vec::new), any: false }
    }

    /// Adds the units of `layers` ReLUs whose common output is `rectified`.
    pub fn add(&mut self, rectified: &Tensor, layers: usize) -> Result<(), TchError> {
        let shape = rectified.size();
        if shape.first() != Some(&(self.images as i64)) {
            return Err(TchError::Shape(format!(
                "a ReLU of shape {shape:?} in a pass of {} images",
                self.images
            )));
        }
        self.any = true;
        let rectified = units(rectified)?;
        if let Some(HammingKernel::Multiplied(sum)) = &mut self.kernel {
            let alike = multiplied(&rectified, layers)?;
            *sum = Some(match sum.take() {
                Some(sum) => sum.f_add(&alike)?,
                None => alike,
            });
            if self.patterns.is_none() {
                return Ok(());
            }
        }
        let codes = codes(&rectified, self.images)?;
        if let Some(HammingKernel::Counted { units, distances }) = &mut self.kernel {
            *units += (codes.units * layers) as u64;
            add_distances(&codes.bits, codes.words, layers as u64, distances);
        }
        if let Some(patterns) = &mut self.patterns {
            codes.add_patterns(patterns);
        }
        Ok(())
    }

    /// Whether the network had a ReLU.
    pub fn any(&self) -> bool {
        self.any
    }

    /// K_H, of shape (images, images) in f64 on the CPU, if it was recorded.
    pub fn kernel(&self) -> Result<Option<Tensor>, TchError> {
        match &self.kernel {
            Some(HammingKernel::Counted { units, distances }) => {
                let alike: Vec<f64> =
                    distances.iter().map(|&distance| (units - distance) as f64).collect();
                let side = self.images as i64;
                Tensor::f_from_slice(&alike)?.f_reshape([side, side]).map(Some)
            }
            Some(HammingKernel::Multiplied(Some(sum))) => sum.f_to_device(Device::Cpu).map(Some),
            Some(HammingKernel::Multiplied(None)) | None => Ok(None),
        }
    }

    /// The number of distinct patterns over the images among all units.
    pub fn distinct_patterns(&self) -> Option<usize> {
        let patterns = self.patterns.as_ref()?;
        let words = self.images.div_ceil(WORD);
        Some(if words == 1 {
            let mut sorted = patterns.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.len()
        } else {
            let mut sorted: Vec<&[u64]> = patterns.chunks_exact(words).collect();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.len()
        })
    }
}

/// The activations as (images, units). The order of the units is that of the memory where possible:
/// no result depends on it, and a copy costs time.
fn units(activations: &Tensor) -> Result<Tensor, TchError> {
    if activations.dim() == 4 && !activations.is_contiguous() {
        activations.f_permute([0, 2, 3, 1])?.f_flatten(1, -1)
    } else {
        activations.f_reshape([activations.size()[0], -1])
    }
}

/// With X the binary codes and r their row sums, the kernel is
/// X Xᵀ + (1 − X)(1 − X)ᵀ = 2 X Xᵀ − r 1ᵀ − 1 rᵀ + units.
fn multiplied(rectified: &Tensor, layers: usize) -> Result<Tensor, TchError> {
    let units = rectified.size()[1];
    let kind = if units > EXACT_IN_F32 { Kind::Double } else { Kind::Float };
    let active = rectified.f_gt(0.0)?.f_to_kind(kind)?;
    let both = active.f_matmul(&active.f_tr()?)?.f_to_kind(Kind::Double)?;
    let each = both.f_diagonal(0, 0, 1)?;
    (both * 2.0)
        .f_sub(&each.f_unsqueeze(0)?)?
        .f_sub(&each.f_unsqueeze(1)?)?
        .f_add_scalar(units)?
        .f_mul_scalar(layers as f64)
}

/// The codes of activations of shape (images, units).
fn codes(activations: &Tensor, images: usize) -> Result<Codes, TchError> {
    match (activations.device(), activations.kind()) {
        (Device::Cpu, Kind::Float) => codes_in_memory::<f32>(activations, images),
        (Device::Cpu, Kind::Double) => codes_in_memory::<f64>(activations, images),
        _ => {
            // A byte for each unit to copy.
            let active = activations.f_gt(0.0)?.f_view_dtype(Kind::Uint8)?;
            codes_in_memory::<u8>(&active.f_to_device(Device::Cpu)?, images)
        }
    }
}

/// The codes of a tensor on the CPU with elements `T`, read where they are.
#[allow(unsafe_code)]
fn codes_in_memory<T>(activations: &Tensor, images: usize) -> Result<Codes, TchError>
where
    T: Element + Copy + Default + PartialOrd,
{
    let activations = activations.f_contiguous()?;
    if activations.numel() == 0 {
        return Ok(Codes::pack::<T>(&[], images));
    }
    debug_assert_eq!((activations.device(), activations.kind()), (Device::Cpu, T::KIND));
    let elements = activations.data_ptr().cast::<T>();
    // SAFETY: a contiguous tensor on the CPU holds this many elements of its kind from there on,
    // for as long as `activations` lives; nothing writes to them meanwhile.
    let elements = unsafe { slice::from_raw_parts(elements, activations.numel()) };
    Ok(Codes::pack(elements, images))
}

/// For each image, a bit for each unit of a layer; bits beyond the units are 0.
struct Codes {
    units: usize,
    /// Words of each image.
    words: usize,
    bits: Vec<u64>,
}

impl Codes {
    /// From the activations of each image, unit by unit.
    fn pack<T: Copy + Default + PartialOrd>(activations: &[T], images: usize) -> Self {
        let units = activations.len() / images;
        let words = units.div_ceil(WORD);
        let mut bits = Vec::with_capacity(images * words);
        for image in activations.chunks_exact(units.max(1)) {
            let (whole, rest) = image.as_chunks::<WORD>();
            bits.extend(whole.iter().map(pack_word));
            if !rest.is_empty() {
                let mut padded = [T::default(); WORD];
                padded[..rest.len()].copy_from_slice(rest);
                bits.push(pack_word(&padded));
            }
        }
        Self { units, words, bits }
    }

    /// Appends for each unit its pattern over the images, in ⌈images / 64⌉ words.
    fn add_patterns(&self, patterns: &mut Vec<u64>) {
        let images = self.bits.len() / self.words.max(1);
        let groups = images.div_ceil(WORD);
        let mut columns = vec![[0; WORD]; groups];
        for word in 0..self.words {
            for (group, column) in columns.iter_mut().enumerate() {
                for (bit, row) in column.iter_mut().enumerate() {
                    let image = group * WORD + bit;
                    *row = if image < images { self.bits[image * self.words + word] } else { 0 };
                }
                transpose(column);
            }
            for unit in 0..WORD.min(self.units - word * WORD) {
                patterns.extend(columns.iter().map(|column| column[unit]));
            }
        }
    }
}

/// A bit for each of 64 activations, 1 where it is positive.
///
/// Of each eight bytes, 0 or 1, byte k becomes bit k of a byte: the factor's bit at 7 (8 − k)
/// lifts it to bit 56 + k, and no two products meet.
fn pack_word<T: Copy + Default + PartialOrd>(activations: &[T; WORD]) -> u64 {
    let bytes = activations.map(|activation| u8::from(activation > T::default()));
    let (eights, _) = bytes.as_chunks::<8>();
    let mut word = [0; 8];
    for (packed, eight) in word.iter_mut().zip(eights) {
        *packed = (u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8;
    }
    u64::from_le_bytes(word)
}

/// Transposes a matrix of bits: swaps ever smaller off-diagonal blocks.
fn transpose(rows: &mut [u64; WORD]) {
    let mut width = WORD / 2;
    let mut mask = u64::MAX >> width;
    while width > 0 {
        for row in (0..WORD).filter(|row| row & width == 0) {
            let swap = ((rows[row] >> width) ^ rows[row + width]) & mask;
            rows[row] ^= swap << width;
            rows[row + width] ^= swap;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

/// Adds `layers` times the Hamming distances of all pairs of codes to a matrix.
#[multiversion(targets("x86_64+avx512f+avx512vpopcntdq", "x86_64+avx2+popcnt", "x86_64+popcnt"))]
fn add_distances(bits: &[u64], words: usize, layers: u64, distances: &mut [u64]) {
    if words == 0 {
        return;
    }
    let images = bits.len() / words;
    for one in 0..images {
        let code = &bits[one * words..][..words];
        for other in one + 1..images {
            let pairs = code.iter().zip(&bits[other * words..][..words]);
            let distance: u64 = pairs.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
            distances[one * images + other] += layers * distance;
            distances[other * images + one] += layers * distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positive_activations_become_bits_in_their_order() {
        for place in 0..WORD {
            let mut activations = [-1.0_f32; WORD];
            activations[place] = 0.5;
            assert_eq!(pack_word(&activations), 1 << place);
        }
    }

    /// Activations of `images` images, and how many there are.
    fn activations() -> impl Strategy<Value = (Vec<f32>, usize)> {
        (1_usize..70, 1_usize..140).prop_flat_map(|(images, units)| {
            let value = prop_oneof![Just(0.0_f32), Just(1.5), Just(-0.0)];
            (proptest::collection::vec(value, images * units), Just(images))
        })
    }

    proptest! {
        #[test]
        fn counting_is_multiplying((values, images) in activations(), layers in 1_usize..3) {
            let tensor = Tensor::from_slice(&values).reshape([images as i64, -1]);
            let mut recorded = ActivationPatterns::new(images, Device::Cpu, true, false);
            recorded.add(&tensor, layers).unwrap();
            recorded.add(&tensor, 1).unwrap();
            let expected = multiplied(&tensor, layers + 1).unwrap();
            prop_assert_eq!(recorded.kernel().unwrap().unwrap(), expected);
        }

        #[test]
        fn patterns_are_columns((values, images) in activations()) {
            let tensor = Tensor::from_slice(&values).reshape([images as i64, -1]);
            let mut recorded = ActivationPatterns::new(images, Device::Cpu, false, true);
            recorded.add(&tensor, 2).unwrap();
            let units = values.len() / images;
            let column = |unit: usize| -> Vec<bool> {
                (0..images).map(|image| values[image * units + unit] > 0.0).collect()
            };
            let distinct: HashSet<Vec<bool>> = (0..units).map(column).collect();
            prop_assert_eq!(recorded.distinct_patterns(), Some(distinct.len()));
        }
    }
}
