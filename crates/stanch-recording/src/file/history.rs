//! The sections of memory over time: one of points and sizes, then chunks of what each site held at the peak.
//!
//! ```text
//! history:
//!   unsigned number of points, of site entries in all of them, of sizes, of sites at the peak; peak ms, then columns:
//!   at              signed step from the previous point's
//!   heap, mapped, resident   each a signed step from the previous point's
//!   entries         0: counters were not read; else 1 + number of site entries
//!   counters        of points that have them: live blocks, allocations; signed steps
//!   site            signed step from the previous entry's
//!   held            signed step from the last entry of the same site, which packs well: most do not change
//!   sizes           log2, blocks, bytes of each
//!
//! peak sites, a chunk each:
//!   unsigned count, then columns: site (signed step), bytes, blocks
//! ```

use std::collections::HashMap;

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::history::{History, HistoryPoint, PeakSite, PointSites, SizeClass};
use crate::model::SiteIndex;

/// Classes of sizes that a 64-bit size can fall into.
const SIZE_CLASSES: u64 = 64;

pub(super) fn encode(history: &History) -> Vec<u8> {
    let held = || history.points.iter().filter_map(|point| point.sites.as_ref()).flat_map(|sites| &sites.held);
    let mut payload = Encoder::new();
    payload.length(history.points.len());
    payload.length(held().count());
    payload.length(history.sizes.len());
    payload.length(history.peak.sites.len());
    payload.unsigned(history.peak.at_ms);
    for field in [at_ms, heap, mapped, resident] {
        payload.column(steps(history.points.iter().map(field)));
    }
    let mut entries = Encoder::new();
    for point in &history.points {
        entries.length(point.sites.as_ref().map_or(0, |sites| sites.held.len() + 1));
    }
    payload.column(entries);
    let counted = || history.points.iter().filter_map(|point| point.sites.as_ref());
    payload.column(steps(counted().map(|sites| sites.live_blocks)));
    payload.column(steps(counted().map(|sites| sites.allocations)));
    payload.column(steps(held().map(|(site, _)| u64::from(site.0))));
    let (mut bytes, mut last) = (Encoder::new(), HashMap::new());
    for (site, held) in held() {
        let before = last.insert(*site, *held).unwrap_or(0);
        bytes.step(before, *held);
    }
    payload.column(bytes);
    let mut sizes = Encoder::new();
    for size in &history.sizes {
        sizes.unsigned(u64::from(size.log2));
        sizes.unsigned(size.blocks);
        sizes.unsigned(size.bytes);
    }
    payload.column(sizes);
    payload.finish()
}

fn at_ms(point: &HistoryPoint) -> u64 {
    point.at_ms
}

fn heap(point: &HistoryPoint) -> u64 {
    point.heap_bytes
}

fn mapped(point: &HistoryPoint) -> u64 {
    point.mapped_bytes
}

fn resident(point: &HistoryPoint) -> u64 {
    point.resident_bytes
}

fn steps(values: impl Iterator<Item = u64>) -> Encoder {
    let (mut column, mut last) = (Encoder::new(), 0);
    for value in values {
        column.step(last, value);
        last = value;
    }
    column
}

/// A column of steps, as it is read.
struct Steps<'a> {
    column: Decoder<'a>,
    last: u64,
}

impl Steps<'_> {
    fn next(&mut self) -> Result<u64, Malformed> {
        self.last = self.column.step(self.last)?;
        Ok(self.last)
    }

    fn site(&mut self) -> Result<SiteIndex, Malformed> {
        u32::try_from(self.next()?).map(SiteIndex).map_err(|_| Malformed::TooLarge)
    }
}

/// The history without what sites held at the peak, and of how many that is known.
pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<(History, usize), Malformed> {
    let mut payload = Decoder::new(payload);
    let (points, held, sizes) = (payload.count()?, payload.count()?, payload.count()?);
    let peak_sites = payload.length()?;
    budget.entries::<HistoryPoint>(points)?;
    budget.entries::<HeldWhileReading>(held)?;
    budget.entries::<SizeClass>(sizes)?;
    let mut history = History::default();
    history.peak.at_ms = payload.unsigned()?;
    let mut column = || Ok(Steps { column: payload.column()?, last: 0 });
    let (mut at, mut heap, mut mapped, mut resident) = (column()?, column()?, column()?, column()?);
    let mut entries = column()?.column;
    let (mut blocks, mut allocations, mut site) = (column()?, column()?, column()?);
    let (mut bytes, mut size) = (column()?.column, column()?.column);
    let (mut last, mut left) = (HashMap::<SiteIndex, u64>::new(), held);
    for _ in 0..points {
        let sites = match entries.length()?.checked_sub(1) {
            None => None,
            Some(count) => {
                left = left.checked_sub(count).ok_or(Malformed::OutOfRange("a number of sites"))?;
                let mut sites = PointSites {
                    live_blocks: blocks.next()?,
                    allocations: allocations.next()?,
                    held: Vec::with_capacity(count),
                };
                for _ in 0..count {
                    let held = last.entry(site.site()?).or_default();
                    *held = bytes.step(*held)?;
                    sites.held.push((SiteIndex(site.last as u32), *held));
                }
                Some(sites)
            }
        };
        history.points.push(HistoryPoint {
            at_ms: at.next()?,
            heap_bytes: heap.next()?,
            mapped_bytes: mapped.next()?,
            resident_bytes: resident.next()?,
            sites,
        });
    }
    for _ in 0..sizes {
        let log2 = size.unsigned()?;
        if log2 >= SIZE_CLASSES {
            return Err(Malformed::Unknown("a size"));
        }
        history.sizes.push(SizeClass { log2: log2 as u8, blocks: size.unsigned()?, bytes: size.unsigned()? });
    }
    Ok((history, peak_sites))
}

/// What one entry of `held` takes: itself, and its place in the table of last values.
type HeldWhileReading = [(SiteIndex, u64); 3];

/// What a reader takes from its budget to hold `history`; an upper bound.
pub(super) fn weight_bytes(history: &History) -> u64 {
    let held: usize =
        history.points.iter().filter_map(|point| point.sites.as_ref()).map(|sites| sites.held.len()).sum();
    let bytes = size_of::<HistoryPoint>() * history.points.len()
        + size_of::<HeldWhileReading>() * held
        + size_of::<SizeClass>() * history.sizes.len()
        + size_of::<PeakSite>() * history.peak.sites.len();
    bytes as u64
}

pub(super) fn encode_peak(sites: &[PeakSite]) -> Vec<u8> {
    let (mut bytes, mut blocks) = (Encoder::new(), Encoder::new());
    for site in sites {
        bytes.unsigned(site.bytes);
        blocks.unsigned(site.blocks);
    }
    let mut payload = Encoder::new();
    payload.length(sites.len());
    payload.column(steps(sites.iter().map(|site| u64::from(site.site.0))));
    payload.column(bytes);
    payload.column(blocks);
    payload.finish()
}

/// Appends a chunk to `sites`.
pub(super) fn decode_peak(payload: &[u8], sites: &mut Vec<PeakSite>, budget: &mut Budget) -> Result<(), Malformed> {
    let mut payload = Decoder::new(payload);
    let count = payload.count()?;
    budget.entries::<PeakSite>(count)?;
    let mut site = Steps { column: payload.column()?, last: 0 };
    let (mut bytes, mut blocks) = (payload.column()?, payload.column()?);
    let chunk =
        (0..count).map(|_| Ok(PeakSite { site: site.site()?, bytes: bytes.unsigned()?, blocks: blocks.unsigned()? }));
    let chunk: Vec<_> = chunk.collect::<Result<_, _>>()?;
    sites.extend(chunk);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, decode_peak, encode, encode_peak};
    use crate::history::{History, HistoryPoint, PeakSite, PeakSites, PointSites, SizeClass};
    use crate::model::SiteIndex;

    fn history() -> History {
        let held = vec![(SiteIndex(2), 100), (SiteIndex(u32::MAX), u64::MAX)];
        let sites = PointSites { live_blocks: u64::MAX, allocations: 7, held };
        let point = |at_ms, sites| HistoryPoint {
            at_ms,
            heap_bytes: at_ms * 10,
            mapped_bytes: u64::MAX,
            resident_bytes: 4096,
            sites,
        };
        let fewer = PointSites { held: vec![(SiteIndex(2), 90)], ..PointSites::default() };
        History {
            points: vec![point(0, None), point(5, Some(sites)), point(9, Some(fewer))],
            peak: PeakSites { at_ms: 5, sites: Vec::new() },
            sizes: vec![SizeClass { log2: 0, blocks: 1, bytes: 1 }, SizeClass { log2: 63, blocks: 2, bytes: u64::MAX }],
        }
    }

    #[test]
    fn round_trip() {
        assert_eq!(decode(&encode(&history()), &mut Budget::of_file(0)), Ok((history(), 0)));
        assert_eq!(decode(&encode(&History::default()), &mut Budget::of_file(0)), Ok((History::default(), 0)));
    }

    #[test]
    fn chunks_of_the_peak_round_trip() {
        let sites = [1, 5, u32::MAX].map(|site| PeakSite { site: SiteIndex(site), bytes: u64::MAX, blocks: 3 });
        let mut read = Vec::new();
        decode_peak(&encode_peak(&sites[..2]), &mut read, &mut Budget::of_file(0)).unwrap();
        decode_peak(&encode_peak(&sites[2..]), &mut read, &mut Budget::of_file(0)).unwrap();
        assert_eq!(read, sites);
    }

    #[test]
    fn more_entries_than_announced_are_refused() {
        let mut payload = encode(&history());
        assert_eq!(payload[1], 3);
        payload[1] = 1;
        assert!(decode(&payload, &mut Budget::of_file(0)).is_err());
    }
}
