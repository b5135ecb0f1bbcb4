//! stanch-process
