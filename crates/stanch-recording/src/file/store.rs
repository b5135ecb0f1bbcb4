//! Putting a recording into the file system, whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{WriteError, check, sections};
use crate::model::Recording;

/// Writes a recording to `path`, or to what a link there leads to.
///
/// It is written beside its destination and takes its name when it is complete and on the disk, so
/// that there is the old file or the new one and never half of one. A pipe or device is written to directly.
///
/// # Errors
///
/// As [`write`](fn@super::write). Nothing is left behind then.
pub fn write_file(recording: &Recording, path: &Path) -> Result<(), WriteError> {
    check(recording)?;
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let file = OpenOptions::new().write(true).open(path)?;
            sections::write_all(recording, BufWriter::new(file))?;
        }
        Ok(_) => replace(recording, &fs::canonicalize(path)?)?,
        Err(_) => replace(recording, path)?,
    }
    Ok(())
}

fn replace(recording: &Recording, destination: &Path) -> io::Result<()> {
    let partial = Partial::create_beside(destination)?;
    sections::write_all(recording, BufWriter::with_capacity(1 << 18, &partial.file))?;
    partial.file.sync_all()?;
    partial.rename(destination)
}

/// A file that is removed unless it gets its name.
struct Partial {
    file: File,
    path: PathBuf,
    is_named: bool,
}

impl Partial {
    fn create_beside(destination: &Path) -> io::Result<Self> {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let name = destination
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a file"))?;
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            let number = CREATED.fetch_add(1, Ordering::Relaxed);
            hidden.push(format!(".{}.{number}.partial", std::process::id()));
            let path = destination.with_file_name(hidden);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { file, path, is_named: false }),
                // Left behind by a process of this number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, destination: &Path) -> io::Result<()> {
        fs::rename(&self.path, destination)?;
        self.is_named = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_named {
            // Nothing is left to do about a file that cannot be removed; the first error is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
