//! The arch string, and a cell from any of its text forms.

use super::{index::from_index, op_tuple::parse_op_tuple, space::space};
use crate::{Arch, Error};

/// A cell from any of its forms, which are recognised by how they begin: arch string, op tuple, index, or
/// the operations' names, short or in full, as [`Space::short`](crate::Space::short) writes them.
///
/// # Errors
/// Those of the form that is recognised.
pub fn parse(text: &str) -> Result<Arch, Error> {
    let text = text.trim();
    if text.starts_with('|') {
        parse_arch_str(text)
    } else if text.starts_with('(') {
        parse_op_tuple(text)
    } else if let Ok(index) = text.parse::<usize>() {
        from_index(index)
    } else {
        space().parse_short(text)
    }
}

/// A cell from the benchmark's arch string.
///
/// # Errors
/// [`Error::Text`] with the position of the first character that does not fit.
pub fn parse_arch_str(text: &str) -> Result<Arch, Error> {
    space().parse(text)
}

/// The benchmark's arch string of a cell.
pub fn arch_str(arch: &Arch) -> String {
    space().format(arch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nasbench201::op_tuple;

    #[test]
    fn all_cells_read_back_from_both_codecs() {
        for arch in space().enumerate() {
            assert_eq!(parse_arch_str(&arch_str(&arch)), Ok(arch.clone()));
            assert_eq!(parse_op_tuple(&op_tuple(&arch)), Ok(arch));
        }
    }

    #[test]
    fn all_forms_name_the_same_cell() {
        let first = from_index(0).unwrap();
        let forms = [" 0", "(4, 3, 3, 0, 0, 0)", &arch_str(&first), &space().short(&first)];
        for text in forms {
            assert_eq!(parse(text).unwrap(), first, "{text}");
        }
        assert!(parse("15625").is_err());
    }

    #[test]
    fn an_unknown_operation_is_pointed_at_with_the_nearest_name() {
        let text = "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|";
        let message = parse_arch_str(text).unwrap_err().to_string();
        assert!(
            message.contains(
                "unknown choice `nor_conv_5x5`, did you mean `nor_conv_3x3`? at position 1"
            ),
            "{message}"
        );
    }
}
