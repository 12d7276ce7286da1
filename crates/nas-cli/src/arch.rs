use std::{
    io::{self, Read},
    path::PathBuf,
};

use nas_space::{Arch, nasbench201};

use crate::{failure::Failure, output::Format};

/// Architectures given on the command line or in a file.
#[derive(Debug, clap::Args)]
pub struct Architectures {
    /// Arch strings, op tuples like "(4, 3, 3, 0, 0, 0)", or NAS-Bench-201 indices
    #[arg(value_name = "ARCH")]
    architectures: Vec<String>,
    /// A file with one architecture on each line; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "architectures")]
    file: Option<PathBuf>,
}

impl Architectures {
    /// All of them, or the first mistake with its line.
    pub fn read(&self) -> Result<Vec<Arch>, Failure> {
        let Some(file) = &self.file else {
            if self.architectures.is_empty() {
                return Err(Failure::input(
                    "no architecture given: name one, for example `6111`, or a --file with one on each line",
                ));
            }
            return self.architectures.iter().map(|text| Ok(parse(text)?)).collect();
        };
        let read = if file.as_os_str() == "-" {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let text = read.map_err(|error| Failure::file("read", file, &error))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let architectures = lines.map(|(number, line)| {
            parse(line).map_err(|error| {
                Failure::input(format!("{}, line {}: {error}", file.display(), number + 1))
            })
        });
        let architectures = architectures.collect::<Result<Vec<Arch>, Failure>>()?;
        if architectures.is_empty() {
            return Err(Failure::input(format!("{} holds no architecture", file.display())));
        }
        Ok(architectures)
    }
}

/// An architecture from any of its three forms, which their first characters tell apart.
pub fn parse(text: &str) -> Result<Arch, nas_space::Error> {
    let text = text.trim();
    if text.starts_with('(') {
        nasbench201::parse_op_tuple(text)
    } else if let Ok(index) = text.parse::<usize>() {
        nasbench201::from_index(index)
    } else {
        nasbench201::parse_arch_str(text)
    }
}

/// An architecture in a result: by its short names for people, in full for programs.
pub fn shown(arch: &Arch, format: Format) -> String {
    match format {
        Format::Table => nasbench201::space().short(arch),
        Format::Csv | Format::Json => nasbench201::arch_str(arch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_name_the_same_cell() {
        let first = nasbench201::from_index(0).unwrap();
        for text in [" 0", "(4, 3, 3, 0, 0, 0)", &nasbench201::arch_str(&first)] {
            assert_eq!(parse(text).unwrap(), first, "{text}");
        }
        assert!(parse("15625").is_err());
    }
}
