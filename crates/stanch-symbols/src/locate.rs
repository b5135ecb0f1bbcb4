//! Where the files are: the module itself, its separate debug file, and the one that it shares with others.
use crate::elf::Elf;
use crate::image::Image;
use crate::note::Missing;
use crate::root::Root;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where distributions install debug files.
const SYSTEM_DEBUG_DIRECTORY: &str = "/usr/lib/debug";

/// What the kernel appends to the path of a file that was unlinked while mapped.
const DELETED: &[u8] = b" (deleted)";

/// Where to look.
#[derive(Debug)]
pub(crate) struct Search {
    /// The tree that paths of modules are in.
    pub(crate) root: Root,
    /// Directories of ours with debug files, before the system's.
    pub(crate) debug_directories: Vec<PathBuf>,
}

impl Search {
    /// The file of a module, if it is still the one that was loaded.
    pub(crate) fn module(&self, path: &Path, build_id: &[u8]) -> Result<Elf, Missing> {
        let bytes = path.as_os_str().as_bytes();
        if !path.is_absolute() || bytes.starts_with(b"/memfd:") {
            return Err(Missing::NoFile);
        }
        if let Some(path) = bytes.strip_suffix(DELETED) {
            // An upgrade may have put the very same file back; only the build id can tell.
            let same = self
                .open(Path::new(OsStr::from_bytes(path)))
                .ok()
                .filter(|elf| !build_id.is_empty() && elf.build_id == build_id);
            return same.ok_or(Missing::Deleted);
        }
        let elf = self.open(path)?;
        if !build_id.is_empty() && elf.build_id != build_id {
            return Err(Missing::Replaced);
        }
        Ok(elf)
    }

    /// The separate debug file of a module. `module` is `None` where the module itself could not be had.
    pub(crate) fn debug_file(
        &self,
        path: &Path,
        build_id: &[u8],
        module: Option<&Elf>,
    ) -> Result<Option<Elf>, Missing> {
        if let Some(elf) = self.by_build_id(build_id) {
            return Ok(Some(elf));
        }
        match module {
            Some(module) => self.by_debug_link(path, module),
            None => Ok(None),
        }
    }

    /// The file that the debug information of `elf` shares with others, where it names one.
    pub(crate) fn shared_debug_file(&self, elf: &Elf, path: &Path) -> Result<Option<Elf>, Missing> {
        let Some((name, build_id)) = &elf.shared_debug_link else {
            return Ok(None);
        };
        let is_it = |elf: &Elf| elf.build_id == *build_id;
        let found = self.by_build_id(build_id).or_else(|| {
            let mut candidates = Vec::new();
            // Relative to the debug file that names it, which may be one found by its build id.
            for directory in self.directories_of(path) {
                candidates.push(self.root.outside(&directory.join(name)));
            }
            for directory in self.all_debug_directories() {
                let under = name.strip_prefix(SYSTEM_DEBUG_DIRECTORY).unwrap_or(name);
                candidates.push(directory.join(".build-id/xx").join(name));
                candidates.push(directory.join(under.strip_prefix("/").unwrap_or(under)));
                candidates.extend(name.file_name().map(|name| directory.join(".dwz").join(name)));
            }
            candidates.iter().find_map(|candidate| open_outside(candidate).ok().filter(is_it))
        });
        found.map(Some).ok_or_else(|| Missing::NoSharedDebugFile(name.clone()))
    }

    fn open(&self, path: &Path) -> Result<Elf, Missing> {
        let outside = self.root.real_outside(path).map_err(unreadable)?;
        open_outside(&outside)
    }

    /// `.build-id/xx/yyyy.debug`, and the layout of debuginfod's caches.
    fn by_build_id(&self, build_id: &[u8]) -> Option<Elf> {
        let (first, rest) = build_id.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let (first, rest) = (hexadecimal(&[*first]), hexadecimal(rest));
        let candidates = self.all_debug_directories().into_iter().flat_map(|directory| {
            [
                directory.join(".build-id").join(&first).join(format!("{rest}.debug")),
                directory.join(format!("{first}{rest}")).join("debuginfo"),
            ]
        });
        candidates.into_iter().find_map(|path| open_outside(&path).ok().filter(|elf| elf.build_id == build_id))
    }

    fn by_debug_link(&self, path: &Path, module: &Elf) -> Result<Option<Elf>, Missing> {
        let Some((name, checksum)) = &module.debug_link else {
            return Ok(None);
        };
        let mut other = None;
        for candidate in self.debug_link_candidates(path, name) {
            let Ok(elf) = open_outside(&candidate) else { continue };
            // A file may name itself, and then it is not its own debug file.
            if !elf.has_debug_info && elf.build_id == module.build_id && elf.image.len() == module.image.len() {
                continue;
            }
            let verified = if module.build_id.is_empty() || elf.build_id.is_empty() {
                crc32fast::hash(&elf.image) == *checksum
            } else {
                elf.build_id == module.build_id
            };
            if verified {
                return Ok(Some(elf));
            }
            other.get_or_insert(candidate);
        }
        other.map_or(Ok(None), |path| Err(Missing::OtherDebugFile(path)))
    }

    fn debug_link_candidates(&self, path: &Path, name: &Path) -> Vec<PathBuf> {
        let mut candidates = Vec::new();
        for directory in self.directories_of(path) {
            candidates.push(self.root.outside(&directory.join(name)));
            candidates.push(self.root.outside(&directory.join(".debug").join(name)));
            let below = directory.strip_prefix("/").unwrap_or(&directory);
            candidates.extend(self.all_debug_directories().iter().map(|debug| debug.join(below).join(name)));
        }
        candidates
    }

    /// The directory of a file, as it was named and as it really is.
    fn directories_of(&self, path: &Path) -> Vec<PathBuf> {
        let named = path.parent().map(Path::to_owned);
        let real = self.root.real_path(path).ok().and_then(|path| path.parent().map(Path::to_owned));
        let mut directories: Vec<PathBuf> = named.into_iter().chain(real).collect();
        directories.dedup();
        directories
    }

    /// Ours, the process's system's, our system's.
    fn all_debug_directories(&self) -> Vec<PathBuf> {
        let mut directories = self.debug_directories.clone();
        directories.push(self.root.outside(Path::new(SYSTEM_DEBUG_DIRECTORY)));
        if !self.root.is_ours() {
            directories.push(PathBuf::from(SYSTEM_DEBUG_DIRECTORY));
        }
        directories
    }
}

fn open_outside(path: &Path) -> Result<Elf, Missing> {
    Elf::parse(Image::open(path).map_err(unreadable)?).map_err(Missing::BrokenFile)
}

fn unreadable(error: io::Error) -> Missing {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Missing::Gone,
        _ => Missing::Unreadable(error.to_string()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
