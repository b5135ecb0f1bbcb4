//! Getting the source: which files are compiled and how, LLVM IR of each, and which of them make a program.
//!
//! Commands come from a compile database ([`from_database`]), from a build that was watched ([`Build`]), or are made up
//! for files named by hand ([`from_folders`]). Each compiled file becomes a [`Unit`] with flags that
//! clang knows; [`compile_all`] has clang write its IR; [`programs()`] says which units belong together.
mod build;
mod clang;
mod command;
mod compile;
mod compiler;
mod database;
mod flags;
mod folder;
mod json_bytes;
mod programs;
mod unit;
mod words;

pub use build::{Build, BuildCommand, ENVIRONMENT};
pub use clang::{Clang, ClangError};
pub use compile::{CompileError, CompilePlan, compile_all, compile_text, in_parallel};
pub use database::{DatabaseError, FILE_NAME, find_database, from_database};
pub use folder::from_folders;
pub use programs::{Program, Symbols, programs};
pub use unit::{Language, Link, LinkKind, Unit};
pub use words::with_response_files;

use stanch_finding::Incomplete;
use std::collections::BTreeSet;

/// What there is to analyse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// What is compiled.
    pub units: Vec<Unit>,
    /// What is put together of it, where that is known.
    pub links: Vec<Link>,
    /// What cannot be analysed, and why.
    pub gaps: Vec<Incomplete>,
}

impl Sources {
    /// Leaves each unit once: builds compile a file twice to place its code in two ways. What the second one wrote is
    /// taken for what the first one did.
    fn without_doubles(mut self) -> Sources {
        let mut kept: Vec<Unit> = Vec::new();
        let mut renamed = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        for unit in std::mem::take(&mut self.units) {
            let (path, language, flags) = unit.identity();
            let flags: Vec<_> = flags.into_iter().cloned().collect();
            match seen.get(&(path.clone(), language, flags.clone())) {
                Some(at) => {
                    let first: &Unit = &kept[*at];
                    renamed.extend(unit.output.zip(first.output.clone()));
                }
                None => {
                    seen.insert((path, language, flags), kept.len());
                    kept.push(unit);
                }
            }
        }
        for link in &mut self.links {
            for input in &mut link.inputs {
                if let Some((_, first)) = renamed.iter().find(|(second, _)| second == input) {
                    input.clone_from(first);
                }
            }
        }
        let gaps: BTreeSet<Incomplete> = std::mem::take(&mut self.gaps).into_iter().collect();
        Sources { units: kept, links: self.links, gaps: gaps.into_iter().collect() }
    }
}
