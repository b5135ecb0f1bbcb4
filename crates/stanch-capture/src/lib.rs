//! stanch-capture
