//! The file tree a process sees, which need not be ours: containers, and `/proc/PID/root`.
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many as the kernel follows in one path.
const MOST_SYMLINKS: usize = 40;

/// A directory that stands for `/`.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// `prefix` is `""` or `/` for our own tree.
    pub(crate) fn new(prefix: &Path) -> Self {
        Self(if prefix.as_os_str().is_empty() { PathBuf::from("/") } else { prefix.to_owned() })
    }

    /// True for the tree that we see ourselves.
    pub(crate) fn is_ours(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Where we find what this tree calls `path`.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// `path` without symbolic links, still as this tree calls it.
    ///
    /// The kernel would follow an absolute link into *our* tree, so each link is followed here.
    pub(crate) fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        let mut real = PathBuf::from("/");
        let mut pending: VecDeque<OsString> = parts(path);
        let mut links = 0;
        while let Some(part) = pending.pop_front() {
            if part == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&part);
            match std::fs::read_link(self.outside(&next)) {
                Ok(target) => {
                    links += 1;
                    if MOST_SYMLINKS < links {
                        return Err(io::Error::other("too many symbolic links"));
                    }
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    for part in parts(&target).into_iter().rev() {
                        pending.push_front(part);
                    }
                }
                // It is there and no link.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => real = next,
                Err(error) => return Err(error),
            }
        }
        Ok(real)
    }

    /// Where we find the file that `path` leads to in this tree.
    pub(crate) fn real_outside(&self, path: &Path) -> io::Result<PathBuf> {
        self.real_path(path).map(|real| self.outside(&real))
    }
}

/// The names and `..`s of a path.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_in_the_tree() {
        let tree = tempfile::tempdir().unwrap();
        let inside = |path: &str| tree.path().join(path);
        std::fs::create_dir_all(inside("usr/lib/deep")).unwrap();
        std::fs::write(inside("usr/lib/libx.so.1.2"), "x").unwrap();
        symlink("usr/lib", inside("lib")).unwrap();
        symlink("libx.so.1.2", inside("usr/lib/libx.so.1")).unwrap();
        symlink("/lib/libx.so.1", inside("usr/lib/deep/absolute")).unwrap();
        symlink("../../../../../lib/libx.so.1", inside("usr/lib/deep/above")).unwrap();
        symlink("circle", inside("circle")).unwrap();
        let root = Root::new(tree.path());
        for path in ["/lib/libx.so.1", "/usr/lib/deep/absolute", "/usr/lib/deep/above", "/lib/deep/../libx.so.1.2"] {
            assert_eq!(root.real_path(Path::new(path)).unwrap(), Path::new("/usr/lib/libx.so.1.2"), "{path}");
        }
        assert!(root.real_path(Path::new("/circle")).is_err());
        assert_eq!(root.real_path(Path::new("/lib/none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn no_prefix_is_our_own_tree() {
        assert!(Root::new(Path::new("")).is_ours());
        assert_eq!(Root::new(Path::new("")).outside(Path::new("/bin/sh")), Path::new("/bin/sh"));
        assert_eq!(
            Root::new(Path::new("/proc/1/root")).outside(Path::new("/bin/sh")),
            Path::new("/proc/1/root/bin/sh")
        );
    }
}
