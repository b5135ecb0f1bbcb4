//! Names of symbols for people, and what a mangled name says of parameters.

use std::fmt::{self, Write};

/// A demangled signature beyond this is not looked at.
const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

/// The name of a symbol as the source has it, without parameters.
pub(super) fn readable(symbol: &str) -> String {
    stanch_symbols::readable_name(symbol)
}

/// Of each parameter that a C++ symbol names, whether it is a pointer or reference to constant data. The implicit
/// object is none of them; the second value says that it is constant.
pub(super) fn const_parameters(symbol: &str) -> Option<(Vec<bool>, bool)> {
    if !symbol.starts_with("_Z") {
        return None;
    }
    let mut signature = Bounded(String::new());
    let parsed = cpp_demangle::Symbol::new(symbol).ok()?;
    parsed.structured_demangle(&mut signature, &cpp_demangle::DemangleOptions::new()).ok()?;
    let (signature, is_const_method) = match signature.0.strip_suffix(" const") {
        Some(signature) => (signature, true),
        None => (signature.0.as_str(), false),
    };
    let parameters = last_group(signature)?;
    let is_const = |parameter: &str| {
        let parameter = parameter.trim_end_matches(" const");
        let pointee = parameter.strip_suffix('*').or_else(|| parameter.trim_end_matches('&').into());
        pointee.is_some_and(|pointee| pointee.len() < parameter.len() && pointee.ends_with(" const"))
    };
    Some((split(parameters).into_iter().map(is_const).collect(), is_const_method))
}

/// What stands in the parentheses at the end.
fn last_group(signature: &str) -> Option<&str> {
    let inner = signature.strip_suffix(')')?;
    let mut depth = 0_usize;
    for (at, byte) in inner.bytes().enumerate().rev() {
        match byte {
            b')' | b'>' => depth += 1,
            b'(' if depth == 0 => return Some(&inner[at + 1..]),
            b'(' | b'<' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Parts between commas that stand in no bracket.
fn split(parameters: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, byte) in parameters.bytes().enumerate() {
        match byte {
            b'(' | b'<' | b'{' | b'[' => depth += 1,
            b')' | b'>' | b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(parameters[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    if !parameters.is_empty() {
        parts.push(parameters[from..].trim());
    }
    parts
}

/// A string that refuses to grow beyond [`SIGNATURE_BYTES_MAX`].
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if SIGNATURE_BYTES_MAX < self.0.len() + text.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::const_parameters;

    #[test]
    fn mangled_names_tell_constant_parameters() {
        for (symbol, parameters, is_const_method) in [
            // f(char const*, char*, int)
            ("_Z1fPKcPci", &[true, false, false][..], false),
            // A::g(std::map<int, char const*> const&, A&&) const
            ("_ZNK1A1gERKSt3mapIiPKcSt4lessIiESaISt4pairIKiS2_EEEOS_", &[true, false], true),
            // f(char const**, char* const*)
            ("_Z1fPPKcPKPc", &[false, true], false),
            // f()
            ("_Z1fv", &[], false),
            // f(void (*)(char const*))
            ("_Z1fPFvPKcE", &[false], false),
        ] {
            assert_eq!(const_parameters(symbol), Some((parameters.to_vec(), is_const_method)), "{symbol}");
        }
        assert_eq!(const_parameters("malloc"), None);
    }
}
