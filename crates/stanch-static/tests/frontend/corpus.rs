//! LLVM IR that compilers wrote of the sources beside it, packed.

use std::path::Path;

/// `<language>.<version>.O<level>`.
pub(crate) const FILES: [&str; 14] = [
    "c.14.O0",
    "c.14.O2",
    "c.16.O0",
    "c.16.O2",
    "c.19.O0",
    "c.19.O2",
    "cpp.14.O0",
    "cpp.14.O2",
    "cpp.16.O0",
    "cpp.16.O2",
    "cpp.19.O0",
    "cpp.19.O2",
    "rust.95.O0",
    "rust.95.O2",
];

/// The text of a file.
pub(crate) fn text(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/frontend/corpus/{name}.ll.zst"));
    let packed = std::fs::read(path).expect("the corpus is complete");
    zstd::decode_all(&packed[..]).expect("it is whole")
}
