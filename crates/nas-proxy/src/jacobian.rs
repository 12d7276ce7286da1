//! The proxies of the gradient of the summed logits with respect to each image: jacov, after
//! Mellor et al. 2020, arXiv 2006.04647v1, and EPE-NAS, after Lopes, Alirezazadeh and Alexandre
//! 2021, arXiv 2102.08099.

use std::collections::{BTreeMap, BTreeSet};

use tch::{Device, Kind, TchError, Tensor};

use crate::scalars::all_finite;
use crate::set::Scores;
use crate::{Error, Proxy};

/// What keeps logarithms and quotients finite, in both.
const SMALL: f64 = 1e-5;

/// Up to this many classes EPE-NAS adds the classes up; beyond, it compares them.
const FEW_CLASSES: i64 = 100;

/// jacov and EPE-NAS. Absent where an image has no gradient, EPE-NAS also where no two images share
/// a class. The graph is freed unless it is to
/// be kept.
pub(crate) fn score(
    logits: &Tensor,
    images: &Tensor,
    labels: Option<&Tensor>,
    keep_graph: bool,
    scores: &mut Scores,
) -> Result<(), Error> {
    let total = tch::with_grad(|| logits.f_sum(None))?;
    if !total.requires_grad() {
        return Ok(());
    }
    let gradient = Tensor::f_run_backward(&[total], &[images], keep_graph, false)?.remove(0);
    if !gradient.defined() {
        return Ok(());
    }
    let rows = gradient.f_flatten(1, -1)?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    let correlation = rows.f_corrcoef()?;
    if !all_finite(&correlation)? {
        return Ok(());
    }
    if scores.wants(Proxy::Jacov) {
        scores.set(Proxy::Jacov, Some(jacov(&correlation)?));
    }
    if scores.wants(Proxy::EpeNas) {
        let labels = labels.ok_or(Error::NoLabels { proxy: Proxy::EpeNas.name() })?;
        let labels = Vec::<i64>::try_from(labels.f_to_device(Device::Cpu)?)?;
        let classes = logits.size().get(1).copied().unwrap_or(0);
        // Where no two images share a class, there is nothing to correlate but each with itself.
        if labels.iter().collect::<BTreeSet<_>>().len() < labels.len() {
            scores.set(Proxy::EpeNas, Some(epe_nas(&correlation, &labels, classes)?));
        }
    }
    Ok(())
}

fn jacov(correlation: &Tensor) -> Result<f64, TchError> {
    let eigenvalues = Vec::<f64>::try_from(correlation.f_linalg_eigvalsh("L")?)?;
    let terms = eigenvalues.into_iter().map(|value| {
        // A singular matrix may have eigenvalues just below zero.
        let value = value.max(0.0) + SMALL;
        value.ln() + value.recip()
    });
    Ok(-terms.sum::<f64>())
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
    use crate::tiny::{Tiny, differences, score_of};
    use crate::{Batch, Network, Pass};

    /// The gradient of the summed logits with respect to each image, by differences.
    fn rows(network: &Tiny, batch: &Batch) -> Vec<Vec<f64>> {
        let images = batch.images().contiguous();
        let logits = || {
            let logits = network.forward(&images, &mut Pass::plain()).unwrap();
            logits.sum(Kind::Double).double_value(&[])
        };
        let slopes = differences(&images, logits);
        slopes.chunks(slopes.len() / batch.count()).map(<[f64]>::to_vec).collect()
    }

    fn correlation(one: &[f64], other: &[f64]) -> f64 {
        let centred = |row: &[f64]| -> Vec<f64> {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            row.iter().map(|value| value - mean).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (one, other) = (centred(one), centred(other));
        dot(&one, &other) / (dot(&one, &one) * dot(&other, &other)).sqrt()
    }

    #[test]
    fn jacov_of_two_images_in_closed_form() {
        // The eigenvalues of [[1, r], [r, 1]] are 1 + r and 1 − r.
        let batch = Batch::new(&Tiny::batch().images().narrow(0, 0, 2)).unwrap();
        let network = Tiny::new();
        let rows = rows(&network, &batch);
        let r = correlation(&rows[0], &rows[1]);
        let terms = [1.0 + r, 1.0 - r].map(|value| (value + SMALL).ln() + 1.0 / (value + SMALL));
        let score = score_of(Proxy::Jacov, &network, &batch).unwrap();
        assert_relative_eq!(score, -terms.iter().sum::<f64>(), max_relative = 1e-6);
    }

    #[test]
    fn epe_nas_pair_by_pair() {
        let (network, batch) = (Tiny::new(), Tiny::batch());
        let rows = rows(&network, &batch);
        // Images 0 and 4, 2 and 3, 1 and 5 share a class; both orders of a pair count, and each
        // image with itself.
        let pair = |a: usize, b: usize| {
            let ln = |value: f64| (value.abs() + SMALL).ln();
            (2.0 * ln(correlation(&rows[a], &rows[b])) + 2.0 * ln(1.0)).abs()
        };
        let expected = pair(0, 4) + pair(2, 3) + pair(1, 5);
        let score = score_of(Proxy::EpeNas, &network, &batch).unwrap();
        assert_relative_eq!(score, expected, max_relative = 1e-5);
    }

    #[test]
    fn epe_nas_is_absent_where_no_two_images_share_a_class() {
        let batch = Batch::new(&Tiny::batch().images().narrow(0, 0, 3)).unwrap();
        let of = |labels: [i64; 3]| {
            let batch = Batch::new(batch.images()).unwrap().with_labels(&labels).unwrap();
            score_of(Proxy::EpeNas, &Tiny::new(), &batch)
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
