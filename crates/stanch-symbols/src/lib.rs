//! stanch-symbols
