//! Which clang is used: the newest that is installed, or the one that was asked for.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version whose IR is read.
const MAJOR_MIN: u32 = 14;
/// Where distributions put versions that are not on the path.
const LLVM_FOLDERS: [&str; 2] = ["/usr/lib", "/usr/local"];

/// A clang that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clang {
    /// The executable.
    pub path: PathBuf,
    /// The first number of its version.
    pub major: u32,
    /// Its version in full.
    pub version: String,
}

/// Why there is no clang to use.
#[derive(Debug, thiserror::Error)]
pub enum ClangError {
    /// None is installed.
    #[error("no clang is installed, and Stanch reads C and C++ through it")]
    Missing,
    /// Those that are installed are too old.
    #[error("clang {0} is too old: Stanch needs clang {MAJOR_MIN} or later")]
    Old(String),
    /// The one asked for cannot be started.
    #[error("cannot start `{}`", .0.display())]
    Start(PathBuf, #[source] io::Error),
    /// The one asked for is something else.
    #[error("`{}` is not clang: `--version` does not say so", .0.display())]
    Other(PathBuf),
}

impl Clang {
    /// The newest one in the folders of `search_path` and where distributions keep them.
    ///
    /// # Errors
    /// Where there is none, or only old ones.
    pub fn newest(search_path: &OsStr) -> Result<Clang, ClangError> {
        let mut found: BTreeMap<u32, PathBuf> = BTreeMap::new();
        let mut plain = None;
        for folder in std::env::split_paths(search_path) {
            for (major, path) in numbered(&folder) {
                found.entry(major).or_insert(path);
            }
            plain = plain.or_else(|| Some(folder.join("clang")).filter(|path| path.is_file()));
        }
        for (major, path) in LLVM_FOLDERS.iter().flat_map(|folder| of_llvm(Path::new(folder))) {
            found.entry(major).or_insert(path);
        }
        let plain = plain.and_then(|path| Clang::at(&path).ok());
        let numbered = found.values().rev().find_map(|path| Clang::at(path).ok());
        match plain.into_iter().chain(numbered).max_by_key(|clang| clang.major) {
            Some(clang) if clang.major < MAJOR_MIN => Err(ClangError::Old(clang.version)),
            Some(clang) => Ok(clang),
            None => Err(ClangError::Missing),
        }
    }

    /// The one at this path.
    ///
    /// # Errors
    /// Where it cannot be started, or is no clang, or an old one.
    pub fn wanted(path: &Path) -> Result<Clang, ClangError> {
        match Clang::at(path)? {
            clang if clang.major < MAJOR_MIN => Err(ClangError::Old(clang.version)),
            clang => Ok(clang),
        }
    }

    fn at(path: &Path) -> Result<Clang, ClangError> {
        let mut command = Command::new(path);
        command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().map_err(|error| ClangError::Start(path.to_owned(), error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = version(&text).ok_or_else(|| ClangError::Other(path.to_owned()))?;
        let major = version.split('.').next().and_then(|number| number.parse().ok());
        let major = major.ok_or_else(|| ClangError::Other(path.to_owned()))?;
        Ok(Clang { path: path.to_owned(), major, version: version.to_owned() })
    }
}

/// The number behind `clang version`.
fn version(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("clang version ")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    Some(&rest[..end]).filter(|version| !version.is_empty())
}

/// `clang-19` and its kin in a folder.
fn numbered(folder: &Path) -> Vec<(u32, PathBuf)> {
    in_folder(folder, "clang-", |path| path)
}

/// `llvm-19/bin/clang` in a folder.
fn of_llvm(folder: &Path) -> Vec<(u32, PathBuf)> {
    in_folder(folder, "llvm-", |path| path.join("bin/clang"))
}

fn in_folder(folder: &Path, beginning: &str, executable: impl Fn(PathBuf) -> PathBuf) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let found = entries.filter_map(|entry| {
        let major = entry.file_name().to_str()?.strip_prefix(beginning)?.parse().ok()?;
        Some((major, executable(entry.path()))).filter(|(_, path)| path.is_file())
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::{Clang, ClangError, version};
    use std::ffi::OsStr;
    use std::path::Path;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("Debian clang version 19.1.7 (3~deb12u1)\nTarget: x"), Some("19.1.7"));
        assert_eq!(version("clang version 22.0.0git"), Some("22.0.0"));
        assert_eq!(version("gcc (Debian 12.2.0-14) 12.2.0"), None);
    }

    #[test]
    fn what_is_no_clang_is_refused() {
        assert!(matches!(Clang::wanted(Path::new("/bin/true")), Err(ClangError::Other(_))));
        assert!(matches!(Clang::wanted(Path::new("/no/such/clang")), Err(ClangError::Start(..))));
    }

    #[test]
    fn the_newest_one_is_found() {
        let clang = Clang::newest(OsStr::new("/nowhere:/usr/bin")).unwrap();
        assert!(14 <= clang.major && clang.path.is_file());
    }
}
