//! A sum of many terms that loses nothing to rounding.

/// A sum that carries its rounding errors along (Knuth's TwoSum, as in Ogita, Rump and Oishi 2005,
/// Sum2), so that a million slices lose no more than a few do.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sum {
    value: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        let total = self.value + term;
        let arrived = total - self.value;
        self.lost += (self.value - (total - arrived)) + (term - arrived);
        self.value = total;
    }

    pub(crate) fn total(self) -> f64 {
        self.value + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_are_not_lost() {
        let mut sum = Sum::default();
        sum.add(1.0);
        for _ in 0..1_000_000 {
            sum.add(1e-17);
        }
        assert_eq!(sum.total().to_bits(), (1.0_f64 + 1e-11).to_bits());
    }
}
