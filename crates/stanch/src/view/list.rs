//! A place in a list, and which part of the list is on the screen.
use std::ops::Range;

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Up,
    Down,
    HalfUp,
    HalfDown,
    PageUp,
    PageDown,
    First,
    Last,
}

/// The selected line of a list, and the first one on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) selected: usize,
    top: usize,
    /// Lines of the list on the screen when it was last drawn.
    height: usize,
}

impl Cursor {
    /// Moves in a list of so many lines.
    pub(super) fn step(&mut self, motion: Motion, count: usize) {
        self.selected = moved(self.selected, motion, self.height, count.saturating_sub(1));
    }

    /// The lines to draw in so many rows, the selected one among them.
    pub(super) fn shown(&mut self, count: usize, height: usize) -> Range<usize> {
        self.height = height;
        self.selected = self.selected.min(count.saturating_sub(1));
        let lowest = (self.selected + 1).saturating_sub(height);
        self.top = self.top.clamp(lowest, self.selected.max(lowest)).min(count.saturating_sub(height));
        self.top..(self.top + height).min(count)
    }
}

/// A text without a selected line, that scrolls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scroll {
    top: usize,
    height: usize,
    count: usize,
}

impl Scroll {
    pub(super) fn step(&mut self, motion: Motion) {
        self.top = moved(self.top, motion, self.height, self.count.saturating_sub(self.height));
    }

    /// The lines to draw in so many rows.
    pub(super) fn shown(&mut self, count: usize, height: usize) -> Range<usize> {
        (self.count, self.height) = (count, height);
        self.top = self.top.min(count.saturating_sub(height));
        self.top..(self.top + height).min(count)
    }
}

fn moved(at: usize, motion: Motion, height: usize, last: usize) -> usize {
    let page = height.max(2);
    let target = match motion {
        Motion::Up => at.saturating_sub(1),
        Motion::Down => at.saturating_add(1),
        Motion::HalfUp => at.saturating_sub(page / 2),
        Motion::HalfDown => at.saturating_add(page / 2),
        Motion::PageUp => at.saturating_sub(page - 1),
        Motion::PageDown => at.saturating_add(page - 1),
        Motion::First => 0,
        Motion::Last => last,
    };
    target.min(last)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Motion, Scroll};

    #[test]
    fn the_selected_line_is_always_shown() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.shown(100, 10), 0..10);
        for (motion, selected, shown) in [
            (Motion::Down, 1, 0..10),
            (Motion::HalfDown, 6, 0..10),
            (Motion::PageDown, 15, 6..16),
            (Motion::Last, 99, 90..100),
            (Motion::Down, 99, 90..100),
            (Motion::HalfUp, 94, 90..100),
            (Motion::PageUp, 85, 85..95),
            (Motion::First, 0, 0..10),
            (Motion::Up, 0, 0..10),
        ] {
            cursor.step(motion, 100);
            assert_eq!((cursor.selected, cursor.shown(100, 10)), (selected, shown), "{motion:?}");
        }
        assert_eq!(cursor.shown(0, 10), 0..0);
        cursor.step(Motion::Last, 0);
        assert!(cursor.shown(3, 0).is_empty());
    }

    #[test]
    fn texts_scroll_to_their_end() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.shown(25, 10), 0..10);
        scroll.step(Motion::Last);
        assert_eq!(scroll.shown(25, 10), 15..25);
        assert_eq!(scroll.shown(5, 10), 0..5);
    }
}
