//! What is known of architectures before any is measured: what they are made of, and their latencies
//! on other devices.

use nas_space::{Arch, Space};

use crate::moments::standardised;

/// Columns of one kind, or of all kinds, as rows: `architectures × width`.
#[derive(Debug, Clone, Default)]
pub(super) struct Features {
    pub values: Vec<f64>,
    pub width: usize,
}

impl Features {
    /// Each column with mean 0 and variance 1, all divided by the square root of their number.
    fn new(columns: &[Vec<f64>]) -> Self {
        let (rows, width) = (columns.first().map_or(0, Vec::len), columns.len());
        let mut values = vec![0.0; rows * width];
        for (at, column) in columns.iter().enumerate() {
            for (row, value) in standardised(column).0.into_iter().enumerate() {
                values[row * width + at] = value / (width as f64).sqrt();
            }
        }
        Self { values, width }
    }

    pub(super) fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// The number of architectures.
    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.width
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What architectures are made of, as written and without what has no effect: each decision's
/// choice, and how often each choice is made.
pub(super) fn of_structure(space: &Space, architectures: &[Arch]) -> Vec<Features> {
    let pruned: Vec<Arch> = architectures.iter().map(|arch| space.prune(arch)).collect();
    let mut groups = Vec::new();
    for all in [architectures, &pruned] {
        let active: Vec<Vec<bool>> = all.iter().map(|arch| space.active(arch)).collect();
        let mut choices: Vec<Vec<f64>> = Vec::new();
        for (at, decision) in space.decisions().iter().enumerate() {
            for choice in 0..decision.choices.len() {
                let is_chosen = |(arch, active): (&Arch, &Vec<bool>)| {
                    f64::from(u8::from(active[at] && usize::from(arch.choices()[at]) == choice))
                };
                choices.push(all.iter().zip(&active).map(is_chosen).collect());
            }
        }
        let count = |name| all.iter().map(|arch| space.count(arch, name) as f64).collect();
        let counts: Vec<Vec<f64>> = space.all_choice_names().into_iter().map(count).collect();
        groups.extend([Features::new(&choices), Features::new(&counts)]);
    }
    groups
}

/// Latencies on other devices, their logarithms and their ranks; the device's median where there is
/// no latency.
pub(super) fn of_latencies(devices: &[&Vec<Option<f64>>]) -> Vec<Features> {
    let latencies: Vec<Vec<f64>> = devices
        .iter()
        .map(|device| {
            let mut present: Vec<f64> = device.iter().flatten().copied().collect();
            present.sort_by(f64::total_cmp);
            let median = present.get(present.len() / 2).copied().unwrap_or(1.0);
            device.iter().map(|value| value.unwrap_or(median)).collect()
        })
        .collect();
    let logarithms = latencies.iter().map(|device| device.iter().map(|value| value.ln()).collect());
    let ranks = latencies.iter().map(|device| {
        let mut order: Vec<usize> = (0..device.len()).collect();
        order.sort_by(|&a, &b| device[a].total_cmp(&device[b]));
        let mut ranks = vec![0.0; device.len()];
        for (rank, at) in order.into_iter().enumerate() {
            ranks[at] = rank as f64;
        }
        ranks
    });
    let (logarithms, ranks) = (logarithms.collect(), ranks.collect());
    [latencies, logarithms, ranks].iter().map(|columns| Features::new(columns)).collect()
}
