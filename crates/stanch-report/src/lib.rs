//! One file per output format: each turns [`Report`](stanch_finding::Report)s, or the [`stacks`] of a recording, into
//! bytes and knows nothing else.
//!
//! Every writer is a pure function to a `Write`: no clock, no environment, no terminal. What differs from call to call,
//! colour, limits, directories, comes in an options struct whose every field the caller says.
#![forbid(unsafe_code)]

mod changes;
pub mod csv;
pub mod firefox;
pub mod folded;
pub mod heaptrack;
pub mod html;
pub mod json;
pub mod kinds;
pub mod massif;
pub mod numbers;
pub mod pprof;
pub mod sarif;
pub mod speedscope;
pub mod stacks;
pub mod text;

pub use changes::ComparedSide;
