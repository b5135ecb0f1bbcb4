//! Samples what a process holds while it runs.
//!
//! Cheap by construction. Points come every 2 ms at first and every 50 ms after two seconds; when there are too many of
//! them, every other one goes and they come half as often. Reading the counters of the sites takes time that grows with
//! their number, so after each reading the sampler rests for 200 times as long as it took: half a percent of one core.
use crate::heap::Block;
use crate::ledger::{Held, Ledger};
use stanch_ledger::BlockKind;
use stanch_process::Pid;
use stanch_recording::{
    HISTORY_POINTS_MAX, HISTORY_SITES_MAX, History, HistoryPoint, PeakSite, PointSites, SiteIndex, SizeClass,
};
use std::time::{Duration, Instant};

/// Shortest and longest time between two points, before any were thinned out.
const GAP_MS: (u64, u64) = (2, 50);
/// A point is this many times younger than the process.
const AGE_PER_GAP: u64 = 32;
/// How long the sampler rests for each part of time that it worked.
const REST: u32 = 200;
/// A site that holds less than this part of all is not named.
const LEAST_SHARE: u64 = 1000;

/// The history of one process as it grows.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    history: History,
    /// How often every other point was thrown away.
    thinned: u32,
    due_ms: u64,
    sites_due_ms: u64,
    /// Live bytes at the sampled peak.
    peak_bytes: u64,
    held: Vec<Held>,
}

impl Timeline {
    /// Takes a point if it is time for one.
    pub(crate) fn tick(&mut self, now_ms: u64, pid: Pid, ledger: &Ledger) {
        if now_ms >= self.due_ms {
            let worked = self.take(now_ms, pid, ledger, now_ms >= self.sites_due_ms);
            self.due_ms = now_ms + self.gap_ms(now_ms).max(rest_ms(worked));
        }
    }

    /// Takes a whole point now.
    pub(crate) fn sample(&mut self, now_ms: u64, pid: Pid, ledger: &Ledger) {
        self.take(now_ms, pid, ledger, true);
    }

    /// How long to wait for the next point, at most `longest`.
    pub(crate) fn patience(&self, now_ms: u64, longest: Duration) -> Duration {
        Duration::from_millis(self.due_ms.saturating_sub(now_ms).max(1)).min(longest)
    }

    /// Notes the sizes of live blocks; those of a later snapshot replace them.
    pub(crate) fn set_sizes(&mut self, sizes: Vec<SizeClass>) {
        self.history.sizes = sizes;
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn into_history(self) -> History {
        self.history
    }

    fn gap_ms(&self, now_ms: u64) -> u64 {
        (now_ms / AGE_PER_GAP).clamp(GAP_MS.0, GAP_MS.1) << self.thinned
    }

    /// Takes a point; says how long that took without the sites.
    fn take(&mut self, now_ms: u64, pid: Pid, ledger: &Ledger, with_sites: bool) -> Duration {
        let started = Instant::now();
        let last = self.history.points.last();
        let mut point = HistoryPoint {
            at_ms: now_ms,
            heap_bytes: ledger.heap_bytes(),
            mapped_bytes: ledger.mapped_bytes().or(last.map(|last| last.mapped_bytes)).unwrap_or(0),
            resident_bytes: stanch_process::resident_bytes(pid).unwrap_or(0),
            sites: None,
        };
        let worked = started.elapsed();
        if with_sites {
            let started = Instant::now();
            ledger.held(&mut self.held);
            let bytes = sum(self.held.iter().map(|held| held.bytes));
            // Where the mapping table does not tell the program's mappings from the allocator's, the sites do.
            if ledger.mapped_bytes().is_none() {
                point.mapped_bytes = bytes.saturating_sub(point.heap_bytes);
            }
            point.sites = Some(largest(&self.held, bytes));
            self.note_peak(now_ms, bytes);
            self.sites_due_ms = now_ms + rest_ms(started.elapsed());
        }
        self.add(point);
        worked
    }

    fn add(&mut self, point: HistoryPoint) {
        let points = &mut self.history.points;
        // Two of one moment (a tick and the exit): the later one knows more.
        if points.last().is_some_and(|last| last.at_ms == point.at_ms) {
            points.pop();
        }
        if points.len() >= HISTORY_POINTS_MAX {
            thin_out(points);
            self.thinned += 1;
        }
        points.push(point);
    }

    fn note_peak(&mut self, now_ms: u64, bytes: u64) {
        if bytes <= self.peak_bytes {
            return;
        }
        self.peak_bytes = bytes;
        let peak = &mut self.history.peak;
        peak.at_ms = now_ms;
        peak.sites.clear();
        peak.sites.extend((0..).zip(&self.held).filter(|(_, held)| held.bytes > 0).map(|(site, held)| PeakSite {
            site: SiteIndex(site),
            bytes: held.bytes,
            blocks: held.blocks,
        }));
    }
}

/// Saturates: a ledger may hold any number.
fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

/// 200 times as long; in milliseconds, rounded down.
fn rest_ms(worked: Duration) -> u64 {
    (worked * REST).as_millis() as u64
}

/// Of two neighbours the one stays at which more was live, so that peaks do not go.
fn thin_out(points: &mut Vec<HistoryPoint>) {
    let live_bytes = |point: &HistoryPoint| point.heap_bytes.saturating_add(point.mapped_bytes);
    let stays = |pair: &[HistoryPoint]| match pair {
        [first, second] if live_bytes(second) > live_bytes(first) => second.clone(),
        pair => pair[0].clone(),
    };
    *points = points.chunks(2).map(stays).collect();
}

/// The sites that hold most, in the order of their numbers.
fn largest(held: &[Held], bytes: u64) -> PointSites {
    let least = (bytes / LEAST_SHARE).max(1);
    let candidates = (0..).zip(held).filter(|(_, held)| held.bytes >= least);
    let mut sites: Vec<(SiteIndex, u64)> = candidates.map(|(site, held)| (SiteIndex(site), held.bytes)).collect();
    if sites.len() > HISTORY_SITES_MAX {
        sites.select_nth_unstable_by_key(HISTORY_SITES_MAX, |(site, bytes)| (std::cmp::Reverse(*bytes), *site));
        sites.truncate(HISTORY_SITES_MAX);
        sites.sort_unstable();
    }
    PointSites {
        live_blocks: sum(held.iter().map(|held| held.blocks)),
        allocations: sum(held.iter().map(|held| held.allocations)),
        held: sites,
    }
}

/// Sizes of blocks by powers of two. What a child inherited is its parent's.
pub(crate) fn sizes(blocks: impl Iterator<Item = Block>) -> Vec<SizeClass> {
    let own = blocks.filter(|block| block.kind != BlockKind::Inherited);
    weighted_sizes(own.map(|block| (block.bytes, 1, block.bytes)))
}

/// As [`sizes`], of the size of each block, how many blocks it stands for, and how many bytes.
pub(crate) fn weighted_sizes(blocks: impl Iterator<Item = (u64, u64, u64)>) -> Vec<SizeClass> {
    let mut classes = [(0_u64, 0_u64); 64];
    for (block_bytes, blocks, bytes) in blocks {
        let class = &mut classes[block_bytes.max(1).ilog2() as usize];
        class.0 = class.0.saturating_add(blocks);
        class.1 = class.1.saturating_add(bytes);
    }
    let used = (0..).zip(classes).filter(|(_, (blocks, _))| *blocks > 0);
    used.map(|(log2, (blocks, bytes))| SizeClass { log2, blocks, bytes }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stanch_ledger::BirthCode;

    fn point(at_ms: u64, heap_bytes: u64) -> HistoryPoint {
        HistoryPoint { at_ms, heap_bytes, ..HistoryPoint::default() }
    }

    #[test]
    fn a_history_stays_bounded_and_keeps_its_peak() {
        let mut timeline = Timeline::default();
        for at_ms in 0..100_000 {
            timeline.add(point(at_ms, if at_ms == 41_234 { 1000 } else { at_ms % 7 }));
        }
        let points = timeline.into_history().points;
        assert!((HISTORY_POINTS_MAX / 2..=HISTORY_POINTS_MAX).contains(&points.len()));
        assert!(points.iter().any(|point| point.at_ms == 41_234 && point.heap_bytes == 1000));
        assert!(points.is_sorted_by(|one, next| one.at_ms < next.at_ms));
    }

    #[test]
    fn of_one_moment_the_last_point_counts() {
        let mut timeline = Timeline::default();
        timeline.add(point(5, 1));
        timeline.add(point(5, 2));
        assert_eq!(timeline.history().points, [point(5, 2)]);
    }

    #[test]
    fn the_largest_sites_are_named() {
        let held: Vec<Held> = (0..100).map(|site| Held { bytes: site, blocks: 1, allocations: 2 }).collect();
        let sites = largest(&held, held.iter().map(|held| held.bytes).sum());
        assert_eq!((sites.live_blocks, sites.allocations), (100, 200));
        let named: Vec<u32> = sites.held.iter().map(|(site, _)| site.0).collect();
        assert_eq!(named, (68..100).collect::<Vec<u32>>());
    }

    #[test]
    fn sizes_fall_into_powers_of_two() {
        let block = |bytes, kind| Block { bytes, site: 2, kind, birth: BirthCode(0) };
        let blocks = [0, 1, 2, 3, 4096, u64::MAX]
            .map(|bytes| block(bytes, BlockKind::Malloc))
            .into_iter()
            .chain([block(8, BlockKind::Inherited)]);
        let found: Vec<_> = sizes(blocks).iter().map(|class| (class.log2, class.blocks, class.bytes)).collect();
        assert_eq!(found, [(0, 2, 1), (1, 2, 5), (12, 1, 4096), (63, 1, u64::MAX)]);
    }
}
