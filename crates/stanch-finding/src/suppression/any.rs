//! Which of the three kinds of file it is. The first line that is neither blank nor a comment decides.
use super::{Parsed, Problem, SuppressionError, parse_lsan, parse_toml, parse_valgrind};

/// Reads a file of suppressions of any kind; `origin` is its name for messages. An empty file suppresses nothing.
///
/// # Errors
/// Where it is none of the kinds, or the parser of its kind refuses it.
pub fn parse_any(text: &str, origin: &str) -> Result<Parsed, SuppressionError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim).enumerate();
    let Some((index, first)) = lines.find(|(_, line)| !line.is_empty() && !line.starts_with('#')) else {
        return Ok(Parsed::default());
    };
    if first == "{" {
        parse_valgrind(text, origin)
    } else if first.starts_with('[') || first.split_once('=').is_some_and(|(key, _)| is_word(key.trim())) {
        parse_toml(text, origin)
    } else if first.split_once(':').is_some_and(|(sort, _)| is_word(sort)) {
        parse_lsan(text, origin)
    } else {
        Err(Problem::UnknownFormat(first.to_owned()).at(origin, index + 1))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
