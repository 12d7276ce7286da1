//! The op tuple of a cell, as NASLib and NAS-Bench-Suite-Zero write it.

use super::space::{Operation, operations};
use crate::{Arch, Error};

/// The operations by their number in the op tuple.
const OPERATIONS: [Operation; 5] = [
    Operation::SkipConnect,
    Operation::None,
    Operation::NorConv3x3,
    Operation::NorConv1x1,
    Operation::AvgPool3x3,
];

/// For each place in the op tuple, the edge's position in [`EDGES`](super::EDGES).
const EDGE: [usize; 6] = [0, 1, 3, 2, 4, 5];

/// The op tuple of a cell, for example `(4, 3, 3, 0, 0, 0)`.
pub fn op_tuple(arch: &Arch) -> String {
    let operations = operations(arch);
    let numbers = EDGE.map(|edge| {
        let number = OPERATIONS.iter().position(|operation| *operation == operations[edge]);
        number.unwrap_or_default().to_string()
    });
    format!("({})", numbers.join(", "))
}

/// A cell from its op tuple; spaces do not matter.
///
/// # Errors
/// [`Error::Text`] with the position of the first character that does not fit.
pub fn parse_op_tuple(text: &str) -> Result<Arch, Error> {
    let mut choices = [0u8; 6];
    let mut rest = text.char_indices().filter(|(_, c)| !c.is_whitespace());
    let mut expect = |what: &str, accept: &dyn Fn(char) -> Option<u8>| {
        let (position, found) = rest.next().unwrap_or((text.len(), '\0'));
        accept(found).ok_or_else(|| Error::text(text, position, format!("expected {what}")))
    };
    let exactly = |expected: char| move |found: char| (found == expected).then_some(0);
    expect("`(`", &exactly('('))?;
    for (place, &edge) in EDGE.iter().enumerate() {
        if place > 0 {
            expect("`,`", &exactly(','))?;
        }
        let number = expect("an operation's number, 0 to 4", &|found| {
            found.to_digit(5).map(|digit| digit as u8)
        })?;
        choices[edge] = OPERATIONS[usize::from(number)] as u8;
    }
    expect("`)`", &exactly(')'))?;
    match rest.next() {
        Some((position, _)) => Err(Error::text(text, position, "expected the end")),
        None => Ok(Arch::new(choices)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nasbench201::{arch_str, from_index};

    #[test]
    fn the_first_cell_has_the_published_tuple_and_string() {
        let first = from_index(0).unwrap();
        assert_eq!(op_tuple(&first), "(4, 3, 3, 0, 0, 0)");
        assert_eq!(
            arch_str(&first),
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
        );
    }

    #[test]
    fn malformed_tuples_are_pointed_at() {
        let cases = [
            ("4, 3, 3, 0, 0, 0", "expected `(` at position 0"),
            ("(4, 3, 3, 0, 0)", "expected `,` at position 14"),
            ("(4, 3, 5, 0, 0, 0)", "expected an operation's number, 0 to 4 at position 7"),
            ("(4, 3, 3, 0, 0, 0", "expected `)` at position 17"),
            ("(4,3,3,0,0,0)x", "expected the end at position 13"),
        ];
        for (text, expected) in cases {
            let message = parse_op_tuple(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
