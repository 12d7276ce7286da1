//! Text for a reader at a terminal: wrapped between words, with nothing that the terminal would take
//! for a command.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::LazyLock,
};

use indicatif::MultiProgress;

use terminal_size::{Width, terminal_size_of};

use crate::failure::Failure;

/// Columns of a terminal that is too narrow to wrap for.
const NARROWEST: usize = 20;

/// The columns of standard output; none where it is no terminal.
pub fn columns() -> Option<usize> {
    wide_enough(terminal_size_of(io::stdout()).map(|(width, _)| width))
}

fn wide_enough(width: Option<Width>) -> Option<usize> {
    width.map(|Width(columns)| usize::from(columns)).filter(|columns| *columns >= NARROWEST)
}

/// Prints text for a reader to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    write(&wrapped(text, columns()))
}

/// Writes to standard output as it is, for a program to read. A reader that has seen enough and
/// closed the pipe is no failure.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout();
    let text = if output.is_terminal() { printable(text) } else { Cow::Borrowed(text) };
    match output.write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::work(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The bars that are shown on standard error.
pub static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Prints a message to standard error, above the bars.
pub fn note(message: &str) {
    let columns = wide_enough(terminal_size_of(io::stderr()).map(|(width, _)| width));
    let text = without_passwords(message);
    let text = printable(&text);
    let text = wrapped(&text, columns);
    // Where nobody reads any more, nothing is to be done.
    BARS.suspend(|| drop(writeln!(io::stderr(), "{text}")));
}

/// Prints a failure to standard error.
pub fn report(failure: &Failure) {
    note(&format!("error: {failure}"));
}

/// A text without the user names and passwords of URLs in it.
fn without_passwords(text: &str) -> Cow<'_, str> {
    const SCHEME: &str = "://";
    if !text.contains(SCHEME) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(SCHEME);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |c: char| c.is_whitespace() || "/?#\"'`<>".contains(c);
        let authority = &part[..part.find(ends).unwrap_or(part.len())];
        shown += SCHEME;
        match authority.rfind('@') {
            Some(at) => shown += &format!("REDACTED{}", &part[at..]),
            None => shown += part,
        }
    }
    shown.into()
}

/// A path as the shell reads it.
pub fn typed(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+=:,@%".contains(c);
    if text.chars().all(is_plain) && !text.is_empty() {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text without what a terminal would take for a command: it may quote a file or a model.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_command = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_command(c) { c.escape_default().to_string() } else { c.into() };
    text.chars().map(shown).collect::<String>().into()
}

/// The text with lines of at most so many columns, as far as words allow: none is broken.
fn wrapped(text: &str, columns: Option<usize>) -> Cow<'_, str> {
    let Some(columns) = columns else { return Cow::Borrowed(text) };
    let is_long = |line: &str| line.chars().count() > columns;
    if !text.lines().any(is_long) {
        return Cow::Borrowed(text);
    }
    let line =
        |line: &str| if is_long(line) { wrapped_line(line, columns) } else { line.to_owned() };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n").into()
}

fn wrapped_line(line: &str, columns: usize) -> String {
    let indent = " ".repeat(hanging_indent(line, columns));
    let (mut text, mut column) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let width = word.trim_end().chars().count();
        if column > indent.len() && column + width > columns {
            text.truncate(text.trim_end().len());
            text += "\n";
            text += &indent;
            column = indent.len();
        }
        text += word;
        column += word.chars().count();
    }
    text
}

/// Where the rest of a line that is too long begins: under its second column, where it has one,
/// else two columns further in than an indented line.
fn hanging_indent(line: &str, columns: usize) -> usize {
    let content = line.trim_start();
    let indent = line.len() - content.len();
    let second = content.find("  ").map(|end| {
        let gap = content[end..].len() - content[end..].trim_start().len();
        indent + content[..end].chars().count() + gap
    });
    let step = if indent > 0 { 2 } else { 0 };
    second.filter(|second| *second <= columns / 2).unwrap_or(indent + step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_cannot_command_a_terminal() {
        assert_eq!(printable("a\tb\nç"), "a\tb\nç");
        assert_eq!(printable("x\u{1b}]0;y\u{7}\u{9b}2J\r"), r"x\u{1b}]0;y\u{7}\u{9b}2J\r");
    }

    #[test]
    fn passwords_in_urls_are_not_shown() {
        let text = "http://u:PW@127.0.0.1:1/x and ray://tok@h, but http://h/a@b stays";
        let shown = "http://REDACTED@127.0.0.1:1/x and ray://REDACTED@h, but http://h/a@b stays";
        assert_eq!(without_passwords(text), shown);
        assert_eq!(without_passwords("a@b://"), "a@b://");
    }

    #[test]
    fn a_path_is_quoted_for_the_shell_where_it_must_be() {
        assert_eq!(typed(Path::new("runs/a-1.2")), "runs/a-1.2");
        assert_eq!(typed(Path::new("runs/c 4 ü")), "'runs/c 4 ü'");
        assert_eq!(typed(Path::new("it's")), r"'it'\''s'");
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        let text = "a line that is too long for a narrow terminal\n\
                    short\n  an indented line that is too long\n\
                    missing  a second column that is too long\n\
                    averyveryverylongwordthatisnotbroken at all\n";
        insta::assert_snapshot!(wrapped(text, Some(24)), @r"
        a line that is too long
        for a narrow terminal
        short
          an indented line that
            is too long
        missing  a second column
                 that is too
                 long
        averyveryverylongwordthatisnotbroken
        at all
        ");
        assert_eq!(wrapped(text, None), text);
    }
}
