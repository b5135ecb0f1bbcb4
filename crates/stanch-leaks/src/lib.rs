//! From a frozen heap to what is lost, and from a recording to findings. Pure functions: no I/O, no state, no clock.
//!
//! [`classify`] decides which blocks a process can still reach; it sees addresses and bytes and knows no stacks.
//! [`naive`] gives the same answers slowly and obviously, to hold `classify` against.
#![forbid(unsafe_code)]

pub mod naive;
mod reachability;

pub use reachability::{BlockRange, Classification, HeapImage, MemoryRange, PointerPolicy, RootSpan, classify};
