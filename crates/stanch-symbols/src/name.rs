//! Names as the source has them: C++ and Rust demangled, without versions and compilers' suffixes.
use std::fmt::{self, Write};

/// A demangled name beyond this is no help to anybody; a few bytes of mangled name can ask for gigabytes.
const LONGEST_NAME: usize = 16 * 1024;

/// Suffixes with which compilers mark the copies and parts they make of a function.
const CLONE_SUFFIXES: &[&str] =
    &["cold", "warm", "part", "isra", "constprop", "lto_priv", "localalias", "clone", "llvm", "__uniq"];

/// The function's name for people: `ns::Class::method`, `crate::module::function`, `c_function`.
///
/// Parameters and return types are left out, template arguments stay.
#[must_use]
pub fn readable(raw: &str) -> String {
    let name = without_clone_suffixes(without_version(raw));
    demangled(name).unwrap_or_else(|| name.to_owned())
}

/// True where `raw` says more than the bare name that the source has for it.
pub(crate) fn is_mangled(raw: &str) -> bool {
    raw.starts_with("_Z") || raw.starts_with("_R")
}

fn demangled(name: &str) -> Option<String> {
    if !is_mangled(name) {
        return None;
    }
    if is_rust(name) { demangled_rust(name) } else { demangled_cpp(name) }
}

/// Rust's older scheme looks like C++'s and ends with a hash: `17h`, 16 hexadecimal digits, `E`.
fn is_rust(name: &str) -> bool {
    if name.starts_with("_R") {
        return true;
    }
    let hash =
        name.strip_suffix('E').and_then(|name| name.len().checked_sub(16).and_then(|at| name.split_at_checked(at)));
    hash.is_some_and(|(path, hash)| path.ends_with("17h") && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn demangled_rust(name: &str) -> Option<String> {
    let symbol = rustc_demangle::try_demangle(name).ok()?;
    let mut out = Bounded::default();
    // The alternate form leaves the hash out.
    write!(out, "{symbol:#}").ok()?;
    Some(out.0)
}

fn demangled_cpp(name: &str) -> Option<String> {
    let symbol = cpp_demangle::Symbol::new(name).ok()?;
    let mut out = Bounded::default();
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type().hide_expression_literal_types();
    symbol.structured_demangle(&mut out, &options).ok()?;
    Some(without_empty_arguments(without_qualifiers(&out.0)))
}

/// An empty parameter pack leaves its commas: `pair<int, , >` is `pair<int>`.
fn without_empty_arguments(name: &str) -> String {
    let mut name = name.to_owned();
    for (empty, without) in [(", , ", ", "), (", >", ">"), ("<, ", "<")] {
        while name.contains(empty) {
            name = name.replace(empty, without);
        }
    }
    name
}

/// The qualifiers of a method belong to its parameters: `ns::Class::method const` is `ns::Class::method`.
fn without_qualifiers(name: &str) -> &str {
    if name.contains("operator ") {
        // `operator int const*`: of the type.
        return name;
    }
    let mut kept = name;
    while let Some(before) = [" const", " volatile", " &", " &&"].iter().find_map(|suffix| kept.strip_suffix(suffix)) {
        kept = before;
    }
    kept
}

/// `memcpy@@GLIBC_2.14` is `memcpy`.
fn without_version(name: &str) -> &str {
    match name.find('@') {
        Some(at) if 0 < at => &name[..at],
        _ => name,
    }
}

/// `parse.part.0.cold` is `parse`.
fn without_clone_suffixes(name: &str) -> &str {
    let mut kept = name;
    while let Some((before, suffix)) = kept.rsplit_once('.') {
        let known =
            CLONE_SUFFIXES.contains(&suffix) || (!suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_digit()));
        if !known || before.is_empty() {
            break;
        }
        kept = before;
    }
    kept
}

/// A string that refuses to grow beyond [`LONGEST_NAME`].
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if LONGEST_NAME < self.0.len() + text.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_in_the_source() {
        for (raw, expected) in [
            ("main", "main"),
            ("memcpy@@GLIBC_2.14", "memcpy"),
            ("qsort_r@GLIBC_2.8", "qsort_r"),
            ("parse.part.0.cold", "parse"),
            ("walk.constprop.1.isra.0", "walk"),
            ("inner.llvm.1234567890", "inner"),
            (".hidden", ".hidden"),
            ("@", "@"),
            ("_Z3addii", "add"),
            ("_ZN2ns5Class6methodEi", "ns::Class::method"),
            ("_ZNK2ns5Class6methodEv.cold", "ns::Class::method"),
            ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back"),
            ("_Z5twiceIiET_S0_", "twice<int>"),
            ("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()"),
            ("_ZN12_GLOBAL__N_15localEv", "(anonymous namespace)::local"),
            ("_ZNKO2ns5Class6methodEv", "ns::Class::method"),
            ("_ZN2ns5ClassaSERKS0_", "ns::Class::operator="),
            (
                "_ZNSt4pairIiPcEC2IJOiEJEEESt21piecewise_construct_tSt5tupleIJDpT_EES5_IJDpT0_EE",
                "std::pair<int, char*>::pair<int&&>",
            ),
            ("_ZNSt5arrayIcLm8EE4fillERKc", "std::array<char, 8>::fill"),
            ("_Znwm", "operator new"),
            ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"),
            (
                "_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$8grow_one17h0123456789abcdefE.llvm.99",
                "alloc::raw_vec::RawVec<T,A>::grow_one",
            ),
            ("_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"),
            ("_Znonsense", "_Znonsense"),
        ] {
            assert_eq!(readable(raw), expected, "{raw}");
        }
    }

    #[test]
    fn empty_packs_leave_no_commas() {
        for (name, expected) in [
            ("f<int, , , >", "f<int>"),
            ("f<, int>", "f<int>"),
            ("f<int, , bool>", "f<int, bool>"),
            ("f<g<int>, bool>", "f<g<int>, bool>"),
        ] {
            assert_eq!(without_empty_arguments(name), expected);
        }
    }

    #[test]
    fn a_name_that_would_fill_the_memory_stays_mangled() {
        // Each substitution holds the one before twice: 2^28 names in the end.
        let mut raw = String::from("_Z1fP1a");
        raw = raw.replace("P1a", "1aIiE");
        for _ in 0..28 {
            raw.push_str("1aIS_S_E");
        }
        assert!(readable(&raw).len() <= LONGEST_NAME);
    }
}
