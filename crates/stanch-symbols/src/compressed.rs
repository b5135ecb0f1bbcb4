//! The bytes of a section, decompressed where they are compressed (`SHF_COMPRESSED`, `.zdebug_*`).
use crate::image::Image;
use object::{CompressionFormat, Object, ObjectSection};
use std::ops::{Deref, Range};

/// No section of a real program is larger once decompressed.
const LARGEST_SECTION: u64 = 4 << 30;

/// zlib cannot do better than 1032 : 1; more than this is a broken header.
const BEST_RATIO: u64 = 1100;

/// The contents of one section.
#[derive(Debug, Default)]
pub(crate) enum Section {
    /// The file has none.
    #[default]
    Empty,
    /// In the file as they are.
    InFile(Image, Range<usize>),
    /// Decompressed.
    Decompressed(Vec<u8>),
}

impl Section {
    /// The section `name` of `file`, which was parsed from `image`; empty where the file has none.
    pub(crate) fn read(image: &Image, file: &object::File<'_>, name: &str) -> Result<Self, String> {
        let Some(section) = file.section_by_name(name) else {
            return Ok(Self::Empty);
        };
        let range = section.compressed_file_range().map_err(of(name))?;
        let data = range.data(&**image).map_err(of(name))?;
        if range.format == CompressionFormat::None {
            // `data` checked that the range lies in the file.
            let start = range.offset as usize;
            return Ok(Self::InFile(image.clone(), start..start + data.data.len()));
        }
        let largest = LARGEST_SECTION.min(range.compressed_size.saturating_mul(BEST_RATIO));
        if largest < range.uncompressed_size {
            return Err(format!("section `{name}` claims to be {} bytes", range.uncompressed_size));
        }
        Ok(Self::Decompressed(data.decompress().map_err(of(name))?.into_owned()))
    }
}

/// An error that says which section it is about.
fn of(name: &str) -> impl Fn(object::Error) -> String + '_ {
    move |error| format!("section `{name}`: {error}")
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::InFile(image, range) => image.get(range.clone()).unwrap_or_default(),
            Self::Decompressed(bytes) => bytes,
        }
    }
}
