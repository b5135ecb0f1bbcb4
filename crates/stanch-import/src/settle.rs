//! Takes the frames of allocators out of imported stacks, as our own recordings have none.
//!
//! Other tools see the allocation function as the innermost frame, often below functions that only the allocator
//! itself calls. The outermost allocation function among the innermost frames is what the program called.
use stanch_recording::{AllocatorFunction, Group, NodeIndex, Process, Recording, StackEntry};
use std::collections::HashMap;

/// An allocator's own stack is not deeper.
const FRAMES_MAX: usize = 16;

/// Makes every site's stack begin at the caller of the allocation function, and names that function. The addresses of
/// the recording should be resolved before.
pub fn settle(recording: &mut Recording) {
    recording.processes.iter_mut().for_each(settle_process);
}

fn settle_process(process: &mut Process) {
    let mut found: HashMap<NodeIndex, (NodeIndex, Option<AllocatorFunction>)> = HashMap::new();
    let nodes = process.sites.iter().map(|site| site.node);
    for node in nodes {
        found.entry(node).or_insert_with(|| caller(process, node));
    }
    let allocators: Vec<_> = process.sites.iter().map(|site| found[&site.node].1).collect();
    for site in &mut process.sites {
        site.node = found[&site.node].0;
    }
    let name = |group: &mut Group| {
        if let Some(Some(allocator)) = allocators.get(group.site.0 as usize) {
            group.allocator = *allocator;
        }
    };
    process.snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.groups).for_each(name);
    for misuse in &mut process.misuses {
        if let Some(Some(allocator)) = misuse.site.and_then(|site| allocators.get(site.0 as usize)) {
            misuse.allocator = *allocator;
        }
    }
}

/// The frame that called the allocator, and what it called where that is known.
fn caller(process: &Process, innermost: NodeIndex) -> (NodeIndex, Option<AllocatorFunction>) {
    let mut result = (innermost, None);
    if is_unnamed_new(process, innermost) {
        return (process.nodes[innermost.0 as usize].parent, Some(AllocatorFunction::New));
    }
    for entry in process.stack(innermost).take(FRAMES_MAX) {
        let names = entry.frames.iter().filter_map(|frame| frame.function.as_deref());
        match names.filter_map(allocation_function).next_back() {
            Some(function) => result = (entry.node.parent, Some(function)),
            None if is_internal(&entry) => {
                if result.1.is_none() {
                    result.0 = entry.node.parent;
                }
            }
            None => break,
        }
    }
    // A stack of nothing but allocator frames is better than none.
    if result.0 == NodeIndex(0) { (innermost, result.1) } else { result }
}

/// heaptrack does not name functions of a stripped C++ library. One unnamed frame of it between `malloc` and other code
/// is `operator new`, unless the dynamic linker called it to set the library up.
fn is_unnamed_new(process: &Process, innermost: NodeIndex) -> bool {
    let is_of = |entry: &StackEntry<'_>, name: &str| {
        let path = entry.module.map_or("", |module| module.path.as_str());
        path.rsplit('/').next().is_some_and(|file| file.starts_with(name))
    };
    let mut entries = process.stack(innermost);
    let (Some(first), Some(caller)) = (entries.next(), entries.next()) else { return false };
    let is_unnamed = first.frames.iter().all(|frame| frame.function.is_none());
    is_unnamed && is_of(&first, "libstdc++.so") && !is_of(&caller, "libstdc++.so") && !is_of(&caller, "ld-linux")
}

/// The allocation function of this name, under whatever prefix an allocator or interceptor gives it.
pub(crate) fn allocation_function(name: &str) -> Option<AllocatorFunction> {
    use AllocatorFunction::{Calloc, Malloc, Memalign, Mmap, New, NewAligned, NewArray, NewArrayAligned, Realloc};
    let is_aligned = name.contains("align_val_t");
    if let Some(rest) = name.strip_prefix("operator new") {
        return match (rest.starts_with("[]"), rest.is_empty() || rest.starts_with(['(', '['])) {
            (_, false) => None,
            (true, _) => Some(if is_aligned { NewArrayAligned } else { NewArray }),
            (false, _) => Some(if is_aligned { NewAligned } else { New }),
        };
    }
    const PREFIXES: [&str; 8] =
        ["___interceptor_", "__interceptor_", "__libc_", "__GI_", "je_", "tc_", "tcmalloc_", "mi_"];
    let bare = name.split('(').next().unwrap_or(name);
    let bare = PREFIXES.iter().find_map(|prefix| bare.strip_prefix(prefix)).unwrap_or(bare);
    match bare {
        "malloc" => Some(Malloc),
        "calloc" => Some(Calloc),
        "realloc" | "reallocarray" => Some(Realloc),
        "memalign" | "aligned_alloc" | "posix_memalign" | "valloc" | "pvalloc" => Some(Memalign),
        "new" | "new_nothrow" if name.starts_with("tc_") => Some(New),
        "newarray" | "newarray_nothrow" if name.starts_with("tc_") => Some(NewArray),
        "mmap" | "mmap64" => Some(Mmap),
        _ => None,
    }
}

/// True for what only an allocator calls, and for the tools that watch it.
fn is_internal(entry: &StackEntry<'_>) -> bool {
    const MODULES: [&str; 7] =
        ["libjemalloc", "libtcmalloc", "vgpreload_", "libheaptrack_", "liblsan", "libasan", "libmimalloc"];
    const NAMES: [&str; 7] =
        ["je_", "prof_", "imalloc", "tcmalloc::", "(anonymous namespace)::do_malloc", "heaptrack_", "MallocHook::"];
    let file = entry.module.map(|module| module.path.rsplit('/').next().unwrap_or(&module.path));
    let is_named = |name: &str| NAMES.iter().any(|prefix| name.starts_with(prefix));
    file.is_some_and(|file| MODULES.iter().any(|prefix| file.starts_with(prefix)))
        || entry.frames.iter().filter_map(|frame| frame.function.as_deref()).any(is_named)
}

#[cfg(test)]
mod tests {
    use super::allocation_function;
    use stanch_recording::AllocatorFunction::*;

    #[test]
    fn allocation_functions_are_known_under_their_prefixes() {
        let cases = [
            ("malloc", Some(Malloc)),
            ("__interceptor_calloc", Some(Calloc)),
            ("operator new(unsigned long)", Some(New)),
            ("operator new[](unsigned long, std::align_val_t)", Some(NewArrayAligned)),
            ("operator new", Some(New)),
            ("tc_newarray", Some(NewArray)),
            ("je_malloc", Some(Malloc)),
            ("newarray", None),
            ("operator new_thing", None),
            ("xmalloc", None),
            ("strdup", None),
        ];
        cases.iter().for_each(|(name, function)| assert_eq!(allocation_function(name), *function, "{name}"));
    }
}
