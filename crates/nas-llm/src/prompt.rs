//! Prompts: templates in files, rendered from the data of the space, the niche and the search.

use std::sync::LazyLock;

use minijinja::{Environment, Value, context};
use nas_pareto::Direction;
use nas_search::{Author, Evaluated, KnowledgeBase, Request, Rule};
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

/// Parents that a prompt shows at most; small models lose the thread of more, and all cost tokens.
const PARENTS: usize = 5;

/// Architectures of the last generation that a prompt shows at most.
const RECENT: usize = 8;

/// Rules that a prompt shows at most.
const RULES: usize = 6;

/// Refusals that a prompt shows at most.
const REFUSALS: usize = 5;

fn render(template: &'static str, values: Value) -> Result<String, Error> {
    let wrong = |reason: String| Error::Prompt { template, reason };
    let environment = TEMPLATES.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let rendered = environment.get_template(template).and_then(|template| template.render(values));
    rendered.map_err(|error| wrong(format!("{error:#}")))
}

/// The standing instructions.
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
        context! { recent, count, rules => learnt(request, request.knowledge), ..setting(request) },
    )
}

/// Stage 2: new architectures from the parents, as edits or as a whole.
pub(crate) fn propose(
    request: &Request<'_>,
    parents: &[&Evaluated],
    knowledge: &KnowledgeBase,
    refusals: &[String],
    edits: bool,
    crossover: bool,
) -> Result<String, Error> {
    let parents: Vec<Value> = parents
        .iter()
        .enumerate()
        .map(|(at, parent)| context! { number => at + 1, ..shown(request, parent, edits) })
        .collect();
    let refusals = &refusals[refusals.len().saturating_sub(REFUSALS)..];
    let count = request.count;
    render(
        "propose",
        context! {
            parents, refusals, edits, crossover, count,
            rules => learnt(request, knowledge), ..setting(request)
        },
    )
}

/// One stage without niches, parents or rules; with `latency` it speaks of the device.
pub(crate) fn plain(request: &Request<'_>, latency: bool) -> Result<String, Error> {
    render("plain", context! { latency, count => request.count, ..setting(request) })
}

/// What a call still owes.
pub(crate) fn again(refusals: &[String], count: usize) -> Result<String, Error> {
    render("again", context! { refusals => &refusals[..refusals.len().min(REFUSALS)], count })
}

/// What a model knows by heart.
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
            context! { name => objective.name.replace('_', " "), unit => objective.unit, minimise }
        })
        .collect();
    context! { space => space_data(request.space, admitted(request)), niche, objectives }
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

/// The space as a prompt tells of it, with the choices that count.
fn space_data(space: &Space, choices: Vec<Vec<&str>>) -> Value {
    let shared = choices.first().filter(|first| choices.iter().all(|all| all == *first)).cloned();
    let decisions = space.decisions().iter().zip(choices);
    let decisions: Vec<Value> =
        decisions.map(|(decision, choices)| context! { name => decision.name, choices }).collect();
    context! { name => space.name(), description => space.description(), decisions, shared }
}

/// The rules that a prompt shows: those that the data speak of, and the user's. Where the niche has a rule of its
/// own, what holds for all would only repeat or contradict it.
fn learnt(request: &Request<'_>, knowledge: &KnowledgeBase) -> Vec<String> {
    let mut shown: Vec<&Rule> = Vec::new();
    for rule in knowledge.rules_for(request.niche) {
        let is_told = shown.iter().any(|other| other.condition == rule.condition);
        let is_heard = rule.evidence.total() > 0 || rule.author == Author::User;
        if is_heard && !is_told && shown.len() < RULES {
            shown.push(rule);
        }
    }
    shown.into_iter().map(|rule| stated(request, rule)).collect()
}

/// A rule in a line, with its evidence.
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

/// An architecture as a prompt shows it: the choices in order, where edits are asked for with the
/// decisions' names.
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
    use nas_search::{
        BoxError, Detail, Evaluation, Evaluator, Objective, Proposal, Proposer, Search, SearchRng,
        Settings,
    };
    use nas_space::{Decision, nasbench201};

    use super::*;

    /// Accuracy and latency by simple rules.
    struct Toy(Vec<Objective>);

    impl Toy {
        fn new() -> Self {
            let accuracy = Objective::maximise("validation_accuracy", "%");
            Self(vec![accuracy, Objective::minimise("latency", "ms")])
        }
    }

    impl Evaluator for Toy {
        fn objectives(&self) -> &[Objective] {
            &self.0
        }

        fn details(&self) -> &[Detail] {
            &[]
        }

        fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
            let sum =
                |arch: &Arch| arch.choices().iter().map(|choice| f64::from(*choice)).sum::<f64>();
            let one = |arch: &Arch| Evaluation {
                values: vec![Some(70.0 + sum(arch)), Some(1.0 + sum(arch).powi(2) / 50.0)],
                details: vec![],
            };
            Ok(architectures.iter().map(one).collect())
        }
    }

    /// Renders prompts for the requests that it gets, and proposes nothing.
    struct Listener<'a> {
        render: &'a dyn Fn(&Request<'_>) -> String,
        heard: Vec<String>,
    }

    impl Proposer for Listener<'_> {
        fn name(&self) -> &'static str {
            "listener"
        }

        fn propose(
            &mut self,
            request: &Request<'_>,
            _: &mut SearchRng,
        ) -> Result<Vec<Proposal>, BoxError> {
            self.heard.push((self.render)(request));
            Ok(Vec::new())
        }
    }

    /// The prompt for a niche after the initial sample.
    fn heard(
        space: &Space,
        partition: &Partition,
        niche: usize,
        render: &dyn Fn(&Request<'_>) -> String,
    ) -> String {
        let settings = Settings {
            evaluations: 40,
            initial: 36,
            generation: 4,
            seed: 1,
            ..Settings::default()
        };
        let mut listener = Listener { render, heard: Vec::new() };
        let search = Search::new(space, partition, settings);
        search.run(&mut listener, &mut Toy::new(), &mut |_| {}).unwrap();
        listener.heard.swap_remove(niche)
    }

    /// The prompt for one of the first four niches.
    fn in_niche(niche: usize, render: &dyn Fn(&Request<'_>) -> String) -> String {
        let space = nasbench201::space();
        heard(space, &Partition::pel_nas(space).unwrap(), niche, render)
    }

    #[test]
    fn reflecting() {
        insta::assert_snapshot!(in_niche(3, &|request| {
            let here = |one: &&Evaluated| one.niche == request.niche;
            let recent: Vec<&Evaluated> = request.evaluated.iter().filter(here).collect();
            reflect(request, &recent, 2).unwrap()
        }));
    }

    #[test]
    fn proposing_edits() {
        insta::assert_snapshot!(in_niche(3, &|request| {
            let refusals = ["3x3 3x3: too short".to_owned()];
            let parents = shown_parents(request);
            propose(request, &parents, request.knowledge, &refusals, true, true).unwrap()
        }));
    }

    #[test]
    fn proposing_whole_architectures() {
        insta::assert_snapshot!(in_niche(0, &|request| {
            let parents = shown_parents(request);
            propose(request, &parents, request.knowledge, &[], false, false).unwrap()
        }));
    }

    #[test]
    fn plain_and_latency_oriented() {
        let whole = Partition::whole();
        let text = |latency| {
            heard(nasbench201::space(), &whole, 0, &|request| plain(request, latency).unwrap())
        };
        insta::assert_snapshot!(format!("{}\n=====\n{}", text(false), text(true)));
    }

    #[test]
    fn asking_again_and_asking_for_what_is_known_by_heart() {
        let again = again(&["too short".to_owned(), "outside".to_owned()], 2).unwrap();
        let heart = memorise(nasbench201::space(), "cifar10", 10).unwrap();
        insta::assert_snapshot!(format!("{again}\n=====\n{heart}"));
    }

    #[test]
    fn a_space_of_a_users_own_gets_prompts_as_well() {
        let decision = |name: &str, choices: &[&str]| Decision::new(name, choices.iter().copied());
        let decisions = vec![
            decision("depth", &["12", "13", "14"]),
            decision("width", &["192", "216", "240", "256"]),
            decision("ratio", &["3", "4"]),
        ];
        let space = Space::new("mine", "A transformer.", decisions, "d{}w{}r{}", None).unwrap();
        let text = heard(&space, &Partition::whole(), 0, &|request| {
            let parents = shown_parents(request);
            propose(request, &parents, request.knowledge, &[], true, false).unwrap()
        });
        insta::assert_snapshot!(text);
    }
}
