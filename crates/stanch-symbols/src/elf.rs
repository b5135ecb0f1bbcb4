//! An opened ELF file and what it says of itself: build id and links to its debug files.
use crate::guard::guarded;
use crate::image::Image;
use object::{Object, ObjectSection};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A sound enough ELF file.
#[derive(Clone, Debug)]
pub(crate) struct Elf {
    /// Its bytes.
    pub(crate) image: Image,
    /// GNU build id; empty where it has none.
    pub(crate) build_id: Vec<u8>,
    /// True where it has `.debug_info` of its own.
    pub(crate) has_debug_info: bool,
    /// `.gnu_debuglink`: file name and checksum of its debug file.
    pub(crate) debug_link: Option<(PathBuf, u32)>,
    /// `.gnu_debugaltlink`: file name and build id of the debug file that it shares with others.
    pub(crate) shared_debug_link: Option<(PathBuf, Vec<u8>)>,
}

impl Elf {
    /// Reads the headers of `image`, or says what is wrong with them.
    pub(crate) fn parse(image: Image) -> Result<Self, String> {
        guarded(|| Self::parse_unguarded(image)).unwrap_or_else(|| Err("it cannot be parsed".to_owned()))
    }

    fn parse_unguarded(image: Image) -> Result<Self, String> {
        let file = object::File::parse(&*image).map_err(|error| error.to_string())?;
        // A broken link to a debug file is as good as none.
        let build_id = file.build_id().ok().flatten().unwrap_or_default().to_owned();
        let has_debug_info = file
            .section_by_name(".debug_info")
            .is_some_and(|section| section.compressed_file_range().is_ok_and(|range| 0 < range.compressed_size));
        let debug_link = file.gnu_debuglink().ok().flatten().map(|(name, checksum)| (path(name), checksum));
        let shared_debug_link = file.gnu_debugaltlink().ok().flatten().map(|(name, id)| (path(name), id.to_owned()));
        Ok(Self { build_id, has_debug_info, debug_link, shared_debug_link, image })
    }

    /// The file again, for its sections. It was parsed before, so only a change under our feet makes it fail.
    pub(crate) fn file(&self) -> Result<object::File<'_>, String> {
        object::File::parse(&*self.image).map_err(|error| error.to_string())
    }
}

fn path(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(name))
}
