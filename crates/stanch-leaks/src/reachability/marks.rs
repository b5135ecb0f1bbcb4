//! What is known of each block while it is being found out, by several threads at a time.
use stanch_recording::Class;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A mark only ever rises, so the outcome does not depend on who comes first. No other memory hangs on a mark, so
/// no order is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Mark {
    /// Nothing that is not lost points to it.
    Lost,
    /// Something points to its middle, or something that is possibly lost points to it.
    Possible,
    /// It can be reached.
    Reached,
}

/// The marks of all blocks.
#[derive(Debug)]
pub(super) struct Marks(Vec<AtomicU8>);

impl Marks {
    pub(super) fn new(blocks: usize) -> Self {
        Self((0..blocks).map(|_| AtomicU8::new(Mark::Lost as u8)).collect())
    }

    /// True where the block's mark is lower.
    #[inline]
    pub(super) fn is_below(&self, block: u32, mark: Mark) -> bool {
        self.0[block as usize].load(Relaxed) < mark as u8
    }

    /// Raises the block's mark; true for the one caller who did.
    #[inline]
    pub(super) fn raise(&self, block: u32, mark: Mark) -> bool {
        self.is_below(block, mark) && self.0[block as usize].fetch_max(mark as u8, Relaxed) < mark as u8
    }

    /// The blocks of a range with this mark.
    pub(super) fn with(&self, mark: Mark, range: std::ops::Range<usize>) -> impl Iterator<Item = u32> {
        range.filter(move |block| self.0[*block].load(Relaxed) == mark as u8).map(|block| block as u32)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the marks mean, while lost blocks are not grouped yet.
    pub(super) fn classes(&self) -> Vec<Class> {
        let class = |mark: &AtomicU8| match mark.load(Relaxed) {
            mark if mark == Mark::Reached as u8 => Class::StillReachable,
            mark if mark == Mark::Possible as u8 => Class::PossiblyLost,
            _ => Class::DefinitelyLost,
        };
        self.0.iter().map(class).collect()
    }
}
