//! Prompts: templates in files, rendered from the data of the space, the niche and the search.
//!
//! Recorded transcripts find a request by its content, so any change of a rendered prompt makes them
//! useless.

mod subject;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use minijinja::{Environment, Value, context};
use nas_search::{Evaluated, KnowledgeBase, Objective};
use nas_space::{Arch, Space};

use crate::{Error, memory::Outcome, names::Names, slate::Slate};

pub(crate) use subject::{Subject, all_choices, values};
use subject::{name, space_data, spread};

/// The templates by their names.
static TEMPLATES: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_keep_trailing_newline(false);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    for (name, source) in [
        ("system", include_str!("../prompts/system.txt")),
        ("decisions", include_str!("../prompts/decisions.txt")),
        ("legend", include_str!("../prompts/legend.txt")),
        ("space", include_str!("../prompts/space.txt")),
        ("rules", include_str!("../prompts/rules.txt")),
        ("outcomes", include_str!("../prompts/outcomes.txt")),
        ("strategy", include_str!("../prompts/strategy.txt")),
        ("navigate", include_str!("../prompts/navigate.txt")),
        ("reflect", include_str!("../prompts/reflect.txt")),
        ("propose", include_str!("../prompts/propose.txt")),
        ("situation", include_str!("../prompts/situation.txt")),
        ("choose", include_str!("../prompts/choose.txt")),
        ("rank", include_str!("../prompts/rank.txt")),
        ("estimate", include_str!("../prompts/estimate.txt")),
        ("letters", include_str!("../prompts/letters.txt")),
        ("plain", include_str!("../prompts/plain.txt")),
        ("again", include_str!("../prompts/again.txt")),
        ("memorise", include_str!("../prompts/memorise.txt")),
        ("accuracy", include_str!("../prompts/accuracy.txt")),
    ] {
        environment.add_template(name, source).map_err(|error| format!("{error:#}"))?;
    }
    Ok(environment)
});

/// The largest number of architectures of the last generation in a prompt.
const RECENT: usize = 8;

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
    subject: Subject<'_>,
    recent: &[&Evaluated],
    count: usize,
) -> Result<String, Error> {
    let recent = recent.iter().take(RECENT);
    let recent =
        recent.map(|one| context! { rationale => one.rationale, ..subject.shown(one, false) });
    let recent: Vec<Value> = recent.collect();
    let rules = subject.rules(subject.request.knowledge());
    render("reflect", context! { recent, count, rules, ..subject.setting() })
}

/// The largest number of architectures of a niche that a navigator sees.
const BEST: usize = 3;

/// All niches, of each some of its front, for what to try next.
pub(crate) fn navigate(subjects: &[Subject<'_>]) -> Result<String, Error> {
    let niches = subjects.iter().map(|subject| {
        let request = subject.request;
        let evaluated: Vec<&Evaluated> = request.pool().collect();
        let last =
            |one: &&&Evaluated| one.generation > 0 && one.generation + 1 == request.generation;
        let last: Vec<&&Evaluated> = evaluated.iter().filter(last).collect();
        let is_on_front =
            |one: &&&&Evaluated| request.parents.iter().any(|parent| parent.arch == one.arch);
        let best = spread(&request.parents, BEST);
        let best = best.map(|one| subject.shown(one, false));
        context! {
            name => subject.niche(request.niche),
            evaluated => evaluated.len(),
            front => request.parents.len(),
            last => last.len(),
            entered => last.iter().filter(is_on_front).count(),
            best => best.collect::<Vec<Value>>(),
        }
    });
    let niches: Vec<Value> = niches.collect();
    let setting = subjects.first().map(|subject| subject.setting_of_all()).unwrap_or_default();
    render("navigate", context! { niches, ..setting })
}

/// What is shown and asked for where architectures are proposed from parents.
pub(crate) struct Proposing<'a> {
    pub parents: &'a [&'a Evaluated],
    pub knowledge: &'a KnowledgeBase,
    /// Why the last proposals were refused.
    pub rejections: &'a [String],
    /// What became of the last proposals, where the model is reminded of them.
    pub outcomes: Option<&'a [Outcome]>,
    /// Whether edits of parents are asked for, rather than whole architectures.
    pub edits: bool,
    /// Whether crossover is asked for, rather than mutation.
    pub crossover: bool,
}

/// Stage 2: new architectures from the parents, as edits or as a whole.
pub(crate) fn propose(subject: Subject<'_>, asked: &Proposing<'_>) -> Result<String, Error> {
    let Proposing { parents, knowledge, rejections, outcomes, edits, crossover } = *asked;
    let parents = parents.iter().zip(1..);
    let parents =
        parents.map(|(parent, number)| context! { number, ..subject.shown(parent, edits) });
    let parents: Vec<Value> = parents.collect();
    let refusals = &rejections[rejections.len().saturating_sub(REJECTIONS)..];
    let refusals = if outcomes.is_some() { &[] } else { refusals };
    let (rules, count) = (subject.rules(knowledge), subject.request.count);
    render(
        "propose",
        context! {
            parents, refusals, edits, crossover, count, rules,
            ..context! { ..subject.outcomes(outcomes), ..subject.setting() }
        },
    )
}

/// A choice from each group of a slate.
pub(crate) fn choose(
    subject: Subject<'_>,
    slate: &Slate<'_>,
    outcomes: Option<&[Outcome]>,
) -> Result<String, Error> {
    let groups: Vec<Vec<Value>> = slate
        .groups()
        .map(|group| {
            let candidates = group.map(|at| {
                let (parent, made) = slate.made(subject, at);
                context! { number => at + 1, parent, made }
            });
            candidates.collect()
        })
        .collect();
    render("choose", context! { groups, ..situation(subject, slate, outcomes) })
}

/// The system message where a reply is a letter.
pub(crate) fn system_of_letters() -> Result<String, Error> {
    render("letters", context!())
}

/// The letter of a candidate in the order in which the model sees them.
pub(crate) fn letter(candidate: usize) -> char {
    char::from(b'A' + (candidate % 26) as u8)
}

/// The candidates of a slate by letters, for the most promising.
pub(crate) fn rank(
    subject: Subject<'_>,
    slate: &Slate<'_>,
    outcomes: Option<&[Outcome]>,
) -> Result<String, Error> {
    let candidates = slate.groups().flatten().map(|at| {
        let (parent, made) = slate.made(subject, at);
        context! { letter => letter(at).to_string(), parent, made }
    });
    let candidates: Vec<Value> = candidates.collect();
    render("rank", context! { candidates, ..situation(subject, slate, outcomes) })
}

/// One candidate of a slate, for the values that the model expects. All candidates have the same beginning.
pub(crate) fn estimate(
    subject: Subject<'_>,
    slate: &Slate<'_>,
    candidate: usize,
    outcomes: Option<&[Outcome]>,
) -> Result<String, Error> {
    let (parent, made) = slate.made(subject, candidate);
    let choices = subject.choices(&slate.child(candidate).arch, false);
    render("estimate", context! { choices, parent, made, ..situation(subject, slate, outcomes) })
}

/// What the model sees before candidates.
fn situation(subject: Subject<'_>, slate: &Slate<'_>, outcomes: Option<&[Outcome]>) -> Value {
    let evaluated = slate.evaluated().iter().zip(1..);
    let evaluated = evaluated.map(|(one, number)| context! { number, ..subject.shown(one, false) });
    let evaluated: Vec<Value> = evaluated.collect();
    let rules = subject.rules(subject.request.knowledge());
    context! { evaluated, rules, ..context! { ..subject.outcomes(outcomes), ..subject.setting() } }
}

/// One stage without niches, parents or rules. With `device` it asks for the whole range of the
/// [main cost](Objective::main_cost), which is usually the latency.
pub(crate) fn plain(subject: Subject<'_>, device: bool) -> Result<String, Error> {
    let objectives = subject.request.objectives;
    let cost = Objective::main_cost(objectives).filter(|_| device);
    let cost = cost.map(|at| name(&objectives[at]));
    render("plain", context! { cost, count => subject.request.count, ..subject.setting() })
}

/// Asks again for `count` missing architectures.
pub(crate) fn again(rejections: &[String], count: usize) -> Result<String, Error> {
    let rejections = &rejections[..rejections.len().min(REJECTIONS)];
    render("again", context! { refusals => rejections, count })
}

/// Asks for the best architectures from memory.
pub(crate) fn memorise(space: &Space, dataset: &str, count: usize) -> Result<String, Error> {
    let space = space_data(space, all_choices(space));
    render("memorise", context! { space, dataset, count })
}

/// Asks for the accuracy of an architecture. `known` are some with their accuracies, `others` some without.
pub(crate) fn accuracy(
    names: &Names,
    dataset: &str,
    (known, others): (&[(Arch, f64)], &[Arch]),
    asked: &Arch,
) -> Result<String, Error> {
    let space = names.space();
    let choices = |arch: &Arch| -> String {
        let shown = names.shown(arch);
        space.choice_names(&shown).collect::<Vec<_>>().join(" ")
    };
    let known = known.iter().map(|(arch, accuracy)| {
        context! { choices => choices(arch), accuracy => format!("{accuracy:.2}") }
    });
    let known: Vec<Value> = known.collect();
    let others: Vec<String> = others.iter().map(choices).collect();
    let legend = names.legend().into_iter();
    let legend: Vec<Value> = legend.map(|(short, name)| context! { short, name }).collect();
    let asked = choices(asked);
    let dataset = if names.is_disguise() { "the images" } else { dataset };
    let space = space_data(space, all_choices(space));
    render("accuracy", context! { space, legend, dataset, known, others, asked })
}
