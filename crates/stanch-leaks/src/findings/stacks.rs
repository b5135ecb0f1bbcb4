//! From a node of the trie to the frames that people read.
use stanch_finding::{Frame, Site};
use stanch_recording::{AllocatorFunction, Module, NodeIndex, Process, ResolvedCode, SiteIndex, StackNode};

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
        Site { allocator: allocator_name(allocator).to_owned(), stack: self.frames(node) }
    }

    /// The frames from a node outwards, inlined ones included, innermost first.
    pub(super) fn frames(&self, innermost: NodeIndex) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut index = innermost;
        while let Some(node) = self.process.nodes.get(index.0 as usize).filter(|_| index.0 != 0) {
            self.add_frames(node, &mut frames);
            if index <= node.parent {
                break; // A damaged recording; a parent comes first.
            }
            index = node.parent;
        }
        frames
    }

    fn add_frames(&self, node: &StackNode, frames: &mut Vec<Frame>) {
        let module = (node.module as usize).checked_sub(1).and_then(|index| self.process.modules.get(index));
        let bare = Frame {
            module: module.map(|module| module.path.clone()),
            module_offset: module.and_then(|module| call_offset(node, module)),
            ..Frame::default()
        };
        match self.resolved(node) {
            Some(code) if !code.frames.is_empty() => frames.extend(code.frames.iter().map(|frame| Frame {
                function: frame.function.clone(),
                file: frame.file.clone(),
                line: frame.line,
                column: frame.column,
                inlined: frame.inlined,
                ..bare.clone()
            })),
            _ => frames.push(bare),
        }
    }

    fn resolved(&self, node: &StackNode) -> Option<&'a ResolvedCode> {
        let resolved = &self.process.resolved;
        let at =
            resolved.binary_search_by_key(&(node.module, node.address), |code| (code.module, code.address)).ok()?;
        resolved.get(at)
    }
}

/// File address of the call: the node has the return address, and the call ends just before it.
fn call_offset(node: &StackNode, module: &Module) -> Option<u64> {
    node.address.0.checked_sub(module.load_bias)?.checked_sub(1)
}

/// The function as the program calls it.
pub(super) fn allocator_name(allocator: AllocatorFunction) -> &'static str {
    match allocator {
        AllocatorFunction::Inherited => "inherited",
        AllocatorFunction::Malloc => "malloc",
        AllocatorFunction::Calloc => "calloc",
        AllocatorFunction::Realloc => "realloc",
        AllocatorFunction::Memalign => "memalign",
        AllocatorFunction::New | AllocatorFunction::NewAligned => "operator new",
        AllocatorFunction::NewArray | AllocatorFunction::NewArrayAligned => "operator new[]",
        AllocatorFunction::Mmap => "mmap",
        AllocatorFunction::Brk => "sbrk",
    }
}
