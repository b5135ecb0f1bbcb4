//! Memory over the life of a process, sampled: bounded by its resolution, not by how long the program ran.
//!
//! Samples are taken by the collector while the program runs. What happened between two of them is not known, except
//! for the highest mark, which [`Process::peak_bytes`](crate::Process::peak_bytes) has.

use crate::model::SiteIndex;

/// Most points of a history: when there are more, every other one goes, and points are taken half as often.
pub const HISTORY_POINTS_MAX: usize = 600;

/// Most sites that a point names.
pub const HISTORY_SITES_MAX: usize = 32;

/// Sampled memory of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In the order of time; empty in recordings of versions that took none.
    pub points: Vec<HistoryPoint>,
    /// All sites at the sampled moment at which most was live.
    pub peak: PeakSites,
    /// Sizes of the live blocks of the last snapshot, smallest first; classes without blocks are left out.
    pub sizes: Vec<SizeClass>,
}

/// Memory at one sampled moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPoint {
    /// Milliseconds since the process image started.
    pub at_ms: u64,
    /// Bytes in live blocks of the allocation functions (requested sizes).
    pub heap_bytes: u64,
    /// Bytes in live anonymous mappings that the program made itself.
    pub mapped_bytes: u64,
    /// Resident memory as the kernel counts it, code and files included; 0 where it could not be read.
    pub resident_bytes: u64,
    /// What the counters of the sites said; `None` where they were not read at this point.
    pub sites: Option<PointSites>,
}

/// The sites that held most at one sampled moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointSites {
    /// Live blocks of all sites.
    pub live_blocks: u64,
    /// Allocations so far, of all sites.
    pub allocations: u64,
    /// At most [`HISTORY_SITES_MAX`] sites with their live bytes, in the order of their indexes. A site that is not
    /// here held less than each that is, or less than a thousandth of all.
    pub held: Vec<(SiteIndex, u64)>,
}

/// What every site held at one sampled moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeakSites {
    /// Milliseconds since the process image started.
    pub at_ms: u64,
    /// The sites that held anything, in the order of their indexes.
    pub sites: Vec<PeakSite>,
}

/// What one site held at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeakSite {
    /// Which.
    pub site: SiteIndex,
    /// Live bytes.
    pub bytes: u64,
    /// Live blocks.
    pub blocks: u64,
}

/// Live blocks of about one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeClass {
    /// Blocks of 2^`log2` to 2^(`log2` + 1) − 1 bytes; class 0 also has those of no bytes.
    pub log2: u8,
    /// How many.
    pub blocks: u64,
    /// Their requested sizes.
    pub bytes: u64,
}
