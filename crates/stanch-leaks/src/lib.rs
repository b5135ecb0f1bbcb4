//! stanch-leaks
