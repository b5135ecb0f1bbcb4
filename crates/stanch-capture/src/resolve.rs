//! Gives names to the code addresses of a recording.
use stanch_leaks::Scope;
use stanch_recording::{Group, Loss, Process, Recording, ResolvedCode};
use stanch_symbols::{FileAddress, ModuleFile, Packages, SearchOptions, Symbolizer};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Which addresses get names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those of stacks that a report of this scope speaks of.
    Reported(Scope),
    /// All: the recording is kept, and other views of it want them.
    All,
}

/// Gives names to a recording's addresses and packages to its modules. `progress` hears how many of how many
/// addresses are done.
pub fn resolve(recording: &mut Recording, names: Names, mut progress: impl FnMut(usize, usize)) {
    let wanted: Vec<BTreeSet<(u16, u64)>> =
        recording.processes.iter().map(|process| addresses(process, names)).collect();
    let total = wanted.iter().map(BTreeSet::len).sum();
    let is_brief = names != Names::All && recording.processes.iter().all(is_sampled_outside_c_library);
    let mut resolver = Resolver::new(is_brief);
    let mut done = 0;
    for (process, wanted) in recording.processes.iter_mut().zip(wanted) {
        let mut used = BTreeSet::new();
        let known = process.resolved.len();
        for (module, address) in wanted {
            used.insert(module);
            // What another tool made came with names.
            let key = (module, stanch_recording::RuntimeAddress(address));
            if process.resolved[..known].binary_search_by_key(&key, |code| (code.module, code.address)).is_ok() {
                continue;
            }
            let frames = resolver.frames(process, module, address);
            process.resolved.push(ResolvedCode { module, address: stanch_recording::RuntimeAddress(address), frames });
            done += 1;
            progress(done, total);
        }
        process.resolved.sort_by_key(|code| (code.module, code.address));
        for (module, _) in process.modules.iter_mut().zip(1..).filter(|(_, number)| used.contains(number)) {
            module.package = resolver.package(&module.path);
        }
        let notes = resolver.notes(process, &used);
        process.losses.extend(notes);
    }
}

fn addresses(process: &Process, names: Names) -> BTreeSet<(u16, u64)> {
    let mut wanted = BTreeSet::new();
    let mut seen = vec![false; process.nodes.len()];
    let mut add = |mut node: usize| {
        while node != 0 && !std::mem::replace(&mut seen[node], true) {
            let frame = process.nodes[node];
            wanted.insert((frame.module, frame.address.0));
            node = frame.parent.0 as usize;
        }
    };
    if names == Names::All {
        process.sites.iter().for_each(|site| add(site.node.0 as usize));
    }
    let is_wanted = |group: &&Group| match names {
        Names::Reported(scope) => scope.has(group.class),
        Names::All => true,
    };
    let groups = process.snapshots.iter().flat_map(|snapshot| &snapshot.groups).filter(is_wanted);
    for site in groups.map(|group| group.site).chain(process.misuses.iter().filter_map(|misuse| misuse.site)) {
        if let Some(site) = process.sites.get(site.0 as usize) {
            add(site.node.0 as usize);
        }
    }
    process.misuses.iter().for_each(|misuse| add(misuse.freed_at.0 as usize));
    wanted
}

/// True of a sampled process where in each stack that is spoken of the C library's frames only start the program or the
/// thread: then nobody asks for their lines, and what it calls its functions inside names no finding.
fn is_sampled_outside_c_library(process: &Process) -> bool {
    let is_outside = |node: u32| {
        let module = process.nodes[node as usize].module as usize;
        let module = module.checked_sub(1).and_then(|index| process.modules.get(index));
        !module.is_some_and(|module| is_c_library(Path::new(&module.path)))
    };
    let mut groups = process.snapshots.iter().flat_map(|snapshot| &snapshot.groups);
    let only_starts = |group: &Group| {
        let innermost = process.sites.get(group.site.0 as usize).map_or(0, |site| site.node.0);
        let next = |node: &u32| Some(process.nodes[*node as usize].parent.0);
        let mut stack = std::iter::successors(Some(innermost), next).take_while(|node| *node != 0).peekable();
        let begins_outside = stack.peek().is_some_and(|node| is_outside(*node));
        begins_outside && !stack.skip_while(|node| is_outside(*node)).any(is_outside)
    };
    process.sampling.is_some() && groups.all(only_starts)
}

fn is_c_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("libc.so") || name.starts_with("ld-linux")
}

/// Names are remembered across processes: the processes of a tree share most of their code.
struct Resolver {
    symbolizer: Symbolizer,
    packages: Packages,
    frames: HashMap<(String, Vec<u8>, u64), Vec<stanch_recording::ResolvedFrame>>,
    found: HashMap<String, Option<stanch_recording::Package>>,
}

impl Resolver {
    /// With `is_brief` the C library's frames get no lines: to read its debug information costs more than sampling a
    /// process of some seconds may.
    fn new(is_brief: bool) -> Self {
        let options = SearchOptions { root: PathBuf::new(), debug_directories: Vec::new() };
        let symbolizer = Symbolizer::new(options);
        Self {
            symbolizer: if is_brief { symbolizer.with_names_only(is_c_library) } else { symbolizer },
            packages: Packages::new(Path::new("/")),
            frames: HashMap::new(),
            found: HashMap::new(),
        }
    }

    fn frames(&mut self, process: &Process, module: u16, address: u64) -> Vec<stanch_recording::ResolvedFrame> {
        let Some(module) = (module as usize).checked_sub(1).and_then(|index| process.modules.get(index)) else {
            return vec![stanch_recording::ResolvedFrame::default()];
        };
        let file_address = address.wrapping_sub(module.load_bias);
        let key = (module.path.clone(), module.build_id.clone(), file_address);
        if let Some(frames) = self.frames.get(&key) {
            return frames.clone();
        }
        let file = ModuleFile { path: PathBuf::from(&module.path), build_id: module.build_id.clone() };
        let frames = self.symbolizer.resolve(&file, FileAddress(file_address));
        self.frames.insert(key, frames.clone());
        frames
    }

    fn package(&mut self, path: &str) -> Option<stanch_recording::Package> {
        if !self.found.contains_key(path) {
            let package = self.packages.find(Path::new(path));
            self.found.insert(path.to_owned(), package);
        }
        self.found[path].clone()
    }

    /// What could not be read of the modules that appear in this process's stacks. Missing debug information is no
    /// loss where the symbol table has names.
    fn notes(&self, process: &Process, used: &BTreeSet<u16>) -> Vec<Loss> {
        let paths: BTreeSet<&str> = used
            .iter()
            .filter_map(|module| process.modules.get((*module as usize).checked_sub(1)?))
            .map(|module| module.path.as_str())
            .collect();
        self.symbolizer
            .notes()
            .iter()
            .filter(|note| note.module.to_str().is_some_and(|path| paths.contains(path)))
            .filter(|note| !matches!(note.missing, stanch_symbols::Missing::NoDebugInfo))
            .map(|note| Loss { what: format!("names in `{}`", note.module.display()), why: note.missing.to_string() })
            .collect()
    }
}
