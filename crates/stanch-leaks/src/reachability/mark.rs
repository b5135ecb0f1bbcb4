//! Marks what the roots reach: first by pointers to starts alone, then what needs one to a middle.
use super::heuristics::Heuristics;
use super::mappings::MappingReferences;
use super::trace::{Trace, Visitor};
use super::{BlockRange, HeapImage, PointerPolicy};
use stanch_recording::Class;

/// Marks blocks that the roots reach by pointers to starts as still reachable, and as possibly lost the blocks to
/// whose middle these or the roots point. All other blocks keep their class, definitely lost.
pub(super) fn from_roots(
    image: &HeapImage<'_>,
    trace: &mut Trace<'_>,
    mappings: &mut MappingReferences,
    class: &mut [Class],
) {
    let heuristics = Heuristics::new(trace.memory, &image.vtable_spans);
    let mut visitor = FromRoots { class, mappings, heuristics, middle: Middle::Start };

    visitor.follow_words(&image.start_words, trace);
    visitor.middle = Middle::Nothing;
    visitor.follow_roots(image, PointerPolicy::StartOnly, trace);
    visitor.middle = Middle::Possible;
    visitor.follow_words(&image.root_words, trace);
    visitor.follow_roots(image, PointerPolicy::Any, trace);
    trace.run(&mut visitor);
}

/// Marks what the possibly lost blocks reach, by whatever pointer, as possibly lost too.
pub(super) fn possibly(trace: &mut Trace<'_>, mappings: &mut MappingReferences, class: &mut [Class]) {
    (0..)
        .zip(class.iter())
        .filter(|(_, class)| **class == Class::PossiblyLost)
        .for_each(|(block, _)| trace.push(block));
    trace.run(&mut Possibly { class, mappings });
}

/// What a pointer to the middle of a block means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Middle {
    Start,
    Possible,
    Nothing,
}

struct FromRoots<'a> {
    class: &'a mut [Class],
    mappings: &'a mut MappingReferences,
    heuristics: Heuristics<'a>,
    middle: Middle,
}

impl FromRoots<'_> {
    fn follow_words(&mut self, words: &[u64], trace: &mut Trace<'_>) {
        words.iter().for_each(|&word| self.mappings.note_word(word));
        trace.follow(words.iter().copied(), self);
    }

    fn follow_roots(&mut self, image: &HeapImage<'_>, policy: PointerPolicy, trace: &mut Trace<'_>) {
        for root in image.roots.iter().filter(|root| root.policy == policy) {
            trace.follow_span(root.start, root.end, self);
        }
    }

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
        self.class[block as usize] != Class::StillReachable
    }

    #[inline]
    fn points(&mut self, _from: u32, word: u64, to: u32, block: BlockRange) -> bool {
        if !self.wants(to) {
            return false;
        }
        if self.is_start(word, block) {
            self.class[to as usize] = Class::StillReachable;
            return true;
        }
        if self.middle == Middle::Possible {
            self.class[to as usize] = Class::PossiblyLost;
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
    class: &'a mut [Class],
    mappings: &'a mut MappingReferences,
}

impl Visitor for Possibly<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.class[block as usize] == Class::DefinitelyLost
    }

    #[inline]
    fn points(&mut self, _from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        let is_new = self.wants(to);
        if is_new {
            self.class[to as usize] = Class::PossiblyLost;
        }
        is_new
    }

    #[inline]
    fn scans(&mut self, address: u64, bytes: &[u8]) {
        self.mappings.note(address, bytes, PointerPolicy::Any);
    }
}
