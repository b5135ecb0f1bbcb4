//! Marks what the roots reach: first by pointers to starts alone, then what needs one to a middle.
use super::edges::Target;
use super::marks::{Mark, Marks};
use super::team::Team;
use super::trace::Visitor;

/// Marks as reached what the blocks that roots point to reach by pointers to starts, and as possible the blocks to
/// whose middle any of these points.
pub(super) fn from_roots(team: &Team<'_>, marks: &Marks) {
    onward(team, marks, Mark::Reached, || FromRoots { marks });
}

/// Marks what the possible blocks reach, by whatever pointer, as possible too.
pub(super) fn possibly(team: &Team<'_>, marks: &Marks) {
    onward(team, marks, Mark::Possible, || Possibly { marks });
}

/// Traces from the blocks that have a mark now.
fn onward<V: Visitor>(team: &Team<'_>, marks: &Marks, mark: Mark, visitor: impl Fn() -> V + Sync) {
    const PART: usize = 4096;
    // Listed first: a block that gets the mark meanwhile is followed by whoever finds it.
    let seeds: Vec<u32> = marks.with(mark, 0..marks.len()).collect();
    let seeds: Vec<&[u32]> = seeds.chunks(PART).collect();
    team.run(&seeds, |seeds, trace| match seeds {
        Some(seeds) => seeds.iter().for_each(|&block| trace.push(block)),
        None => trace.run(&mut visitor()),
    });
}

struct FromRoots<'a> {
    marks: &'a Marks,
}

impl Visitor for FromRoots<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.marks.is_below(block, Mark::Reached)
    }

    #[inline]
    fn points(&mut self, _from: u32, to: Target) -> bool {
        if to.is_start() {
            return self.marks.raise(to.block(), Mark::Reached);
        }
        self.marks.raise(to.block(), Mark::Possible);
        false
    }
}

struct Possibly<'a> {
    marks: &'a Marks,
}

impl Visitor for Possibly<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.marks.is_below(block, Mark::Possible)
    }

    #[inline]
    fn points(&mut self, _from: u32, to: Target) -> bool {
        self.marks.raise(to.block(), Mark::Possible)
    }
}
