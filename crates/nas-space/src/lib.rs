//! Search spaces for neural architecture search as data: decisions, architectures, codecs, features, variation, and NAS-Bench-201
