//! Architectures as tch networks: the NAS-Bench-201 network, ready for zero-cost proxies
