//! Reads the proposals and rules in a model's reply, in whatever form they come.

use nas_partition::Partition;
use nas_search::{Author, Condition, Evidence, Polarity, Proposal, Rejection, Request, Rule};
use nas_space::{Arch, Space};
use serde_json::Value;

use crate::{
    fault::{Fault, Rejected},
    form::{Form, items},
};

const PROPOSALS: Form = Form { name: "proposals", properties: &["architecture", "edits"] };
const RULES: Form = Form { name: "rules", properties: &["polarity"] };

/// The largest number of characters kept of a rationale or a reason.
const WORDS: usize = 300;

/// The proposals in a reply, in order: architectures of the space, or why they are rejected.
pub(crate) fn proposals(
    space: &Space,
    parents: &[&Arch],
    text: &str,
) -> Vec<Result<Proposal, Rejected>> {
    match items(text, &PROPOSALS) {
        Ok(items) => items.iter().map(|item| proposal(space, parents, item)).collect(),
        Err(rejected) => vec![Err(rejected)],
    }
}

/// The rules in a reply, in order: rules that some architecture of the niche can follow, or why they
/// are rejected.
pub(crate) fn rules(
    space: &Space,
    partition: &Partition,
    niche: usize,
    generation: usize,
    text: &str,
) -> Vec<Result<Rule, Rejected>> {
    match items(text, &RULES) {
        Ok(items) => {
            items.iter().map(|item| rule(space, partition, niche, generation, item)).collect()
        }
        Err(rejected) => vec![Err(rejected)],
    }
}

/// Whether the search would accept the architecture after those accepted before it.
pub(crate) fn validate(
    request: &Request<'_>,
    accepted: &[Proposal],
    arch: &Arch,
) -> Result<(), Rejected> {
    let text = || request.space.short(arch);
    let twice = accepted.iter().any(|other| other.arch == *arch);
    match request.check(arch) {
        Ok(()) if !twice => Ok(()),
        Ok(()) | Err(Rejection::Duplicate) => {
            Err(Rejected::new(Fault::Duplicate, format!("{}: it is there already", text())))
        }
        Err(Rejection::OutsideNiche { niche }) => {
            let niches = request.partition.niches();
            let is = niches.get(niche).map_or("another", |niche| &niche.description);
            let must = &niches[request.niche].description;
            let message = format!("{}: it has {is}, it must have {must}", text());
            Err(Rejected::new(Fault::OutsideNiche, message))
        }
        Err(Rejection::NoCandidate) => {
            let message = format!("{}: it has no known value, or exceeds a limit", text());
            Err(Rejected::new(Fault::NoCandidate, message))
        }
        Err(Rejection::Illegal(error)) => Err(error.into()),
    }
}

fn proposal(space: &Space, parents: &[&Arch], item: &Value) -> Result<Proposal, Rejected> {
    let arch = match (item.get("architecture"), item.get("edits")) {
        (Some(whole), None) => architecture(space, whole)?,
        (None, Some(edits)) => edited(space, parents, item.get("parent"), edits)?,
        _ => {
            let message = "a proposal has either an architecture or a parent with edits";
            return Err(Rejected::new(Fault::Form, message));
        }
    };
    Ok(Proposal { arch, rationale: words(item.get("rationale")) })
}

/// A whole architecture: a list of choices, or text in a form of the space.
fn architecture(space: &Space, whole: &Value) -> Result<Arch, Rejected> {
    let decisions = space.decisions();
    let names: Vec<&str> = match whole {
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap_or_default()).collect(),
        Value::String(text) => {
            if let Ok(arch) = space.parse(text.trim()) {
                return Ok(arch);
            }
            text.split([',', ' ', '|', '[', ']']).filter(|name| !name.is_empty()).collect()
        }
        _ => return Err(Rejected::new(Fault::Form, "an architecture is a list of choices")),
    };
    if names.len() != decisions.len() {
        let message =
            format!("an architecture of {} choices, expected {}", names.len(), decisions.len());
        return Err(Rejected::new(Fault::WrongLength, message));
    }
    let indices = decisions
        .iter()
        .zip(names)
        .map(|(decision, name)| decision.choice(name).map_err(Rejected::from));
    Ok(Arch::new(indices.collect::<Result<Vec<u8>, Rejected>>()?))
}

/// A parent with some choices replaced.
fn edited(
    space: &Space,
    parents: &[&Arch],
    number: Option<&Value>,
    edits: &Value,
) -> Result<Arch, Rejected> {
    let given = number.and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let parent = given.and_then(|number| number.checked_sub(1)).and_then(|at| parents.get(at));
    let Some(parent) = parent else {
        let number = number.map_or_else(|| "none".to_owned(), Value::to_string);
        let message = format!("parent {number}: expected 1 to {}", parents.len());
        return Err(Rejected::new(Fault::UnknownParent, message));
    };
    let Value::Array(edits) = edits else {
        return Err(Rejected::new(Fault::Form, "edits are a list"));
    };
    let mut arch = (*parent).clone();
    for edit in edits {
        let (decision, choice) = (text(edit, "decision"), text(edit, "choice"));
        let at = space.decision_named(decision)?;
        let choice = space.decisions()[at].choice(choice)?;
        arch = arch.with(at, choice);
    }
    Ok(arch)
}

fn rule(
    space: &Space,
    partition: &Partition,
    niche: usize,
    generation: usize,
    item: &Value,
) -> Result<Rule, Rejected> {
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
    let condition = Condition::parse(space, decision, choice, at_least)?;
    if !condition.is_possible(space, partition, niche) {
        let niche = &partition.niches()[niche].description;
        let message = format!("{}: never in {niche}", condition.describe(space));
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
    use nas_space::nasbench201::{from_index, space};

    use super::*;

    fn read(text: &str) -> Vec<Result<String, Fault>> {
        let parents = [from_index(0).unwrap(), from_index(1).unwrap()];
        let parents: Vec<&Arch> = parents.iter().collect();
        let short = |proposal: Proposal| space().short(&proposal.arch);
        let read = proposals(space(), &parents, text).into_iter();
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
            rules(space(), &partition, niche, 4, &text).remove(0)
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
        assert_eq!(fault("any", "pool", "do"), Fault::UnknownChoice);
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
        let proposal = proposals(space(), &[], &text).remove(0).unwrap();
        assert_eq!(proposal.rationale.unwrap().chars().count(), WORDS);
    }
}
