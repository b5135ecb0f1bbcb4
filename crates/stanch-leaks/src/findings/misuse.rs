//! Findings from wrong frees.
use super::owner::Owners;
use super::stacks::Stacks;
use super::{advice, text};
use stanch_finding::{BlockCount, ByteCount, Confidence, Evidence, Finding, Fingerprint, Frame, Kind, PathStep, Site};
use stanch_recording::{AllocatorFunction, Misuse, MisuseKind, Process};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// One finding for each fingerprint and kind among the wrong frees. The owner is whoever freed.
pub(super) fn findings(process: &Process, stacks: &Stacks<'_>, owners: &Owners<'_>) -> Vec<Finding> {
    let mut merged: BTreeMap<(Fingerprint, MisuseKind), Vec<Free<'_>>> = BTreeMap::new();
    for misuse in &process.misuses {
        let free = Free::new(misuse, stacks);
        merged.entry((Fingerprint::of(free.site()), misuse.kind)).or_default().push(free);
    }
    let mut findings = Vec::new();
    for ((fingerprint, _), mut frees) in merged {
        frees.sort_by_key(|free| Reverse(free.misuse.count));
        findings.push(finding(fingerprint, &frees, owners));
    }
    findings
}

/// A wrong free with its stacks.
struct Free<'a> {
    misuse: &'a Misuse,
    /// Where the block was allocated, if that is known.
    allocated: Option<Site>,
    /// Where it was freed; the "allocator" is what freed it.
    freed: Site,
}

impl<'a> Free<'a> {
    fn new(misuse: &'a Misuse, stacks: &Stacks<'_>) -> Self {
        let allocated = misuse.site.map(|site| stacks.site(site, misuse.allocator));
        let freed = Site { allocator: misuse.freed_by.clone(), stack: stacks.frames(misuse.freed_at) };
        Self { misuse, allocated, freed }
    }

    /// What the finding is known by: where the block came from, or else where it was freed.
    fn site(&self) -> &Site {
        self.allocated.as_ref().unwrap_or(&self.freed)
    }
}

fn finding(fingerprint: Fingerprint, frees: &[Free<'_>], owners: &Owners<'_>) -> Finding {
    let first = &frees[0];
    let (kind, rule) = match first.misuse.kind {
        MisuseKind::MismatchedFree => (Kind::MismatchedFree, "free/mismatched"),
        MisuseKind::DoubleFree => (Kind::DoubleFree, "free/double"),
    };
    Finding {
        fingerprint,
        rule: rule.to_owned(),
        kind,
        confidence: Confidence::Proven,
        message: message(first, frees),
        bytes: ByteCount(first.misuse.bytes),
        blocks: frees.iter().map(|free| BlockCount(free.misuse.count)).sum(),
        indirect_bytes: ByteCount(0),
        indirect_blocks: BlockCount(0),
        owner: owners.of(&first.freed),
        site: first.site().clone(),
        evidence: frees.iter().flat_map(evidence).collect(),
        fix: Some(advice::for_misuse(first.misuse)),
    }
}

fn message(first: &Free<'_>, frees: &[Free<'_>]) -> String {
    let misuse = first.misuse;
    let allocated = match &first.allocated {
        Some(site) => format!("{} allocated by {}", acquired(misuse), text::place(site)),
        None => acquired(misuse),
    };
    let freed_at = text::place(&first.freed);
    let times = match frees.iter().fold(0, |sum: u64, free| sum.saturating_add(free.misuse.count)) {
        0 | 1 => String::new(),
        count => format!(", {}", text::count(count, "time")),
    };
    match misuse.kind {
        MisuseKind::MismatchedFree => format!("{allocated} is freed with `{}` by {freed_at}{times}", misuse.freed_by),
        MisuseKind::DoubleFree => format!("{allocated} is freed a second time by {freed_at}{times}"),
    }
}

/// `a block of 40 bytes from `operator new[]``.
fn acquired(misuse: &Misuse) -> String {
    let size = if misuse.bytes == 0 { String::new() } else { format!(" of {}", text::bytes(misuse.bytes)) };
    match misuse.allocator {
        AllocatorFunction::Inherited => format!("a block{size}"),
        allocator => format!("a block{size} from `{}`", allocator.name()),
    }
}

fn evidence(free: &Free<'_>) -> Vec<Evidence> {
    let times = text::count(free.misuse.count, "time");
    let freed = format!("freed {times} with `{}` by {}", free.misuse.freed_by, text::stack(&free.freed.stack));
    let mut evidence = vec![step("freed", freed, &free.freed.stack, "frees")];
    if let Some(site) = &free.allocated {
        let allocated = format!("allocated with `{}` by {}", site.allocator, text::stack(&site.stack));
        evidence.push(step("allocated", allocated, &site.stack, "allocates"));
    }
    evidence
}

/// Evidence with the frames of a stack as its path, as far as they have lines.
fn step(kind: &str, text: String, stack: &[Frame], verb: &str) -> Evidence {
    let note = |at: usize, frame: &Frame| {
        let function = frame.function.as_deref().map_or_else(|| "code".to_owned(), |function| format!("`{function}`"));
        if at == 0 { format!("{function} {verb}") } else { format!("{function} calls") }
    };
    let steps = stack.iter().enumerate().filter_map(|(at, frame)| {
        Some(PathStep { file: frame.file.clone()?, line: frame.line?, note: note(at, frame) })
    });
    Evidence { kind: kind.to_owned(), text, path: steps.collect() }
}
