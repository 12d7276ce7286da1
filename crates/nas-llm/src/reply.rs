//! Reads the proposals and rules in a model's reply, in whatever form they come.

use nas_search::{Author, Condition, Evidence, Objective, Polarity, Rejection, Request, Rule};
use nas_space::Arch;
use serde_json::Value;

use crate::{
    fault::{Fault, Rejected},
    form::{Form, items},
    json::values,
    names::Names,
    prompt::Subject,
    schema::{ACCURACY, group_name, niche_name},
    slate::Slate,
};

const PROPOSALS: Form = Form { name: "proposals", properties: &["architecture", "edits"] };
const RULES: Form = Form { name: "rules", properties: &["polarity"] };
const STRATEGIES: Form = Form { name: "strategies", properties: &["niche 1"] };
const PICKS: Form = Form { name: "choices", properties: &["group 1"] };

/// The largest number of characters kept of a rationale or a reason.
const WORDS: usize = 300;

/// An architecture of the space that a model proposes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Suggestion {
    pub arch: Arch,
    /// The parent that it edits, by its position.
    pub parent: Option<usize>,
    /// Why, in the model's words.
    pub rationale: Option<String>,
    /// One value for each objective, as far as the model states what it expects.
    pub expected: Vec<Option<f64>>,
}

/// A candidate that a model chooses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pick {
    /// Its position in the slate.
    pub candidate: usize,
    pub reason: Option<String>,
    pub expected: Vec<Option<f64>>,
}

/// The proposals in a reply, in order: architectures of the space, or why they are rejected. `parents` are
/// the architectures that may be edited.
pub(crate) fn proposals(
    names: &Names,
    objectives: &[Objective],
    parents: &[&Arch],
    text: &str,
) -> Vec<Result<Suggestion, Rejected>> {
    let parents: Vec<Arch> = parents.iter().map(|parent| names.shown(parent)).collect();
    match items(text, &PROPOSALS) {
        Ok(items) => items
            .iter()
            .map(|item| {
                let (arch, parent) = proposal(names, &parents, item)?;
                Ok(Suggestion {
                    arch: names.real(&arch),
                    parent,
                    rationale: words(item.get("rationale")),
                    expected: expected(objectives, item),
                })
            })
            .collect(),
        Err(rejected) => vec![Err(rejected)],
    }
}

/// The choices from the groups of a slate, one for each group: in order, or why one is missing.
pub(crate) fn picks(
    slate: &Slate<'_>,
    objectives: &[Objective],
    text: &str,
) -> Vec<Result<Pick, Rejected>> {
    let items = match items(text, &PICKS) {
        Ok(items) => items,
        Err(rejected) => return slate.groups().map(|_| Err(rejected.clone())).collect(),
    };
    let chosen = items.last();
    let picks = slate.groups().zip(1..).map(|(group, number)| {
        let choice = chosen.and_then(|chosen| chosen.get(group_name(number)));
        let given = choice.map(|choice| choice.get("candidate").unwrap_or(choice));
        let given = given.and_then(Value::as_u64).and_then(|given| usize::try_from(given).ok());
        let candidate = given.and_then(|given| given.checked_sub(1));
        let Some(candidate) = candidate.filter(|candidate| group.contains(candidate)) else {
            let message = format!("no candidate of group {number} was chosen");
            return Err(Rejected::new(Fault::Form, message));
        };
        Ok(Pick {
            candidate,
            reason: words(chosen.and_then(|chosen| chosen.get("reason"))),
            expected: choice.map_or_else(Vec::new, |choice| expected(objectives, choice)),
        })
    });
    picks.collect()
}

/// The values that a model expects of an architecture, all of them.
pub(crate) fn estimate(objectives: &[Objective], text: &str) -> Result<Vec<f64>, Rejected> {
    let mut estimates = values(text).into_iter().rev().filter_map(|value| {
        let expected = expected(objectives, &value);
        expected.into_iter().collect::<Option<Vec<f64>>>()
    });
    let missing = || Rejected::new(Fault::Form, "not all values were stated");
    estimates.next().ok_or_else(missing)
}

/// The accuracy that a reply states, in %.
pub(crate) fn accuracy(text: &str) -> Option<f64> {
    let stated = values(text).into_iter().rev().find_map(|value| value.get(ACCURACY)?.as_f64());
    stated.filter(|accuracy| (0.0..=100.0).contains(accuracy))
}

/// What to try in each of so many niches, as far as a reply states it.
pub(crate) fn strategies(niches: usize, text: &str) -> Vec<Option<String>> {
    let items = items(text, &STRATEGIES).unwrap_or_default();
    let of = |number: usize| words(items.last()?.get(niche_name(number)));
    (1..=niches).map(of).collect()
}

/// What a model expects of an architecture.
fn expected(objectives: &[Objective], item: &Value) -> Vec<Option<f64>> {
    let value = |objective: &Objective| item.get(&objective.name)?.as_f64();
    objectives.iter().map(value).collect()
}

/// The rules in a reply, in order: rules that some architecture of the niche can follow, or why they
/// are rejected.
pub(crate) fn rules(subject: Subject<'_>, text: &str) -> Vec<Result<Rule, Rejected>> {
    match items(text, &RULES) {
        Ok(items) => items.iter().map(|item| rule(subject, item)).collect(),
        Err(rejected) => vec![Err(rejected)],
    }
}

/// Whether the search would accept the architecture after those accepted before it.
pub(crate) fn validate<'a>(
    subject: Subject<'_>,
    mut accepted: impl Iterator<Item = &'a Arch>,
    arch: &Arch,
) -> Result<(), Rejected> {
    let of = |fault, why: &str| {
        let short = subject.names.space().short(&subject.names.shown(arch));
        Rejected { subject: Some(short), ..Rejected::new(fault, why) }
    };
    let twice = accepted.any(|other| other == arch);
    match subject.request.check(arch) {
        Ok(()) if !twice => Ok(()),
        Ok(()) | Err(Rejection::Duplicate) => Err(of(Fault::Duplicate, "it is there already")),
        Err(Rejection::OutsideNiche { niche }) => {
            let (is, must) = (subject.niche(niche), subject.niche(subject.request.niche));
            Err(of(Fault::OutsideNiche, &format!("it has {is}, it must have {must}")))
        }
        Err(Rejection::NoCandidate) => {
            Err(of(Fault::NoCandidate, "it has no known value, or exceeds a limit"))
        }
        Err(Rejection::Illegal(error)) => {
            let rejected = Rejected::from(error);
            Err(Rejected { message: subject.names.text(&rejected.message), ..rejected })
        }
    }
}

/// A proposed architecture, and the position of the parent that it edits.
fn proposal(
    names: &Names,
    parents: &[Arch],
    item: &Value,
) -> Result<(Arch, Option<usize>), Rejected> {
    match (item.get("architecture"), item.get("edits")) {
        (Some(whole), None) => Ok((architecture(names, whole)?, None)),
        (None, Some(edits)) => {
            let (arch, parent) = edited(names, parents, item.get("parent"), edits)?;
            Ok((arch, Some(parent)))
        }
        _ => {
            let message = "a proposal has either an architecture or a parent with edits";
            Err(Rejected::new(Fault::Form, message))
        }
    }
}

/// A whole architecture: a list of choices, choices by decision, or text in a form of the space.
fn architecture(names: &Names, whole: &Value) -> Result<Arch, Rejected> {
    let decisions = names.space().decisions().len();
    let choices: Vec<&str> = match whole {
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap_or_default()).collect(),
        Value::String(text) => {
            if let Some(arch) = names.parse(text.trim()) {
                return Ok(arch);
            }
            text.split([',', ' ', '|', '[', ']']).filter(|name| !name.is_empty()).collect()
        }
        Value::Object(by_decision) => {
            let mut choices = Vec::with_capacity(decisions);
            for decision in names.space().decisions() {
                let given = by_decision.get(&decision.name).and_then(Value::as_str);
                // Where a decision is not active, any choice means the same.
                let any = || decision.active.as_ref().map(|_| decision.choices[0].as_str());
                choices.push(given.or_else(any).ok_or_else(|| {
                    let message = format!("no choice for the decision {}", decision.name);
                    Rejected::new(Fault::WrongLength, message)
                })?);
            }
            choices
        }
        _ => return Err(Rejected::new(Fault::Form, "an architecture is a list of choices")),
    };
    if choices.len() != decisions {
        let message = format!("an architecture of {} choices, expected {decisions}", choices.len());
        return Err(Rejected::new(Fault::WrongLength, message));
    }
    let choices = choices.into_iter().enumerate();
    let choices = choices.map(|(at, name)| names.choice(at, name).map_err(Rejected::from));
    Ok(Arch::new(choices.collect::<Result<Vec<u8>, Rejected>>()?))
}

/// A parent with some choices replaced.
fn edited(
    names: &Names,
    parents: &[Arch],
    number: Option<&Value>,
    edits: &Value,
) -> Result<(Arch, usize), Rejected> {
    let given = number.and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let at = given.and_then(|number| number.checked_sub(1));
    let Some((at, parent)) = at.and_then(|at| Some((at, parents.get(at)?))) else {
        let number = number.map_or_else(|| "none".to_owned(), Value::to_string);
        let message = format!("parent {number}: expected 1 to {}", parents.len());
        return Err(Rejected::new(Fault::UnknownParent, message));
    };
    let Value::Array(edits) = edits else {
        return Err(Rejected::new(Fault::Form, "edits are a list"));
    };
    let mut arch = parent.clone();
    for edit in edits {
        let (decision, choice) = (text(edit, "decision"), text(edit, "choice"));
        let decision = names.space().decision_named(decision)?;
        let choice = names.choice(decision, choice)?;
        arch = arch.with(decision, choice);
    }
    Ok((arch, at))
}

fn rule(subject: Subject<'_>, item: &Value) -> Result<Rule, Rejected> {
    let Request { space, partition, niche, generation, .. } = *subject.request;
    let seen = subject.names.space();
    let polarity = match text(item, "polarity") {
        "do" => Polarity::Do,
        "avoid" => Polarity::Avoid,
        other => {
            let message = format!("polarity `{other}`: expected do or avoid");
            return Err(Rejected::new(Fault::Form, message));
        }
    };
    let (decision, choice) = (text(item, "decision"), text(item, "choice"));
    let at_least = item.get("at_least").and_then(Value::as_u64).unwrap_or(1);
    let at_least = usize::try_from(at_least).unwrap_or(usize::MAX);
    let shown = Condition::parse(seen, decision, subject.names.short(choice), at_least)?;
    let condition = subject.names.real_condition(&shown);
    if !condition.is_possible(space, partition, niche) {
        let message = format!("{}: never in {}", shown.describe(seen), subject.niche(niche));
        return Err(Rejected::new(Fault::OutsideNiche, message));
    }
    Ok(Rule {
        polarity,
        condition,
        niche: (partition.niches().len() > 1).then_some(niche),
        author: Author::Model,
        reason: words(item.get("reason")).unwrap_or_default(),
        since: generation,
        evidence: Evidence::default(),
    })
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).map_or("", str::trim)
}

/// A model's own words, on one line and cut.
fn words(value: Option<&Value>) -> Option<String> {
    let text: String = value?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|char| !char.is_control()).take(WORDS).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use nas_partition::Partition;
    use nas_space::{
        Space,
        nasbench201::{from_index, space},
    };

    use super::*;

    fn read(text: &str) -> Vec<Result<String, Fault>> {
        let parents = [from_index(0).unwrap(), from_index(1).unwrap()];
        let parents: Vec<&Arch> = parents.iter().collect();
        let short = |proposal: Suggestion| space().short(&proposal.arch);
        let read = proposals(&Names::own(space()).unwrap(), &[], &parents, text).into_iter();
        read.map(|proposal| proposal.map(short).map_err(|rejected| rejected.fault)).collect()
    }

    fn check(text: &str, expected: &[Result<&str, Fault>]) {
        let expected: Vec<_> = expected.iter().map(|one| one.map(str::to_owned)).collect();
        assert_eq!(read(text), expected, "{text}");
    }

    const WHOLE: &str = r#"["nor_conv_3x3","none","skip_connect","none","none","nor_conv_1x1"]"#;
    const SHORT: &str = "3x3 - skip - - 1x1";

    #[test]
    fn whole_architectures_are_read_in_any_form() {
        let right = Ok(SHORT);
        check(
            &format!(r#"{{"proposals":[{{"architecture":{WHOLE},"rationale":"x"}}]}}"#),
            &[right],
        );
        check(&format!("Sure!\n```json\n[{{\"architecture\":{WHOLE}}}]\n```\nEnjoy."), &[right]);
        check(&format!("<think>[1]</think>{{\"architecture\":{WHOLE}}}"), &[right]);
        check(&format!(r#"{{"cells":[{{"architecture":{WHOLE}}}]}}"#), &[right]);
        let arch_str = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|";
        check(&format!(r#"{{"proposals":[{{"architecture":"{arch_str}"}}]}}"#), &[right]);
    }

    #[test]
    fn whole_architectures_are_read_by_decision() {
        let by_decision = |choices: &str| {
            let text = format!(r#"{{"proposals":[{{"architecture":{{{choices}}}}}]}}"#);
            let space = Space::from_toml(
                "name = 'm'\ndescription = ''\n[[decision]]\nname = 'width'\nchoices = [8, 16]\n\
                 [[decision]]\nname = 'depth'\nchoices = [1, 2, 3]\n",
            );
            let names = Names::own(&space.unwrap()).unwrap();
            let read = proposals(&names, &[], &[], &text).remove(0);
            read.map(|one| one.arch).map_err(|rejected| rejected.fault)
        };
        let right = Ok(Arch::new([1, 2]));
        assert_eq!(by_decision(r#""depth":"3","width":"16""#), right);
        assert_eq!(by_decision(r#""width":"16""#), Err(Fault::WrongLength));
        assert_eq!(by_decision(r#""width":"3","depth":"3""#), Err(Fault::UnknownChoice));
    }

    #[test]
    fn prose_with_brackets_around_a_reply_hides_nothing() {
        let reply = format!(r#"{{"proposals":[{{"architecture":{WHOLE}}}]}}"#);
        for (before, after) in [
            ("", "\nSkips are from ResNet [1]."),
            ("As in [1, 2]:\n```json\n", "\n```\n[1] He et al. {2016: [\"ResNet\"]}"),
            ("", " {\"references\": [\"ResNet\"]}"),
        ] {
            check(&format!("{before}{reply}{after}"), &[Ok(SHORT)]);
        }
    }

    #[test]
    fn the_proposals_before_a_cut_are_kept() {
        let one = format!(r#"{{"architecture":{WHOLE},"rationale":"x"}}"#);
        let right = Ok(SHORT);
        check(&format!(r#"{{"proposals":[{one},{one},{{"architecture":["none","#), &[right, right]);
        check(&format!(r#"[{one},{{"architecture":{WHOLE},"rationale":"cut"#), &[right]);
        let edit = r#"{"parent":1,"edits":[{"decision":"0→1","choice":"none"}],"rationale":"x"}"#;
        let edited = space().short(&from_index(0).unwrap()).replacen("pool", "-", 1);
        let cut = format!(r#"{{"proposals":[{edit},{{"parent":1,"edits":[{{"decision":"0→2","#);
        check(&cut, &[Ok(&edited)]);
    }

    #[test]
    fn edits_change_the_parent_that_they_name() {
        let edit = |parent: &str, decision: &str, choice: &str| {
            format!(
                r#"{{"proposals":[{{"parent":{parent},"edits":[{{"decision":"{decision}","choice":"{choice}"}}]}}]}}"#
            )
        };
        let first = space().short(&from_index(0).unwrap());
        let expected = first.replacen("pool", "-", 1);
        check(&edit("1", "0→1", "none"), &[Ok(&expected)]);
        check(&edit("1", "0->1", "none"), &[Ok(&expected)]);
        check(&edit("0", "0→1", "none"), &[Err(Fault::UnknownParent)]);
        check(&edit("3", "0→1", "none"), &[Err(Fault::UnknownParent)]);
        check(&edit("-1", "0→1", "none"), &[Err(Fault::UnknownParent)]);
        check(&edit("\"1\"", "0→1", "none"), &[Err(Fault::UnknownParent)]);
        check(&edit("1", "3→0", "none"), &[Err(Fault::UnknownDecision)]);
        check(&edit("1", "0→1", "nor_conv_5x5"), &[Err(Fault::UnknownChoice)]);
    }

    #[test]
    fn each_mistake_has_its_kind_and_rejects_only_itself() {
        let five = r#"["none","none","none","none","none"]"#;
        let unknown = WHOLE.replace("skip_connect", "self_attention");
        let text = format!(
            r#"{{"proposals":[{{"architecture":{five}}},{{"architecture":{unknown}}},{{"architecture":7}},{{}},{{"architecture":{WHOLE}}}]}}"#
        );
        let expected = [
            Err(Fault::WrongLength),
            Err(Fault::UnknownChoice),
            Err(Fault::Form),
            Err(Fault::Form),
            Ok(SHORT),
        ];
        check(&text, &expected);
        check("I cannot help with that.", &[Err(Fault::NotJson)]);
        check(r#"{"proposals":"none"}"#, &[Err(Fault::Form)]);
        check("", &[Err(Fault::NotJson)]);
    }

    #[test]
    fn rules_are_read_or_rejected_with_the_reason() {
        let first = |niche: usize, decision: &str, choice: &str, polarity: &str| {
            let text = format!(
                r#"{{"rules":[{{"polarity":"{polarity}","decision":"{decision}","choice":"{choice}","at_least":2,"reason":"so  it\nis"}}]}}"#
            );
            let partition = Partition::pel_nas(space()).unwrap();
            let request =
                Request::new(space(), &partition, &[]).with_niche(niche).with_generation(4);
            let names = Names::own(space()).unwrap();
            let subject = Subject::new(&request, &names);
            rules(subject, &text).remove(0)
        };
        let rule =
            |decision: &str, choice: &str, polarity: &str| first(2, decision, choice, polarity);
        let read = rule("0→3", "skip_connect", "avoid").unwrap();
        assert_eq!(read.condition, Condition::Choice { decision: 3, choice: 1 });
        assert_eq!((read.polarity, read.niche, read.since), (Polarity::Avoid, Some(2), 4));
        assert_eq!(read.reason, "so it is");
        let read = rule("any", "nor_conv_3x3", "do").unwrap();
        let expected = Condition::AtLeast { choice: "nor_conv_3x3".into(), count: 2 };
        assert_eq!(read.condition, expected);
        let fault =
            |decision, choice, polarity| rule(decision, choice, polarity).unwrap_err().fault;
        assert_eq!(fault("9→3", "none", "do"), Fault::UnknownDecision);
        assert_eq!(fault("any", "pooling", "do"), Fault::UnknownChoice);
        assert_eq!(fault("any", "none", "maybe"), Fault::Form);
        for decision in ["any", "0→3"] {
            assert_eq!(
                first(0, decision, "nor_conv_3x3", "avoid").unwrap_err().fault,
                Fault::OutsideNiche
            );
        }
    }

    #[test]
    fn long_rationales_are_cut() {
        let long = "wörter ".repeat(1_000);
        let text = format!(r#"{{"proposals":[{{"architecture":{WHOLE},"rationale":"{long}"}}]}}"#);
        let proposal = proposals(&Names::own(space()).unwrap(), &[], &[], &text).remove(0).unwrap();
        assert_eq!(proposal.rationale.unwrap().chars().count(), WORDS);
    }
}
