//! NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326): cells of four nodes whose six edges each
//! carry one of five operations; 15,625 cells.
//!
//! Two text forms are in use. They order the edges differently, which is easily overlooked:
//!
//! | form | edges in order | example |
//! | --- | --- | --- |
//! | arch string | 0→1, 0→2, 1→2, 0→3, 1→3, 2→3 | <code>\|avg_pool_3x3~0\|+\|nor_conv_1x1~0\|skip_connect~1\|+…</code> |
//! | op tuple | 0→1, 0→2, 0→3, 1→2, 1→3, 2→3 | `(4, 3, 3, 0, 0, 0)` |
//!
//! In the op tuple (NASLib, NAS-Bench-Suite-Zero) 0 is `skip_connect`, 1 `none`,
//! 2 `nor_conv_3x3`, 3 `nor_conv_1x1`, 4 `avg_pool_3x3`. An [`Arch`](crate::Arch) of this space holds
//! the edges in the arch string's order and the operations in that of [`Operation`].

mod class;
mod cost;
mod dataset;
mod index;
mod op_tuple;
mod space;
mod text;

pub use class::{CLASSES, class, distinct_cells, representative, unique_string};
pub use cost::{flops, parameters, pruned_flops, pruned_parameters};
pub use dataset::Dataset;
pub use index::{CELLS, from_index, index};
pub use op_tuple::{op_tuple, parse_op_tuple};
pub use space::{EDGES, Operation, operations, space};
pub use text::{arch_str, parse, parse_arch_str};
