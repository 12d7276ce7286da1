//! Numbers that others published.

/// Test accuracies of searchers and of a network by hand on NAS-Bench-201, in %: CIFAR-10,
/// CIFAR-100 and ImageNet16-120 (Dong & Yang 2020, arXiv 2001.00326, table 5).
pub const BASELINES: [(&str, [f64; 3]); 5] = [
    ("ResNet", [93.97, 70.86, 43.63]),
    ("regularised evolution", [93.92, 71.84, 45.54]),
    ("REINFORCE", [93.85, 71.71, 45.24]),
    ("random search", [93.70, 71.04, 44.57]),
    ("BOHB", [93.61, 70.85, 44.42]),
];

/// Prices in US dollars of a million tokens, asked and answered, as their vendor listed them in
/// 2024: an assumption for what a search would cost, not what one has cost.
pub const PRICES: [(&str, f64, f64); 2] = [("gpt-4o-mini", 0.15, 0.60), ("gpt-4o", 2.50, 10.00)];
