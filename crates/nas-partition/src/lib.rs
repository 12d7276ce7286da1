//! Complexity axes and niches that partition a search space
