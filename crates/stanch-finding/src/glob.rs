//! Patterns with wildcards, over whole texts. Linear memory, no regular expressions, no surprises.

/// A pattern: literal characters, `*` for any text, `?` for one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<Token>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    AnyText,
    AnyCharacter,
    Literal(char),
}

impl Glob {
    /// `*` and `?` are wildcards; the pattern must cover the whole text.
    pub(crate) fn new(pattern: &str) -> Glob {
        Glob(pattern.chars().map(Token::of).collect())
    }

    /// The sanitizers' patterns: only `*` is a wildcard; the text need only contain the pattern, unless `^` begins it
    /// or `$` ends it.
    /// <https://github.com/llvm/llvm-project/blob/llvmorg-19.1.0/compiler-rt/lib/sanitizer_common/sanitizer_common.cpp>
    pub(crate) fn sanitizer(pattern: &str) -> Glob {
        let (is_start_fixed, pattern) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let (pattern, is_end_fixed) = pattern.split_once('$').map_or((pattern, false), |(front, _)| (front, true));
        let star = |is_fixed: bool| (!is_fixed).then_some(Token::AnyText);
        let middle = pattern.chars().map(|c| if c == '*' { Token::AnyText } else { Token::Literal(c) });
        Glob(star(is_start_fixed).into_iter().chain(middle).chain(star(is_end_fixed)).collect())
    }

    /// True where the pattern covers the whole text. Time grows with the product of the lengths, never worse.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        wildcard_match(&self.0, &text, Token::step, Token::is_any_text)
    }

    /// True where the pattern covers a path, or what follows one of its slashes: `src/*.c` covers `/home/me/src/a.c`.
    pub(crate) fn matches_path(&self, path: &str) -> bool {
        self.matches(path) || path.match_indices('/').any(|(index, _)| self.matches(&path[index + 1..]))
    }
}

impl Token {
    fn of(character: char) -> Token {
        match character {
            '*' => Token::AnyText,
            '?' => Token::AnyCharacter,
            literal => Token::Literal(literal),
        }
    }

    fn step(&self, character: &char) -> bool {
        match self {
            Token::AnyText => false,
            Token::AnyCharacter => true,
            Token::Literal(literal) => literal == character,
        }
    }

    fn is_any_text(&self) -> bool {
        *self == Token::AnyText
    }
}

/// True where `pattern` covers all of `items`; a pattern element that `is_star` covers any number of them.
///
/// On a mismatch only the last star takes one more item: what earlier stars could take, the last one can take too.
pub(crate) fn wildcard_match<P, I>(
    pattern: &[P],
    items: &[I],
    step: impl Fn(&P, &I) -> bool,
    is_star: impl Fn(&P) -> bool,
) -> bool {
    let mut at = 0;
    let mut next = 0;
    let mut last_star = None;
    while next < items.len() {
        if at < pattern.len() && is_star(&pattern[at]) {
            last_star = Some((at + 1, next));
            at += 1;
        } else if at < pattern.len() && step(&pattern[at], &items[next]) {
            at += 1;
            next += 1;
        } else if let Some((after_star, taken)) = last_star {
            last_star = Some((after_star, taken + 1));
            at = after_star;
            next = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn globs_cover_whole_texts() {
        let cases = [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab*ab", "ababab", true),
            ("g_*_new", "g_hash_table_new", true),
            ("ö?", "öé", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn sanitizer_patterns_are_contained() {
        let cases = [
            ("foo", "a_foo_b", true),
            ("^foo", "a_foo", false),
            ("^foo", "foo_b", true),
            ("foo$", "foofoo", true),
            ("foo$", "foo_b", false),
            ("^foo$", "foo", true),
            ("a*b", "xaxbx", true),
            ("a?b", "axb", false),
            ("a?b", "a?b", true),
            ("*", "x", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::sanitizer(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn paths_match_from_any_component() {
        assert!(Glob::new("src/*.c").matches_path("/home/me/src/a.c"));
        assert!(Glob::new("/home/*").matches_path("/home/me/src/a.c"));
        assert!(!Glob::new("rc/a.c").matches_path("/home/me/src/a.c"));
    }
}
