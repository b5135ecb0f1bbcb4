//! dpkg's database, read as it lies: `info/PACKAGE[:ARCH].list`, `status`, `diversions`.
//!
//! A list is read when it is first searched, and most are never: the file `libfoo.so.1` is looked for in the lists of
//! packages with such names before the others. Reading and hashing all of them would take longer than many a program
//! runs.
use crate::root::Root;
use memchr::memmem;
use stanch_recording::Package;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where dpkg keeps it.
const DIRECTORY: &str = "/var/lib/dpkg";

/// Characters that a package's name and a file's name must begin with alike for a likely match.
const LIKELY_PREFIX: usize = 4;

/// An opened database.
pub(super) struct Dpkg {
    lists: Vec<List>,
    /// Version by package name and, where it has one, `name:architecture`.
    versions: HashMap<String, String>,
    diversions: Vec<Diversion>,
}

/// The files of one package, a line each.
struct List {
    path: PathBuf,
    text: OnceCell<Vec<u8>>,
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
        let lists = fs::read_dir(directory.join("info"))
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "list"))
            .map(|path| List { path, text: OnceCell::new() })
            .collect();
        let diversions = diversions(&fs::read(directory.join("diversions")).unwrap_or_default());
        Some(Self { lists, versions: versions(&String::from_utf8_lossy(&status)), diversions })
    }

    /// The package that installed a file which has these names, the likeliest first.
    pub(super) fn owner(&self, names: &[PathBuf]) -> Option<Package> {
        let (likely, others): (Vec<&List>, Vec<&List>) =
            self.lists.iter().partition(|list| names.iter().any(|name| list.is_likely(name)));
        [likely, others].iter().find_map(|lists| names.iter().find_map(|name| self.owner_among(lists, name)))
    }

    /// The package that installed the file at exactly this path, if it is one of these.
    fn owner_among(&self, lists: &[&List], path: &Path) -> Option<Package> {
        if let Some(diversion) = self.diversions.iter().find(|diversion| diversion.to == path) {
            return self.holder(lists, &diversion.from, |name| name != diversion.by);
        }
        match self.diversions.iter().find(|diversion| diversion.from == path) {
            Some(diversion) => self.holder(lists, path, |name| name == diversion.by),
            None => self.holder(lists, path, |_| true),
        }
    }

    /// The package whose list has `path` and whose name is `wanted`.
    fn holder(&self, lists: &[&List], path: &Path, wanted: impl Fn(&str) -> bool) -> Option<Package> {
        let line = [path.as_os_str().as_bytes(), b"\n"].concat();
        let finder = memmem::Finder::new(&line);
        lists.iter().find_map(|list| {
            let (name, with_architecture) = package_names(&list.path)?;
            let listed = wanted(name) && list.has(&finder);
            let version = self.versions.get(with_architecture).or_else(|| self.versions.get(name));
            listed.then(|| Package { name: name.to_owned(), version: version.cloned().unwrap_or_default() })
        })
    }
}

impl List {
    /// True where the name of the package suggests that it holds this file.
    fn is_likely(&self, file: &Path) -> bool {
        let (package, file) = (self.path.file_name(), file.file_name());
        let (Some(package), Some(file)) = (package, file) else { return false };
        let both = package.as_bytes().iter().zip(file.as_bytes());
        LIKELY_PREFIX <= both.take_while(|(package, file)| package == file).count()
    }

    /// True where it has the line that is looked for, which ends with its newline.
    fn has(&self, line: &memmem::Finder<'_>) -> bool {
        let text = self.text.get_or_init(|| fs::read(&self.path).unwrap_or_default());
        line.find_iter(text).any(|at| at == 0 || text[at - 1] == b'\n')
    }
}

/// `libc6` and `libc6:amd64` for `libc6:amd64.list`.
fn package_names(list: &Path) -> Option<(&str, &str)> {
    let with_architecture = list.file_stem()?.to_str()?;
    Some((with_architecture.split(':').next()?, with_architecture))
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
            assert_eq!(dpkg.owner(&[PathBuf::from(path)]), expected, "{path}");
        }
    }

    #[test]
    fn no_database_is_none() {
        let tree = tempfile::tempdir().unwrap();
        assert!(Dpkg::open(&Root::new(tree.path())).is_none());
    }
}
