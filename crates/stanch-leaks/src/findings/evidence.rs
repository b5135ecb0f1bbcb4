//! Why a finding about live blocks is made: reachability, counts, age, lifetimes, what hangs on them, other stacks.
use super::leaks::state;
use super::stacks::Stacks;
use super::text;
use stanch_finding::{Estimate, Evidence};
use stanch_recording::{AllocatorFunction, Class, Group, LIFETIME_BUCKETS, SiteCounts, Snapshot, SnapshotReason};

/// What is known of one finding.
pub(super) struct Case<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The sum of all its groups.
    pub(super) group: &'a Group,
    /// The sum of its stacks' counts over the whole life.
    pub(super) counts: SiteCounts,
    /// Its groups, each of one stack, the largest first.
    pub(super) groups: &'a [Group],
    /// Where their stacks are.
    pub(super) stacks: &'a Stacks<'a>,
    /// Where its sums are estimates.
    pub(super) estimate: Option<Estimate>,
    /// Of a sampled recording: nobody looked at what points to its blocks.
    pub(super) is_sampled: bool,
}

pub(super) fn evidence(case: &Case<'_>) -> Vec<Evidence> {
    let texts = [
        ("reachability", Some(reachability(case))),
        ("sampling", sampling(case)),
        ("counts", counts(case)),
        ("age", age(case)),
        ("lifetimes", lifetimes(case)),
        ("indirect", indirect(case)),
        ("stacks", other_stacks(case)),
    ];
    let some = texts.into_iter().filter_map(|(kind, text)| Some((kind, text?)));
    some.map(|(kind, text)| Evidence { kind: kind.to_owned(), text, path: Vec::new() }).collect()
}

fn reachability(case: &Case<'_>) -> String {
    let when = match case.snapshot.reason {
        SnapshotReason::Exit => "when the program ended",
        SnapshotReason::OnDemand => "when the snapshot was taken",
        SnapshotReason::RecordingEnded => "when the recording ended",
        SnapshotReason::Killed => "when the program was killed",
    };
    let them = if case.group.blocks == 1 { "it" } else { "any of them" };
    match (case.group.class, case.group.allocator) {
        (Class::DefinitelyLost, AllocatorFunction::Mmap) => {
            format!("{when}, nothing outside the mapping pointed into it: no register, stack, global or live block")
        }
        (Class::DefinitelyLost, _) => {
            format!("{when}, no register, stack, global or live block held a pointer to {them}")
        }
        (Class::IndirectlyLost, _) => format!("{when}, only blocks that are lost themselves pointed to {them}"),
        (Class::PossiblyLost, _) => {
            format!("{when}, no pointer to the start of {them} was left, only to the middle, or only from such blocks")
        }
        (Class::StillReachable, _) => {
            let them = if case.group.blocks == 1 { "it" } else { "them" };
            format!("{when}, the program still held pointers to {them}")
        }
        (Class::Live, _) if case.is_sampled => {
            format!("allocated and not freed {when}; what points there is not looked at in a sampled recording")
        }
        (Class::Live, _) => format!("allocated and not freed {when}; what pointed there could not be seen"),
    }
}

/// What an estimate rests on.
fn sampling(case: &Case<'_>) -> Option<String> {
    let estimate = case.estimate?;
    let blocks = format!("{} to {}", text::grouped(estimate.low.blocks.0), text::grouped(estimate.high.blocks.0));
    Some(format!("estimated from {}: {blocks} blocks at 95 %", text::count(estimate.samples, "sampled block")))
}

fn counts(case: &Case<'_>) -> Option<String> {
    if case.estimate.is_some() {
        let (allocated, freed) = (case.counts.allocations, freed(&case.counts));
        let freed = if freed == 0 { "none".to_owned() } else { format!("about {}", text::about(freed, "block")) };
        return Some(format!("this place allocated about {} and freed {freed}", text::about(allocated, "block")));
    }
    let freed = freed(&case.counts);
    let (allocated, blocks) = (case.counts.allocations, case.group.blocks);
    let left = allocated.checked_sub(freed).filter(|&left| blocks <= left)?;
    let (be, state) = (text::be(blocks), state(case.group.class));
    let these = match left == blocks {
        true => format!("{} {be} left", text::grouped(blocks)),
        false => {
            format!("{} {} left, of which {} {be} {state}", text::grouped(left), text::be(left), text::grouped(blocks))
        }
    };
    let freed = if freed == 0 { "none".to_owned() } else { text::grouped(freed) };
    Some(format!("this place allocated {} and freed {freed}; {these}", text::count(allocated, "block")))
}

/// Blocks that a site freed.
pub(super) fn freed(counts: &SiteCounts) -> u64 {
    counts.lifetimes.iter().fold(0, |sum, &freed| sum.saturating_add(freed))
}

/// The shortest run that ages say something about.
const RUN_MS_MIN: u64 = 1000;

/// How the births of the blocks left are spread over the run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// From the first third to the last.
    WholeRun,
    /// All in the first tenth.
    StartOnly,
    Unclear,
}

/// `blocks` is how many the ages are known of.
fn spread(group: &Group, blocks: u64, run_ms: u64) -> Spread {
    const BLOCKS_MIN: u64 = 8;
    let (oldest, newest) = (group.oldest_ms as f64, group.newest_ms as f64);
    let run = run_ms as f64;
    if newest < 0.1 * run {
        Spread::StartOnly
    } else if BLOCKS_MIN <= blocks && oldest < run / 3.0 && run * 2.0 / 3.0 < newest {
        Spread::WholeRun
    } else {
        Spread::Unclear
    }
}

/// When the blocks left were allocated. Of a run of less than a second it tells nobody anything.
fn age(case: &Case<'_>) -> Option<String> {
    let run_ms = case.snapshot.at_ms;
    if run_ms < RUN_MS_MIN {
        return None;
    }
    let end = match case.snapshot.reason {
        SnapshotReason::OnDemand => "the snapshot",
        SnapshotReason::Exit | SnapshotReason::Killed | SnapshotReason::RecordingEnded => "the end",
    };
    let oldest = text::time(run_ms.saturating_sub(case.group.oldest_ms));
    let newest = text::time(run_ms.saturating_sub(case.group.newest_ms));
    let born = match case.estimate.map_or(case.group.blocks, |estimate| estimate.samples) {
        1 if case.estimate.is_some() => format!("the sampled block was allocated {oldest} before {end}"),
        1 => format!("allocated {oldest} before {end}"),
        _ => format!("the oldest was allocated {oldest} before {end}, the newest {newest}"),
    };
    let run = text::time(run_ms);
    let blocks = case.estimate.map_or(case.group.blocks, |estimate| estimate.samples);
    Some(match spread(case.group, blocks, run_ms) {
        Spread::WholeRun => format!("{born}: spread over the whole run of {run}, so it grows with time"),
        Spread::StartOnly => format!("{born}: all at the beginning of a run of {run}, so it does not grow with time"),
        Spread::Unclear => format!("{born}, in a run of {run}"),
    })
}

/// Says how long blocks from here usually live, where that is much less than those left have lived.
fn lifetimes(case: &Case<'_>) -> Option<String> {
    const FREED_MIN: u64 = 10;
    const TELLING_RATIO: u64 = 4;
    let freed = freed(&case.counts);
    if freed < FREED_MIN {
        return None;
    }
    let mut below = 0;
    let bucket = case.counts.lifetimes.iter().position(|&count| {
        below += count;
        freed.saturating_mul(9) <= below.saturating_mul(10)
    })?;
    let oldest_ms = case.snapshot.at_ms.saturating_sub(case.group.oldest_ms);
    let bound_ms = lifetime_bound_ms(bucket).filter(|bound_ms| bound_ms.saturating_mul(TELLING_RATIO) <= oldest_ms)?;
    let percent = below as f64 * 100.0 / freed as f64;
    let usually = match bucket {
        0 => "before their thread allocated again".to_owned(),
        _ => format!("within {}", text::time(bound_ms)),
    };
    Some(format!(
        "{percent:.0} % of the blocks freed were freed {usually}; the oldest left has lived {}",
        text::time(oldest_ms)
    ))
}

/// Upper end of a lifetime bucket in milliseconds; `None` for the last, which has none.
fn lifetime_bound_ms(bucket: usize) -> Option<u64> {
    match bucket {
        0 => Some(0),
        _ if bucket + 1 < LIFETIME_BUCKETS => Some(50 * 4_u64.pow(bucket as u32 - 1)),
        _ => None,
    }
}

fn indirect(case: &Case<'_>) -> Option<String> {
    let (blocks, bytes) = (case.group.indirect_blocks, case.group.indirect_bytes);
    let them = if case.group.blocks == 1 { "it" } else { "them" };
    let amount = text::amount(bytes, blocks);
    (blocks != 0).then(|| format!("{amount} {} lost with {them}: reached only from there", text::be(blocks)))
}

fn other_stacks(case: &Case<'_>) -> Option<String> {
    let next = case.groups.get(1)?;
    let others = case.groups.len() as u64 - 1;
    let site = case.stacks.site(next.site, next.allocator);
    let (be, next_amount) = (if others == 1 { "leads" } else { "lead" }, text::amount(next.bytes, next.blocks));
    let which = if others == 1 { "it allocated" } else { "the biggest of them allocated" };
    let count = text::count(others, "other stack");
    Some(format!("{count} {be} to the same place; {which} {next_amount}: {}", text::stack(&site.stack)))
}
