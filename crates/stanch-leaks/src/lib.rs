//! From a frozen heap to what is lost, and from a recording to findings. Pure functions: no I/O, no state, no clock.
//!
//! [`classify`] decides which blocks a process can still reach; it sees addresses and bytes and knows no stacks.
//! [`naive`] gives the same answers slowly and obviously, to hold `classify` against. [`report`] turns what a recording
//! has of one process into findings; it sees stacks and sums and knows no addresses of blocks.
#![forbid(unsafe_code)]

mod estimate;
mod findings;
pub mod naive;
mod reachability;

pub use findings::{Scope, report};
pub use reachability::{
    BlockRange, Captured, Classification, HeapImage, Memory, MemoryRange, PointerPolicy, Pointers, RootSpan, classify,
};
