//! Proof that remembered walks are exact: each is done once more from scratch, and the process ends where they differ.
//!
//! Only in the shared object that a test builds (feature `checked-walks`), never in the one that users get.
use crate::sys;
use crate::threads::Context;
use crate::walk::{Entry, Walk, node_from_scratch, node_of_walk};
use core::sync::atomic::Ordering::*;

/// Compares the walk just done, `depth` remembered frames deep, with one that uses nothing remembered.
pub(crate) fn same_as_from_scratch(context: Context, walk: &mut Walk, depth: usize, entry: Entry) {
    // A handler that allocates now must not use the room for fresh frames: its stack is not recorded.
    context.thread.walking.store(2, Relaxed);
    let remembered = node_of_walk(context, walk, depth);
    let from_scratch = node_from_scratch(context, walk, entry);
    context.thread.walking.store(1, Relaxed);
    if remembered != from_scratch {
        sys::write(2, b"stanch: a remembered stack walk differs from one from scratch\n");
        sys::abort();
    }
}
