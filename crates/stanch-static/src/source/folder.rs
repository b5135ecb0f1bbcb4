//! Sources that no build describes: files named by hand, and all those of a folder.
use super::command::language_of;
use super::flags::{Fate, fate};
use super::{Sources, Unit};
use stanch_finding::Incomplete;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that hold no sources of the project.
const PASSED_OVER: [&str; 5] = ["CMakeFiles", "node_modules", "target", "_build", "builddir"];

/// Files as one program; `folder` is what relative names are relative to.
fn from_files(files: &[PathBuf], folder: &Path) -> Sources {
    let mut sources = Sources::default();
    for file in files {
        match language_of(file, false) {
            Some(language) => sources.units.push(Unit {
                folder: folder.to_owned(),
                file: file.clone(),
                language,
                flags: Vec::new(),
                output: None,
                environment: Vec::new(),
            }),
            None => sources.gaps.push(Incomplete {
                what: file.display().to_string(),
                why: "its name is that of neither a C nor a C++ source file".to_owned(),
            }),
        }
    }
    sources
}

/// All sources below some folders, and files beside; headers are looked for wherever in the folders there are some.
/// `here` is what relative names are relative to.
///
/// # Errors
/// Where one of the folders cannot be read; folders in it that cannot are gaps.
pub fn from_folders(folders: &[PathBuf], files: &[PathBuf], here: &Path) -> io::Result<Sources> {
    let mut found = Found::default();
    for folder in folders {
        std::fs::read_dir(folder)?;
        found.collect(folder);
    }
    found.files.sort();
    found.files.extend_from_slice(files);
    let mut sources = from_files(&found.files, here);
    let includes: Vec<OsString> =
        found.header_folders.iter().flat_map(|path| ["-I".into(), path.clone().into_os_string()]).collect();
    sources.units.iter_mut().for_each(|unit| unit.flags.clone_from(&includes));
    sources.gaps.extend(found.gaps);
    Ok(sources)
}

#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    header_folders: BTreeSet<PathBuf>,
    gaps: Vec<Incomplete>,
}

impl Found {
    fn collect(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.gaps
                    .push(Incomplete { what: folder.display().to_string(), why: format!("cannot be read: {error}") });
                return;
            }
        };
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = name.to_string_lossy();
            if name.starts_with('.') || (is_folder && PASSED_OVER.contains(&&*name)) {
                continue;
            }
            if is_folder {
                self.collect(&path);
            } else if is_header(&path) {
                self.header_folders.insert(folder.to_owned());
            } else if is_source(&path) {
                self.files.push(path);
            }
        }
    }
}

/// `.i` and `.tcc` files are what builds leave behind or what others include.
fn is_source(path: &Path) -> bool {
    let is_meant = path.extension().is_some_and(|ending| ending != "i" && ending != "ii" && ending != "tcc");
    is_meant && language_of(path, false).is_some()
}

fn is_header(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| matches!(ending, "h" | "hh" | "hpp" | "hxx" | "h++" | "inc" | "inl" | "ipp" | "tcc"))
}

impl Sources {
    /// Adds flags that were given by hand to every unit, behind its own. Those that change nothing about what code
    /// means are left out.
    pub fn add_flags(&mut self, flags: &[OsString]) {
        let mut kept = Vec::new();
        let mut words = flags.iter();
        while let Some(word) = words.next() {
            match fate(word) {
                Fate::Keep => kept.push(word.clone()),
                Fate::KeepWithNext => kept.extend(std::iter::once(word).chain(words.next()).cloned()),
                Fate::Drop => {}
                Fate::DropWithNext => drop(words.next()),
            }
        }
        self.units.iter_mut().for_each(|unit| unit.flags.extend(kept.iter().cloned()));
    }
}
