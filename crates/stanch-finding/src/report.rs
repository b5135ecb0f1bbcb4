//! What one analysis of one subject says in all: findings, totals, and what could not be seen.
use crate::{BlockCount, ByteCount, Finding};
use std::time::Duration;

/// What sort of thing was analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A running or ended process.
    Process,
    /// Source code.
    Source,
    /// A machine.
    Host,
    /// A heap dump.
    Heap,
}

/// What was analysed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its sort.
    pub kind: SubjectKind,
    /// Command line, or the files analysed.
    pub command: Vec<String>,
    /// Process id, where the subject is a process.
    pub pid: Option<u32>,
    /// Parent process id, where known.
    pub parent_pid: Option<u32>,
    /// Exit status as a shell gives it (128 + signal number where a signal ended it); `None` while it runs.
    pub exit_status: Option<i32>,
    /// How it ended, in words: `exited with status 0`, `killed by SIGKILL`, `replaced by exec of /bin/true`, …
    pub ending: String,
    /// How long it was watched.
    pub duration: Duration,
}

/// Sums over a whole subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// No pointer left.
    pub definitely_lost: (ByteCount, BlockCount),
    /// Held only by lost blocks.
    pub indirectly_lost: (ByteCount, BlockCount),
    /// Only interior pointers left.
    pub possibly_lost: (ByteCount, BlockCount),
    /// A pointer is left.
    pub still_reachable: (ByteCount, BlockCount),
    /// Live, reachability not decided.
    pub live: (ByteCount, BlockCount),
    /// Allocations over the whole life.
    pub allocations: u64,
    /// Bytes over the whole life.
    pub allocated_bytes: ByteCount,
    /// Most bytes live at one time.
    pub peak_bytes: ByteCount,
}

/// Something that could not be seen, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incomplete {
    /// What is missing.
    pub what: String,
    /// Why.
    pub why: String,
}

/// How often one suppression matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionMatch {
    /// The suppression's name or pattern.
    pub name: String,
    /// Its file and line.
    pub origin: String,
    /// Why it is suppressed, where the file says.
    pub reason: Option<String>,
    /// Findings it took out.
    pub findings: u64,
    /// Bytes it took out.
    pub bytes: ByteCount,
    /// Blocks it took out.
    pub blocks: BlockCount,
}

/// What one analysis of one subject says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was analysed.
    pub subject: Subject,
    /// Sums, before suppressions.
    pub totals: Totals,
    /// What could not be seen.
    pub incomplete: Vec<Incomplete>,
    /// Claims, most important first.
    pub findings: Vec<Finding>,
    /// Suppressions that matched.
    pub suppressed: Vec<SuppressionMatch>,
}
