use serde::{Deserialize, Serialize};

use crate::{Arch, Decision, Space};

/// The graph of a cell space: decision `i` chooses the operation on edge `i`.
///
/// Node 0 is the cell's input, the last node its output; a node is the sum of its incoming
/// edges. One choice removes an edge, another passes its input on unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Source and target node of each edge; a source is smaller than its target.
    pub edges: Vec<(usize, usize)>,
    /// The choice that removes an edge.
    pub none: String,
    /// The choice that passes its input on unchanged.
    pub identity: String,
}

/// The canonical form of an architecture: equal for two architectures exactly when they are the
/// same network up to the names of nodes.
///
/// In a cell space, operations without a path from the input or to the output are gone, and an
/// identity is merged into what it feeds. An operation whose result is used twice differs from
/// two operations with weights of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Canonical(Box<[u8]>);

impl Cell {
    pub(crate) fn contradiction(&self, decisions: &[Decision]) -> Option<String> {
        if self.edges.len() != decisions.len() || decisions.len() > 250 {
            return Some(format!(
                "its cell has {} edges for {} decisions, expected as many, at most 250",
                self.edges.len(),
                decisions.len()
            ));
        }
        self.edges
            .iter()
            .find(|(source, target)| source >= target)
            .map(|(source, target)| format!("its cell's edge {source}→{target} runs backwards"))
    }

    pub(crate) fn output(&self) -> usize {
        self.edges.iter().map(|&(_, target)| target).max().unwrap_or(0)
    }

    /// Edges in an order in which every source is complete before it is used.
    pub(crate) fn forward_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.edges.len()).collect();
        order.sort_by_key(|&edge| self.edges[edge]);
        order
    }
}

impl Space {
    /// For each decision, whether its operation lies on a path from input to output.
    ///
    /// Without a cell every decision counts. `arch` must belong to the space.
    pub fn reachable(&self, arch: &Arch) -> Vec<bool> {
        let Some(cell) = self.cell() else {
            return vec![true; self.decisions().len()];
        };
        let present: Vec<bool> = self.choice_names(arch).map(|name| name != cell.none).collect();
        let output = cell.output();
        let mut from_input = vec![false; output + 1];
        let mut to_output = vec![false; output + 1];
        from_input[0] = true;
        to_output[output] = true;
        let order = cell.forward_order();
        for &edge in &order {
            let (source, target) = cell.edges[edge];
            from_input[target] |= present[edge] && from_input[source];
        }
        for &edge in order.iter().rev() {
            let (source, target) = cell.edges[edge];
            to_output[source] |= present[edge] && to_output[target];
        }
        let on_path =
            |(&(source, target), present)| present && from_input[source] && to_output[target];
        cell.edges.iter().zip(present).map(on_path).collect()
    }

    /// Whether any path leads from input to output. A network without one answers the same to
    /// every input; it has chance accuracy, however fast it is.
    pub fn is_connected(&self, arch: &Arch) -> bool {
        self.reachable(arch).contains(&true)
    }

    /// The architecture with every unreachable operation removed.
    pub fn prune(&self, arch: &Arch) -> Arch {
        let Some(cell) = self.cell() else {
            return arch.clone();
        };
        let decisions = self.decisions().iter().zip(arch.choices()).zip(self.reachable(arch));
        let choices = decisions.map(|((decision, &choice), reachable)| {
            if reachable { choice } else { decision.choice(&cell.none).unwrap_or(choice) }
        });
        Arch::new(choices.collect::<Vec<u8>>())
    }

    /// The canonical form. `arch` must belong to the space.
    pub fn canonical(&self, arch: &Arch) -> Canonical {
        let Some(cell) = self.cell() else {
            return Canonical(arch.choices().into());
        };
        Network::new(self, cell, arch).canonical()
    }
}

/// The operations of a cell that do something, and what feeds each of them.
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

    fn reachable(text: &str) -> String {
        let arch = parse_arch_str(text).unwrap();
        space().reachable(&arch).iter().map(|r| if *r { '1' } else { '0' }).collect()
    }

    fn same(one: &str, other: &str) -> bool {
        let canonical = |text| space().canonical(&parse_arch_str(text).unwrap());
        canonical(one) == canonical(other)
    }

    #[test]
    fn operations_off_every_path_are_unreachable() {
        let cases = [
            ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "000000"),
            ("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", "000100"),
            ("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|", "101001"),
            ("|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|", "000000"),
        ];
        for (text, expected) in cases {
            assert_eq!(reachable(text), expected, "{text}");
        }
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

    #[test]
    fn pruning_keeps_the_network_and_nothing_unreachable() {
        for arch in space().enumerate() {
            let pruned = space().prune(&arch);
            assert_eq!(space().canonical(&arch), space().canonical(&pruned));
            assert_eq!(space().prune(&pruned), pruned);
        }
    }
}
