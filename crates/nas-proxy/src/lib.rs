//! Zero-cost proxies (NASWOT, SynFlow) for any tch network, on CPU or CUDA
