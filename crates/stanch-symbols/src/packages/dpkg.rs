//! dpkg's database, read as it lies: `info/PACKAGE[:ARCH].list`, `status`, `diversions`.
//!
//! All lists are read once, at the first question, and only a hash of each path is kept: a path's packages are then
//! one binary search away, and the lists of those are read again to be sure.
use crate::root::Root;
use stanch_recording::Package;
use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where dpkg keeps it.
const DIRECTORY: &str = "/var/lib/dpkg";

/// Of one path, so many packages are asked; a file has one or, diverted, two.
const PACKAGES_TRIED: usize = 16;

/// An opened database.
pub(super) struct Dpkg {
    /// File names of the lists in `info`.
    lists: Vec<PathBuf>,
    /// (hash of a path, index into `lists`), sorted.
    paths: Vec<(u64, u32)>,
    hasher: RandomState,
    /// Version by package name and, where it has one, `name:architecture`.
    versions: HashMap<String, String>,
    diversions: Vec<Diversion>,
}

/// dpkg puts what other packages install at `from` to `to` instead.
struct Diversion {
    from: PathBuf,
    to: PathBuf,
    /// Whose file stays at `from`; `:` where an administrator did it.
    by: String,
}

impl Dpkg {
    /// Reads the database of a file tree; `None` where it has none.
    pub(super) fn open(root: &Root) -> Option<Self> {
        let directory = root.real_outside(Path::new(DIRECTORY)).ok()?;
        let status = fs::read(directory.join("status")).ok()?;
        let lists: Vec<PathBuf> = fs::read_dir(directory.join("info"))
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "list"))
            .collect();
        let hasher = RandomState::new();
        let mut paths = Vec::new();
        for (list, index) in lists.iter().zip(0..) {
            let text = fs::read(list).unwrap_or_default();
            paths.extend(lines(&text).map(|line| (hasher.hash_one(line), index)));
        }
        paths.sort_unstable();
        let diversions = diversions(&fs::read(directory.join("diversions")).unwrap_or_default());
        Some(Self { lists, paths, hasher, versions: versions(&String::from_utf8_lossy(&status)), diversions })
    }

    /// The package that installed the file at exactly this path.
    pub(super) fn owner(&self, path: &Path) -> Option<Package> {
        if let Some(diversion) = self.diversions.iter().find(|diversion| diversion.to == path) {
            return self.holder(&diversion.from, |name| name != diversion.by);
        }
        match self.diversions.iter().find(|diversion| diversion.from == path) {
            Some(diversion) => self.holder(path, |name| name == diversion.by),
            None => self.holder(path, |_| true),
        }
    }

    /// The package whose list has `path` and whose name is `wanted`.
    fn holder(&self, path: &Path, wanted: impl Fn(&str) -> bool) -> Option<Package> {
        let path = path.as_os_str().as_bytes();
        let hash = self.hasher.hash_one(path);
        let first = self.paths.partition_point(|(other, _)| *other < hash);
        let candidates = self.paths[first..].iter().take_while(|(other, _)| *other == hash).take(PACKAGES_TRIED);
        candidates.filter_map(|(_, index)| self.lists.get(*index as usize)).find_map(|list| {
            let (name, with_architecture) = package_names(list)?;
            let listed = wanted(name) && lines(&fs::read(list).ok()?).any(|line| line == path);
            let version = self.versions.get(with_architecture).or_else(|| self.versions.get(name));
            listed.then(|| Package { name: name.to_owned(), version: version.cloned().unwrap_or_default() })
        })
    }
}

/// `libc6` and `libc6:amd64` for `libc6:amd64.list`.
fn package_names(list: &Path) -> Option<(&str, &str)> {
    let with_architecture = list.file_stem()?.to_str()?;
    Some((with_architecture.split(':').next()?, with_architecture))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// Versions by name and by `name:architecture` from the text of `status`.
fn versions(status: &str) -> HashMap<String, String> {
    let mut versions = HashMap::new();
    for stanza in status.split("\n\n") {
        let field = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else { continue };
        if let Some(architecture) = field("Architecture") {
            versions.insert(format!("{name}:{architecture}"), version.to_owned());
        }
        versions.insert(name.to_owned(), version.to_owned());
    }
    versions
}

/// Three lines each: from, to, package.
fn diversions(text: &[u8]) -> Vec<Diversion> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    let triples = lines.chunks_exact(3);
    triples.map(|line| Diversion { from: line[0].into(), to: line[1].into(), by: line[2].to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        let info = tree.path().join("var/lib/dpkg/info");
        fs::create_dir_all(&info).unwrap();
        let status = "Package: libx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\n\n\
                      Package: libx\nArchitecture: i386\nVersion: 1:2-4\nDescription: x\n Version: no\n\n\
                      Package: first\nArchitecture: all\nVersion: 7\n\n\
                      Package: second\nArchitecture: all\nVersion: 8\n";
        fs::write(tree.path().join("var/lib/dpkg/status"), status).unwrap();
        fs::write(info.join("libx:amd64.list"), "/.\n/usr\n/usr/lib/a/libx.so\n").unwrap();
        fs::write(info.join("libx:i386.list"), "/.\n/usr\n/usr/lib/b/libx.so\n").unwrap();
        fs::write(info.join("first.list"), "/usr/bin/tool\n").unwrap();
        fs::write(info.join("second.list"), "/usr/bin/tool\n").unwrap();
        let diversions = "/usr/bin/tool\n/usr/bin/tool.distrib\nsecond\n";
        fs::write(tree.path().join("var/lib/dpkg/diversions"), diversions).unwrap();
        tree
    }

    #[test]
    fn architectures_and_diversions_are_told_apart() {
        let tree = database();
        let dpkg = Dpkg::open(&Root::new(tree.path())).unwrap();
        for (path, expected) in [
            ("/usr/lib/a/libx.so", Some(("libx", "1:2-3"))),
            ("/usr/lib/b/libx.so", Some(("libx", "1:2-4"))),
            ("/usr/bin/tool", Some(("second", "8"))),
            ("/usr/bin/tool.distrib", Some(("first", "7"))),
            ("/usr/lib/a/libx", None),
            ("", None),
        ] {
            let expected = expected.map(|(name, version)| Package { name: name.into(), version: version.into() });
            assert_eq!(dpkg.owner(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn no_database_is_none() {
        let tree = tempfile::tempdir().unwrap();
        assert!(Dpkg::open(&Root::new(tree.path())).is_none());
    }
}
