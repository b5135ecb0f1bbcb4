//! A piece of memory: cells at known offsets, writes at unknown ones, and what lies below them.
use super::cells::{Cell, Cells};
use super::term::{RegionId, TermId};
use super::trace::Site;
use crate::ir::GlobalId;
use std::sync::Arc;

/// A write at an offset that is not known, still to be told apart from reads after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scattered {
    pub(super) offset: TermId,
    pub(super) cell: Cell,
}

/// Bytes that no write of the path reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Background {
    /// Nobody gave them a value.
    Undefined,
    Zero,
    /// They were written by code that is not seen. A read makes a symbol and remembers it.
    Unknown,
    /// As the global begins.
    Initial(GlobalId),
}

/// What the memory is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RegionKind {
    /// A stack slot of the activation of this number.
    Slot {
        activation: u32,
    },
    /// Arguments copied for an activation, or its variadic ones.
    Arguments {
        activation: u32,
    },
    Global(GlobalId),
    /// Behind a pointer of which nothing is known.
    Behind(TermId),
    /// Allocated by the program.
    Block(Arc<Block>),
    /// An exception in flight.
    Exception,
}

/// An allocation: what stays the same as long as it lives.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    /// The name of the allocation function.
    pub(crate) allocator: String,
    /// What releases it.
    pub(crate) family: String,
    /// Where it was allocated.
    pub(crate) site: Site,
}

impl Block {
    /// True for plain memory, whose allocation fails only where memory is short.
    pub(super) fn is_memory(&self) -> bool {
        self.family == "malloc"
    }
}

/// Whether a block is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Live,
    /// Given back.
    Released,
    /// Live and lost: said already.
    Lost,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Region {
    pub(super) kind: RegionKind,
    /// Bytes; `None`: not known.
    pub(super) size: Option<TermId>,
    pub(super) status: Status,
    pub(super) cells: Cells,
    /// In order of writing.
    pub(super) scattered: Vec<Scattered>,
    pub(super) background: Background,
    /// Code that is not seen may know its address.
    pub(super) is_escaped: bool,
    /// Addresses whose place in it is not known: `keep(value, holder)` and bytes too wild to follow.
    pub(super) held: Vec<RegionId>,
    /// Where its address was stored last: region and offset. A hint; to be checked.
    pub(super) holders: [Option<(RegionId, i64)>; 2],
    /// A variable that held it.
    pub(super) name: Option<Arc<str>>,
}

impl Region {
    pub(super) fn new(kind: RegionKind, size: Option<TermId>, background: Background) -> Region {
        Region {
            kind,
            size,
            status: Status::Live,
            cells: Cells::new(),
            scattered: Vec::new(),
            background,
            is_escaped: false,
            held: Vec::new(),
            holders: [None; 2],
            name: None,
        }
    }

    pub(super) fn block(&self) -> Option<&Arc<Block>> {
        match &self.kind {
            RegionKind::Block(block) => Some(block),
            _ => None,
        }
    }

    /// A block that the analysed code must give back.
    pub(super) fn is_owned(&self) -> bool {
        self.status == Status::Live && !self.is_escaped && matches!(self.kind, RegionKind::Block(_))
    }

    /// Memory that outlives the code that runs.
    pub(super) fn is_root(&self) -> bool {
        self.status != Status::Released
            && (self.is_escaped
                || matches!(self.kind, RegionKind::Global(_) | RegionKind::Behind(_) | RegionKind::Exception))
            || matches!(self.kind, RegionKind::Slot { .. } | RegionKind::Arguments { .. })
    }
}
