//! Command lines as words: how a shell splits one, how a compiler reads more words from a response file.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Files that name files that name files: deeper than this is a circle.
const DEPTH_MAX: usize = 16;

/// Splits a command as a POSIX shell does where nothing is expanded: blanks separate, `'`, `"` and `\` quote.
///
/// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting. Inside `"` a backslash quotes only ``$`"\`` and newline.
pub(super) fn shell_words(command: &[u8]) -> Vec<OsString> {
    split(command, |next| matches!(next, b'$' | b'`' | b'"' | b'\\' | b'\n'))
}

/// Splits the text of a response file, in which a backslash quotes any byte, also inside `"`.
///
/// Source: GCC manual, Overall Options, `@file`.
fn response_words(text: &[u8]) -> Vec<OsString> {
    split(text, |_| true)
}

fn split(text: &[u8], is_quoted_by_backslash: impl Fn(u8) -> bool) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(b'\''), _) => word.get_or_insert_default().push(byte),
            (Some(_), b'\\') => match bytes.next_if(|next| is_quoted_by_backslash(*next)) {
                Some(b'\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => word.get_or_insert_default().push(byte),
            },
            (Some(_), _) => word.get_or_insert_default().push(byte),
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b'\\') => match bytes.next() {
                Some(b'\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => word.get_or_insert_default().push(byte),
            },
            (None, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

/// The words with each `@FILE` replaced by the words in it. A file that cannot be read leaves its word, as compilers
/// do.
///
/// `folder` is what relative names are relative to.
#[must_use]
pub fn with_response_files(words: &[OsString], folder: &Path) -> Vec<OsString> {
    let mut all = Vec::with_capacity(words.len());
    expand(words, folder, 0, &mut all);
    all
}

fn expand(words: &[OsString], folder: &Path, depth: usize, all: &mut Vec<OsString>) {
    for word in words {
        let name = word.as_bytes().strip_prefix(b"@").filter(|name| !name.is_empty() && depth < DEPTH_MAX);
        match name.and_then(|name| std::fs::read(folder.join(OsStr::from_bytes(name))).ok()) {
            Some(text) => expand(&response_words(&text), folder, depth + 1, all),
            None => all.push(word.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{response_words, shell_words, with_response_files};
    use std::ffi::OsString;

    #[test]
    fn words_are_split_as_by_a_shell() {
        let words = shell_words(br#"gcc -DA='"x y"' -DB=\"z\" "-I a\b" '' -c  a\ b.c"#);
        assert_eq!(words, ["gcc", r#"-DA="x y""#, r#"-DB="z""#, r"-I a\b", "", "-c", "a b.c"]);
        assert_eq!(shell_words(b"a\\\nb \"c"), ["ab", "c"]);
        assert_eq!(shell_words(b" "), Vec::<OsString>::new());
        assert_eq!(response_words(br#"-DA=\"b\" "a\bc""#), [r#"-DA="b""#, "abc"]);
    }

    #[test]
    fn response_files_may_name_others_and_themselves() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one"), "-DONE @two '-DX=a b'\n").unwrap();
        std::fs::write(folder.path().join("two"), "-DTWO").unwrap();
        std::fs::write(folder.path().join("circle"), "@circle").unwrap();
        let words = |word: &str| with_response_files(&[OsString::from(word)], folder.path());
        assert_eq!(words("@one"), ["-DONE", "-DTWO", "-DX=a b"]);
        assert_eq!(words("@absent"), ["@absent"]);
        assert_eq!(words("@circle"), ["@circle"]);
        assert_eq!(words("@"), ["@"]);
    }
}
