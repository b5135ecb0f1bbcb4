//! JSON in which paths may be any bytes: build systems write them as they are, and JSON is Unicode.
//!
//! Bytes that are no UTF-8 are read as characters of a private plane and turned back in each string.
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The first character of Unicode's last private plane; byte 0x80 and those after it follow from there.
const PRIVATE: u32 = 0x10_0000;

/// The text with every byte that is no UTF-8 made a private character.
pub(super) fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(PRIVATE + u32::from(*byte))));
    }
    text
}

/// A string of such a text as the bytes that it was.
pub(super) fn to_words(text: &str) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match u32::from(letter)
            .checked_sub(PRIVATE)
            .and_then(|byte| u8::try_from(byte).ok())
            .filter(|byte| 0x80 <= *byte)
        {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::{to_text, to_words};
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn bytes_come_through_json() {
        let bytes = b"[\"caf\xe9 \xc3\xa9.c\"]";
        let strings: Vec<String> = serde_json::from_str(&to_text(bytes)).unwrap();
        assert_eq!(to_words(&strings[0]).as_bytes(), b"caf\xe9 \xc3\xa9.c");
    }
}
