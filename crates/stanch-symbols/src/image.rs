//! The bytes of a file, mapped or in memory. The crate's only `unsafe`.
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// The bytes of an object file; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Image(Arc<Bytes>);

#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
}

impl Image {
    /// Maps a regular file; pages are read when they are looked at.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // Opening a FIFO waits for its writer, so look before.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        // SAFETY: the mapping is private and only read, as `u8`, for which every value is valid. Installers and
        // linkers replace object files by renaming or unlinking, which leaves what we map as it is. Somebody who
        // overwrites a file in place can make us read other bytes, which every parser here takes as broken input; who
        // truncates one in place can end us with SIGBUS, which is no undefined behaviour.
        let mapped = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(Arc::new(Bytes::Mapped(mapped))))
    }
}

impl From<Vec<u8>> for Image {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Bytes::Owned(bytes)))
    }
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Bytes::Mapped(mapped) => mapped,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
