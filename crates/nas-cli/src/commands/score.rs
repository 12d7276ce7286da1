use std::process::ExitCode;

use nas_space::nasbench201::Dataset;

use crate::{
    arch::Architectures,
    commands::{live::ProxyArguments, parse_dataset},
    failure::Failure,
    output::Format,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub architectures: Architectures,
    /// The proxies, separated by commas: naswot, synflow, ln-synflow
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "naswot,synflow")]
    pub proxies: Vec<String>,
    /// cifar10, cifar100 or ImageNet16-120
    #[arg(long, value_name = "NAME", default_value = "cifar10", value_parser = parse_dataset)]
    pub dataset: Dataset,
    /// The seed of weights and batch
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub proxy: ProxyArguments,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[cfg(not(feature = "torch"))]
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(super::live::unavailable("compute proxies"))
}

#[cfg(feature = "torch")]
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    use crate::{
        arch::shown,
        output::{Cell, Records},
        progress::Progress,
    };
    use nas_proxy::Proxy;
    use nas_space::nasbench201;

    let known = || Proxy::ALL.into_iter().map(Proxy::name);
    let proxies = arguments
        .proxies
        .iter()
        .map(|name| {
            let proxy = Proxy::ALL.into_iter().find(|proxy| proxy.name() == name);
            proxy.ok_or_else(|| nas_space::Error::unknown_name("proxy", name, known()))
        })
        .collect::<Result<Vec<Proxy>, _>>()?;
    let architectures = arguments.architectures.read()?;
    let networks = arguments.proxy.networks(arguments.dataset, arguments.seed)?;
    let batch = arguments.proxy.images(arguments.dataset, arguments.seed)?;

    let columns = ["index", "arch"].into_iter().chain(proxies.iter().map(|proxy| proxy.name()));
    let mut records = Records::new(columns);
    let mut progress = Progress::new("scoring", architectures.len());
    for (done, arch) in architectures.iter().enumerate() {
        let values = nas_proxy::score(&networks.build(arch)?, &batch, &proxies)?;
        let text = shown(arch, arguments.format);
        let mut row: Vec<Cell> = vec![nasbench201::index(arch).into(), text.into()];
        row.extend(values.into_iter().map(Cell::from));
        records.push(row);
        progress.update(done + 1, arguments.dataset.name());
    }
    progress.finish();
    records.print(arguments.format)?;
    Ok(ExitCode::SUCCESS)
}
