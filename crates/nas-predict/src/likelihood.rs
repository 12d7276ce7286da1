//! The marginal likelihood of Gaussian processes, and the search for the parameters that maximise it.

use std::cell::RefCell;

use argmin::{
    core::{CostFunction, Executor, Gradient, State},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use faer::{
    Mat, Side,
    linalg::solvers::{DenseSolveCore, Solve},
};

/// Added to the noise's variance so that the kernel matrix can always be factorised.
pub(crate) const JITTER: f64 = 1e-6;

/// The marginal likelihood of targets under a kernel matrix (Rasmussen & Williams 2006, chapter 5).
pub(crate) struct MarginalLikelihood {
    /// Its negative logarithm without the constant term (equation 5.8).
    pub cost: f64,
    /// The inverse of the kernel matrix.
    pub inverse: Mat<f64>,
    /// The inverse times the targets, a column.
    pub solved: Mat<f64>,
}

impl MarginalLikelihood {
    /// `kernel` includes the noise; `None` where it cannot be factorised.
    pub(crate) fn new(kernel: &Mat<f64>, targets: &[f64]) -> Option<Self> {
        let rows = targets.len();
        let cholesky = kernel.llt(Side::Lower).ok()?;
        let inverse = cholesky.inverse();
        let solved = cholesky.solve(Mat::from_fn(rows, 1, |i, _| targets[i]));
        let fit: f64 = (0..rows).map(|i| targets[i] * solved[(i, 0)]).sum();
        let determinant: f64 = (0..rows).map(|i| cholesky.L()[(i, i)].ln()).sum();
        Some(Self { cost: 0.5 * fit + determinant, inverse, solved })
    }

    /// Twice the derivative of the cost with respect to an entry of the kernel matrix
    /// (equation 5.9).
    pub(crate) fn twice_slope(&self, i: usize, j: usize) -> f64 {
        self.inverse[(i, j)] - self.solved[(i, 0)] * self.solved[(j, 0)]
    }
}

/// When [`minimise`] ends.
pub(crate) struct Effort {
    /// Past steps that L-BFGS remembers.
    pub memory: usize,
    /// The largest number of steps.
    pub steps: u64,
    /// A change of the cost, or a gradient, below this ends the search.
    pub tolerance: f64,
}

/// The point with the least cost that L-BFGS finds from `start`; `start` where it finds none.
/// `cost` returns a cost and its gradient, or `None` where there is none.
pub(crate) fn minimise(
    cost: impl Fn(&[f64]) -> Option<(f64, Vec<f64>)>,
    start: Vec<f64>,
    effort: &Effort,
) -> Vec<f64> {
    let problem = Problem { cost, last: RefCell::default() };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), effort.memory);
    let solver = solver
        .with_tolerance_cost(effort.tolerance)
        .and_then(|solver| solver.with_tolerance_grad(effort.tolerance));
    let found = solver.and_then(|solver| {
        let executor = Executor::new(problem, solver);
        executor.configure(|state| state.param(start.clone()).max_iters(effort.steps)).run()
    });
    let best = found.ok().and_then(|found| found.state().get_best_param().cloned());
    best.unwrap_or(start)
}

/// The cost of a point without one.
const NO_COST: f64 = 1e10;

struct Problem<F> {
    cost: F,
    /// The last point, its cost and its gradient: the solver requests them one after the other.
    last: RefCell<(Vec<f64>, f64, Vec<f64>)>,
}

impl<F: Fn(&[f64]) -> Option<(f64, Vec<f64>)>> Problem<F> {
    fn compute(&self, at: &[f64]) -> (f64, Vec<f64>) {
        if self.last.borrow().0 != at {
            let (cost, gradient) = (self.cost)(at).unwrap_or((NO_COST, vec![0.0; at.len()]));
            *self.last.borrow_mut() = (at.to_vec(), cost, gradient);
        }
        let last = self.last.borrow();
        (last.1, last.2.clone())
    }
}

impl<F: Fn(&[f64]) -> Option<(f64, Vec<f64>)>> CostFunction for Problem<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.compute(at).0)
    }
}

impl<F: Fn(&[f64]) -> Option<(f64, Vec<f64>)>> Gradient for Problem<F> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, at: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.compute(at).1)
    }
}
