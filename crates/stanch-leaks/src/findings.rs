//! From a recorded process to findings: the last snapshot's groups, each with its stack, its owner and its reasons.
mod advice;
mod evidence;
mod leaks;
mod misuse;
mod owner;
mod stacks;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use stanch_finding::{ByteCount, Finding, Kind, Report, Sampling};
use stanch_recording::{Class, Process, Recording, Snapshot};
use std::cmp::Reverse;

/// Which findings are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Everything,
    /// None of what is still reachable: the totals have its sum, and its stacks are not looked at, nor need names.
    WithoutReachable,
}

impl Scope {
    /// True where blocks of this class become findings.
    #[must_use]
    pub fn has(self, class: Class) -> bool {
        self == Self::Everything || class != Class::StillReachable
    }
}

/// Everything a report needs to say about one process of a recording.
///
/// Groups whose stacks have one fingerprint and whose blocks are of one class become one finding. Suppressions are not
/// applied: totals and findings are complete.
#[must_use]
pub fn report(process: &Process, recording: &Recording, scope: Scope) -> Report {
    let stacks = stacks::Stacks::new(process);
    let owners = owner::Owners::new(process);
    let snapshot = process.snapshots.last();

    let mut findings =
        snapshot.map(|snapshot| leaks::findings(process, snapshot, scope, &stacks, &owners)).unwrap_or_default();
    findings.extend(misuse::findings(process, &stacks, &owners));
    findings.sort_by_cached_key(importance);

    Report {
        subject: subject::subject(process),
        totals: subject::totals(process, snapshot.map_or(&[], |snapshot: &Snapshot| &snapshot.groups)),
        sampling: process.sampling.as_ref().map(|sampling| Sampling { mean_bytes: ByteCount(sampling.mean_bytes) }),
        incomplete: subject::incomplete(process, recording),
        findings,
        suppressed: Vec::new(),
    }
}

/// Most important first: by severity, then by the bytes that fixing it gives back; the rest makes the order certain.
fn importance(finding: &Finding) -> (u8, Reverse<u64>, Reverse<u64>, String, String) {
    let bytes = (finding.bytes + finding.indirect_bytes).0;
    let name = finding.fingerprint.to_string();
    (severity(finding.kind), Reverse(bytes), Reverse(finding.blocks.0), name, finding.message.clone())
}

/// Rank of a kind, the worst first. Corruption before loss, loss before what may be loss, and what is merely held last.
fn severity(kind: Kind) -> u8 {
    match kind {
        Kind::UseAfterFree => 0,
        Kind::DoubleFree => 1,
        Kind::DefinitelyLost | Kind::LostOnPath => 2,
        Kind::MismatchedFree => 3,
        Kind::IndirectlyLost => 4,
        Kind::PossiblyLost => 5,
        Kind::Growing => 6,
        Kind::Stale => 7,
        Kind::Live => 8,
        Kind::Filling => 9,
        Kind::StillReachable | Kind::HeldToExit => 10,
    }
}
