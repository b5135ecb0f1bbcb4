//! Written bytes of a piece of memory, by offset.
use super::term::TermId;

/// Written bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Bytes.
    pub(super) size: u64,
    /// As many bits as `size` has bytes, or fewer (the others are zero).
    pub(super) value: TermId,
}

/// Cells by ascending offset; none overlaps another. Most pieces of memory have a handful, which a sorted vector copies
/// and compares fastest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells(Vec<(i64, Cell)>);

impl Cells {
    pub(super) fn new() -> Cells {
        Cells(Vec::new())
    }

    /// One cell.
    pub(super) fn of(offset: i64, cell: Cell) -> Cells {
        Cells(vec![(offset, cell)])
    }

    fn find(&self, offset: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&offset, |(at, _)| *at)
    }

    /// The cell that begins at this offset.
    pub(super) fn get(&self, offset: i64) -> Option<&Cell> {
        self.find(offset).ok().map(|at| &self.0[at].1)
    }

    pub(super) fn insert(&mut self, offset: i64, cell: Cell) {
        match self.find(offset) {
            Ok(at) => self.0[at].1 = cell,
            Err(at) => self.0.insert(at, (offset, cell)),
        }
    }

    pub(super) fn remove(&mut self, offset: i64) {
        if let Ok(at) = self.find(offset) {
            self.0.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Offsets and cells, ascending.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, Cell)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Cell> + '_ {
        self.0.iter().map(|(_, cell)| cell)
    }

    /// Cells that begin at or after this offset.
    pub(super) fn from(&self, offset: i64) -> impl Iterator<Item = (i64, Cell)> + '_ {
        let first = self.find(offset).unwrap_or_else(|at| at);
        self.0[first..].iter().copied()
    }

    /// Cells that have bytes from `offset` to before `end`.
    pub(super) fn overlapping(&self, offset: i64, end: i64) -> Vec<(i64, Cell)> {
        let first = self.find(offset).unwrap_or_else(|at| at);
        let before = first.checked_sub(1).map(|at| self.0[at]);
        let before = before.filter(|(start, cell)| start.saturating_add_unsigned(cell.size) > offset);
        let within = self.0[first..].iter().copied().take_while(|(start, _)| *start < end);
        before.into_iter().chain(within).collect()
    }
}

impl Extend<(i64, Cell)> for Cells {
    fn extend<I: IntoIterator<Item = (i64, Cell)>>(&mut self, cells: I) {
        cells.into_iter().for_each(|(offset, cell)| self.insert(offset, cell));
    }
}
