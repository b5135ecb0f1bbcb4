//! Where files go: looked at before anything is run, so that nothing is lost for want of a place to put it.
use crate::interrupt;
use anyhow::{Context, Result, bail};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Makes sure that a file of this name can be made.
pub(crate) fn check(what: &str, path: &Path) -> Result<()> {
    let refused = || format!("cannot write the {what} to `{}`", path.display());
    match fs::metadata(path) {
        Ok(facts) if facts.is_dir() => bail!("{}: it is a folder\nhint: name a file in it", refused()),
        // Pipes and devices are written to directly, and opening them may wait for a reader.
        Ok(facts) if !facts.is_file() => return Ok(()),
        _ => {}
    }
    if path.file_name().is_none() {
        bail!("{}: it does not name a file", refused());
    }
    let probe = beside(path, "probe")?;
    let result = OpenOptions::new().write(true).create_new(true).open(&probe);
    match result {
        Ok(_) => fs::remove_file(&probe).with_context(refused),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path).display();
            bail!("{}: there is no folder `{folder}`\nhint: `mkdir -p {folder}` makes it", refused())
        }
        Err(error) => Err(error).with_context(refused),
    }
}

/// Writes beside the file and puts it into place when it is whole. What is no ordinary file (a pipe, a device) is
/// written directly.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.metadata().is_ok_and(|facts| !facts.is_file()) {
        return fs::write(path, bytes);
    }
    // A link stays, and what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let part = beside(&path, "part")?;
    let result = interrupt::guarded(&part, || fs::write(&part, bytes).and_then(|()| fs::rename(&part, &path)));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&part);
    }
    result
}

/// A hidden name in the same folder that no other process uses.
fn beside(path: &Path, purpose: &str) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not name a file"));
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{purpose}", std::process::id()));
    Ok(path.with_file_name(hidden))
}
