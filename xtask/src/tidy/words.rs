//! Nothing is left for later in a comment where nobody finds it.

use super::{Source, Violation, violation};

/// In two parts so that this file is not found.
const WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        for (line, text) in (1..).zip(source.text.lines()) {
            if let Some(word) = WORDS.iter().find(|word| is_whole_word(text, word)) {
                violations.push(violation(source, line, format!("`{word}`: do it, or write an issue")));
            }
        }
    }
    violations
}

fn is_whole_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_letter = |letter: char| letter.is_alphanumeric();
        !line[..at].ends_with(is_letter) && !line[at + word.len()..].starts_with(is_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::{Source, WORDS, check};

    #[test]
    fn words_are_found_and_parts_of_words_are_not() {
        let count = |text: String| check(&[Source::new("a.c", &text)]).len();
        assert_eq!(count(format!("/* {}: later */", WORDS[0])), 1);
        assert_eq!(count(format!("mkstemp(\"/tmp/a{0}{0}\")", WORDS[2])), 0);
    }
}
