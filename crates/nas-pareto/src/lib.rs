//! Pareto dominance, archives, non-dominated sorting, crowding distance, exact hypervolume, IGD and IGD+
