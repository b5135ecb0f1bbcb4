//! Data that the page unpacks when it needs it: JSON, DEFLATE, base64, one element each.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use std::io::{self, Write};

/// The packed pieces, in the order of their numbers.
#[derive(Default)]
pub(super) struct Chunks(Vec<String>);

impl Chunks {
    /// Packs a piece; gives its number.
    ///
    /// Writing to memory does not fail, and the values that are packed here have no keys that JSON could not write.
    pub(super) fn add(&mut self, value: &impl Serialize) -> usize {
        let packed = pack(value).unwrap_or_default();
        self.0.push(STANDARD.encode(packed));
        self.0.len() - 1
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (number, chunk) in self.0.iter().enumerate() {
            writeln!(out, "<script type=\"text/plain\" id=\"chunk-{number}\">{chunk}</script>")?;
        }
        Ok(())
    }
}

fn pack(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // At once: the packer is slow with the small pieces in which JSON is made.
    encoder.write_all(&serde_json::to_vec(value)?)?;
    encoder.finish()
}

/// Texts, each once; entries refer to them by number.
#[derive(Default)]
pub(super) struct Texts {
    numbers: std::collections::HashMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    pub(super) fn number(&mut self, text: String) -> u32 {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.clone(), number);
        self.texts.push(text);
        number
    }

    /// The texts so far, by number.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunks, Texts};
    use base64::Engine;
    use std::io::Read;

    #[test]
    fn what_is_packed_comes_back() {
        let mut chunks = Chunks::default();
        assert_eq!((chunks.add(&"</script>"), chunks.add(&vec![1, u64::MAX])), (0, 1));
        let packed = base64::engine::general_purpose::STANDARD.decode(&chunks.0[1]).unwrap();
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "[1,18446744073709551615]");
    }

    #[test]
    fn equal_texts_have_one_number() {
        let mut texts = Texts::default();
        assert_eq!(["a", "b", "a"].map(|text| texts.number(text.to_owned())), [0, 1, 0]);
        assert_eq!(texts.into_texts(), ["a", "b"]);
    }
}
