//! From a node of the trie to the frames that people read.
use stanch_finding::{Frame, Site};
use stanch_recording::{AllocatorFunction, NodeIndex, Process, SiteIndex, StackEntry};

/// The call stacks of a process.
pub(super) struct Stacks<'a> {
    process: &'a Process,
}

impl<'a> Stacks<'a> {
    pub(super) fn new(process: &'a Process) -> Self {
        Self { process }
    }

    /// Where the blocks of a site were allocated by this function.
    pub(super) fn site(&self, site: SiteIndex, allocator: AllocatorFunction) -> Site {
        let node = self.process.sites.get(site.0 as usize).map_or(NodeIndex(0), |site| site.node);
        Site { allocator: allocator.name().to_owned(), stack: self.frames(node) }
    }

    /// The frames from a node outwards, inlined ones included, innermost first.
    pub(super) fn frames(&self, innermost: NodeIndex) -> Vec<Frame> {
        self.process.stack(innermost).flat_map(frames).collect()
    }
}

/// The frames of one entry: as many as were inlined there and one; one without a name where nothing is known.
fn frames(entry: StackEntry<'_>) -> Vec<Frame> {
    let bare = Frame {
        module: entry.module.map(|module| module.path.clone()),
        module_offset: entry.module_offset(),
        ..Frame::default()
    };
    if entry.frames.is_empty() {
        return vec![bare];
    }
    let named = entry.frames.iter().map(|frame| Frame {
        function: frame.function.clone(),
        file: frame.file.clone(),
        line: frame.line,
        column: frame.column,
        inlined: frame.inlined,
        ..bare.clone()
    });
    named.collect()
}
