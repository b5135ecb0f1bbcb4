//! From a node of the trie to the frames that people read.
use stanch_finding::{Fingerprint, Frame, Site};
use stanch_recording::{AllocatorFunction, NodeIndex, Process, SiteIndex, StackEntry};
use std::cell::RefCell;
use std::collections::HashMap;

/// Entries of a stack that nearly always tell whose allocation it is.
const INNERMOST: usize = 6;
/// The innermost entries of a stack by module and address, and the function that allocated.
type InnermostKey = ([(u16, u64); INNERMOST], AllocatorFunction);

/// The call stacks of a process.
pub(super) struct Stacks<'a> {
    process: &'a Process,
    fingerprints: RefCell<HashMap<InnermostKey, Fingerprint>>,
}

impl<'a> Stacks<'a> {
    pub(super) fn new(process: &'a Process) -> Self {
        Self { process, fingerprints: RefCell::default() }
    }

    /// The identity of what a site allocates by this function. Programs have many more stacks than ways to end one, so
    /// names are looked at once for each of those.
    pub(super) fn fingerprint(&self, site: SiteIndex, allocator: AllocatorFunction) -> Fingerprint {
        let innermost = self.innermost(site);
        let mut key = ([(0, 0); INNERMOST], allocator);
        for (place, entry) in key.0.iter_mut().zip(self.process.stack(innermost)) {
            *place = (entry.node.module, entry.node.address.0);
        }
        if let Some(known) = self.fingerprints.borrow().get(&key) {
            return known.clone();
        }
        let stack = self.process.stack(innermost).take(INNERMOST).flat_map(frames).collect();
        let Some(fingerprint) = Fingerprint::of_innermost(&Site { allocator: allocator.name().to_owned(), stack })
        else {
            return Fingerprint::of(&self.site(site, allocator));
        };
        self.fingerprints.borrow_mut().insert(key, fingerprint.clone());
        fingerprint
    }

    fn innermost(&self, site: SiteIndex) -> NodeIndex {
        self.process.sites.get(site.0 as usize).map_or(NodeIndex(0), |site| site.node)
    }

    /// Where the blocks of a site were allocated by this function.
    pub(super) fn site(&self, site: SiteIndex, allocator: AllocatorFunction) -> Site {
        Site { allocator: allocator.name().to_owned(), stack: self.frames(self.innermost(site)) }
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
