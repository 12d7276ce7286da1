//! Partitioned multi-objective architecture search: the loop, its Proposer and Evaluator, evolution and random search
