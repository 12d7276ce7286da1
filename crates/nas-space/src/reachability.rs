//! Which operations of a cell lie on a path from its input to its output.

use crate::{Arch, Space};

impl Space {
    /// For each decision, whether its operation lies on a path from input to output.
    ///
    /// Without a cell, all do. `arch` must belong to the space.
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

    /// Whether any path leads from input to output. A network without one has the same
    /// output for every input: chance accuracy, however fast it is.
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
}

#[cfg(test)]
mod tests {
    use crate::nasbench201::{parse_arch_str, space};

    fn reachable(text: &str) -> String {
        let arch = parse_arch_str(text).unwrap();
        space().reachable(&arch).iter().map(|r| if *r { '1' } else { '0' }).collect()
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
    fn pruning_keeps_the_network_and_nothing_unreachable() {
        for arch in space().enumerate() {
            let pruned = space().prune(&arch);
            assert_eq!(space().canonical(&arch), space().canonical(&pruned));
            assert_eq!(space().prune(&pruned), pruned);
        }
    }
}
