//! The recording: what was learned of a process tree, as a value and as a file.
//!
//! A [`Recording`] holds everything a report needs, names included, so that it can be read again on
//! another machine. It holds counts per site, never one entry per allocation event: its size is
//! bounded by what is live and by the number of distinct stacks, not by how long the program ran.
#![forbid(unsafe_code)]

mod model;

pub use model::{
    AllocatorFunction, Class, Ending, Group, Loss, Misuse, MisuseKind, Module, NodeIndex, Package, Process,
    Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, SiteCounts, SiteIndex, Snapshot, SnapshotReason,
    StackNode, LIFETIME_BUCKETS,
};
