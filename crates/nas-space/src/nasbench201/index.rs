//! The benchmark's index of a cell.

use std::sync::LazyLock;

use rand_mt::Mt;

use crate::{Arch, Error};

/// The number of cells: 5 operations on 6 edges.
pub const CELLS: usize = 15_625;

/// The benchmark numbered its cells by shuffling their lexicographic order with Python's
/// `random.seed(88); random.shuffle(cells)`, which is repeated here.
static ORDER: LazyLock<Order> = LazyLock::new(Order::shuffle);

struct Order {
    /// Lexicographic rank by index.
    rank: Vec<u16>,
    /// Index by lexicographic rank.
    index: Vec<u16>,
}

impl Order {
    fn shuffle() -> Self {
        let mut rank: Vec<u16> = (0..CELLS as u16).collect();
        let mut generator = Mt::new_with_key([88]);
        for last in (1..CELLS).rev() {
            rank.swap(last, below(&mut generator, last as u32 + 1) as usize);
        }
        let mut index = vec![0; CELLS];
        for (i, &r) in rank.iter().enumerate() {
            index[usize::from(r)] = i as u16;
        }
        Self { rank, index }
    }
}

/// Python's `Random._randbelow`: as many leading bits as `bound` has, until they are below it.
fn below(generator: &mut Mt, bound: u32) -> u32 {
    loop {
        let drawn = generator.next_u32() >> bound.leading_zeros();
        if drawn < bound {
            return drawn;
        }
    }
}

/// The benchmark's index of a cell, 0 to 15,624. `arch` must belong to the space.
pub fn index(arch: &Arch) -> usize {
    let rank = arch.choices().iter().fold(0, |rank, &choice| rank * 5 + usize::from(choice));
    usize::from(ORDER.index[rank % CELLS])
}

/// The cell of a benchmark index.
///
/// # Errors
/// [`Error::Index`] for an index beyond 15,624.
pub fn from_index(index: usize) -> Result<Arch, Error> {
    let Some(&rank) = ORDER.rank.get(index) else {
        return Err(Error::Index { index, last: CELLS - 1 });
    };
    let mut rank = usize::from(rank);
    let mut choices = [0u8; 6];
    for choice in choices.iter_mut().rev() {
        *choice = (rank % 5) as u8;
        rank /= 5;
    }
    Ok(Arch::new(choices))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nasbench201::op_tuple;

    #[test]
    fn every_index_has_one_cell() {
        for i in 0..CELLS {
            assert_eq!(index(&from_index(i).unwrap()), i);
        }
        assert_eq!(from_index(CELLS), Err(Error::Index { index: CELLS, last: CELLS - 1 }));
    }

    /// The second row of HW-NAS-Bench, which is in index order; the end-to-end tests check all.
    #[test]
    fn the_order_is_the_published_one() {
        assert_eq!(op_tuple(&from_index(1).unwrap()), "(2, 2, 0, 4, 2, 0)");
    }
}
