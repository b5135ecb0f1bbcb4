//! Mangled names in suppression files. Our frames carry demangled names, so the patterns are demangled too.
//!
//! A pattern without wildcards is a symbol and demangles exactly. One with wildcards is not, and only its beginning can
//! be read: `_ZN5QList4showE*` becomes `QList::show*`.
use crate::glob::Glob;
use crate::normal_name;

/// Every reading of a `fun:` pattern; a function that satisfies one of them is meant.
pub(super) fn function_globs(pattern: &str) -> Vec<Glob> {
    let mut readings = vec![Glob::new(pattern)];
    if pattern.contains(['*', '?']) {
        readings.extend(demangled_beginning(pattern).map(|beginning| Glob::new(&format!("{}*", escape(&beginning)))));
    } else if let Some(name) = demangled(pattern) {
        readings.push(Glob::new(&escape(&normal_name(&name))));
    }
    readings
}

fn demangled(symbol: &str) -> Option<String> {
    if !symbol.starts_with("_Z") {
        return None;
    }
    cpp_demangle::Symbol::new(symbol).ok()?.demangle().ok()
}

/// Demangled names contain `*` for pointers. There is no way to escape in a glob, and `?` covers exactly that one.
fn escape(name: &str) -> String {
    name.replace('*', "?")
}

/// The leading names of `_ZN3Foo3bar…` or `_Z3bar…` up to the first thing that is no plain name.
/// <https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling>
fn demangled_beginning(pattern: &str) -> Option<String> {
    let encoding = pattern.strip_prefix("_Z")?;
    let mut rest = encoding.strip_prefix('N').unwrap_or(encoding);
    rest = rest.trim_start_matches(['r', 'V', 'K']);
    let mut names = Vec::new();
    if let Some(after) = rest.strip_prefix("St") {
        names.push("std");
        rest = after;
    }
    while let Some((name, after)) = source_name(rest) {
        names.push(name);
        rest = after;
    }
    (!names.is_empty()).then(|| names.join("::"))
}

/// A length and as many characters; where a wildcard cuts the name short, what is before it.
fn source_name(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = text[..digits].parse().ok()?;
    let name = text.get(digits..digits.checked_add(length)?).unwrap_or(&text[digits..]);
    match name.find(['*', '?']) {
        Some(0) => None,
        Some(wildcard) => Some((&name[..wildcard], "")),
        None => Some((name, &text[digits + name.len()..])),
    }
}

#[cfg(test)]
mod tests {
    use super::{demangled_beginning, function_globs};

    fn check(pattern: &str, function: &str, expected: bool) {
        let globs = function_globs(pattern);
        assert_eq!(globs.iter().any(|glob| glob.matches(function)), expected, "{pattern} {function}");
    }

    #[test]
    fn symbols_are_demangled() {
        check("main", "main", true);
        check("_ZN9QListView4showEv", "QListView::show", true);
        check("_ZN9QListView4showEv", "QListView::hide", false);
        check("_Z4makeIiET_PS0_", "make<int>", true);
        check("_Znot a symbol", "_Znot a symbol", true);
    }

    #[test]
    fn the_beginning_of_a_symbol_with_wildcards_is_demangled() {
        check("_ZN9QListView*", "QListView::show", true);
        check("_ZN9QListView4sh*", "QListView::show", true);
        check("_ZN9QListView4sh*", "QListView::hide", false);
        check("_ZNSt6vector*", "std::vector<int>::push_back", true);
        check("_Z4make*", "make", true);
        assert_eq!(demangled_beginning("_Z*"), None);
        assert_eq!(demangled_beginning("_ZN99999999999999999999a*"), None);
    }
}
