//! What can be wrong with a file of suppressions, where, and what to do about it.
use crate::{DateError, FingerprintError};

/// A file of suppressions that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read suppressions at `{origin}:{line}`: {problem}")]
pub struct SuppressionError {
    /// The file.
    pub origin: String,
    /// Line from 1.
    pub line: usize,
    /// What is wrong there.
    #[source]
    pub problem: Problem,
}

/// What is wrong in one place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not the syntax of TOML, or a key or type that does not belong there.
    #[error("{0}")]
    Toml(String),
    /// No `reason`.
    #[error("`reason` is missing: say why the leak is accepted, for example `reason = \"freed by the driver\"`")]
    MissingReason,
    /// Nothing says what to suppress.
    #[error(
        "the entry matches nothing: give one or more of `fingerprint`, `function`, `file`, `module`, `package`, \
         `kind`, `stack`"
    )]
    NoCondition,
    /// A kind of finding that does not exist.
    #[error("`{word}` is not a kind of finding: use one of {known}")]
    UnknownKind {
        /// What was written.
        word: String,
        /// What can be.
        known: String,
    },
    /// No date in `expires`.
    #[error("`expires`: {0}")]
    Date(#[from] DateError),
    /// No fingerprint in `fingerprint`.
    #[error("`fingerprint`: {0}")]
    Fingerprint(#[from] FingerprintError),
    /// A line of a sanitizer's file without a colon.
    #[error("`{0}` has no type: write `leak:` and a pattern, for example `leak:libfoo`")]
    NoType(String),
    /// `leak:` and nothing behind it, or an empty text in an entry of ours.
    #[error("the pattern is empty: write `*` to match everything")]
    EmptyPattern,
    /// Something between the entries of a valgrind file.
    #[error("`{0}` stands outside an entry: entries begin with `{{` on a line of its own")]
    OutsideEntry(String),
    /// A `{` without its `}`.
    #[error("the entry that begins here has no end: close it with `}}` on a line of its own")]
    Unclosed,
    /// An entry without a name or type line.
    #[error("the entry needs a name on its first line and `Memcheck:Leak` on its second")]
    NoHeader,
    /// A second line of an entry that is not `Tool:Kind`.
    #[error("`{0}` is not a tool and a kind of error: write `Memcheck:Leak`")]
    BadHeader(String),
    /// A word in `match-leak-kinds` that valgrind does not know.
    #[error("`{0}` is not a leak kind: use `definite`, `indirect`, `possible`, `reachable`, `all` or `none`")]
    UnknownLeakKind(String),
    /// A frame line that is none.
    #[error("`{0}` is not a frame: write `fun:`, `obj:` or `src:` and a pattern, or `...`")]
    BadFrame(String),
    /// An entry for leaks without a stack.
    #[error("the entry has no stack: add at least one `fun:`, `obj:` or `src:` line, or `...`")]
    NoFrames,
    /// None of the three kinds of file.
    #[error(
        "`{0}` begins none of the known kinds of file: `[[suppress]]` (TOML), `leak:pattern` (LeakSanitizer) or `{{` \
         (valgrind)"
    )]
    UnknownFormat(String),
}

impl Problem {
    /// The error for this problem at a place.
    pub(super) fn at(self, origin: &str, line: usize) -> SuppressionError {
        SuppressionError { origin: origin.to_owned(), line, problem: self }
    }
}
