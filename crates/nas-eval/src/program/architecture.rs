//! Architectures in the lines that a user's program reads and writes.

use nas_space::{Activity, Arch, Decision, Space};
use serde_json::{Map, Value};

/// A choice as it is written: one that is a number, as a number.
pub(super) fn written(choice: &str) -> Value {
    let number = serde_json::from_str(choice).map(Value::Number);
    number.unwrap_or_else(|_| choice.into())
}

/// The choices of an architecture at its active decisions, by their names.
pub(super) fn choices(space: &Space, arch: &Arch) -> Map<String, Value> {
    let names = space.decisions().iter().zip(space.active(arch)).zip(space.choice_names(arch));
    let active = names.filter(|((_, active), _)| *active);
    active.map(|((decision, _), choice)| (decision.name.clone(), written(choice))).collect()
}

/// The architecture with these choices; those at inactive decisions are left out or ignored.
///
/// # Errors
/// A name that is no decision or no choice of it, or a decision without a choice.
pub(super) fn with_choices(space: &Space, choices: &Map<String, Value>) -> Result<Arch, String> {
    let mut given = vec![&Value::Null; space.decisions().len()];
    for (name, choice) in choices {
        given[space.decision_named(name).map_err(|error| error.to_string())?] = choice;
    }
    let (mut taken, mut active) = (Vec::<u8>::new(), Vec::<bool>::new());
    for (decision, given) in space.decisions().iter().zip(given) {
        let met = |on: &Activity| active[on.decision] && on.choices.contains(&taken[on.decision]);
        let is_active = decision.active.as_ref().is_none_or(met);
        taken.push(if is_active { choice(decision, given)? } else { 0 });
        active.push(is_active);
    }
    Ok(Arch::new(taken))
}

/// The choice that a value names; a number may be written in another way.
fn choice(decision: &Decision, given: &Value) -> Result<u8, String> {
    let text = match given {
        Value::Null => return Err(format!("`{}` has no choice", decision.name)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let equal = |number: f64| {
        let is_equal = |choice: &String| choice.parse() == Ok(number);
        decision.choices.iter().position(is_equal).map(|at| at as u8)
    };
    decision.choice(&text).or_else(|unknown| {
        let equal = text.parse().ok().and_then(equal);
        equal.ok_or_else(|| format!("`{}`: {unknown}", decision.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        Space::from_toml(
            "name = \"mine\"\n[[decision]]\nname = \"depth\"\nchoices = [1, 2]\n\
             [[decision]]\nname = \"kernel\"\nchoices = [3, 5]\nif = { depth = 2 }\n\
             [[decision]]\nname = \"rate\"\nchoices = [0.5, 1.0, \"auto\"]\n",
        )
        .unwrap()
    }

    fn read(text: &str) -> Result<String, String> {
        let choices: Map<String, Value> = serde_json::from_str(text).unwrap();
        with_choices(&space(), &choices).map(|arch| space().format(&arch))
    }

    #[test]
    fn every_architecture_reads_back_from_its_choices() {
        for space in [space(), nas_space::nasbench201::space().clone()] {
            for arch in space.enumerate() {
                assert_eq!(with_choices(&space, &choices(&space, &arch)), Ok(arch));
            }
        }
    }

    #[test]
    fn choices_are_named_as_people_name_them_and_mistakes_are_shown() {
        for (text, expected) in [
            (r#"{"depth": 1, "rate": 1}"#, "1 - 1"),
            (r#"{"rate": "auto", "depth": "2", "kernel": 5.0}"#, "2 5 auto"),
            // What is inactive does not matter.
            (r#"{"depth": 1, "kernel": 7, "rate": 5e-1}"#, "1 - 0.5"),
            (r#"{"depth": 1, "kernel": null, "rate": 0.5}"#, "1 - 0.5"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, expected) in [
            (r#"{"depth": 2, "rate": 1}"#, "`kernel` has no choice"),
            (r#"{"depth": 3, "rate": 1}"#, "`depth`: unknown choice `3`; known: 1, 2"),
            (r#"{"depth": [1], "rate": 1}"#, "unknown choice `[1]`"),
            (r#"{"deph": 2}"#, "depth"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
