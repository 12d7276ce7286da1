use std::process::ExitCode;

use nas_search::SearchRng;
use nas_space::{
    Arch,
    nasbench201::{self, Dataset},
};
use rand::SeedableRng;

use crate::{
    arch::Architectures,
    commands::parse_dataset,
    failure::Failure,
    output::{Format, Records, print, print_json},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What the space holds: its decisions and choices
    Describe {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Random architectures
    Sample {
        /// How many
        #[arg(long, short = 'n', value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        shown: Shown,
    },
    /// Architectures in all their forms, with parameters and FLOPs
    Convert {
        #[command(flatten)]
        architectures: Architectures,
        #[command(flatten)]
        shown: Shown,
    },
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// For parameters and FLOPs: cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    dataset: Dataset,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.action {
        Action::Describe { format } => describe(*format)?,
        Action::Sample { count, seed, shown } => {
            let rng = &mut SearchRng::seed_from_u64(*seed);
            let sample: Vec<Arch> = (0..*count).map(|_| nasbench201::space().sample(rng)).collect();
            show(&sample, shown)?;
        }
        Action::Convert { architectures, shown } => show(&architectures.read()?, shown)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(format: Format) -> Result<(), Failure> {
    let space = nasbench201::space();
    if format == Format::Json {
        let value = serde_json::to_value(space)
            .map_err(|error| Failure::work(format!("cannot write JSON: {error}")))?;
        return print_json(&value);
    }
    let mut records = Records::new(["decision", "choices"]);
    for decision in space.decisions() {
        records.push(vec![decision.name.as_str().into(), decision.choices.join(", ").into()]);
    }
    if format == Format::Table {
        let size = space.size().map_or_else(|| "countless".to_owned(), |size| size.to_string());
        print(&format!(
            "{}: {size} architectures, {} isomorphism classes\n{}\n\n",
            space.name(),
            nasbench201::CLASSES,
            space.description()
        ))?;
    }
    records.print(format)
}

fn show(architectures: &[Arch], shown: &Shown) -> Result<(), Failure> {
    let space = nasbench201::space();
    let dataset = shown.dataset;
    if shown.format == Format::Table {
        for arch in architectures {
            let connected =
                if space.is_connected(arch) { "" } else { "  no path from input to output" };
            print(&format!(
                "{}\n  index {}  class {}  op tuple {}{connected}\n  {} parameters, {:.3} MFLOPs; without unreachable operations {} and {:.3}\n",
                nasbench201::arch_str(arch),
                nasbench201::index(arch),
                nasbench201::class(arch),
                nasbench201::op_tuple(arch),
                nasbench201::parameters(arch, dataset),
                nasbench201::flops(arch, dataset) as f64 / 1e6,
                nasbench201::pruned_parameters(arch, dataset),
                nasbench201::pruned_flops(arch, dataset) as f64 / 1e6,
            ))?;
        }
        return Ok(());
    }
    let mut records = Records::new([
        "index",
        "class",
        "arch",
        "op_tuple",
        "connected",
        "parameters",
        "flops",
        "pruned_parameters",
        "pruned_flops",
    ]);
    for arch in architectures {
        records.push(vec![
            nasbench201::index(arch).into(),
            nasbench201::class(arch).into(),
            nasbench201::arch_str(arch).into(),
            nasbench201::op_tuple(arch).into(),
            crate::output::Cell::Flag(space.is_connected(arch)),
            crate::output::Cell::Count(nasbench201::parameters(arch, dataset)),
            crate::output::Cell::Count(nasbench201::flops(arch, dataset)),
            crate::output::Cell::Count(nasbench201::pruned_parameters(arch, dataset)),
            crate::output::Cell::Count(nasbench201::pruned_flops(arch, dataset)),
        ]);
    }
    records.print(shown.format)
}
