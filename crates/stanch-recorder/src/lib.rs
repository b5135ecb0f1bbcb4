//! The shared object inside the recorded process: hooks and stack walk, nothing else.
//!
//! It is a guest. Its rules:
//! * It never allocates through the functions it hooks, and has no allocator of its own: all its memory is
//!   the ledger's, a mapped file, and a few static tables.
//! * It holds no lock while it calls anything of the program or the C library.
//! * It does not panic, and it returns where it cannot go on: then a block is not recorded, and the ledger says so.
//! * It keeps no file descriptor, signal handler, thread or timer.
//! * Names, sums and decisions are the collector's work.
//!
//! What it is *not* for: deciding reachability, reading symbols, writing files.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(dead_code, reason = "hooks are not exported from a test program"))]
#![allow(unreachable_pub, reason = "hooks are reached by their symbols")]

#[cfg_attr(feature = "sampled", expect(dead_code, reason = "sampled blocks are written down in `sampled::blocks`"))]
mod blocks;
mod cfi;
#[cfg(feature = "checked-walks")]
mod checked;
mod control;
mod create;
mod ends;
mod exec;
#[cfg(not(feature = "sampled"))]
mod hooks;
mod huge;
mod injected;
mod life;
mod map;
mod mappings;
mod misuse;
mod modules;
#[cfg(not(feature = "sampled"))]
mod operators;
mod real;
mod rule;
mod rules;
#[cfg(any(feature = "sampled", test))]
mod sampled;
mod session;
mod shell;
mod sys;
mod text;
mod threads;
mod tls;
mod trie;
mod undo;
mod walk;

#[cfg(feature = "sampled")]
use sampled::hooks;

/// What one block adds to a counter that is not weighted.
#[cfg(not(feature = "sampled"))]
const BLOCK_UNITS: u64 = 1;
/// What one block adds to a counter in a ledger whose counters are weighted.
#[cfg(feature = "sampled")]
const BLOCK_UNITS: u64 = stanch_ledger::sampling::COUNT_UNITS;

#[cfg(feature = "shared-object")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Unreachable by design; if a check of the language fails all the same, dying with a signal of its own is
    // better than writing to the wrong place.
    // SAFETY: abort takes no arguments.
    unsafe { libc::abort() }
}
