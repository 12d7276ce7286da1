//! Tests of every known space.

use nas_search::SearchRng;
use rand::SeedableRng;

use super::{ALL, named, names, problem};
use crate::Problem;

/// Every space on every data set.
fn all() -> impl Iterator<Item = Problem> {
    ALL.iter().flat_map(|known| {
        let datasets = known.datasets().into_iter();
        datasets.map(|dataset| Problem::new(*known, Some(dataset)).unwrap())
    })
}

#[test]
fn names_and_aliases_find_their_space_and_are_distinct() {
    let mut seen = std::collections::HashSet::new();
    for known in ALL {
        let name = known.space().name();
        for name in known.aliases().iter().copied().chain([name]) {
            assert!(seen.insert(name), "{name}");
            assert_eq!(named(name).unwrap().space().name(), known.space().name());
        }
    }
    let error = named("fbnett").err().unwrap().to_string();
    assert!(error.contains("did you mean `fbnet`?"), "{error}");
    assert!(names().all(|name| error.contains(name)), "{error}");
}

#[test]
fn an_unknown_data_set_is_refused_with_those_of_the_space() {
    let error = problem("pit", Some("imagenet")).err().unwrap().to_string();
    assert_eq!(error, "unknown data set `imagenet`; known: cifar100, flowers, chaoyang");
    assert_eq!(problem("fbnet", None).unwrap().dataset_name, Some("cifar100"));
    assert_eq!(problem("nb201", Some("CIFAR100")).unwrap().name, "cifar100");
}

#[test]
fn architectures_are_parsed_from_all_their_forms_and_numbers() {
    let rng = &mut SearchRng::seed_from_u64(1);
    for problem in all() {
        for _ in 0..20 {
            let arch = problem.space.sample(rng);
            assert_eq!(problem.parse(&problem.space.format(&arch)).as_ref(), Ok(&arch));
            for (form, write) in &problem.forms {
                assert_eq!(problem.parse(&write(&arch)).as_ref(), Ok(&arch), "{form}");
            }
            if let Some(numbering) = problem.numbering {
                assert_eq!((numbering.arch)((numbering.index)(&arch)).as_ref(), Ok(&arch));
                assert!((numbering.class)(&arch) < numbering.classes);
            }
            for statistic in &problem.statistics {
                let value = statistic.of(&arch);
                assert!(value.is_finite() && value >= 0.0, "{}: {value}", statistic.name);
            }
        }
    }
}

#[cfg(feature = "torch")]
#[test]
fn networks_for_a_users_images_have_as_many_parameters_as_are_counted() {
    use nas_space::Task;

    let rng = &mut SearchRng::seed_from_u64(3);
    let mut compared = 0;
    for (channels, side, classes) in [(1, 32, 5), (3, 96, 37)] {
        let task = Task { channels, side, classes };
        for known in ALL {
            let problem = Problem::new(known, None).unwrap();
            let Some(problem) = problem.for_task(task, "mine") else { continue };
            assert_eq!(problem.blueprint.as_ref().unwrap().task, task);
            let counted = problem.statistics.iter().find(|one| one.name == "parameters").unwrap();
            for _ in 0..3 {
                // Without what no path reaches: it is not built.
                let arch = problem.space.prune(&problem.space.sample(rng));
                let blueprint = problem.blueprint.clone().unwrap();
                let network = (blueprint.build)(&arch, 1, tch::Device::Cpu).unwrap();
                let built: usize = network.parameters().iter().map(|(_, one)| one.numel()).sum();
                assert_eq!(built, counted.of(&arch) as usize, "{}", problem.space.name());
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 2 * 5 * 3);
}

#[test]
fn a_predictor_can_learn_from_every_space() {
    let rng = &mut SearchRng::seed_from_u64(2);
    for known in ALL {
        let problem = Problem::new(known, None).unwrap();
        let domain = problem.domain().unwrap();
        let architectures: Vec<_> = (0..3).map(|_| problem.space.sample(rng)).collect();
        let table = (domain.features)(&architectures).unwrap();
        assert_eq!(table.rows(), 3);
        assert!(!table.columns().is_empty());
    }
}

#[test]
fn devices_are_those_of_the_manifest() {
    let devices = |name: &str| {
        let problem = problem(name, None).unwrap();
        problem.devices().unwrap().iter().map(|device| device.name.as_str()).collect::<Vec<_>>()
    };
    assert!(devices("nasbench201").contains(&"edgetpu"));
    assert!(!devices("fbnet").contains(&"edgetpu") && devices("fbnet").contains(&"raspi4"));
    assert!(devices("autoformer-tiny").is_empty());
}
