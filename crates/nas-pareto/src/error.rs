//! The errors of the crate.

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A coordinate is NaN or infinite.
    #[error("row {row}, column {column} is {value}; expected a finite number")]
    NotFinite {
        /// The point, counted from 0.
        row: usize,
        /// The objective, counted from 0.
        column: usize,
        /// What was found there.
        value: f64,
    },
    /// A coordinate of a single vector, such as the reference point, is NaN or infinite.
    #[error("column {column} of the {vector} is {value}; expected a finite number")]
    VectorNotFinite {
        /// Which vector.
        vector: &'static str,
        /// The objective, counted from 0.
        column: usize,
        /// What was found there.
        value: f64,
    },
    /// A row has another number of objectives than it should.
    #[error("row {row} has {found} objectives; expected {expected}")]
    Ragged {
        /// The point, counted from 0.
        row: usize,
        /// Its number of objectives.
        found: usize,
        /// The number it should have.
        expected: usize,
    },
    /// A flat slice does not divide into whole rows.
    #[error("{length} values do not divide into rows of {dimension} objectives")]
    Length {
        /// The number of values.
        length: usize,
        /// The number of objectives in a row.
        dimension: usize,
    },
    /// The number of objectives is zero.
    #[error("points need at least one objective")]
    NoObjectives,
    /// Two inputs differ in the number of objectives.
    #[error("the {input} has {found} objectives; expected {expected}, as the points have")]
    Dimension {
        /// Which input.
        input: &'static str,
        /// Its number of objectives.
        found: usize,
        /// The number of objectives of the points.
        expected: usize,
    },
    /// Two archives that were to be merged differ in the directions of their objectives.
    #[error("the archives differ in the directions of their objectives")]
    Directions,
    /// A set that must hold at least one point is empty.
    #[error("the {0} is empty; expected at least one point")]
    Empty(&'static str),
    /// A difference or a product of the coordinates exceeds the range of `f64`.
    #[error("the {0} exceeds the range of f64; scale the objectives first")]
    Overflow(&'static str),
}

/// The result of functions that check their input.
pub type Result<T> = std::result::Result<T, Error>;
