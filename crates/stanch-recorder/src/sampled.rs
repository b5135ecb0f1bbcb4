//! The hooks of a sampled recording: a shared object of its own (feature `sampled`), so that the hooks of full
//! recording pay nothing for it.
//!
//! `malloc` counts down and jumps on; `free` looks into a small filter and jumps on. Only a block that is sampled, or
//! that might be, goes through Rust code.
mod blocks;
mod countdown;
mod filter;
pub(crate) mod hooks;
mod operators;
