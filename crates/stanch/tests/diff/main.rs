//! `stanch diff` on what was really built and recorded.
//!
//! `builds` plants a leak in programs that also changed in every harmless way, `real` runs Debian's programs twice,
//! `sides` gives it what else can be compared, and what cannot. A missing tool fails the test.
#![forbid(unsafe_code)]

#[path = "../cli/bench.rs"]
#[allow(dead_code, reason = "the tools of another test, of which this one needs some")]
mod bench;
mod builds;
mod programs;
mod real;
mod sides;
mod told;
