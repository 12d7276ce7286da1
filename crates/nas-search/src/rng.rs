//! The random number generator.

/// The generator of all randomness in a search. It is portable: a seed means the same on every
/// machine.
pub type SearchRng = rand_chacha::ChaCha8Rng;
