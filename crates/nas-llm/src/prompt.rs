//! Prompts: templates in files, rendered from the data of the space, the niche and the search.
//!
//! Recorded transcripts find a request by its content, so any change of a rendered prompt makes them
//! useless.

use std::sync::LazyLock;

use minijinja::{Environment, Value, context};
use nas_pareto::Direction;
use nas_search::{Author, Evaluated, KnowledgeBase, Objective, Request, Rule};
use nas_space::{Arch, Space};

use crate::Error;

/// The templates by their names.
static TEMPLATES: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_keep_trailing_newline(false);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    for (name, source) in [
        ("system", include_str!("prompts/system.txt")),
        ("space", include_str!("prompts/space.txt")),
        ("reflect", include_str!("prompts/reflect.txt")),
        ("propose", include_str!("prompts/propose.txt")),
        ("plain", include_str!("prompts/plain.txt")),
        ("again", include_str!("prompts/again.txt")),
        ("memorise", include_str!("prompts/memorise.txt")),
    ] {
        environment.add_template(name, source).map_err(|error| format!("{error:#}"))?;
    }
    Ok(environment)
});

/// The largest number of parents in a prompt: small models lose the thread of more, and all cost
/// tokens.
const PARENTS: usize = 5;

/// The largest number of architectures of the last generation in a prompt.
const RECENT: usize = 8;

/// The largest number of rules in a prompt.
const RULES: usize = 6;

/// The largest number of rejections in a prompt.
const REJECTIONS: usize = 5;

fn render(template: &'static str, values: Value) -> Result<String, Error> {
    let wrong = |reason: String| Error::Prompt { template, reason };
    let environment = TEMPLATES.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let rendered = environment.get_template(template).and_then(|template| template.render(values));
    rendered.map_err(|error| wrong(format!("{error:#}")))
}

/// The system message.
pub(crate) fn system() -> Result<String, Error> {
    render("system", context!())
}

/// Stage 1: what the last generation teaches.
pub(crate) fn reflect(
    request: &Request<'_>,
    recent: &[&Evaluated],
    count: usize,
) -> Result<String, Error> {
    let recent: Vec<Value> = recent
        .iter()
        .take(RECENT)
        .map(|one| {
            let front = request.parents.iter().any(|parent| parent.arch == one.arch);
            context! { front, rationale => one.rationale, ..shown(request, one, false) }
        })
        .collect();
    render(
        "reflect",
        context! { recent, count, rules => learnt(request, request.knowledge()), ..setting(request) },
    )
}

/// Stage 2: new architectures from the parents, as edits or as a whole.
pub(crate) fn propose(
    request: &Request<'_>,
    parents: &[&Evaluated],
    knowledge: &KnowledgeBase,
    rejections: &[String],
    edits: bool,
    crossover: bool,
) -> Result<String, Error> {
    let parents: Vec<Value> = parents
        .iter()
        .enumerate()
        .map(|(at, parent)| context! { number => at + 1, ..shown(request, parent, edits) })
        .collect();
    let rejections = &rejections[rejections.len().saturating_sub(REJECTIONS)..];
    let count = request.count;
    render(
        "propose",
        context! {
            parents, refusals => rejections, edits, crossover, count,
            rules => learnt(request, knowledge), ..setting(request)
        },
    )
}

/// One stage without niches, parents or rules. With `device` it asks for the whole range of the
/// [main cost](Objective::main_cost), which is usually the latency.
pub(crate) fn plain(request: &Request<'_>, device: bool) -> Result<String, Error> {
    let cost = Objective::main_cost(request.objectives).filter(|_| device);
    let cost = cost.map(|at| name(&request.objectives[at]));
    render("plain", context! { cost, count => request.count, ..setting(request) })
}

/// Asks again for `count` missing architectures.
pub(crate) fn again(rejections: &[String], count: usize) -> Result<String, Error> {
    let rejections = &rejections[..rejections.len().min(REJECTIONS)];
    render("again", context! { refusals => rejections, count })
}

/// Asks for the best architectures from memory.
pub(crate) fn memorise(space: &Space, dataset: &str, count: usize) -> Result<String, Error> {
    let decisions = space.decisions().iter();
    let choices = decisions.map(|at| at.choices.iter().map(String::as_str).collect()).collect();
    render("memorise", context! { space => space_data(space, choices), dataset, count })
}

/// The parents that a prompt shows: evenly chosen along the front.
pub(crate) fn shown_parents<'a>(request: &Request<'a>) -> Vec<&'a Evaluated> {
    let count = request.parents.len();
    let shown = count.min(PARENTS);
    (0..shown)
        .map(|at| request.parents[if shown > 1 { at * (count - 1) / (shown - 1) } else { 0 }])
        .collect()
}

fn setting(request: &Request<'_>) -> Value {
    let niches = request.partition.niches();
    let niche = (niches.len() > 1).then(|| &niches[request.niche].description);
    let objectives: Vec<Value> = request
        .objectives
        .iter()
        .map(|objective| {
            let minimise = objective.direction == Direction::Minimise;
            context! { name => name(objective), unit => objective.unit, minimise }
        })
        .collect();
    context! { space => space_data(request.space, admitted(request)), niche, objectives }
}

/// An objective's name in a prompt.
fn name(objective: &Objective) -> String {
    objective.name.replace('_', " ")
}

/// The choices of each decision that the niche admits.
pub(crate) fn admitted<'a>(request: &Request<'a>) -> Vec<Vec<&'a str>> {
    let decisions = request.space.decisions().iter().enumerate();
    let admitted = decisions.map(|(at, decision)| {
        let choices = (0..).zip(&decision.choices);
        let choices =
            choices.filter(|(choice, _)| request.partition.admits(request.niche, at, *choice));
        choices.map(|(_, name)| name.as_str()).collect()
    });
    admitted.collect()
}

/// The space as a prompt describes it, with the choices that are possible.
fn space_data(space: &Space, choices: Vec<Vec<&str>>) -> Value {
    let shared = choices.first().filter(|first| choices.iter().all(|all| all == *first)).cloned();
    let decisions = space.decisions().iter().zip(choices);
    let decisions: Vec<Value> =
        decisions.map(|(decision, choices)| context! { name => decision.name, choices }).collect();
    context! { name => space.name(), description => space.description(), decisions, shared }
}

/// The rules in a prompt: those with evidence, and the user's. Where the niche has a rule of its own, a
/// rule for all niches with the same condition would only repeat or contradict it.
fn learnt(request: &Request<'_>, knowledge: &KnowledgeBase) -> Vec<String> {
    let mut shown: Vec<&Rule> = Vec::new();
    for rule in knowledge.rules_for(request.niche) {
        let is_repeated = shown.iter().any(|other| other.condition == rule.condition);
        let is_supported = rule.evidence.total() > 0 || rule.author == Author::User;
        if is_supported && !is_repeated && shown.len() < RULES {
            shown.push(rule);
        }
    }
    shown.into_iter().map(|rule| stated(request, rule)).collect()
}

/// A rule on one line, with its evidence.
fn stated(request: &Request<'_>, rule: &Rule) -> String {
    let polarity = rule.polarity.name();
    let evidence = &rule.evidence;
    let effects = request.objectives.iter().zip(&evidence.effects);
    let effects = effects.filter_map(|(objective, effect)| {
        Some(format!("; {:+.2} {}", (*effect)?, objective.unit).trim_end().to_owned())
    });
    format!(
        "{polarity} {} ({} for, {} against{})",
        rule.condition.describe(request.space),
        evidence.supporting.len(),
        evidence.contradicting.len(),
        effects.collect::<String>(),
    )
}

fn shown(request: &Request<'_>, one: &Evaluated, named: bool) -> Value {
    let values = one.values.iter().map(|value| value.map_or_else(|| "none".to_owned(), rounded));
    let values = values.collect::<Vec<_>>().join(", ");
    context! { choices => choices(request.space, &one.arch, named), values }
}

/// An architecture in a prompt: the choices in order; where edits are asked for, with the decisions'
/// names.
fn choices(space: &Space, arch: &Arch, named: bool) -> String {
    let pairs = space.decisions().iter().zip(space.choice_names(arch));
    let shown =
        pairs.map(
            |(decision, choice)| {
                if named { format!("{}={choice}", decision.name) } else { choice.to_owned() }
            },
        );
    shown.collect::<Vec<_>>().join(" ")
}

/// Four significant digits.
fn rounded(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 3 - value.abs().log10().floor() as i32 };
    format!("{value:.*}", digits.clamp(0, 9) as usize)
}

#[cfg(test)]
mod tests {
    use nas_partition::Partition;
    use nas_search::{Condition, Evidence, Polarity};
    use nas_space::{Decision, nasbench201};

    use super::*;

    fn objectives() -> [Objective; 2] {
        [Objective::accuracy("validation_accuracy"), Objective::latency()]
    }

    /// Evaluated architectures, with accuracy and latency by simple formulas.
    fn evaluated<const N: usize>(partition: &Partition, all: &[[u8; N]]) -> Vec<Evaluated> {
        let one = |choices: &[u8; N]| {
            let arch = Arch::new(*choices);
            let sum: f64 = choices.iter().map(|choice| f64::from(*choice)).sum();
            Evaluated {
                values: vec![Some(70.0 + sum), Some(1.0 + sum.powi(2) / 50.0)],
                details: vec![],
                failure: None,
                stopped: false,
                niche: partition.niche_of(&arch),
                generation: 0,
                proposer: "random".to_owned(),
                rationale: None,
                arch,
            }
        };
        all.iter().map(one).collect()
    }

    /// A prompt for a niche of the paper, after these architectures were evaluated.
    fn in_niche(
        niche: usize,
        all: &[[u8; 6]],
        render: impl Fn(&Request<'_>) -> Result<String, Error>,
    ) -> String {
        let (space, objectives) = (nasbench201::space(), objectives());
        let partition = Partition::pel_nas(space).unwrap();
        let evaluated = evaluated(&partition, all);
        let request = Request::new(space, &partition, &objectives);
        render(&request.with_niche(niche).with_evaluated(&evaluated)).unwrap()
    }

    /// Cells with two 3×3 convolutions, and one with three.
    const TWO: [[u8; 6]; 7] = [
        [4, 4, 1, 3, 0, 3],
        [2, 4, 0, 3, 0, 3],
        [3, 3, 2, 1, 1, 1],
        [0, 0, 0, 3, 3, 2],
        [0, 4, 2, 3, 2, 3],
        [0, 0, 3, 3, 4, 0],
        [3, 3, 3, 1, 1, 1],
    ];

    #[test]
    fn reflecting() {
        insta::assert_snapshot!(in_niche(3, &TWO, |request| {
            let here = |one: &&Evaluated| one.niche == request.niche;
            let recent: Vec<&Evaluated> = request.evaluated.iter().filter(here).collect();
            reflect(request, &recent, 2)
        }));
    }

    #[test]
    fn proposing_edits() {
        insta::assert_snapshot!(in_niche(3, &TWO, |request| {
            let rejections = ["3x3 3x3: too short".to_owned()];
            let parents = shown_parents(request);
            propose(request, &parents, request.knowledge(), &rejections, true, true)
        }));
    }

    #[test]
    fn proposing_whole_architectures() {
        let without_convolutions =
            [[4, 0, 4, 4, 1, 0], [0, 0, 4, 4, 0, 4], [0, 4, 0, 1, 4, 0], [4, 1, 1, 0, 0, 0]];
        insta::assert_snapshot!(in_niche(0, &without_convolutions, |request| {
            let parents = shown_parents(request);
            propose(request, &parents, request.knowledge(), &[], false, false)
        }));
    }

    #[test]
    fn plain_and_latency_oriented() {
        let (space, whole, objectives) = (nasbench201::space(), Partition::whole(), objectives());
        let request = Request::new(space, &whole, &objectives).with_count(4);
        let text = |device| plain(&request, device).unwrap();
        insta::assert_snapshot!(format!("{}\n=====\n{}", text(false), text(true)));
    }

    #[test]
    fn the_latency_is_found_by_its_role() {
        let whole = Partition::whole();
        let objectives =
            [Objective::energy(), Objective::latency(), Objective::accuracy("accuracy")];
        let request = Request::new(nasbench201::space(), &whole, &objectives);
        assert!(plain(&request, true).unwrap().contains("the whole range of latency, from"));
    }

    #[test]
    fn asking_again_and_asking_from_memory() {
        let again = again(&["too short".to_owned(), "outside".to_owned()], 2).unwrap();
        let memory = memorise(nasbench201::space(), "cifar10", 10).unwrap();
        insta::assert_snapshot!(format!("{again}\n=====\n{memory}"));
    }

    #[test]
    fn a_users_own_space() {
        let decision = |name: &str, choices: &[&str]| Decision::new(name, choices.iter().copied());
        let decisions = vec![
            decision("depth", &["12", "13", "14"]),
            decision("width", &["192", "216", "240", "256"]),
            decision("ratio", &["3", "4"]),
        ];
        let space = Space::new("mine", "A transformer.", decisions, "d{}w{}r{}", None).unwrap();
        let (whole, objectives) = (Partition::whole(), objectives());
        let all = [[2, 3, 1], [1, 3, 1], [1, 1, 1], [1, 0, 1], [0, 0, 0]];
        let evaluated = evaluated(&whole, &all);
        let request =
            Request::new(&space, &whole, &objectives).with_evaluated(&evaluated).with_count(4);
        let parents = shown_parents(&request);
        let knowledge = request.knowledge();
        insta::assert_snapshot!(propose(&request, &parents, knowledge, &[], true, false).unwrap());
    }

    #[test]
    fn rules_have_their_evidence_and_those_without_any_are_left_out() {
        let rule = |author, choice: &str, supporting: &[usize], effects: &[Option<f64>]| Rule {
            polarity: Polarity::Do,
            condition: Condition::AtLeast { choice: choice.to_owned(), count: 2 },
            niche: None,
            author,
            reason: String::new(),
            since: 1,
            evidence: Evidence {
                supporting: supporting.to_vec(),
                effects: effects.to_vec(),
                ..Evidence::default()
            },
        };
        let knowledge = KnowledgeBase::new(vec![
            rule(Author::Model, "none", &[0, 3], &[Some(1.5), Some(-0.25)]),
            rule(Author::Model, "skip_connect", &[], &[]),
            rule(Author::User, "nor_conv_1x1", &[], &[None, None]),
        ]);
        let text = in_niche(3, &TWO, |request| {
            propose(request, &shown_parents(request), &knowledge, &[], true, true)
        });
        let rules: Vec<&str> = text.lines().filter(|line| line.starts_with("- do")).collect();
        assert_eq!(
            rules,
            [
                "- do none at 2 or more (2 for, 0 against; +1.50 %; -0.25 ms)",
                "- do nor_conv_1x1 at 2 or more (0 for, 0 against)"
            ]
        );
    }
}
