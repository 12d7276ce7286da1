//! Points in memory: flat and row-major, so that one allocation holds a whole set and a scan of it
//! is a scan of consecutive memory.

use crate::{Direction, Error, Result};

/// A borrowed set of points: `rows × dimension` finite numbers, row-major, all minimised.
///
/// Functions of this crate take anything that is [`IntoPoints`]; a `Points` has been checked
/// already and is not checked again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points<'a> {
    values: &'a [f64],
    dimension: usize,
}

impl<'a> Points<'a> {
    /// Views `values` as rows of `dimension` objectives.
    ///
    /// # Errors
    /// [`Error::NoObjectives`], [`Error::Length`], and [`Error::NotFinite`] for NaN or infinities.
    pub fn new(values: &'a [f64], dimension: usize) -> Result<Self> {
        if dimension == 0 {
            return Err(Error::NoObjectives);
        }
        if !values.len().is_multiple_of(dimension) {
            return Err(Error::Length { length: values.len(), dimension });
        }
        // One branch per chunk, not per value, so that the check runs at the speed of memory.
        let finite = values
            .chunks(1024)
            .all(|chunk| chunk.iter().fold(true, |all, value| all & value.is_finite()));
        if !finite && let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                row: at / dimension,
                column: at % dimension,
                value: values[at],
            });
        }
        Ok(Self { values, dimension })
    }

    /// The number of objectives, at least 1.
    pub fn dimension(self) -> usize {
        self.dimension
    }

    /// The number of points.
    pub fn len(self) -> usize {
        self.values.len() / self.dimension
    }

    /// Whether there is no point.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// All values, row after row.
    pub fn values(self) -> &'a [f64] {
        self.values
    }

    /// The objectives of point `index`, or `None` beyond the end.
    pub fn get(self, index: usize) -> Option<&'a [f64]> {
        self.values.chunks_exact(self.dimension).nth(index)
    }

    /// The points in order.
    pub fn iter(self) -> std::slice::ChunksExact<'a, f64> {
        self.values.chunks_exact(self.dimension)
    }

    /// For values that are known to be finite whole rows.
    pub(crate) fn trusted(values: &'a [f64], dimension: usize) -> Self {
        debug_assert!(Self::new(values, dimension).is_ok());
        Self { values, dimension }
    }

    pub(crate) fn row(self, index: usize) -> &'a [f64] {
        &self.values[index * self.dimension..][..self.dimension]
    }
}

impl<'a> IntoIterator for Points<'a> {
    type Item = &'a [f64];
    type IntoIter = std::slice::ChunksExact<'a, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An owned set of points, all minimised.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSet {
    values: Vec<f64>,
    dimension: usize,
}

impl PointSet {
    /// Takes `values` as rows of `dimension` objectives.
    ///
    /// # Errors
    /// As [`Points::new`].
    pub fn new(values: Vec<f64>, dimension: usize) -> Result<Self> {
        Points::new(&values, dimension)?;
        Ok(Self { values, dimension })
    }

    /// Copies `rows`, each with one value per direction; a maximised objective is negated.
    ///
    /// # Errors
    /// [`Error::NoObjectives`], [`Error::Ragged`] of the first row that does not fit, and
    /// [`Error::NotFinite`].
    pub fn from_rows<R: AsRef<[f64]>>(
        rows: impl IntoIterator<Item = R>,
        directions: &[Direction],
    ) -> Result<Self> {
        let mut values = Vec::new();
        for (row, objectives) in rows.into_iter().enumerate() {
            let objectives = objectives.as_ref();
            if objectives.len() != directions.len() {
                return Err(Error::Ragged {
                    row,
                    found: objectives.len(),
                    expected: directions.len(),
                });
            }
            for (direction, &value) in directions.iter().zip(objectives) {
                values.push(direction.minimised(value));
            }
        }
        Self::new(values, directions.len())
    }

    /// The checked view that the functions of this crate take.
    pub fn as_points(&self) -> Points<'_> {
        Points::trusted(&self.values, self.dimension)
    }

    /// The values, row after row.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// For values that are known to be finite whole rows.
    pub(crate) fn trusted(values: Vec<f64>, dimension: usize) -> Self {
        debug_assert!(Points::new(&values, dimension).is_ok());
        Self { values, dimension }
    }
}

/// What can be read as points: [`Points`], a reference to a [`PointSet`], and references to slices,
/// arrays and vectors of `[f64; D]`, all minimised.
///
/// For a flat slice use [`Points::new`], for rows of a length known only at run time or for
/// maximised objectives [`PointSet::from_rows`].
pub trait IntoPoints<'a> {
    /// Checks the values and views them as points.
    ///
    /// # Errors
    /// [`Error::NoObjectives`] for rows of length 0, [`Error::NotFinite`] for NaN or infinities.
    fn into_points(self) -> Result<Points<'a>>;
}

impl<'a> IntoPoints<'a> for Points<'a> {
    fn into_points(self) -> Result<Points<'a>> {
        Ok(self)
    }
}

impl<'a> IntoPoints<'a> for &Points<'a> {
    fn into_points(self) -> Result<Points<'a>> {
        Ok(*self)
    }
}

impl<'a> IntoPoints<'a> for &'a PointSet {
    fn into_points(self) -> Result<Points<'a>> {
        Ok(self.as_points())
    }
}

impl<'a, const D: usize> IntoPoints<'a> for &'a [[f64; D]] {
    fn into_points(self) -> Result<Points<'a>> {
        Points::new(self.as_flattened(), D)
    }
}

impl<'a, const D: usize, const N: usize> IntoPoints<'a> for &'a [[f64; D]; N] {
    fn into_points(self) -> Result<Points<'a>> {
        Points::new(self.as_flattened(), D)
    }
}

impl<'a, const D: usize> IntoPoints<'a> for &'a Vec<[f64; D]> {
    fn into_points(self) -> Result<Points<'a>> {
        Points::new(self.as_flattened(), D)
    }
}

/// An error unless the vector is finite and fits points of `dimension` objectives.
pub(crate) fn check_vector(name: &'static str, vector: &[f64], dimension: usize) -> Result<()> {
    check_dimension(name, vector.len(), dimension)?;
    match vector.iter().position(|value| !value.is_finite()) {
        Some(column) => Err(Error::VectorNotFinite { vector: name, column, value: vector[column] }),
        None => Ok(()),
    }
}

/// An error unless the input has as many objectives as the points.
pub(crate) fn check_dimension(input: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Dimension { input, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_values_are_named_by_row_and_column() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = (&[[1.0, 2.0], [3.0, value]]).into_points().unwrap_err();
            assert!(
                matches!(error, Error::NotFinite { row: 1, column: 1, value: found }
                    if found.to_bits() == value.to_bits()),
                "{error}"
            );
        }
        let mut many = vec![0.5; 9_000];
        many[7_001] = f64::NAN;
        assert_eq!(
            Points::new(&many, 3).unwrap_err().to_string(),
            "row 2333, column 2 is NaN; expected a finite number"
        );
    }

    #[test]
    fn rows_must_be_whole() {
        assert_eq!(
            Points::new(&[1.0, 2.0, 3.0], 2),
            Err(Error::Length { length: 3, dimension: 2 })
        );
        assert_eq!(Points::new(&[], 0), Err(Error::NoObjectives));
        assert!(Points::new(&[], 2).is_ok_and(Points::is_empty));
        let directions = [Direction::Minimise; 2];
        assert_eq!(
            PointSet::from_rows([vec![1.0, 2.0], vec![1.0]], &directions),
            Err(Error::Ragged { row: 1, found: 1, expected: 2 })
        );
    }

    #[test]
    fn maximised_objectives_are_negated() -> Result<()> {
        let directions = [Direction::Minimise, Direction::Maximise];
        let set = PointSet::from_rows([[5.0, 94.0], [7.0, 95.0]], &directions)?;
        assert_eq!(set.as_points().values(), [5.0, -94.0, 7.0, -95.0]);
        assert_eq!(set.as_points().get(1), Some(&[7.0, -95.0][..]));
        assert_eq!(set.as_points().get(2), None);
        Ok(())
    }
}
