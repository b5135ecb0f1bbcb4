//! Where a file is linked to be in memory.
use crate::guard::guarded;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use std::path::Path;

/// Address of the first segment of an executable or shared object, less its offset in the file: 0 for what can be
/// loaded anywhere, `0x400000` for most programs with fixed addresses. `None` where it cannot be read.
///
/// Subtracted from where that segment was loaded it gives the load bias.
#[must_use]
pub fn link_address(path: &Path) -> Option<u64> {
    const HEADERS_BYTES: u64 = 64 << 10;
    let mut head = Vec::new();
    let file = std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|facts| facts.is_file()))?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, HEADERS_BYTES), &mut head).ok()?;
    guarded(|| {
        let header = elf::FileHeader64::<Endianness>::parse(&*head).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, &*head).ok()?;
        let first = segments.iter().find(|segment| segment.p_type(endian) == elf::PT_LOAD)?;
        first.p_vaddr(endian).checked_sub(first.p_offset(endian))
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::link_address;
    use std::path::Path;

    #[test]
    fn this_program_can_be_loaded_anywhere_and_text_is_no_program() {
        let own = std::env::current_exe().expect("the test has a path");
        assert_eq!(link_address(&own), Some(0));
        assert_eq!(link_address(Path::new(file!())), None);
        assert_eq!(link_address(Path::new("/")), None);
    }
}
