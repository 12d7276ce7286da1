//! The canonical form of an architecture: equal exactly for cells that are the same network.

use crate::{Arch, Cell, Space};

/// The canonical form of an architecture: equal for two architectures exactly when they are the
/// same network up to the names of nodes.
///
/// In a cell space, operations without a path from the input or to the output are removed, and an
/// identity is merged into its successors. An operation whose result is used twice differs from
/// two operations with weights of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Canonical(Box<[u8]>);

impl Space {
    /// The canonical form. `arch` must belong to the space.
    pub fn canonical(&self, arch: &Arch) -> Canonical {
        let Some(cell) = self.cell() else {
            return Canonical(arch.choices().into());
        };
        Network::new(self, cell, arch).canonical()
    }
}

/// The operations of a cell that compute something, and the inputs of each.
struct Network {
    operations: Vec<Operation>,
    /// What the output node sums.
    output: Vec<Source>,
}

struct Operation {
    choice: u8,
    inputs: Vec<Source>,
}

#[derive(Clone, Copy)]
enum Source {
    CellInput,
    Operation(usize),
}

impl Network {
    fn new(space: &Space, cell: &Cell, arch: &Arch) -> Self {
        let reachable = space.reachable(arch);
        let names: Vec<&str> = space.choice_names(arch).collect();
        let mut sums: Vec<Vec<Source>> = vec![Vec::new(); cell.output() + 1];
        sums[0].push(Source::CellInput);
        let mut operations = Vec::new();
        for edge in cell.forward_order() {
            let (source, target) = cell.edges[edge];
            if !reachable[edge] {
                continue;
            }
            if names[edge] == cell.identity {
                let passed_on = sums[source].clone();
                sums[target].extend(passed_on);
            } else {
                let inputs = sums[source].clone();
                sums[target].push(Source::Operation(operations.len()));
                operations.push(Operation { choice: arch.choices()[edge], inputs });
            }
        }
        Self { operations, output: sums.pop().unwrap_or_default() }
    }

    fn canonical(&self) -> Canonical {
        let colours = self.colours();
        let mut order: Vec<usize> = (0..self.operations.len()).collect();
        order.sort_by_key(|&operation| colours[operation]);
        let mut least = None;
        self.permute(&mut order, 0, &colours, &mut least);
        Canonical(least.unwrap_or_default().into())
    }

    /// Colour refinement: operations of different colours play different roles; those of one
    /// colour may still differ, which [`Self::permute`] settles by trial.
    fn colours(&self) -> Vec<usize> {
        let choices: Vec<u8> = self.operations.iter().map(|o| o.choice).collect();
        let mut colours = rank(&choices);
        loop {
            let colour = |source: &Source| match source {
                Source::CellInput => 0,
                Source::Operation(operation) => 1 + colours[*operation],
            };
            let sorted = |sources: &[Source]| {
                let mut found: Vec<usize> = sources.iter().map(colour).collect();
                found.sort_unstable();
                found
            };
            let uses = |sources: &[Source], operation: usize| {
                sources
                    .iter()
                    .filter(|s| matches!(s, Source::Operation(o) if *o == operation))
                    .count()
            };
            let signature = |operation: usize| {
                let mut consumers: Vec<(usize, usize)> = (0..self.operations.len())
                    .map(|user| (colours[user], uses(&self.operations[user].inputs, operation)))
                    .filter(|(_, uses)| *uses > 0)
                    .collect();
                consumers.sort_unstable();
                let inputs = sorted(&self.operations[operation].inputs);
                (colours[operation], inputs, consumers, uses(&self.output, operation))
            };
            let signatures: Vec<_> = (0..self.operations.len()).map(signature).collect();
            let refined = rank(&signatures);
            if refined.iter().max() == colours.iter().max() {
                return refined;
            }
            colours = refined;
        }
    }

    /// Tries every order within each colour and keeps the least encoding.
    fn permute(
        &self,
        order: &mut Vec<usize>,
        at: usize,
        colours: &[usize],
        least: &mut Option<Vec<u8>>,
    ) {
        if at == order.len() {
            let encoding = self.encode(order);
            if least.as_ref().is_none_or(|least| encoding < *least) {
                *least = Some(encoding);
            }
            return;
        }
        for other in at..order.len() {
            if colours[order[other]] == colours[order[at]] {
                order.swap(at, other);
                self.permute(order, at + 1, colours, least);
                order.swap(at, other);
            }
        }
    }

    fn encode(&self, order: &[usize]) -> Vec<u8> {
        let mut label = vec![0u8; order.len()];
        for (position, &operation) in order.iter().enumerate() {
            label[operation] = position as u8 + 1;
        }
        let mut encoding = Vec::new();
        let mut write = |sources: &[Source]| {
            let mut labels: Vec<u8> = sources
                .iter()
                .map(|source| match source {
                    Source::CellInput => 0,
                    Source::Operation(operation) => label[*operation],
                })
                .collect();
            labels.sort_unstable();
            encoding.push(labels.len() as u8);
            encoding.extend(labels);
        };
        for &operation in order {
            write(&self.operations[operation].inputs);
        }
        write(&self.output);
        encoding.extend(order.iter().map(|&operation| self.operations[operation].choice));
        encoding
    }
}

/// Replaces each key by the number of distinct smaller keys.
fn rank<K: Ord>(keys: &[K]) -> Vec<usize> {
    let mut distinct: Vec<&K> = keys.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    keys.iter().map(|key| distinct.partition_point(|other| *other < key)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::nasbench201::{parse_arch_str, space};

    fn same(one: &str, other: &str) -> bool {
        let canonical = |text| space().canonical(&parse_arch_str(text).unwrap());
        canonical(one) == canonical(other)
    }

    #[test]
    fn isomorphic_cells_are_the_same_network() {
        assert!(same(
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
            "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",
        ));
        assert!(same(
            "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
        ));
    }

    #[test]
    fn one_operation_used_twice_is_not_two_operations() {
        assert!(!same(
            "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
        ));
    }

    #[test]
    fn nasbench201_holds_5425_networks() {
        let networks: HashSet<_> =
            space().enumerate().map(|arch| space().canonical(&arch)).collect();
        assert_eq!(networks.len(), 5425);
    }
}
