//! The proposers of pel-nas itself.

mod evolution;
mod fixed_list;
mod mating;
mod random;
mod statistical;

pub use evolution::Evolution;
pub use fixed_list::FixedList;
pub use random::Random;
pub use statistical::Statistical;
