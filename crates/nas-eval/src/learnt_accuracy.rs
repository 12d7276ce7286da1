//! Accuracy predicted from the published accuracies of some networks.

use nas_predict::{Predictor, Settings, within_fences};
use nas_search::{BoxError, Detail, Objective};
use nas_space::Arch;

use crate::{Error, Features, Source, SourceValue, predicted::details};

/// Accuracy in % of any architecture, predicted from those of some, with an interval, and with the
/// trained accuracy if there is one.
pub struct LearntAccuracy {
    features: Box<Features>,
    trained: Vec<(Arch, f64)>,
    predictor: Predictor,
    objective: Objective,
    details: Vec<Detail>,
}

impl LearntAccuracy {
    /// Fits the predictor to trained networks with their accuracies in %.
    ///
    /// # Errors
    /// Those of the predictor, for example without any accuracy.
    pub fn new(features: Box<Features>, trained: Vec<(Arch, f64)>) -> Result<Self, Error> {
        let (architectures, accuracies): (Vec<Arch>, Vec<f64>) = trained.iter().cloned().unzip();
        let targets: Vec<(usize, f64)> =
            within_fences(&accuracies).into_iter().enumerate().collect();
        let table = features(&architectures)?;
        Ok(Self {
            features,
            trained,
            predictor: Predictor::fit(&table, &targets, Settings::default())?,
            objective: Objective::accuracy("predicted_accuracy"),
            details: details("%"),
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

    fn value(&mut self, arch: &Arch) -> Result<SourceValue, BoxError> {
        let table = (self.features)(std::slice::from_ref(arch))?;
        let predicted = self.predictor.predict(&table)?.remove(0);
        let trained = self.trained.iter().find(|(trained, _)| trained == arch);
        let trained = trained.map(|(_, accuracy)| *accuracy);
        let [value, low, high] = [predicted.value, predicted.low, predicted.high]
            .map(|one| Some(self.objective.nearest(one)));
        Ok(SourceValue { value, details: vec![trained, low, high] })
    }
}
