//! Devices, units, latency and energy cost models, and robust measurement of any closure
