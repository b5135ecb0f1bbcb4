//! One program: what to run, what belongs to it, and what may differ for a stated reason.
use crate::lost::Lost;
use std::fs;
use std::path::{Path, PathBuf};

/// A real program, as a test runs it three times: bare, recorded, under valgrind.
pub(crate) struct Program {
    /// Name of the test.
    pub(crate) name: &'static str,
    /// The Debian package to install where the program is missing.
    pub(crate) package: &'static str,
    /// The program by absolute path, and its arguments. It runs in a folder of its own.
    pub(crate) command: Vec<String>,
    /// Files to lay into that folder.
    pub(crate) files: Vec<(&'static str, String)>,
    /// More to do in that folder beforehand.
    pub(crate) prepare: fn(&Path) -> Result<(), String>,
    /// What uses the program while it runs.
    pub(crate) drive: fn(&Path) -> Result<(), String>,
    /// What of its output is the same in each run.
    pub(crate) lasting: fn(&str) -> String,
    /// Files that it makes, and makes alike each time.
    pub(crate) products: &'static [&'static str],
    /// Documents to expect: program, number of its processes, those replaced by exec not counted.
    pub(crate) processes: &'static [(&'static str, usize)],
    /// Whole entries of `incomplete` that are the truth about this program (each is looked for as a part).
    pub(crate) incomplete: &'static [&'static str],
    pub(crate) differences: &'static [Difference],
    /// What must be found, by a function on the stack: its blocks and bytes.
    pub(crate) finds: &'static [(&'static str, u64, u64)],
}

/// By how much Stanch and valgrind may disagree on a program, over all its processes, and why.
pub(crate) struct Difference {
    pub(crate) program: &'static str,
    pub(crate) at_most: Lost,
    /// Number of processes, more or fewer than valgrind's.
    pub(crate) processes: usize,
    pub(crate) reason: &'static str,
}

impl Program {
    pub(crate) fn new(name: &'static str, package: &'static str, command: &[&str]) -> Self {
        Self {
            name,
            package,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            files: Vec::new(),
            prepare: |_| Ok(()),
            drive: |_| Ok(()),
            lasting: str::to_owned,
            products: &[],
            processes: &[],
            incomplete: &[],
            differences: &[],
            finds: &[],
        }
    }

    pub(crate) fn file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    /// A fresh folder for one of its runs, with its files in it.
    pub(crate) fn folder(&self, tag: &str) -> Result<PathBuf, String> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real").join(self.name).join(tag);
        let say = |error: std::io::Error| format!("{}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(say)?;
        }
        fs::create_dir_all(folder.join("work")).map_err(say)?;
        for (name, text) in &self.files {
            fs::write(folder.join("work").join(name), text).map_err(say)?;
        }
        (self.prepare)(&folder.join("work"))?;
        Ok(folder)
    }
}
