//! `.gnu_debugdata`: an xz-compressed ELF file with the function symbols that stripping would have removed
//! (Fedora's MiniDebugInfo).
use crate::elf::Elf;
use crate::guard::guarded;
use crate::image::Image;
use object::{Object, ObjectSection};
use std::io::Read;

/// Real ones have a few MiB.
const LARGEST_FILE: u64 = 512 << 20;

/// The decoder's memory; `xz -9` asks for 65 MiB.
const DECODER_MEMORY_KIB: u32 = 128 << 10;

/// The ELF file within `elf`, if there is a sound one.
pub(crate) fn read(elf: &Elf) -> Option<Elf> {
    guarded(|| {
        let file = elf.file().ok()?;
        let compressed = file.section_by_name(".gnu_debugdata")?.data().ok()?;
        let mut decoder = lzma_rust2::XzReader::new_mem_limit(compressed, false, DECODER_MEMORY_KIB).take(LARGEST_FILE);
        let mut bytes = Vec::new();
        decoder.read_to_end(&mut bytes).ok()?;
        Elf::parse(Image::from(bytes)).ok()
    })?
}
