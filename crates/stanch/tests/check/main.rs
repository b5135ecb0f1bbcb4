//! `stanch check` as its users meet it.
//!
//! `builds` watches builds of every kind, `inputs` is about databases, files and folders, `hostile` about what nobody
//! should hand it, `outputs` about formats and statuses, `real` about programs of Debian. A missing tool fails the
//! test.
#![forbid(unsafe_code)]

#[path = "../cli/bench.rs"]
#[allow(dead_code, reason = "the tools of another test, of which this one needs some")]
mod bench;
mod builds;
mod hostile;
mod inputs;
mod outputs;
mod project;
mod real;
