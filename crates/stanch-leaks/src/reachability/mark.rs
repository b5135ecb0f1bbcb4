//! Marks what the roots reach: first by pointers to starts alone, then what needs one to a middle.
use super::heuristics::Heuristics;
use super::mappings::MappingReferences;
use super::marks::{Mark, Marks};
use super::team::{Team, parts};
use super::trace::Visitor;
use super::{BlockRange, HeapImage, PointerPolicy};

/// Marks blocks that the roots reach by pointers to starts as reached, and as possible the blocks to whose middle
/// these or the roots point.
pub(super) fn from_roots(image: &HeapImage<'_>, team: &Team<'_>, mappings: &MappingReferences, marks: &Marks) {
    let heuristics = Heuristics::new(team.memory, &image.vtable_spans);
    let roots = roots(image);
    team.run(&roots, |root, trace| {
        let middle = root.map_or(Middle::Possible, Root::middle);
        let mut visitor = FromRoots { marks, mappings, heuristics: &heuristics, middle };
        match root {
            Some(Root::Words(words, _)) => {
                words.iter().for_each(|&word| mappings.note_word(word));
                trace.follow(words.iter().copied(), &mut visitor);
            }
            Some(&Root::Span(start, end, _)) => trace.follow_span(start, end, &mut visitor),
            None => trace.run(&mut visitor),
        }
    });
}

/// Marks what the possible blocks reach, by whatever pointer, as possible too.
pub(super) fn possibly(team: &Team<'_>, mappings: &MappingReferences, marks: &Marks) {
    // Listed first: a block that becomes possible meanwhile is scanned by whoever finds it.
    let seeds: Vec<u32> = marks.with(Mark::Possible, 0..marks.len()).collect();
    let seeds: Vec<&[u32]> = parts(&seeds).collect();
    team.run(&seeds, |seeds, trace| match seeds {
        Some(seeds) => seeds.iter().for_each(|&block| trace.push(block)),
        None => trace.run(&mut Possibly { marks, mappings }),
    });
}

/// A part of the roots.
enum Root<'a> {
    Words(&'a [u64], Middle),
    Span(u64, u64, Middle),
}

impl Root<'_> {
    fn middle(&self) -> Middle {
        match self {
            Self::Words(_, middle) | Self::Span(_, _, middle) => *middle,
        }
    }
}

/// The roots in parts that threads can share.
fn roots<'a>(image: &'a HeapImage<'_>) -> Vec<Root<'a>> {
    const SPAN_BYTES: u64 = 256 << 10;
    let mut roots = vec![Root::Words(&image.start_words, Middle::Start)];
    roots.extend(parts(&image.root_words).map(|words| Root::Words(words, Middle::Possible)));
    for root in &image.roots {
        let middle = match root.policy {
            PointerPolicy::Any => Middle::Possible,
            PointerPolicy::StartOnly => Middle::Nothing,
        };
        let mut start = root.start;
        while start < root.end {
            let end = (start & !7).saturating_add(SPAN_BYTES).min(root.end);
            roots.push(Root::Span(start, end, middle));
            start = end;
        }
    }
    roots
}

/// What a pointer to the middle of a block means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Middle {
    Start,
    Possible,
    Nothing,
}

struct FromRoots<'a> {
    marks: &'a Marks,
    mappings: &'a MappingReferences,
    heuristics: &'a Heuristics<'a>,
    middle: Middle,
}

impl FromRoots<'_> {
    fn is_start(&self, word: u64, block: BlockRange) -> bool {
        word == block.start
            || match self.middle {
                Middle::Start => true,
                Middle::Possible => self.heuristics.holds(word, block),
                Middle::Nothing => false,
            }
    }
}

impl Visitor for FromRoots<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.marks.is_below(block, Mark::Reached)
    }

    #[inline]
    fn points(&mut self, _from: u32, word: u64, to: u32, block: BlockRange) -> bool {
        if self.is_start(word, block) {
            return self.marks.raise(to, Mark::Reached);
        }
        if self.middle == Middle::Possible {
            self.marks.raise(to, Mark::Possible);
        }
        false
    }

    #[inline]
    fn scans(&mut self, address: u64, bytes: &[u8]) {
        let policy = if self.middle == Middle::Nothing { PointerPolicy::StartOnly } else { PointerPolicy::Any };
        self.mappings.note(address, bytes, policy);
    }
}

struct Possibly<'a> {
    marks: &'a Marks,
    mappings: &'a MappingReferences,
}

impl Visitor for Possibly<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.marks.is_below(block, Mark::Possible)
    }

    #[inline]
    fn points(&mut self, _from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        self.marks.raise(to, Mark::Possible)
    }

    #[inline]
    fn scans(&mut self, address: u64, bytes: &[u8]) {
        self.mappings.note(address, bytes, PointerPolicy::Any);
    }
}
