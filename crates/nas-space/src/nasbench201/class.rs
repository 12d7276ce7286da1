//! Cells that are the same network: the benchmark's classes, and the first cell of each network.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use super::{
    index::{CELLS, from_index, index},
    space::{EDGES, Operation, operations, space},
};
use crate::Arch;

/// The number of isomorphism classes that NAS-Bench-201 counts.
pub const CLASSES: usize = 6_466;

static CLASS: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut classes = HashMap::new();
    (0..CELLS)
        .map_while(|i| from_index(i).ok())
        .map(|arch| {
            let next = classes.len() as u16;
            *classes.entry(unique_string(&arch)).or_insert(next)
        })
        .collect()
});

/// The class of a cell, 0 to 6,465: equal for cells with the same [`unique_string`], numbered by
/// first occurrence in index order. `arch` must belong to the space.
///
/// This is the benchmark's published count. It is not quite the set of distinct networks, of
/// which there are 5,425, some in several classes and some in a class with another: see
/// [`Space::canonical`](crate::Space::canonical).
pub fn class(arch: &Arch) -> usize {
    usize::from(CLASS[index(arch)])
}

static REPRESENTATIVE: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut first = HashMap::new();
    (0..CELLS as u16)
        .map_while(|i| Some((i, from_index(usize::from(i)).ok()?)))
        .map(|(i, arch)| *first.entry(space().canonical(&arch)).or_insert(i))
        .collect()
});

/// The least index among the cells that are the same network as `arch`, which must belong to the
/// space: what depends on the network alone is computed for this cell, and holds for all of them.
pub fn representative(arch: &Arch) -> usize {
    usize::from(REPRESENTATIVE[index(arch)])
}

/// The first cell of each class and, since some classes hold several networks, the first of each
/// network: 6,877 indices in ascending order.
pub fn distinct_cells() -> Vec<usize> {
    let mut classes = HashSet::new();
    let mut first = |index: &usize| {
        classes.insert(CLASS[*index]) | (usize::from(REPRESENTATIVE[*index]) == *index)
    };
    (0..CELLS).filter(|index| first(index)).collect()
}

/// The benchmark's text by which isomorphic cells are recognised, zero operations considered (Dong &
/// Yang 2020, section 3.1: 6,466 of the 15,625 cells).
///
/// A node is the sorted sum of its incoming edges, `#` is zero. The form is reproduced as
/// published, with its two limits: a sum of zeros is not itself treated as zero, and one
/// operation used twice has the same text as two operations.
pub fn unique_string(arch: &Arch) -> String {
    const ZERO: &str = "#";
    let operations = operations(arch);
    let mut nodes = vec!["0".to_owned()];
    for target in 1..=3 {
        let mut terms: Vec<String> = EDGES
            .iter()
            .zip(operations)
            .filter(|((_, t), _)| *t == target)
            .map(|(&(source, _), operation)| match operation {
                Operation::None => ZERO.to_owned(),
                _ if nodes[source] == ZERO => ZERO.to_owned(),
                Operation::SkipConnect => nodes[source].clone(),
                _ => format!("({})@{}", nodes[source], operation.name()),
            })
            .collect();
        terms.sort_unstable();
        nodes.push(terms.join("+"));
    }
    nodes.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_classes_as_published() {
        let last = space().enumerate().map(|arch| class(&arch)).max();
        assert_eq!(last, Some(CLASSES - 1));
    }

    #[test]
    fn distinct_cells_hold_every_class_and_every_network() {
        let cells: HashSet<usize> = distinct_cells().into_iter().collect();
        assert_eq!(cells.len(), 6_877);
        let classes: HashSet<usize> =
            cells.iter().map(|&index| class(&from_index(index).unwrap())).collect();
        assert_eq!(classes.len(), CLASSES);
        assert!(space().enumerate().all(|arch| cells.contains(&representative(&arch))));
    }

    #[test]
    fn a_representative_is_the_first_of_its_network() {
        let mut networks = std::collections::BTreeSet::new();
        for arch in space().enumerate() {
            let first = from_index(representative(&arch)).unwrap();
            assert!(index(&first) <= index(&arch));
            assert_eq!(space().canonical(&first), space().canonical(&arch));
            networks.insert(representative(&arch));
        }
        assert_eq!(networks.len(), 5_425);
    }
}
