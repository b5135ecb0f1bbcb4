//! A claim about a leak, and why it is made.
use crate::{BlockCount, ByteCount, Estimate, Fingerprint, Owner, Site};

/// What is claimed of the memory. Names follow valgrind where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// No pointer to it is left.
    DefinitelyLost,
    /// Reached only from lost blocks.
    IndirectlyLost,
    /// Only pointers to its middle are left.
    PossiblyLost,
    /// A pointer to it is left.
    StillReachable,
    /// Live when last seen; reachability could not be decided (killed, sampled).
    Live,
    /// The live bytes of its site rise and do not come back.
    Growing,
    /// Rises towards a bound: a cache, not a leak.
    Filling,
    /// Live and reachable, and not touched for a stated time.
    Stale,
    /// Freed by a function of another family (`new` with `free`, …).
    MismatchedFree,
    /// Freed twice.
    DoubleFree,
    /// Used after it was freed.
    UseAfterFree,
    /// Static: some path loses the last reference.
    LostOnPath,
    /// Static: held by a global to the end.
    HeldToExit,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Kind; 13] = [
        Kind::DefinitelyLost,
        Kind::IndirectlyLost,
        Kind::PossiblyLost,
        Kind::StillReachable,
        Kind::Live,
        Kind::Growing,
        Kind::Filling,
        Kind::Stale,
        Kind::MismatchedFree,
        Kind::DoubleFree,
        Kind::UseAfterFree,
        Kind::LostOnPath,
        Kind::HeldToExit,
    ];

    /// The word for it in machine formats and suppression files: `definitely_lost`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::DefinitelyLost => "definitely_lost",
            Kind::IndirectlyLost => "indirectly_lost",
            Kind::PossiblyLost => "possibly_lost",
            Kind::StillReachable => "still_reachable",
            Kind::Live => "live",
            Kind::Growing => "growing",
            Kind::Filling => "filling",
            Kind::Stale => "stale",
            Kind::MismatchedFree => "mismatched_free",
            Kind::DoubleFree => "double_free",
            Kind::UseAfterFree => "use_after_free",
            Kind::LostOnPath => "lost_on_path",
            Kind::HeldToExit => "held_to_exit",
        }
    }

    /// The kind that [`Kind::as_str`] calls so.
    #[must_use]
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// True where memory was kept too long, false where it was freed wrongly.
    #[must_use]
    pub const fn is_leak(self) -> bool {
        !matches!(self, Kind::MismatchedFree | Kind::DoubleFree | Kind::UseAfterFree)
    }
}

/// How sure the analysis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It may be.
    Possible,
    /// More likely than not.
    Likely,
    /// Decided without assumptions.
    Proven,
}

impl Confidence {
    /// The word for it in machine formats: `proven`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Proven => "proven",
        }
    }

    /// The confidence that [`Confidence::as_str`] calls so.
    #[must_use]
    pub fn parse(word: &str) -> Option<Confidence> {
        [Confidence::Possible, Confidence::Likely, Confidence::Proven].into_iter().find(|this| this.as_str() == word)
    }
}

/// One step of a path that the reader can walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Source file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What happens there.
    pub note: String,
}

/// One reason for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Machine-readable word for the sort of evidence: `reachability`, `counts`, `age`, …
    pub kind: String,
    /// One sentence for people.
    pub text: String,
    /// Steps in the source, where the evidence is a path.
    pub path: Vec<PathStep>,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// One sentence for people.
    pub text: String,
}

/// A claim about a leak: what every analysis returns and every output reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The same for the same leak, whichever analysis saw it.
    pub fingerprint: Fingerprint,
    /// Rule name, such as `leak/definitely-lost`.
    pub rule: String,
    /// What is claimed.
    pub kind: Kind,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence for people.
    pub message: String,
    /// Bytes in the blocks of this finding (requested sizes).
    pub bytes: ByteCount,
    /// Blocks of this finding.
    pub blocks: BlockCount,
    /// Bytes held only by this finding's blocks (leaders of lost trees); not part of `bytes`.
    pub indirect_bytes: ByteCount,
    /// Blocks held only by this finding's blocks; not part of `blocks`.
    pub indirect_blocks: BlockCount,
    /// Between what `bytes` and `blocks` lie, where they are estimates.
    pub estimate: Option<Estimate>,
    /// Whose bug it is.
    pub owner: Owner,
    /// Where it was allocated.
    pub site: Site,
    /// Why it is claimed.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub fix: Option<Fix>,
}
