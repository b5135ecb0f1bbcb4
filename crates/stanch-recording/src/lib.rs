//! The recording: what was learned of a process tree, as a value and as a file.
//!
//! A [`Recording`] holds everything a report needs, names included, so that it can be read again on
//! another machine. It holds counts per site, never one entry per allocation event: its size is
//! bounded by what is live and by the number of distinct stacks, not by how long the program ran.
//!
//! [`write_file`] and [`read_file`] are the file; [`Archive`] reads one process of a large file
//! without the others. The file is hostile input: whatever its bytes, reading it does not panic,
//! takes no more memory than its length explains, and yields indexes that are in range.
#![forbid(unsafe_code)]

mod file;
mod history;
mod model;
mod stack;

pub use file::{
    Archive, FormatVersion, Inconsistency, ReadError, WriteError, check, read, read_file, write, write_file,
};
pub use history::{
    HISTORY_POINTS_MAX, HISTORY_SITES_MAX, History, HistoryPoint, PeakSite, PeakSites, PointSites, SizeClass,
};
pub use model::{
    AllocatorFunction, Class, Ending, Group, LIFETIME_BUCKETS, Loss, Misuse, MisuseKind, Module, NodeIndex, Package,
    Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, Sampling, SeenBlocks, SiteCounts, SiteIndex,
    Snapshot, SnapshotReason, StackNode,
};
pub use stack::StackEntry;
