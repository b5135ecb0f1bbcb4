//! One module: its files, opened once, and the names in them.
use crate::debug_info::{DebugFrame, DebugInfo};
use crate::elf::Elf;
use crate::locate::Search;
use crate::name::{is_mangled, readable};
use crate::note::Missing;
use crate::symbol_table::SymbolTable;
use crate::{guard::guarded, mini_debug_info};
use stanch_recording::ResolvedFrame;
use std::cell::OnceCell;
use std::path::Path;

/// A module whose files were looked for.
#[derive(Default)]
pub(crate) struct Module {
    /// The file itself.
    own: Option<Elf>,
    /// Its separate debug file.
    separate: Option<Elf>,
    debug_info: Option<DebugInfo>,
    /// Read when the debug information leaves something open.
    symbols: OnceCell<SymbolTable>,
    /// What was missing.
    pub(crate) missing: Vec<Missing>,
}

impl Module {
    /// Finds and opens the files of a module.
    pub(crate) fn load(path: &Path, build_id: &[u8], search: &Search) -> Self {
        let mut module = Self::load_names(path, build_id, search);
        module.read_debug_info(path, search);
        module.note_what_is_missing();
        module
    }

    /// The same without its debug information.
    pub(crate) fn load_names(path: &Path, build_id: &[u8], search: &Search) -> Self {
        let mut module = Self::default();
        let own = search.module(path, build_id);
        let build_id = own.as_ref().map_or(build_id, |elf| &elf.build_id);
        if !own.as_ref().is_ok_and(|elf| elf.has_debug_info) {
            match search.debug_file(path, build_id, own.as_ref().ok()) {
                Ok(separate) => module.separate = separate,
                Err(missing) => module.missing.push(missing),
            }
        }
        match own {
            Ok(elf) => module.own = Some(elf),
            // With its debug file nothing is missing.
            Err(_) if module.separate.is_some() => {}
            Err(missing) => module.missing.push(missing),
        }
        module
    }

    /// The frames at the instruction `address`, innermost first; never empty.
    pub(crate) fn frames(&mut self, address: u64) -> Vec<ResolvedFrame> {
        let found = match self.debug_info.as_ref().map(|info| info.frames(address)) {
            Some(Ok(frames)) => frames,
            Some(Err(why)) => {
                self.note(Missing::BrokenDebugInfo(why));
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut frames: Vec<ResolvedFrame> = found.iter().map(resolved).collect();
        if frames.is_empty() {
            frames.push(ResolvedFrame::default());
        }
        let outermost = frames.len() - 1;
        for frame in &mut frames[..outermost] {
            frame.inlined = true;
        }
        self.name_from_symbols(&mut frames[outermost].function, found.last(), address);
        frames
    }

    /// Symbols name what the debug information does not, and name exactly what it has no linkage name for, such as
    /// lambdas: `f::{lambda(int)#2}::operator()`.
    fn name_from_symbols(&self, function: &mut Option<String>, found: Option<&DebugFrame>, address: u64) {
        let raw = found.and_then(|frame| frame.raw_name.as_deref());
        let Some(bare) = raw else {
            *function = self.symbols().find(address).map(|raw| readable_guarded(&raw));
            return;
        };
        if found.is_none_or(|frame| frame.full_name.is_none()) {
            return;
        }
        let full = self.symbols().find(address).filter(|raw| is_mangled(raw)).map(|raw| readable_guarded(&raw));
        if let Some(full) = full.filter(|full| full.ends_with(&format!("::{bare}"))) {
            *function = Some(full);
        }
    }

    fn symbols(&self) -> &SymbolTable {
        self.symbols.get_or_init(|| {
            let files = self.separate.iter().chain(&self.own);
            SymbolTable::read(files, || self.own.as_ref().and_then(mini_debug_info::read))
        })
    }

    fn read_debug_info(&mut self, path: &Path, search: &Search) {
        let Some(elf) = self.separate.as_ref().or(self.own.as_ref()).filter(|elf| elf.has_debug_info) else {
            return;
        };
        let shared = search.shared_debug_file(elf, path);
        let debug_info = DebugInfo::read(elf, shared.as_ref().ok().and_then(Option::as_ref));
        if let Err(missing) = shared {
            self.missing.push(missing);
        }
        match debug_info {
            Ok(info) => self.debug_info = Some(info),
            Err(why) => self.missing.push(Missing::BrokenDebugInfo(why)),
        }
    }

    fn note_what_is_missing(&mut self) {
        if self.debug_info.is_some() || (self.own.is_none() && self.separate.is_none()) {
            return;
        }
        let broken = self.missing.iter().any(|missing| matches!(missing, Missing::BrokenDebugInfo(_)));
        if self.symbols().is_empty() {
            self.missing.push(Missing::NoSymbols);
        } else if !broken {
            self.missing.push(Missing::NoDebugInfo);
        }
    }

    fn note(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }
}

fn resolved(frame: &DebugFrame) -> ResolvedFrame {
    ResolvedFrame {
        function: frame.full_name.clone().or_else(|| frame.raw_name.as_deref().map(readable_guarded)),
        file: frame.file.clone(),
        line: frame.line,
        column: frame.column,
        inlined: false,
    }
}

/// Demanglers read names from files that may be broken.
fn readable_guarded(raw: &str) -> String {
    guarded(|| readable(raw)).unwrap_or_else(|| raw.to_owned())
}
