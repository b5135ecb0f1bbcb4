//! Source to findings: what a program would leak, found without running it.
//!
//! The parts, in the order of the flow: `source` learns how each file is compiled and has clang write its LLVM IR as
//! text, `frontend` reads that text into our own representation, `ir` is that representation, `engine` executes it
//! symbolically from the leaves of the call graph upwards, `models` says what library functions do, `rules` turns what
//! the engine saw into findings.
#![forbid(unsafe_code)]

mod check;
pub mod engine;
pub mod frontend;
pub mod ir;
pub mod models;
pub mod rules;
pub mod source;

pub use check::{CheckPlan, Checked, Step, check};
