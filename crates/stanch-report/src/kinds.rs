//! What every kind of finding is called, what it means, and how bad it is. One table for all formats.
use stanch_finding::Kind;

/// How bad a kind is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Error,
    Warning,
    Note,
}

/// One row of the table.
pub(crate) struct KindWords {
    /// As a heading: `definitely lost`.
    pub(crate) title: &'static str,
    /// What is claimed, as a sentence.
    pub(crate) meaning: &'static str,
    /// What to do about it, as a sentence.
    pub(crate) advice: &'static str,
    pub(crate) severity: Severity,
    /// Place in a list of findings; smaller comes first.
    pub(crate) rank: u8,
}

pub(crate) const fn words(kind: Kind) -> KindWords {
    let (rank, severity, title, meaning, advice) = match kind {
        Kind::UseAfterFree => (
            0,
            Severity::Error,
            "use after free",
            "Memory is used after it was freed.",
            "Free it after the last use, or clear the pointer that is used.",
        ),
        Kind::DoubleFree => (
            1,
            Severity::Error,
            "double free",
            "Memory is freed twice.",
            "Decide who owns the block, and let only the owner free it.",
        ),
        Kind::MismatchedFree => (
            2,
            Severity::Error,
            "mismatched free",
            "Memory is freed by a function of another family than the one that allocated it.",
            "Free with the counterpart: `free` for `malloc`, `delete` for `new`, `delete[]` for `new[]`.",
        ),
        Kind::DefinitelyLost => (
            3,
            Severity::Error,
            "definitely lost",
            "Nothing points to the memory any more, so nobody can free it.",
            "Free the block before the last pointer to it goes out of scope or is overwritten.",
        ),
        Kind::LostOnPath => (
            4,
            Severity::Warning,
            "lost on a path",
            "There is a path through the function on which the last pointer to the memory is lost.",
            "Free the block on that path, or let an owner with a destructor hold it.",
        ),
        Kind::IndirectlyLost => (
            5,
            Severity::Warning,
            "indirectly lost",
            "The memory is pointed to only from memory that is itself lost.",
            "Find what is definitely lost first: freeing that properly usually frees this.",
        ),
        Kind::PossiblyLost => (
            6,
            Severity::Warning,
            "possibly lost",
            "Only pointers to the middle of the block are left.",
            "Keep a pointer to the start, or free the block; some libraries keep interior pointers on purpose.",
        ),
        Kind::Growing => (
            7,
            Severity::Warning,
            "growing",
            "The live memory of this place rises and does not come back.",
            "Find what collects the blocks, and remove entries that are no longer needed.",
        ),
        Kind::Stale => (
            8,
            Severity::Note,
            "stale",
            "The memory is live and reachable, and nobody has touched it for long.",
            "Ask whether it is still needed; if not, free it or clear what refers to it.",
        ),
        Kind::Filling => (
            9,
            Severity::Note,
            "filling",
            "The live memory of this place rises towards a bound, as a cache does.",
            "Check that the bound is the intended one.",
        ),
        Kind::Live => (
            10,
            Severity::Note,
            "live",
            "The memory was live when it was last seen; whether it was lost could not be decided.",
            "Let the program end by itself, so that reachability can be decided.",
        ),
        Kind::HeldToExit => (
            11,
            Severity::Note,
            "held to exit",
            "A global keeps the memory until the program ends.",
            "Nothing, where that is meant; else free it at shutdown.",
        ),
        Kind::StillReachable => (
            12,
            Severity::Note,
            "still reachable",
            "The memory was not freed, and a pointer to it is left.",
            "Nothing, where it is meant to live as long as the program; else free it at shutdown.",
        ),
    };
    KindWords { title, meaning, advice, severity, rank }
}
