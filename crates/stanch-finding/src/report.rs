//! What one analysis of one subject says in all: findings, totals, and what could not be seen.
use crate::{BlockCount, ByteCount, Date, Finding};
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

impl SubjectKind {
    /// The word for it in machine formats: `process`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Process => "process",
            SubjectKind::Source => "source",
            SubjectKind::Host => "host",
            SubjectKind::Heap => "heap",
        }
    }

    /// The kind that [`SubjectKind::as_str`] calls so.
    #[must_use]
    pub fn parse(word: &str) -> Option<SubjectKind> {
        use SubjectKind::{Heap, Host, Process, Source};
        [Process, Source, Host, Heap].into_iter().find(|kind| kind.as_str() == word)
    }
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
    /// How long it stood still for this report; `None` where it had ended.
    pub pause: Option<Duration>,
}

impl Subject {
    /// A process of which nothing but the command is known.
    #[must_use]
    pub fn of_command(command: Vec<String>) -> Subject {
        Subject {
            kind: SubjectKind::Process,
            command,
            pid: None,
            parent_pid: None,
            exit_status: None,
            ending: String::new(),
            duration: Duration::ZERO,
            pause: None,
        }
    }
}

/// Bytes and blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Bytes.
    pub bytes: ByteCount,
    /// Blocks.
    pub blocks: BlockCount,
}

/// Between what the truth lies of a number that a sampled recording estimates, with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Sampled blocks that the estimate rests on.
    pub samples: u64,
    /// Low end.
    pub low: Amounts,
    /// High end.
    pub high: Amounts,
}

/// How a sampled recording came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Mean distance between two samples, in allocated bytes.
    pub mean_bytes: ByteCount,
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
    /// Between what `live` lies, where it is an estimate.
    pub estimate: Option<Estimate>,
}

/// Something that could not be seen, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incomplete {
    /// What is missing.
    pub what: String,
    /// Why.
    pub why: String,
}

/// How often one suppression matched, or that it would have, had it not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionMatch {
    /// The suppression's name or pattern.
    pub name: String,
    /// Its file and line.
    pub origin: String,
    /// Why it is suppressed, where the file says.
    pub reason: Option<String>,
    /// Its last day, where that is over: it matches findings that are still in the report, and took out none.
    pub expired: Option<Date>,
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
    /// How blocks were sampled: then all amounts are estimates. `None` where every block was recorded.
    pub sampling: Option<Sampling>,
    /// What could not be seen.
    pub incomplete: Vec<Incomplete>,
    /// Claims, most important first.
    pub findings: Vec<Finding>,
    /// Suppressions that matched, applied or expired.
    pub suppressed: Vec<SuppressionMatch>,
}
