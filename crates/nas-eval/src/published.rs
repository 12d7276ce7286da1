use nas_bench::{FbnetBlocks, NasBench201, VitBench, VitDataset, VitFamily};
use nas_hw::{Device, Metric};
use nas_predict::{Predictor, Settings, Table, within_fences};
use nas_search::{BoxError, Detail, Objective};
use nas_space::{Arch, autoformer::Size, fbnet::Input, nasbench201::Dataset};

use crate::{Domain, Error, Lookup, Source, Truth, benchmark};

/// What was published of a task's architectures, opened.
pub trait Published {
    /// What is known of their accuracy.
    ///
    /// # Errors
    /// Those of a predictor that learns from it.
    fn accuracy(&self) -> Result<PublishedAccuracy, Error>;

    /// Latency or energy on a device; `None` where no cost was published.
    ///
    /// # Errors
    /// A device, or an energy, that is not among what was published.
    fn cost(&self, device: Device, metric: Metric) -> Result<Option<Box<dyn Source>>, Error>;

    /// The truth about all architectures on a device, where it is known.
    ///
    /// # Errors
    /// Those of [`Self::cost`].
    fn truth(&self, _device: Device, _metrics: &[Metric]) -> Result<Option<Truth>, Error> {
        Ok(None)
    }

    /// Test accuracy in % by index, where architectures have one that a search does not see.
    ///
    /// # Errors
    /// Those of the benchmark.
    fn test_accuracy(&self) -> Result<Option<Vec<f64>>, Error> {
        Ok(None)
    }
}

/// What is known of the accuracy of a task's architectures.
pub enum PublishedAccuracy {
    /// Nothing.
    Absent,
    /// That of some; all are predicted by what learnt from them.
    OfSome {
        /// Predicted accuracy, with an interval, and the label of an architecture that has one.
        predicted: Box<dyn Source>,
        /// What was learnt from, in words.
        from: String,
    },
    /// That of all.
    OfAll {
        /// Published accuracy.
        accuracy: Box<dyn Source>,
        /// The space as a predictor sees it that learns from bought labels.
        domain: Domain,
        /// What it is, in words.
        from: String,
    },
}

/// NAS-Bench-201 and HW-NAS-Bench.
pub(crate) struct OnNasBench201 {
    pub tables: NasBench201,
    pub dataset: Dataset,
}

impl Published for OnNasBench201 {
    fn accuracy(&self) -> Result<PublishedAccuracy, Error> {
        let fidelity = benchmark::search_fidelity(self.dataset);
        Ok(PublishedAccuracy::OfAll {
            accuracy: Box::new(benchmark::accuracy(&self.tables, self.dataset, fidelity)?),
            domain: benchmark::domain(self.dataset)?,
            from: format!("NAS-Bench-201 ({fidelity})"),
        })
    }

    fn cost(&self, device: Device, metric: Metric) -> Result<Option<Box<dyn Source>>, Error> {
        Ok(Some(Box::new(benchmark::cost(&self.tables, self.dataset, device, metric)?)))
    }

    fn truth(&self, device: Device, metrics: &[Metric]) -> Result<Option<Truth>, Error> {
        benchmark::truth(&self.tables, self.dataset, device, metrics).map(Some)
    }

    fn test_accuracy(&self) -> Result<Option<Vec<f64>>, Error> {
        let accuracies = self.tables.accuracy(self.dataset, nas_bench::Fidelity::TEST)?;
        Ok(Some(accuracies.to_vec()))
    }
}

/// HW-NAS-Bench's costs of FBNet's blocks.
pub(crate) struct OnFbnet {
    pub blocks: FbnetBlocks,
    pub input: Input,
}

impl Published for OnFbnet {
    fn accuracy(&self) -> Result<PublishedAccuracy, Error> {
        Ok(PublishedAccuracy::Absent)
    }

    fn cost(&self, device: Device, metric: Metric) -> Result<Option<Box<dyn Source>>, Error> {
        let costs = self.blocks.costs(device, metric, self.input)?;
        let find = move |arch: &Arch| costs.cost(arch);
        Ok(Some(Box::new(Lookup::new(benchmark::cost_objective(metric), find))))
    }
}

/// ViT-Bench-101.
pub(crate) struct OnVitBench {
    pub bench: VitBench,
    pub family: VitFamily,
    pub dataset: VitDataset,
}

impl Published for OnVitBench {
    fn accuracy(&self) -> Result<PublishedAccuracy, Error> {
        let labelled: Vec<(Arch, f64)> = self
            .bench
            .accuracies(self.family, self.dataset)
            .map(|(arch, accuracy)| (arch.clone(), accuracy))
            .collect();
        if labelled.is_empty() {
            return Ok(PublishedAccuracy::Absent);
        }
        let of = match self.dataset {
            VitDataset::ImageNet => ", supernet",
            _ => ", distilled",
        };
        let (count, dataset) = (labelled.len(), self.dataset);
        let from = format!("{count} networks of ViT-Bench-101 ({dataset}{of})");
        let predicted = LearntAccuracy::new(self.family, labelled)?;
        Ok(PublishedAccuracy::OfSome { predicted: Box::new(predicted), from })
    }

    fn cost(&self, _: Device, _: Metric) -> Result<Option<Box<dyn Source>>, Error> {
        Ok(None)
    }
}

/// The features that the accuracy of a vision transformer is learnt from, a row for each
/// architecture of a family.
///
/// # Errors
/// None for architectures of the family's space.
pub fn vit_features(family: VitFamily, architectures: &[Arch]) -> Result<Table, Error> {
    let table = Table::new(family.space(), architectures);
    match family {
        VitFamily::Pit => Ok(table),
        VitFamily::AutoFormer => {
            let parameters = architectures.iter().map(|arch| {
                let plan = Size::Tiny.network(arch).ok()?;
                Some(plan.parameters(224, 1000) as f64)
            });
            Ok(table.with_scores("parameters", parameters)?)
        }
    }
}

/// Accuracy as a predictor tells it that learnt from the accuracies of some.
struct LearntAccuracy {
    family: VitFamily,
    labelled: Vec<(Arch, f64)>,
    predictor: Predictor,
    objective: Objective,
    details: Vec<Detail>,
}

impl LearntAccuracy {
    fn new(family: VitFamily, labelled: Vec<(Arch, f64)>) -> Result<Self, Error> {
        let (architectures, accuracies): (Vec<Arch>, Vec<f64>) = labelled.iter().cloned().unzip();
        let labels: Vec<(usize, f64)> =
            within_fences(&accuracies).into_iter().enumerate().collect();
        let table = vit_features(family, &architectures)?;
        let detail = |name: &str| Detail { name: name.to_owned(), unit: "%".to_owned() };
        Ok(Self {
            family,
            labelled,
            predictor: Predictor::fit(&table, &labels, Settings::default())?,
            objective: Objective::accuracy("predicted_accuracy"),
            details: ["label", "predicted_low", "predicted_high"].map(detail).to_vec(),
        })
    }
}

impl Source for LearntAccuracy {
    fn objective(&self) -> &Objective {
        &self.objective
    }

    fn details(&self) -> &[Detail] {
        &self.details
    }

    fn value(&mut self, arch: &Arch) -> Result<(Option<f64>, Vec<Option<f64>>), BoxError> {
        let table = vit_features(self.family, std::slice::from_ref(arch))?;
        let predicted = self.predictor.predict(&table)?.remove(0);
        let label = self.labelled.iter().find(|(labelled, _)| labelled == arch);
        let label = label.map(|(_, accuracy)| *accuracy);
        Ok((Some(predicted.value), vec![label, Some(predicted.low), Some(predicted.high)]))
    }
}
