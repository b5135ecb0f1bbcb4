//! How much memory a file may ask of its reader: the rule is that of recordings.
//!
//! Packed data lets a small file describe a large value. Whoever makes an entry takes it from the budget first, and
//! leaves it out where nothing is left; that it happened becomes a note.

/// What the smallest file may ask for.
const FLOOR_BYTES: u64 = 16 << 20;
/// What each byte of a file adds to that.
const BYTES_PER_FILE_BYTE: u64 = 256;

/// What is left of a reader's memory.
#[derive(Debug)]
pub(crate) struct Budget {
    left_bytes: u64,
    /// Kept for what is made of the entries when all are read.
    reserve_bytes: u64,
    /// Nothing more is handed out.
    is_closed: bool,
    is_spent: bool,
}

impl Budget {
    /// Half of what a reader may take: lists grow by doubling. A quarter of that is the reserve.
    pub(crate) fn of_file(length_bytes: u64) -> Self {
        let all = FLOOR_BYTES.saturating_add(length_bytes.saturating_mul(BYTES_PER_FILE_BYTE));
        let usable = all / 2;
        Self { left_bytes: usable - usable / 4, reserve_bytes: usable / 4, is_closed: false, is_spent: false }
    }

    /// Takes this much; false, from then on, where it is not there.
    #[must_use]
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        match self.left_bytes.checked_sub(bytes as u64) {
            Some(left) if !self.is_closed => self.left_bytes = left,
            _ => self.close(),
        }
        !self.is_closed
    }

    /// Hands out nothing more: something had to be left out.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.is_spent = true;
    }

    /// Lets the reserve be taken: all entries are read.
    pub(crate) fn open_reserve(&mut self) {
        self.left_bytes = self.left_bytes.saturating_add(std::mem::take(&mut self.reserve_bytes));
        self.is_closed = false;
    }

    /// Gives back what was taken for a while.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        self.left_bytes = self.left_bytes.saturating_add(bytes as u64);
    }

    /// What may be taken at once.
    pub(crate) fn left(&self) -> u64 {
        self.left_bytes
    }

    /// True where something was left out.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }
}
