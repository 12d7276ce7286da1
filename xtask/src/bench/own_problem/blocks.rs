//! FBNet's rows of 22 blocks as a user's space whose program knows nothing before it is asked. Latency is
//! the sum of the blocks' published latencies. No accuracy was published: the network's operations, of
//! which more are better, stand in for it, as another sum.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use nas_pareto::Direction;

use super::nas::{Nas, failed, number, read, text, write};
use super::problem::{ANSWERS, Exact, Front, Problem, Scores};
use crate::error::Error;

const LAYERS: usize = 22;

const BLOCKS: [&str; 9] =
    ["k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip"];

/// Rows of blocks on a device.
pub struct Blocks {
    pub device: &'static str,
    pub evaluations: u32,
}

/// Operations in millions, latency in ms.
type Values = [f64; 2];

impl Problem for Blocks {
    fn name(&self) -> String {
        format!("blocks-{}", self.device)
    }

    fn budgets(&self) -> Vec<u32> {
        vec![self.evaluations]
    }

    fn pose(&self, nas: &Nas, folder: &Path) -> Result<String, Error> {
        // The first network, and each network that differs from it in one layer.
        let network = |changed: Option<(usize, usize)>| {
            let block = |layer| match changed {
                Some((at, choice)) if at == layer => BLOCKS[choice],
                _ => BLOCKS[0],
            };
            (0..LAYERS).map(block).collect::<Vec<_>>().join(" ")
        };
        let changes = (0..LAYERS * BLOCKS.len()).map(|at| (at / BLOCKS.len(), at % BLOCKS.len()));
        let changes: Vec<(usize, usize)> = changes.collect();
        let networks: Vec<String> = changes.iter().map(|change| network(Some(*change))).collect();
        write(&folder.join("networks.txt"), &networks.join("\n"))?;
        let asked = ["--space", "fbnet", "--file", "networks.txt"];
        let convert = nas.table(folder, &[&["space", "convert"][..], &asked].concat())?;
        let on = ["latency", "--device", self.device];
        let latency = nas.table(folder, &[&on[..], &asked].concat())?;
        let mut values: Vec<Values> = Vec::new();
        for (counted, published) in convert.iter().zip(&latency) {
            values.push([number(counted, "flops")? / 1e6, number(published, "latency_ms")?]);
        }
        // Its first row is the first network.
        let mut answers = "decision,choice,megaflops,latency_ms\n".to_owned();
        let first = *values.first().ok_or_else(|| failed(&"no latency of a block"))?;
        let _ = writeln!(answers, ",,{},{}", first[0], first[1]);
        for ((layer, choice), of_it) in changes.into_iter().zip(&values) {
            let [flops, latency] = [of_it[0] - first[0], of_it[1] - first[1]];
            let _ = writeln!(answers, "block {},{},{flops},{latency}", layer + 1, BLOCKS[choice]);
        }
        write(&folder.join(ANSWERS), &answers)?;
        Ok(space())
    }

    fn arguments(&self) -> &'static [&'static str] {
        &["--objectives", "megaflops:max,latency_ms:min"]
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("blocks.py", include_str!("blocks.py"))
    }

    fn score(&self, _: &Nas, folder: &Path, fronts: &[Front]) -> Result<Vec<Scores>, Error> {
        let mut of_block: HashMap<(String, String), Values> = HashMap::new();
        for row in read(&folder.join(ANSWERS))? {
            let block = (text(&row, "decision")?.to_owned(), text(&row, "choice")?.to_owned());
            of_block.insert(block, [number(&row, "megaflops")?, number(&row, "latency_ms")?]);
        }
        let value = |layer: usize, choice: &str| {
            let block = (format!("block {}", layer + 1), choice.to_owned());
            of_block.get(&block).copied().ok_or_else(|| failed(&format!("no {choice}")))
        };
        let base = of_block.get(&(String::new(), String::new())).copied().unwrap_or_default();
        let mut layers = Vec::new();
        for layer in 0..LAYERS {
            layers.push(BLOCKS.iter().map(|block| value(layer, block)).collect::<Result<_, _>>()?);
        }
        let exact = exact(base, &layers)?;
        let score = |front: &Front| {
            let mut found = Vec::new();
            for arch in &front.architectures {
                let mut sum = base;
                for (layer, choice) in arch.split(' ').enumerate() {
                    sum = add(sum, value(layer, choice)?);
                }
                found.push(sum);
            }
            exact.score(&found)
        };
        fronts.iter().map(score).collect()
    }
}

fn add(one: Values, other: Values) -> Values {
    [one[0] + other[0], one[1] + other[1]]
}

/// The exact front of all rows of blocks: layer by layer, what is dominated in the first layers is so
/// with any others behind them.
fn exact(base: Values, layers: &[Vec<Values>]) -> Result<Exact, Error> {
    let mut front = vec![base];
    let mut extremes = [base; 2];
    for layer in layers {
        let mut all: Vec<Values> = front
            .iter()
            .flat_map(|so_far| layer.iter().map(|block| add(*so_far, *block)))
            .collect();
        all.sort_by(|a, b| a[1].total_cmp(&b[1]).then(b[0].total_cmp(&a[0])));
        front.clear();
        for one in all {
            if front.last().is_none_or(|last: &Values| one[0] > last[0]) {
                front.push(one);
            }
        }
        for at in 0..2 {
            let values = || layer.iter().map(|block| block[at]);
            extremes[0][at] += values().fold(f64::INFINITY, f64::min);
            extremes[1][at] += values().fold(f64::NEG_INFINITY, f64::max);
        }
    }
    Exact::new([Direction::Maximise, Direction::Minimise], &extremes, &front)
}

/// The user's space.
fn space() -> String {
    let mut text = "name = \"my-blocks\"\n".to_owned();
    let choices = BLOCKS.map(|block| format!("\"{block}\"")).join(", ");
    for layer in 1..=LAYERS {
        let _ = write!(text, "\n[[decision]]\nname = \"block {layer}\"\nchoices = [{choices}]\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_front_is_that_of_all_rows_of_blocks() {
        let base = [1.0, 1.0];
        let layers = [
            vec![[0.0, 0.0], [3.0, 2.5], [2.0, 3.0]],
            vec![[0.5, 1.0], [0.0, 0.0], [4.0, 1.5]],
            vec![[-1.0, -0.5], [2.0, 0.25], [0.0, 0.0]],
        ];
        let mut all = vec![base];
        for layer in &layers {
            let each = |row: &Values| layer.iter().map(|block| add(*row, *block)).collect();
            all = all.iter().flat_map(|row| -> Vec<Values> { each(row) }).collect();
        }
        let directions = [Direction::Maximise, Direction::Minimise];
        let listed = Exact::new(directions, &all, &all).unwrap();
        let summed = exact(base, &layers).unwrap();
        let ratio = |front: &Exact, found: &[Values]| front.score(found).unwrap().hypervolume_ratio;
        assert!((ratio(&summed, &all) - 1.0).abs() < 1e-12);
        for some in all.chunks(4) {
            assert!((ratio(&summed, some) - ratio(&listed, some)).abs() < 1e-12);
        }
        assert!(all.chunks(4).any(|some| (0.1..0.9).contains(&ratio(&summed, some))));
    }
}
