//! The text form of architectures and its short form: written, read, and pointed at where wrong.

use crate::{
    Arch, Decision, Error, Space,
    decision::INACTIVE,
    error::{did_you_mean, nearest},
};

impl Space {
    /// The text form of an architecture. `arch` must belong to the space.
    pub fn format(&self, arch: &Arch) -> String {
        let mut literals = self.literals();
        let mut text = literals.next().unwrap_or_default().to_owned();
        for (name, literal) in self.choice_names(arch).zip(literals) {
            text.push_str(name);
            text.push_str(literal);
        }
        text
    }

    /// The choices by their short names, separated by spaces: for tables, where [`Self::format`]
    /// would be too long. `arch` must belong to the space.
    pub fn short(&self, arch: &Arch) -> String {
        self.short_names(arch).collect::<Vec<_>>().join(" ")
    }

    /// The choices by their short names, one for each decision. `arch` must belong to the space.
    pub fn short_names<'a>(&'a self, arch: &'a Arch) -> impl Iterator<Item = &'a str> {
        self.choice_names(arch).map(|name| self.short_name(name))
    }

    /// An architecture from its choices' short or full names, separated by spaces, as
    /// [`Self::short`] writes them.
    ///
    /// # Errors
    /// [`Error::Text`] with the position of the first name that is no choice, or the end of the
    /// text where names are missing.
    pub fn parse_short(&self, text: &str) -> Result<Arch, Error> {
        let mut names = text.split_whitespace();
        let mut choices = Vec::with_capacity(self.decisions().len());
        let mut active = Vec::with_capacity(self.decisions().len());
        for (at, decision) in self.decisions().iter().enumerate() {
            let Some(name) = names.next() else {
                let problem = format!("expected a choice for {}", decision.name);
                return Err(Error::text(text, text.len(), problem));
            };
            active.push(self.is_active(at, &active, &choices));
            if !active[at] {
                if name != INACTIVE {
                    let problem =
                        format!("{} is inactive here: expected `{INACTIVE}`", decision.name);
                    return Err(Error::text(text, position(text, name), problem));
                }
                choices.push(0);
                continue;
            }
            let choice = decision.choice(self.full_name(name));
            let wrong = |error: Error| Error::text(text, position(text, name), error.to_string());
            choices.push(choice.map_err(wrong)?);
        }
        match names.next() {
            Some(name) => Err(Error::text(text, position(text, name), "expected the end")),
            None => Ok(Arch::new(choices)),
        }
    }

    /// An architecture from its text form.
    ///
    /// # Errors
    /// [`Error::Text`] with the position of the first character that does not fit.
    pub fn parse(&self, text: &str) -> Result<Arch, Error> {
        let mut literals = self.literals();
        let mut at = skip(text, 0, literals.next().unwrap_or_default())?;
        let mut choices = Vec::with_capacity(self.decisions().len());
        let mut active = Vec::with_capacity(self.decisions().len());
        for (decision, literal) in self.decisions().iter().zip(literals) {
            active.push(self.is_active(choices.len(), &active, &choices));
            if !active[choices.len()] {
                choices.push(0);
                at = skip(text, skip(text, at, INACTIVE)?, literal)?;
                continue;
            }
            let rest = &text[at..];
            // A choice's name may hold the literal that follows it, so the longest name wins.
            let fitting = decision
                .choices
                .iter()
                .enumerate()
                .filter(|(_, name)| {
                    rest.strip_prefix(name.as_str()).is_some_and(|r| r.starts_with(literal))
                })
                .max_by_key(|(_, name)| name.len());
            let Some((choice, name)) = fitting else {
                return Err(no_choice(text, at, decision, literal));
            };
            choices.push(choice as u8);
            at = skip(text, at + name.len(), literal)?;
        }
        if at < text.len() {
            return Err(Error::text(text, at, "expected the end"));
        }
        Ok(Arch::new(choices))
    }
}

/// The byte of the text at which a part that is borrowed from it begins.
fn position(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// The byte after a literal that is expected at a byte of the text.
fn skip(text: &str, at: usize, literal: &str) -> Result<usize, Error> {
    if text[at..].starts_with(literal) {
        return Ok(at + literal.len());
    }
    let fits = literal
        .char_indices()
        .zip(text[at..].chars())
        .take_while(|((_, expected), found)| expected == found)
        .map(|((i, c), _)| i + c.len_utf8())
        .last()
        .unwrap_or(0);
    Err(Error::text(text, at + fits, format!("expected `{}`", &literal[fits..])))
}

/// The error where no choice of a decision is found in the text.
fn no_choice(text: &str, at: usize, decision: &Decision, literal: &str) -> Error {
    let rest = &text[at..];
    // The word in place of the choice: as long as it could be a name.
    let word = rest
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '-'))
        .next()
        .unwrap_or_default();
    if let Some(name) = decision.choices.iter().find(|name| *name == word) {
        return match skip(text, at + name.len(), literal) {
            Err(error) => error,
            Ok(_) => Error::text(text, at, "unexpected text"),
        };
    }
    let names = || decision.choices.iter().map(String::as_str);
    let problem = if word.is_empty() {
        format!("expected one of {} for {}", names().collect::<Vec<_>>().join(", "), decision.name)
    } else {
        let near = nearest(word, names()).map(str::to_owned);
        format!("unknown choice `{word}`{}", did_you_mean(near.as_ref()))
    };
    Error::text(text, at, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        let decisions =
            vec![Decision::new("width", ["1", "16", "160"]), Decision::new("kernel", ["3", "5"])];
        Space::new("test", "", decisions, "w{}k{}.", None).unwrap()
    }

    fn check_error(text: &str, expected: &str) {
        let message = space().parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn every_architecture_reads_back_from_its_text() {
        let space = space();
        for arch in space.enumerate() {
            assert_eq!(space.parse(&space.format(&arch)), Ok(arch));
        }
    }

    #[test]
    fn short_names_read_back_and_mistakes_are_pointed_at() {
        let space = space().with_short_names(&[("160", "wide")]);
        for arch in space.enumerate() {
            assert_eq!(space.parse_short(&space.short(&arch)), Ok(arch));
        }
        assert_eq!(space.parse_short(" 160  5"), space.parse_short("wide 5"));
        for (text, expected) in [
            ("16 4", "unknown choice `4`; known: 3, 5 at position 3"),
            ("16", "expected a choice for kernel at position 2"),
            ("16 3 3", "expected the end at position 5"),
        ] {
            let message = space.parse_short(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn text_errors_say_where_and_what_was_expected() {
        check_error("x16k3.", "expected `w` at position 0");
        check_error("w17k3.", "unknown choice `17k3.`");
        check_error("w16k3", "expected `.` at position 5");
        check_error("w16k3..", "expected the end at position 6");
        check_error("w16k", "expected one of 3, 5 for kernel at position 4");
        check_error("", "expected `w` at position 0");
    }
}
