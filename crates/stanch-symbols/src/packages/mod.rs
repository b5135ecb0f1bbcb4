//! Which package installed a file, by the system's own records.
mod dpkg;
mod rpm;

use crate::root::Root;
use dpkg::Dpkg;
use rpm::Rpm;
use stanch_recording::Package;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Finds the packages of files.
pub struct Packages {
    root: Root,
    /// Chosen at the first question.
    database: Option<Database>,
    found: HashMap<PathBuf, Option<Package>>,
}

enum Database {
    Dpkg(Dpkg),
    Rpm(Rpm),
}

impl Packages {
    /// For the file tree below `root`; empty or `/` for our own. Reads nothing yet.
    pub fn new(root: &Path) -> Self {
        Self { root: Root::new(root), database: None, found: HashMap::new() }
    }

    /// The package that installed `path` (as that tree calls it); `None` where no package did or nobody can tell.
    pub fn find(&mut self, path: &Path) -> Option<Package> {
        if let Some(package) = self.found.get(path) {
            return package.clone();
        }
        let database = self.database.get_or_insert_with(|| Database::of(&self.root));
        let names = names_of(&self.root, path);
        let package = match database {
            Database::Dpkg(dpkg) => dpkg.owner(&names),
            Database::Rpm(rpm) => names.iter().find_map(|name| rpm.owner(name)),
        };
        self.found.insert(path.to_owned(), package.clone());
        package
    }
}

impl Database {
    fn of(root: &Root) -> Self {
        match Dpkg::open(root) {
            Some(dpkg) => Self::Dpkg(dpkg),
            None => Self::Rpm(Rpm::new(root)),
        }
    }
}

/// The names that a database may have for a file, the likeliest first.
///
/// The file itself comes before the links to it: `libfoo.so` is of the development package, the file it leads to is
/// what was loaded. Where `/lib` is a link to `/usr/lib`, databases still have files under both.
fn names_of(root: &Root, path: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for name in root.real_path(path).ok().into_iter().chain([path.to_owned()]) {
        let other = other_side_of_usr(&name).filter(|other| same_file(root, &name, other));
        for name in [Some(name), other].into_iter().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// `/lib/x` for `/usr/lib/x` and the other way round.
fn other_side_of_usr(path: &Path) -> Option<PathBuf> {
    let (below, other) = match path.strip_prefix("/usr") {
        Ok(below) => (below, Path::new("/").join(below)),
        Err(_) => (path.strip_prefix("/").ok()?, Path::new("/usr").join(path.strip_prefix("/").ok()?)),
    };
    let top = below.components().next()?.as_os_str().to_str()?;
    (top == "bin" || top == "sbin" || top.starts_with("lib")).then_some(other)
}

/// True where both lead to one file, and where neither leads to any: then only the name is left to ask for.
fn same_file(root: &Root, one: &Path, other: &Path) -> bool {
    root.real_path(one).ok() == root.real_path(other).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_usr_has_two_names() {
        for (path, other) in [
            ("/usr/lib/x86_64-linux-gnu/libc.so.6", Some("/lib/x86_64-linux-gnu/libc.so.6")),
            ("/lib64/ld-linux-x86-64.so.2", Some("/usr/lib64/ld-linux-x86-64.so.2")),
            ("/bin/sh", Some("/usr/bin/sh")),
            ("/opt/lib/x", None),
            ("/usr/share/x", None),
            ("/usr", None),
            ("relative", None),
        ] {
            assert_eq!(other_side_of_usr(Path::new(path)), other.map(PathBuf::from), "{path}");
        }
    }
}
