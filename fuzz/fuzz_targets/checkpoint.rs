//! States of searches: content after a valid header, and whole files. A file is a state of the
//! search, or an error.

#![no_main]

use std::sync::{LazyLock, atomic::AtomicBool};

use libfuzzer_sys::fuzz_target;
use nas_bench::container::{self, Kind};
use nas_partition::Partition;
use nas_search::{
    BoxError, Evaluation, Evaluator, Objective, Search, Settings, State, Statistical,
};
use nas_space::{Arch, nasbench201};

const KIND: Kind = Kind { name: *b"srch", version: 1 };

static PARTITION: LazyLock<Partition> =
    LazyLock::new(|| Partition::pel_nas(nasbench201::space()).expect("the space has these niches"));

struct Toy(Vec<Objective>);

impl Evaluator for Toy {
    fn objectives(&self) -> &[Objective] {
        &self.0
    }

    fn evaluate(&mut self, architectures: &[Arch]) -> Result<Vec<Evaluation>, BoxError> {
        let value = |arch: &Arch| arch.choices().iter().map(|choice| f64::from(*choice)).sum();
        let one = |arch| Evaluation { values: vec![Some(value(arch)), Some(1.0)], details: vec![] };
        Ok(architectures.iter().map(one).collect())
    }
}

// The first byte chooses what it is.
fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let framed;
    let file = if which % 2 == 1 {
        bytes
    } else {
        framed = container::around(KIND, bytes);
        &framed
    };
    let Ok((_, _, state)) = container::decode::<(String, u64, State)>(KIND, file) else { return };
    let settings = Settings { evaluations: 40, initial: 20, ..Settings::default() };
    // It ends immediately: the state is checked, and its results are computed.
    let stop = AtomicBool::new(true);
    let search = Search::new(nasbench201::space(), &PARTITION, settings).with_stop_flag(&stop);
    let objectives =
        vec![Objective::accuracy("accuracy"), Objective::latency()];
    let _ = search.resume(state, &mut Statistical, &mut Toy(objectives), &mut |_| {});
});
