//! Public NAS benchmarks: verified downloads, parsers, and compact tables that open in milliseconds
