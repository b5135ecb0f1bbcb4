//! What goes out to other tools and what comes in from them.
//!
//! `exports` opens every format with the tool that it is for and compares totals to the byte, `imports` reads what
//! tools wrote about one program and compares fingerprints. `xtask test` installs the tools; a missing one fails.
#![forbid(unsafe_code)]

#[path = "../cli/bench.rs"]
#[allow(dead_code, reason = "the tools of another test, of which this one needs some")]
mod bench;
mod exports;
mod imports;
mod programs;
mod real;
mod tools;
