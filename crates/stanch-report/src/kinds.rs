//! What every kind of finding is called, what it means, and how bad it is. One table for all formats.
use stanch_finding::Kind;

/// How bad a kind is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Certainly wrong.
    Error,
    /// Perhaps wrong.
    Warning,
    /// For completeness.
    Note,
}

/// One row of the table.
pub struct KindWords {
    /// As a heading: `definitely lost`.
    pub title: &'static str,
    /// What is claimed, as a sentence.
    pub meaning: &'static str,
    /// What to do about it, as a sentence.
    pub advice: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Place in a list of findings; smaller comes first.
    pub rank: u8,
}

/// The row of a kind.
#[must_use]
pub const fn words(kind: Kind) -> &'static KindWords {
    match kind {
        Kind::UseAfterFree => &USE_AFTER_FREE,
        Kind::DoubleFree => &DOUBLE_FREE,
        Kind::MismatchedFree => &MISMATCHED_FREE,
        Kind::DefinitelyLost => &DEFINITELY_LOST,
        Kind::LostOnPath => &LOST_ON_PATH,
        Kind::IndirectlyLost => &INDIRECTLY_LOST,
        Kind::PossiblyLost => &POSSIBLY_LOST,
        Kind::Growing => &GROWING,
        Kind::Stale => &STALE,
        Kind::Filling => &FILLING,
        Kind::Live => &LIVE,
        Kind::HeldToExit => &HELD_TO_EXIT,
        Kind::StillReachable => &STILL_REACHABLE,
    }
}

const USE_AFTER_FREE: KindWords = KindWords {
    rank: 0,
    severity: Severity::Error,
    title: "use after free",
    meaning: "Memory is used after it was freed.",
    advice: "Free it after the last use, or clear the pointer that is used.",
};

const DOUBLE_FREE: KindWords = KindWords {
    rank: 1,
    severity: Severity::Error,
    title: "double free",
    meaning: "Memory is freed twice.",
    advice: "Decide who owns the block, and let only the owner free it.",
};

const MISMATCHED_FREE: KindWords = KindWords {
    rank: 2,
    severity: Severity::Error,
    title: "mismatched free",
    meaning: "Memory is freed by a function of another family than the one that allocated it.",
    advice: "Free with the counterpart: `free` for `malloc`, `delete` for `new`, `delete[]` for `new[]`.",
};

const DEFINITELY_LOST: KindWords = KindWords {
    rank: 3,
    severity: Severity::Error,
    title: "definitely lost",
    meaning: "Nothing points to the memory any more, so nobody can free it.",
    advice: "Free the block before the last pointer to it goes out of scope or is overwritten.",
};

const LOST_ON_PATH: KindWords = KindWords {
    rank: 4,
    severity: Severity::Warning,
    title: "lost on a path",
    meaning: "There is a path through the function on which the last pointer to the memory is lost.",
    advice: "Free the block on that path, or let an owner with a destructor hold it.",
};

const INDIRECTLY_LOST: KindWords = KindWords {
    rank: 5,
    severity: Severity::Warning,
    title: "indirectly lost",
    meaning: "The memory is pointed to only from memory that is itself lost.",
    advice: "Find what is definitely lost first: freeing that properly usually frees this.",
};

const POSSIBLY_LOST: KindWords = KindWords {
    rank: 6,
    severity: Severity::Warning,
    title: "possibly lost",
    meaning: "Only pointers to the middle of the block are left.",
    advice: "Keep a pointer to the start, or free the block; some libraries keep interior pointers on purpose.",
};

const GROWING: KindWords = KindWords {
    rank: 7,
    severity: Severity::Warning,
    title: "growing",
    meaning: "The live memory of this place rises and does not come back.",
    advice: "Find what collects the blocks, and remove entries that are no longer needed.",
};

const STALE: KindWords = KindWords {
    rank: 8,
    severity: Severity::Note,
    title: "stale",
    meaning: "The memory is live and reachable, and nobody has touched it for long.",
    advice: "Ask whether it is still needed; if not, free it or clear what refers to it.",
};

const FILLING: KindWords = KindWords {
    rank: 9,
    severity: Severity::Note,
    title: "filling",
    meaning: "The live memory of this place rises towards a bound, as a cache does.",
    advice: "Check that the bound is the intended one.",
};

const LIVE: KindWords = KindWords {
    rank: 10,
    severity: Severity::Note,
    title: "live",
    meaning: "The memory was live when it was last seen; whether it was lost could not be decided.",
    advice: "Let the program end by itself and record every block, so that reachability can be decided.",
};

const HELD_TO_EXIT: KindWords = KindWords {
    rank: 11,
    severity: Severity::Note,
    title: "held to exit",
    meaning: "A global keeps the memory until the program ends.",
    advice: "Nothing, where that is meant; else free it at shutdown.",
};

const STILL_REACHABLE: KindWords = KindWords {
    rank: 12,
    severity: Severity::Note,
    title: "still reachable",
    meaning: "The memory was not freed, and a pointer to it is left.",
    advice: "Nothing, where it is meant to live as long as the program; else free it at shutdown.",
};
