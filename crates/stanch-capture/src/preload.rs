//! The recorder's file on disk while a session lasts.
use stanch_process::Pid;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = "stanch-";
const FILE: &str = "libstanch_recorder.so";

/// A folder of its own with the recorder in it, removed when dropped. Others may read it: programs that change
/// their user go on loading the recorder.
#[derive(Debug)]
pub(crate) struct Preload {
    folder: PathBuf,
    file: PathBuf,
}

impl Preload {
    /// # Errors
    /// Where no folder for temporary files can be written.
    pub(crate) fn write(recorder: &[u8], folders: &Path, token: &str) -> io::Result<Self> {
        remove_abandoned(folders);
        let folder = folders.join(format!("{PREFIX}{token}"));
        DirBuilder::new().mode(0o755).create(&folder)?;
        // The mode given at creation is subject to the umask.
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        let file = folder.join(FILE);
        let preload = Self { folder, file };
        fs::write(&preload.file, recorder)?;
        fs::set_permissions(&preload.file, Permissions::from_mode(0o755))?;
        Ok(preload)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file
    }
}

/// Removes what sessions left that were killed: folders of processes that are gone, a day old to be sure that no other
/// PID namespace means one of its own by that number.
fn remove_abandoned(folders: &Path) {
    const DAY: Duration = Duration::from_secs(86_400);
    for entry in fs::read_dir(folders).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let session = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let Some(pid) = session.and_then(|session| session.split_once('-')?.0.parse().ok()) else { continue };
        let age = entry.metadata().and_then(|facts| facts.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| DAY < age) && stanch_process::state(Pid(pid)).is_err() {
            remove(&entry.path());
        }
    }
}

/// What cannot be removed is left to whoever cleans the folder for temporary files.
fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
    let _ = fs::remove_dir(folder);
}

impl Drop for Preload {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}
