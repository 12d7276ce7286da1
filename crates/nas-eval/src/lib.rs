//! Evaluators for nas-search: benchmark tables, and live zero-cost proxies with measured latency
