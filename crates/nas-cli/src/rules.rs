//! Design rules that a search starts with.

use std::path::{Path, PathBuf};

use nas_eval::{check_header, csv_problem, read_text};
use nas_search::{Author, Condition, Evidence, KnowledgeBase, Polarity, Rule};
use nas_space::Space;

use crate::{explained, failure::Failure, partition::Cut};

/// The option with rules.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How to search")]
pub struct RulesArgument {
    /// Design rules to start with, for searchers that read rules: statistical and llm. A rule holds until
    /// evidence refutes it. CSV with the columns polarity (do or avoid), decision (its name, such as
    /// 0->3, or any), choice, and optionally at_least (with any: how many decisions), niche (from 1;
    /// default: all) and reason
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// A line of the file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    polarity: Polarity,
    decision: String,
    choice: String,
    #[serde(default)]
    at_least: Option<usize>,
    #[serde(default)]
    niche: Option<usize>,
    #[serde(default)]
    reason: String,
}

impl RulesArgument {
    pub fn file(&self) -> Option<&Path> {
        self.rules.as_deref()
    }

    /// The rules, or none where no file is given.
    pub fn read(&self, space: &Space, cut: &Cut) -> Result<Vec<Rule>, Failure> {
        read(self.file(), space, cut)
    }
}

/// The rules of a file, or none where no file is given.
pub fn read(file: Option<&Path>, space: &Space, cut: &Cut) -> Result<Vec<Rule>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let wrong = |line: u64, problem: &dyn std::fmt::Display| {
        Failure::input(format!("{}, line {line}: {problem}", file.display()))
    };
    let text = read_text(file).map_err(|error| Failure::file("read", file, &error))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| wrong(1, &error))?;
    let header: Vec<String> = header.iter().map(str::to_owned).collect();
    check_header(header.iter().map(String::as_str)).map_err(|problem| wrong(1, &problem))?;
    let mut rules: Vec<Rule> = Vec::new();
    let mut lines = reader.deserialize::<Line>();
    while let Some(line) = lines.next() {
        let at = lines.reader().position().line();
        let line = line.map_err(|error| {
            let at = error.position().map_or(at, csv::Position::line);
            wrong(at, &format_args!("{}; expected polarity,decision,choice and optionally at_least,niche,reason, as in do,0->3,skip_connect", what(&error, &header)))
        })?;
        let at = at.saturating_sub(1).max(2);
        let rule = line.rule(space, cut).map_err(|problem| wrong(at, &problem))?;
        if rules.iter().any(|other| other.states_the_same(&rule)) {
            return Err(wrong(at, &"the same rule as an earlier line"));
        }
        let scope = rules.iter().filter(|other| other.niche == rule.niche);
        if scope.count() == KnowledgeBase::CAPACITY {
            let most = KnowledgeBase::CAPACITY;
            return Err(wrong(
                at,
                &format_args!(
                    "more than {most} rules for the same niches: a knowledge base keeps {most}"
                ),
            ));
        }
        rules.push(rule);
    }
    if rules.is_empty() {
        return Err(Failure::input(format!("{} contains no rule", file.display())));
    }
    Ok(rules)
}

/// A reader's error without its position, which is printed before it.
fn what(error: &csv::Error, header: &[String]) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|at| header.get(usize::try_from(at).ok()?));
            let column = column.map_or_else(String::new, |column| format!("{column}: "));
            format!("{column}{}", explained(&err.kind().to_string()))
        }
        _ => csv_problem(error),
    }
}

impl Line {
    fn rule(self, space: &Space, cut: &Cut) -> Result<Rule, String> {
        if let Some(count) = self.at_least {
            let most = if self.decision == Condition::ANY { space.decisions().len() } else { 1 };
            if count == 0 || count > most {
                let decision = &self.decision;
                return Err(format!(
                    "at_least {count} for decision {decision}: expected 1 to {most}"
                ));
            }
        }
        let condition =
            Condition::parse(space, &self.decision, &self.choice, self.at_least.unwrap_or(1))
                .map_err(|error| error.to_string())?;
        let niche = match (self.niche, cut) {
            (None, _) => None,
            (Some(_), Cut::Automatic(..)) => {
                return Err("the search itself finds its niches: leave niche empty".to_owned());
            }
            (Some(niche), Cut::Fixed(partition)) => {
                let niches = partition.niches().len();
                if niches < 2 || niche == 0 || niche > niches {
                    return Err(match niches {
                        ..2 => {
                            "there are no niches: leave niche empty, or add --partition".to_owned()
                        }
                        _ => format!("niche {niche}: expected 1 to {niches}, or nothing"),
                    });
                }
                if !condition.is_possible(space, partition, niche - 1) {
                    let description = &partition.niches()[niche - 1].description;
                    let rule = condition.describe(space);
                    return Err(format!(
                        "no architecture of niche {niche} ({description}) meets the rule {rule}"
                    ));
                }
                Some(niche - 1)
            }
        };
        Ok(Rule {
            polarity: self.polarity,
            condition,
            niche,
            author: Author::User,
            reason: self.reason,
            since: 0,
            evidence: Evidence::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use nas_eval::spaces;

    use super::*;

    fn space() -> &'static Space {
        spaces::ALL[0].space()
    }

    fn read(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.csv");
        std::fs::write(&file, text).unwrap();
        let cut = Cut::Fixed(spaces::ALL[0].niches().unwrap());
        let rules = RulesArgument { rules: Some(file) }.read(space(), &cut);
        let shown = |rule: Rule| {
            let niche = rule.niche.map_or_else(String::new, |niche| format!(" in {niche}"));
            format!("{} {}{niche}", rule.polarity.name(), rule.condition.describe(space()))
        };
        match rules {
            Ok(rules) => Ok(rules.into_iter().map(shown).collect()),
            Err(failure) => {
                let text = failure.to_string();
                Err(text[text.find(".csv").map_or(0, |at| at + 4)..].to_owned())
            }
        }
    }

    #[test]
    fn rules_are_read_with_optional_columns() {
        let rules = read("polarity,decision,choice\ndo,0->3,skip_connect\n").unwrap();
        assert_eq!(rules, ["do 0→3 = skip_connect"]);
        let rules = read(
            "# mine\nreason,niche,polarity,decision,choice,at_least\n\
             \"slow, and no weights\",2,avoid,any,avg_pool_3x3,2\n,,do,any,nor_conv_1x1,\n",
        );
        assert_eq!(
            rules.unwrap(),
            ["avoid avg_pool_3x3 at 2 or more in 1", "do nor_conv_1x1 at 1 or more"]
        );
    }

    #[test]
    fn errors_have_their_line() {
        let mut errors = String::new();
        for lines in [
            "",
            "do,0->3,skip_conect,,,",
            "do,any,none,1,,\ndo,0-3,none,,,",
            "try,any,none,,,",
            "do,any,none,two,,",
            "do,any,none",
            "do,any,none,,7,",
            "do,any,nor_conv_3x3,,1,",
            "do,any,none,,,\ndo,any,none,1,,",
            "do,any,none,7,,",
            "do,0->1,none,2,,",
            "do,any,none,,-1,",
            "Do,any,none,,,\r",
        ] {
            let text = format!("polarity,decision,choice,at_least,niche,reason\n{lines}\n");
            errors += &format!("{}\n", read(&text).unwrap_err());
        }
        for text in
            ["decision,choice\nany,none\n", "polarity,decision,choice,least\ndo,any,none,2\n"]
        {
            errors += &format!("{}\n", read(text).unwrap_err());
        }
        insta::assert_snapshot!(errors);
    }
}
