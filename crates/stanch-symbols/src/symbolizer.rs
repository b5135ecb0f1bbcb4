//! The question this crate answers: which functions, files and lines is this address?
use crate::locate::Search;
use crate::module::Module;
use crate::note::Note;
use crate::root::Root;
use stanch_recording::ResolvedFrame;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An address in an ELF file's own space: runtime address minus load bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileAddress(pub u64);

/// An executable or shared object that a process had mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModuleFile {
    /// Path as the process saw it, as in `/proc/PID/maps`.
    pub path: PathBuf,
    /// GNU build id as it was loaded; empty where it is not known, and then any file at `path` is believed.
    pub build_id: Vec<u8>,
}

/// Where to look for files.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// The directory that the process saw as `/`, such as `/proc/PID/root`; empty for our own.
    pub root: PathBuf,
    /// Directories with debug files, searched before the system's: `.build-id/xx/yyyy.debug` below them (or
    /// `BUILDID/debuginfo`, as debuginfod's clients keep them), or the module's own directory and its debug file.
    pub debug_directories: Vec<PathBuf>,
}

/// Turns addresses into names, and remembers.
pub struct Symbolizer {
    search: Search,
    modules: HashMap<ModuleFile, Remembered>,
    /// Modules whose debug information is not worth reading.
    has_names_only: fn(&Path) -> bool,
    notes: Vec<Note>,
}

struct Remembered {
    module: Module,
    frames: HashMap<FileAddress, Vec<ResolvedFrame>>,
    /// How many of the module's notes were taken over.
    noted: usize,
}

impl Symbolizer {
    /// Opens nothing yet.
    pub fn new(options: SearchOptions) -> Self {
        let search = Search { root: Root::new(&options.root), debug_directories: options.debug_directories };
        Self { search, modules: HashMap::new(), has_names_only: |_| false, notes: Vec::new() }
    }

    /// Of these modules only symbol tables are read: functions get names, but neither files nor lines.
    #[must_use]
    pub fn with_names_only(self, of: fn(&Path) -> bool) -> Self {
        Self { has_names_only: of, ..self }
    }

    /// The frames of the call that returns to `address`, innermost inlined one first; never empty.
    ///
    /// `address` is a return address: the call is the instruction before it, which may be on another line or in
    /// another function. Where nothing is known the answer is one frame without a function.
    pub fn resolve(&mut self, module: &ModuleFile, address: FileAddress) -> Vec<ResolvedFrame> {
        if !self.modules.contains_key(module) {
            let loaded = if (self.has_names_only)(&module.path) {
                Module::load_names(&module.path, &module.build_id, &self.search)
            } else {
                Module::load(&module.path, &module.build_id, &self.search)
            };
            let remembered = Remembered { module: loaded, frames: HashMap::new(), noted: 0 };
            self.modules.insert(module.clone(), remembered);
        }
        let Some(remembered) = self.modules.get_mut(module) else {
            return vec![ResolvedFrame::default()];
        };
        let found = remembered.frames.entry(address);
        let frames = found.or_insert_with(|| remembered.module.frames(address.0.saturating_sub(1))).clone();
        for missing in &remembered.module.missing[remembered.noted..] {
            self.notes.push(Note { module: module.path.clone(), missing: missing.clone() });
        }
        remembered.noted = remembered.module.missing.len();
        frames
    }

    /// What could not be read of the modules that were asked for so far, in the order it was met.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}
