//! EPE-NAS, after Lopes, Alirezazadeh and Alexandre 2021, "EPE-NAS: Efficient Performance Estimation
//! Without Training for Neural Architecture Search", arXiv 2102.08099.

use std::collections::{BTreeMap, BTreeSet};

use tch::{Device, TchError, Tensor};

use crate::definition::{Computation, Definition, Description, Score};
use crate::inputs::ImageGradients;
use crate::{Error, Needs};

pub(super) const EPE_NAS: Definition = Definition {
    description: Description {
        name: "epe_nas",
        needs: Needs::LOSS_GRADIENTS,
        least_images: 2,
        paper: "Lopes et al. 2021, arXiv 2102.08099",
        equation: "per class, Σ ln(|correlation| + 1e-5) over all pairs of its images' gradients of \
                   the summed logits; summed in absolute value up to 100 classes, above that (each \
                   divided by its images) by pairwise differences over the classes",
        followed: "the public code: one gradient of the sum of logits",
        ..Description::DEFAULT
    },
    computation: Computation::ImageGradients(score),
};

/// Keeps logarithms finite.
const SMALL: f64 = 1e-5;

/// Up to this many classes, the classes are added up; beyond, they are compared.
const FEW_CLASSES: i64 = 100;

/// Absent where no two images share a class.
fn score(images: &ImageGradients) -> Score {
    let labels = images.labels.ok_or(Error::NoLabels { proxy: EPE_NAS.name() })?;
    let labels = Vec::<i64>::try_from(labels.f_to_device(Device::Cpu)?)?;
    // Where no two images share a class, each image correlates with itself alone.
    if labels.iter().collect::<BTreeSet<_>>().len() == labels.len() {
        return Ok(None);
    }
    Ok(Some(epe_nas(&images.correlation, &labels, images.classes)?))
}

fn epe_nas(correlation: &Tensor, labels: &[i64], classes: i64) -> Result<f64, TchError> {
    let count = labels.len();
    let correlation = Vec::<f64>::try_from(correlation.f_flatten(0, -1)?)?;
    let mut members: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (image, &label) in labels.iter().enumerate() {
        members.entry(label).or_default().push(image);
    }
    let pairs = |images: &Vec<usize>| -> f64 {
        let row = |&one: &usize| images.iter().map(move |other| one * count + other);
        images.iter().flat_map(row).map(|pair| (correlation[pair].abs() + SMALL).ln()).sum()
    };
    if classes <= FEW_CLASSES {
        return Ok(members.values().map(|images| pairs(images).abs()).sum());
    }
    let each: Vec<f64> =
        members.values().map(|images| pairs(images) / images.len() as f64).collect();
    let differences = each.iter().flat_map(|one| each.iter().map(move |other| (one - other).abs()));
    Ok(differences.sum::<f64>() / each.len() as f64)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::Batch;
    use crate::tiny::{Tiny, correlation, score_of};

    #[test]
    fn epe_nas_pair_by_pair() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let rows = network.image_gradients(&batch);
        // Images 0 and 4, 2 and 3, 1 and 5 share a class; both orders of a pair count, and each
        // image with itself.
        let pair = |a: usize, b: usize| {
            let ln = |value: f64| (value.abs() + SMALL).ln();
            (2.0 * ln(correlation(&rows[a], &rows[b])) + 2.0 * ln(1.0)).abs()
        };
        let expected = pair(0, 4) + pair(2, 3) + pair(1, 5);
        let score = score_of(&EPE_NAS, &network, &batch).unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-5);
    }

    #[test]
    fn epe_nas_is_absent_where_no_two_images_share_a_class() {
        let batch = Batch::new(&Tiny::batch().images().narrow(0, 0, 3)).unwrap();
        let of = |labels: [i64; 3]| {
            let batch = Batch::new(batch.images()).unwrap().with_labels(&labels).unwrap();
            score_of(&EPE_NAS, &Tiny::new(), &batch)
        };
        assert_eq!(of([0, 1, 2]), None);
        assert!(of([0, 1, 1]).is_some());
    }

    #[test]
    fn epe_nas_compares_the_classes_where_there_are_many() {
        let correlation = [1.0, 0.5, 0.5, 1.0];
        let correlation = Tensor::from_slice(&correlation).reshape([2, 2]);
        // Each image a class of its own: both have the same sum, so nothing differs.
        assert_relative_eq!(epe_nas(&correlation, &[0, 150], 200).unwrap(), 0.0);
    }
}
