//! A claim about a leak, and why it is made.
use crate::{BlockCount, ByteCount, Fingerprint, Owner, Site};

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
    /// Whose bug it is.
    pub owner: Owner,
    /// Where it was allocated.
    pub site: Site,
    /// Why it is claimed.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub fix: Option<Fix>,
}
