//! Compile databases: `compile_commands.json`, as CMake, Meson, Bear and others write it.
//!
//! Source: Clang documentation, "JSON Compilation Database Format Specification".
use super::command::{language_of, of_database};
use super::json_bytes::{to_text, to_words};
use super::unit::cleaned;
use super::words::{shell_words, with_response_files};
use super::{Sources, Unit};
use stanch_finding::Incomplete;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Name of a compile database.
pub const FILE_NAME: &str = "compile_commands.json";

/// Folders in which build systems put one, beside `cmake-build-*`.
const BUILD_FOLDERS: [&str; 6] = ["build", "builddir", "out", "_build", "Build", "out/build"];

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be read.
    #[error("cannot read `{}`", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is no JSON, or not of the form.
    #[error("`{}` is not a compile database: {}", .0.display(), .1)]
    Malformed(PathBuf, String),
    /// It has no entry.
    #[error("`{}` is empty: it names no source file", .0.display())]
    Empty(PathBuf),
}

/// An entry; unknown keys are left alone.
#[derive(serde::Deserialize)]
struct Entry {
    directory: Option<String>,
    file: String,
    command: Option<String>,
    arguments: Option<Vec<String>>,
    output: Option<String>,
}

/// The database of a project's folder: in it, or where build systems put it.
#[must_use]
pub fn find_database(folder: &Path) -> Option<PathBuf> {
    let here = folder.join(FILE_NAME);
    let known = BUILD_FOLDERS.iter().map(|name| folder.join(name).join(FILE_NAME));
    let mut of_cmake: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            name.as_bytes().starts_with(b"cmake-build-") || name.as_bytes().starts_with(b"build")
        })
        .map(|entry| entry.path().join(FILE_NAME))
        .collect();
    of_cmake.sort();
    std::iter::once(here).chain(known).chain(of_cmake).find(|path| path.is_file())
}

/// Reads a database.
///
/// # Errors
/// Where the file cannot be read, is no database, or names nothing.
pub fn from_database(path: &Path) -> Result<Sources, DatabaseError> {
    let bytes = std::fs::read(path).map_err(|error| DatabaseError::Unreadable(path.to_owned(), error))?;
    let malformed = |error: serde_json::Error| DatabaseError::Malformed(path.to_owned(), error.to_string());
    let entries: Vec<Entry> = serde_json::from_str(&to_text(&bytes)).map_err(malformed)?;
    if entries.is_empty() {
        return Err(DatabaseError::Empty(path.to_owned()));
    }
    let base = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let base = base.parent().unwrap_or(Path::new("/"));
    let mut sources = Sources::default();
    let mut passed_over: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &entries {
        read_entry(entry, base, &mut sources, &mut passed_over);
    }
    sources.gaps.extend(passed_over.into_iter().map(|(why, count)| Incomplete {
        what: format!("{count} {} of `{}`", if count == 1 { "entry" } else { "entries" }, path.display()),
        why,
    }));
    Ok(sources.without_doubles())
}

fn read_entry(entry: &Entry, base: &Path, sources: &mut Sources, passed_over: &mut BTreeMap<String, u64>) {
    let folder = base.join(entry.directory.as_deref().map(to_words).unwrap_or_default());
    let file = PathBuf::from(to_words(&entry.file));
    let words = match (&entry.arguments, &entry.command) {
        (Some(words), _) => words.iter().map(|word| to_words(word)).collect(),
        (None, Some(command)) => shell_words(to_words(command).as_bytes()),
        (None, None) => vec!["cc".into(), "-c".into(), file.clone().into_os_string()],
    };
    let words = with_response_files(&words, &folder);
    let understood = of_database(&folder, &words);
    sources.gaps.extend(understood.gaps);
    let wanted = cleaned(&folder.join(&file));
    let of_file = |unit: &Unit| cleaned(&unit.path()) == wanted;
    let mut units: Vec<Unit> = understood.units;
    match units.iter().position(of_file) {
        Some(at) => units = vec![units.swap_remove(at)],
        // The command calls it by another name (a link to it, say): the flags hold all the same.
        None if units.len() == 1 => units[0].file.clone_from(&file),
        None => {
            *passed_over.entry(why_nothing(&file)).or_default() += 1;
            return;
        }
    }
    if let (Some(unit), Some(output)) = (units.first_mut(), &entry.output) {
        unit.output = Some(cleaned(&folder.join(to_words(output))));
    }
    sources.units.extend(units);
}

/// Why an entry gives nothing to analyse.
fn why_nothing(file: &Path) -> String {
    match language_of(file, false) {
        Some(_) => "the command does not compile the file that the entry names".to_owned(),
        None => match file.extension() {
            Some(ending) => format!("`.{}` files are neither C nor C++", ending.to_string_lossy()),
            None => "the files are neither C nor C++".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
