//! What a user's searcher is told: the lines that it reads.

use nas_pareto::Direction;
use nas_search::{Evaluated, Objective, Request};
use nas_space::{Arch, Decision, Space};
use serde_json::{Map, Value, json};

use super::architecture::{choices, written};

/// The first line: what is searched.
pub(super) fn start(space: &Space, objectives: &[Objective], seed: u64) -> Value {
    let decisions = space.decisions();
    let choices = |decision: &Decision| -> Vec<Value> {
        decision.choices.iter().map(|choice| written(choice)).collect()
    };
    let described = decisions.iter().map(|decision| {
        let mut described = json!({ "name": decision.name, "choices": choices(decision) });
        if let Some(on) = &decision.active {
            let earlier = &decisions[on.decision];
            let all = choices(earlier);
            let met: Vec<&Value> = on.choices.iter().map(|at| &all[usize::from(*at)]).collect();
            described["if"] = json!({ &earlier.name: met });
        }
        described
    });
    let goals = objectives.iter().map(|one| {
        let goal = if one.direction == Direction::Maximise { "max" } else { "min" };
        json!({ "name": one.column(), "goal": goal })
    });
    json!({
        "space": {
            "name": space.name(),
            "decisions": described.collect::<Vec<_>>(),
            "axes": space.axes().iter().map(|axis| &axis.name).collect::<Vec<_>>(),
        },
        "objectives": goals.collect::<Vec<_>>(),
        "seed": seed,
    })
}

/// A request, with the evaluations of these numbers, and the proposals that were refused.
pub(super) fn request(
    id: usize,
    request: &Request<'_>,
    results: impl Iterator<Item = usize>,
    refused: &[Value],
) -> Value {
    let Request { space, objectives, evaluated, .. } = *request;
    let result = |number: usize| result(number, &evaluated[number], space, objectives);
    let mut line = json!({ "id": id, "count": request.count });
    if let Some(niche) = niche(request) {
        line["niche"] = niche;
    }
    line["results"] = results.map(result).collect();
    line["refused"] = refused.into();
    let pending = request.pending.iter();
    line["pending"] = pending.map(|arch| Value::from(architecture(space, arch))).collect();
    line
}

/// The niche that proposals must lie in, if the space is cut into several; its parents are numbers of
/// results.
fn niche(request: &Request<'_>) -> Option<Value> {
    let niches = request.partition.niches();
    let niche = niches.get(request.niche).filter(|_| niches.len() > 1)?;
    let is_parent = |arch: &Arch| request.parents.iter().any(|parent| parent.arch == *arch);
    let all = request.evaluated.iter().enumerate();
    let parents = all.filter(|(_, one)| is_parent(&one.arch)).map(|(number, _)| number);
    Some(json!({
        "number": request.niche + 1,
        "of": niches.len(),
        "bounds": niche.description,
        "parents": parents.collect::<Vec<_>>(),
    }))
}

fn architecture(space: &Space, arch: &Arch) -> Map<String, Value> {
    let mut written = Map::new();
    written.insert("arch".to_owned(), space.format(arch).into());
    written.insert("choices".to_owned(), choices(space, arch).into());
    written
}

fn result(number: usize, one: &Evaluated, space: &Space, objectives: &[Objective]) -> Value {
    let values = objectives.iter().zip(&one.values);
    let values: Map<String, Value> =
        values.map(|(objective, value)| (objective.column(), (*value).into())).collect();
    let mut result = Map::new();
    result.insert("number".to_owned(), number.into());
    result.extend(architecture(space, &one.arch));
    result.insert("values".to_owned(), values.into());
    if let Some(failure) = &one.failure {
        result.insert("error".to_owned(), failure.as_str().into());
    }
    if one.stopped {
        result.insert("stopped".to_owned(), true.into());
    }
    result.insert("proposer".to_owned(), one.proposer.as_str().into());
    result.into()
}
