//! The recorder's file on disk while a session lasts.
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

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
        let folder = folders.join(format!("stanch-{token}"));
        DirBuilder::new().mode(0o755).create(&folder)?;
        // The mode given at creation is subject to the umask.
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        let file = folder.join("libstanch_recorder.so");
        let preload = Self { folder, file };
        fs::write(&preload.file, recorder)?;
        fs::set_permissions(&preload.file, Permissions::from_mode(0o755))?;
        Ok(preload)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for Preload {
    fn drop(&mut self) {
        // What cannot be removed now is left to whoever cleans the folder for temporary files.
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_dir(&self.folder);
    }
}
