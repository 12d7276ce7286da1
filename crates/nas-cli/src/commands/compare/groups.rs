//! Groups of fronts that differ only in the seed.

use std::collections::{BTreeMap, BTreeSet};

use super::compared::{Compared, FILE, SEARCHER};
use crate::failure::Failure;

/// Fronts that differ only in the seed.
pub struct Group {
    /// What distinguishes it from the other groups.
    pub name: String,
    pub members: Vec<usize>,
}

/// Settings that name files or a command, which may be others for each seed.
const OF_SEED: [&str; 7] = [
    FILE,
    "rules",
    "known",
    "objectives.accuracy.file",
    "objectives.accuracy.images",
    "objectives.latency.file",
    "objectives.program.command",
];

pub fn groups(all: &[Compared]) -> Vec<Group> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        match groups.iter_mut().find(|members| same(&all[members[0]], one, same_but_for_seed)) {
            Some(members) => members.push(at),
            None => groups.push(vec![at]),
        }
    }
    let groups = with_files_of_their_own(groups, all);
    let shown: Vec<_> = groups.iter().map(|members| settings(members, all)).collect();
    let runs: Vec<bool> = groups.iter().map(|members| all[members[0]].is_run()).collect();
    let of_runs = || shown.iter().zip(&runs).filter(|(_, run)| **run).map(|(settings, _)| settings);
    let names: BTreeSet<&String> = of_runs().flat_map(BTreeMap::keys).collect();
    let differs = |name: &&&String| {
        let mut values = of_runs().map(|settings| settings.get(**name));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let differing: Vec<&String> = names.iter().filter(differs).copied().collect();
    let in_words = |settings: &BTreeMap<String, String>, names: &[&str]| {
        let value = |name: &&str| settings.get(*name).map_or("-", String::as_str);
        let shown = names.iter().map(|name| format!("{name} {}", value(name)));
        shown.collect::<Vec<_>>().join(", ")
    };
    let differing: Vec<&str> = differing.into_iter().map(String::as_str).collect();
    let name = |settings: &BTreeMap<String, String>, is_run: bool| match &differing[..] {
        _ if !is_run => {
            let names: Vec<&str> = settings.keys().map(String::as_str).collect();
            in_words(settings, &names)
        }
        // One group of runs beside files.
        [] if runs.len() > 1 => in_words(settings, &[SEARCHER]),
        differing => in_words(settings, differing),
    };
    let names = shown.iter().zip(&runs).map(|(settings, is_run)| name(settings, *is_run));
    let names: Vec<String> = names.collect();
    names.into_iter().zip(groups).map(|(name, members)| Group { name, members }).collect()
}

/// Whether two have the same settings; those that name files are compared by `files`, with the seed of
/// each.
fn same(one: &Compared, other: &Compared, files: fn((&str, &str), (&str, &str)) -> bool) -> bool {
    one.is_run() == other.is_run()
        && one.settings.len() == other.settings.len()
        && one.settings.iter().zip(&other.settings).all(|((name, mine), (title, theirs))| {
            let of_seed = OF_SEED.contains(&name.as_str());
            let same_files = || files((mine, &one.seed), (theirs, &other.seed));
            name == title && (mine == theirs || of_seed && same_files())
        })
}

/// The same groups, but those that differ only in files are one, where each is of one seed and no two of
/// the same: then each seed has files of its own.
fn with_files_of_their_own(groups: Vec<Vec<usize>>, all: &[Compared]) -> Vec<Vec<usize>> {
    let mut alike: Vec<Vec<Vec<usize>>> = Vec::new();
    for group in groups {
        let first = &all[group[0]];
        let known = |many: &&mut Vec<Vec<usize>>| same(&all[many[0][0]], first, |_, _| true);
        // Files of fronts have nothing else that could distinguish methods.
        match alike.iter_mut().find(known).filter(|_| first.is_run()) {
            Some(many) => many.push(group),
            None => alike.push(vec![group]),
        }
    }
    let mut united = Vec::new();
    for many in alike {
        let seeds: BTreeSet<&String> = many.iter().map(|group| &all[group[0]].seed).collect();
        if many.iter().all(|group| group.len() == 1) && seeds.len() == many.len() {
            united.push(many.concat());
        } else {
            united.extend(many);
        }
    }
    united.sort_by_key(|members| members[0]);
    united
}

/// The settings of a group: where its members have files of their own, without the seed.
fn settings(members: &[usize], all: &[Compared]) -> BTreeMap<String, String> {
    let first = &all[members[0]];
    let mut settings = first.settings.clone();
    for (name, value) in &mut settings {
        let others = || members.iter().map(|at| &all[*at]);
        if others().all(|other| other.settings[name] == *value) {
            continue;
        }
        let of_one = (value.as_str(), first.seed.as_str());
        let alike = others().all(|other| {
            other.settings[name] == *value
                || same_but_for_seed(of_one, (&other.settings[name], &other.seed))
        });
        *value = if alike { without_seed(value, &first.seed) } else { "of each seed".to_owned() };
    }
    settings
}

/// Whether two texts are the same but for whole numbers that are the seed of each, as `a/mine-1.csv` of
/// seed 1 and `a/mine-2.csv` of seed 2 are.
fn same_but_for_seed((one, of_one): (&str, &str), (other, of_other): (&str, &str)) -> bool {
    let (one, other) = (numbers_apart(one), numbers_apart(other));
    one.len() == other.len()
        && one.iter().zip(other).all(|(mine, theirs)| {
            *mine == theirs || is_seed(mine, of_one) && is_seed(theirs, of_other)
        })
}

fn without_seed(text: &str, seed: &str) -> String {
    let parts = numbers_apart(text);
    parts.into_iter().map(|part| if is_seed(part, seed) { "*" } else { part }).collect()
}

/// Whether a text is the seed, whatever zeros it begins with.
fn is_seed(text: &str, seed: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| Ok(number) == seed.parse())
}

/// The runs of digits of a text, and what is between them.
fn numbers_apart(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts
}

/// Refuses a group with a seed twice: its interval would be of fewer searches than it seems.
pub fn one_of_each_seed(groups: &[Group], all: &[Compared]) -> Result<(), Failure> {
    for group in groups {
        let mut known: BTreeMap<&str, &Compared> = BTreeMap::new();
        for one in group.members.iter().map(|at| &all[*at]) {
            let Some(earlier) = known.insert(&one.seed, one) else { continue };
            return Err(Failure::input(if earlier.name == one.name && !one.is_run() {
                format!("{} is named twice: name it once", one.name)
            } else {
                format!(
                    "{} and {} are the same search with the same seed, {}: name one of them",
                    earlier.name, one.name, one.seed
                )
            }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(seed: u64, settings: &[(&str, &str)]) -> Compared {
        let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Compared {
            name: format!("front {seed}"),
            seed: seed.to_string(),
            settings: settings.collect(),
            rows: Vec::new(),
            run: None,
            pair: [None, None],
        }
    }

    fn of_files(files: &[(u64, &str)]) -> Vec<(String, Vec<usize>)> {
        let all: Vec<_> = files.iter().map(|(seed, file)| front(*seed, &[(FILE, *file)])).collect();
        groups(&all).into_iter().map(|group| (group.name, group.members)).collect()
    }

    #[test]
    fn files_are_one_group_where_their_names_differ_in_the_seed_alone() {
        let files = [(1, "a-1.csv"), (2, "a-2.csv"), (1, "b/seed01.csv"), (2, "b/seed02.csv")];
        let expected =
            [("file a-*.csv".to_owned(), vec![0, 1]), ("file b/seed*.csv".to_owned(), vec![2, 3])];
        assert_eq!(of_files(&files), expected);
        // A number that is the seed of one by chance.
        let files = [(1, "v1/a-1.csv"), (2, "v1/a-2.csv")];
        assert_eq!(of_files(&files)[0].1, [0, 1]);
        assert_eq!(of_files(&[(1, "v1.csv"), (2, "v3.csv")]).len(), 2);
        assert_eq!(
            of_files(&[(1, "v1.csv"), (2, "v1.csv")])[0],
            ("file v1.csv".into(), vec![0, 1])
        );
    }

    #[test]
    fn texts_are_compared_but_for_the_seed() {
        for (one, other, same) in [
            (("s1/a.csv", "1"), ("s2/a.csv", "2"), true),
            (("s1/a1.csv", "1"), ("s2/a1.csv", "2"), true),
            (("train.py --seed 3", "3"), ("train.py --seed 10", "10"), true),
            (("train.py --gpu 1", "1"), ("train.py --gpu 1", "2"), true),
            (("s1/a.csv", "1"), ("s2/b.csv", "2"), false),
            (("s1/a.csv", "1"), ("s3/a.csv", "2"), false),
            (("a.csv", "-"), ("b.csv", "-"), false),
        ] {
            assert_eq!(same_but_for_seed(one, other), same, "{one:?} {other:?}");
        }
        assert_eq!(without_seed("ä1/seed01-v2.csv", "1"), "ä*/seed*-v2.csv");
    }

    #[test]
    fn a_seed_that_a_group_has_twice_is_refused() {
        let all = [front(1, &[(FILE, "a.csv")]), front(1, &[(FILE, "a.csv")])];
        let error = one_of_each_seed(&groups(&all), &all).unwrap_err().to_string();
        assert_eq!(error, "front 1 is named twice: name it once");
    }
}
