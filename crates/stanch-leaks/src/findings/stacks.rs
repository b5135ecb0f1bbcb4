//! From a node of the trie to the frames that people read.
use stanch_finding::{Fingerprint, Frame, Site};
use stanch_recording::{AllocatorFunction, NodeIndex, Process, SiteIndex, StackEntry};
use std::cell::RefCell;
use std::collections::HashMap;

/// How many innermost entries of a stack are tried to tell whose allocation it is: often few do, nearly always all.
const TRIED: [usize; 3] = [1, 2, INNERMOST];
const INNERMOST: usize = 6;
/// The innermost entries of a stack by module and address, and the function that allocated.
type InnermostKey = ([(u16, u64); INNERMOST], AllocatorFunction);

/// The call stacks of a process.
pub(super) struct Stacks<'a> {
    process: &'a Process,
    /// `None` for entries that do not tell it.
    fingerprints: RefCell<HashMap<InnermostKey, Option<Fingerprint>>>,
}

impl<'a> Stacks<'a> {
    pub(super) fn new(process: &'a Process) -> Self {
        Self { process, fingerprints: RefCell::default() }
    }

    /// The identity of what a site allocates by this function. Programs have many more stacks than ways to end one, so
    /// names are looked at once for each of those.
    pub(super) fn fingerprint(&self, site: SiteIndex, allocator: AllocatorFunction) -> Fingerprint {
        let innermost = self.innermost(site);
        let told = TRIED.into_iter().find_map(|count| self.told_by(innermost, count, allocator));
        told.unwrap_or_else(|| Fingerprint::of(&self.site(site, allocator)))
    }

    /// The identity, where so many innermost entries tell it.
    fn told_by(&self, innermost: NodeIndex, count: usize, allocator: AllocatorFunction) -> Option<Fingerprint> {
        let mut key = ([(0, 0); INNERMOST], allocator);
        for (place, (_, node)) in key.0[..count].iter_mut().zip(self.process.stack_nodes(innermost)) {
            *place = (node.module, node.address.0);
        }
        let told = || {
            let stack = self.process.stack(innermost).take(count).flat_map(frames).collect();
            Fingerprint::of_innermost(&Site { allocator: allocator.name().to_owned(), stack })
        };
        self.fingerprints.borrow_mut().entry(key).or_insert_with(told).clone()
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
