//! Function names in one spelling: what compilers, linkers and demanglers add to a name is taken off,
//! so that one function has one name at every optimisation level.
//!
//! The scanner knows just enough of C++ and Rust to tell brackets from operators. A name it does not
//! understand comes out as it went in.

/// The name without return type, parameter lists, qualifiers, clone suffixes, ABI tags and Rust's hash.
///
/// Template arguments stay: `Pool<int>::get` and `Pool<char>::get` are two functions.
#[must_use]
pub fn normal_name(name: &str) -> String {
    let name = strip_clone_suffixes(name.trim());
    let name = strip_rust_hash(name);
    let name = strip_bracketed_tags(name);
    let stripped = strip_parameters(&name);
    let name = if name.contains('(') && stripped.len() < name.len() { strip_return_type(&stripped) } else { &stripped };
    close_up_brackets(name)
}

/// The last segment of a normal name, without template arguments: `get` for `ns::Pool<int>::get`.
pub(crate) fn last_segment(normal_name: &str) -> &str {
    let roles = roles(normal_name);
    let bytes = normal_name.as_bytes();
    let mut depth = 0_usize;
    let mut start = 0;
    let mut end = bytes.len();
    for (index, role) in roles.iter().enumerate() {
        match role {
            Role::Open => {
                if depth == 0 && bytes[index] == b'<' && index != start {
                    end = end.min(index);
                }
                depth += 1;
            }
            Role::Close => depth = depth.saturating_sub(1),
            Role::Plain if depth == 0 && bytes[index..].starts_with(b"::") => {
                start = index + 2;
                end = bytes.len();
            }
            Role::Plain => {}
        }
    }
    normal_name[start.min(end)..end].trim()
}

/// What a byte of a name is to the scanner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Open,
    Close,
    Plain,
}

/// One role per byte. Angle brackets that belong to an operator or an arrow are plain.
fn roles(name: &str) -> Vec<Role> {
    let bytes = name.as_bytes();
    let mut roles = vec![Role::Plain; bytes.len()];
    let mut index = 0;
    while index < bytes.len() {
        if is_operator_word(bytes, index) {
            index += OPERATOR.len();
            index += operator_symbol_length(&bytes[index..]);
        } else if bytes[index..].starts_with(b"->") {
            index += 2;
        } else {
            roles[index] = match bytes[index] {
                b'<' | b'(' | b'[' | b'{' => Role::Open,
                b'>' | b')' | b']' | b'}' => Role::Close,
                _ => Role::Plain,
            };
            index += 1;
        }
    }
    roles
}

const OPERATOR: &[u8] = b"operator";

fn is_operator_word(bytes: &[u8], index: usize) -> bool {
    let is_identifier = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    bytes[index..].starts_with(OPERATOR)
        && !index.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(is_identifier)
        && !bytes.get(index + OPERATOR.len()).is_some_and(is_identifier)
}

/// How many of the bytes after the word `operator` are the operator's symbol, where it could be taken for a bracket.
fn operator_symbol_length(rest: &[u8]) -> usize {
    let symbols: [&[u8]; 13] =
        [b"()", b"[]", b"<=>", b"<<=", b">>=", b"->*", b"->", b"<<", b">>", b"<=", b">=", b"<", b">"];
    symbols.iter().find(|symbol| rest.starts_with(symbol)).map_or(0, |symbol| symbol.len())
}

/// Suffixes that compilers give to copies and parts of a function.
const CLONE_WORDS: [&str; 9] = ["constprop", "isra", "part", "cold", "llvm", "lto_priv", "localalias", "clone", "warm"];

fn strip_clone_suffixes(name: &str) -> &str {
    let mut rest = name;
    while let Some(shorter) = without_bracketed_clone(rest).or_else(|| without_dotted_clone(rest)) {
        rest = shorter.trim_end();
    }
    rest
}

/// `f() [clone .cold]` as GNU demanglers write it, `f() (.cold)` as LLVM's do.
fn without_bracketed_clone(name: &str) -> Option<&str> {
    let (open, close) = if name.ends_with(']') { (" [clone ", ']') } else { (" (.", ')') };
    let inside = name.strip_suffix(close)?;
    Some(&name[..inside.rfind(open)?]).filter(|shorter| !shorter.is_empty())
}

fn without_dotted_clone(name: &str) -> Option<&str> {
    let (front, suffix) = name.rsplit_once('.')?;
    let is_number = !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit());
    (!front.is_empty() && (is_number || CLONE_WORDS.contains(&suffix))).then_some(front)
}

/// Rust's older mangling ends every path with `::h` and 16 hexadecimal digits.
fn strip_rust_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((front, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => front,
        _ => name,
    }
}

/// C++ ABI tags (`name[abi:cxx11]`) and the crate hashes of Rust's newer mangling (`app[1a2b3c]::load`).
fn strip_bracketed_tags(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find('[') {
        let Some(length) = rest[start..].find(']') else { break };
        let (inside, after) = (&rest[start + 1..start + length], &rest[start + length + 1..]);
        let is_hash = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_tag = inside.starts_with("abi:") || (is_hash && after.starts_with("::"));
        kept.push_str(if is_tag { &rest[..start] } else { &rest[..=start + length] });
        rest = after;
    }
    kept + rest
}

/// Takes off every parameter list outside other brackets, with the qualifiers behind it.
fn strip_parameters(name: &str) -> String {
    let roles = roles(name);
    let bytes = name.as_bytes();
    let mut kept = String::with_capacity(name.len());
    let mut depth = 0_usize;
    let mut index = 0;
    let mut kept_to = 0;
    while index < bytes.len() {
        if depth == 0 && index != 0 && roles[index] == Role::Open && bytes[index] == b'(' {
            let end = matching_close(&roles, index);
            if !name[index..end].starts_with("(anonymous") {
                kept.push_str(&name[kept_to..index]);
                kept_to = end + qualifiers_length(&name[end..]);
            }
            index = end.max(kept_to);
            continue;
        }
        match roles[index] {
            Role::Open => depth += 1,
            Role::Close => depth = depth.saturating_sub(1),
            Role::Plain => {}
        }
        index += 1;
    }
    kept.push_str(&name[kept_to..]);
    without_trailing_qualifiers(&kept).to_owned()
}

/// Index after the bracket that closes the one at `open`; the end where none does.
fn matching_close(roles: &[Role], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, role) in roles.iter().enumerate().skip(open) {
        match role {
            Role::Open => depth += 1,
            Role::Close => depth = depth.saturating_sub(1),
            Role::Plain => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    roles.len()
}

fn qualifiers_length(after: &str) -> usize {
    let mut rest = after;
    let qualifiers = [" const", " volatile", " noexcept", " &&", " &", "&&", "&"];
    while let Some(shorter) = qualifiers.iter().find_map(|qualifier| rest.strip_prefix(qualifier)) {
        rest = shorter;
    }
    after.len() - rest.len()
}

/// Demanglers that leave parameters out leave some qualifiers in: `str &&`.
fn without_trailing_qualifiers(name: &str) -> &str {
    let mut rest = name.trim_end();
    while let Some(shorter) = [" const", " volatile", " &&", " &"].iter().find_map(|end| rest.strip_suffix(end)) {
        rest = shorter.trim_end();
    }
    rest
}

/// Demanglers write the return type of a template function in front of it.
fn strip_return_type(name: &str) -> &str {
    let roles = roles(name);
    let bytes = name.as_bytes();
    let mut depth = 0_usize;
    let mut start = 0;
    for (index, role) in roles.iter().enumerate() {
        match role {
            Role::Open => depth += 1,
            Role::Close => depth = depth.saturating_sub(1),
            Role::Plain if depth == 0 && is_operator_word(bytes, index) => break,
            Role::Plain if depth == 0 && bytes[index] == b' ' => start = index + 1,
            Role::Plain => {}
        }
    }
    // Pointers and references of the return type stick to the name in some spellings: `int* f`, `int *f`.
    name[start..].trim_start_matches(['*', '&'])
}

/// `A<B<int> >` and `A<B<int>>` are one type.
fn close_up_brackets(name: &str) -> String {
    let mut closed = name.to_owned();
    while closed.contains("> >") {
        closed = closed.replace("> >", ">>");
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::{last_segment, normal_name};

    #[test]
    fn names_lose_what_a_build_adds() {
        let cases = [
            ("main", "main"),
            ("foo.constprop.0", "foo"),
            ("foo.part.1.cold", "foo"),
            ("foo.llvm.1234567", "foo"),
            ("foo(int) [clone .isra.0] [clone .cold]", "foo"),
            ("foo(int) (.isra.0)", "foo"),
            ("Widget::make(int, char const*) const", "Widget::make"),
            ("Widget::name[abi:cxx11]() const", "Widget::name"),
            ("Stream::str &&", "Stream::str"),
            ("Foo::operator&&", "Foo::operator&&"),
            ("app::load::h0123456789abcdef", "app::load"),
            ("app::load::h0123456789abcdef.llvm.99", "app::load"),
            ("app::load::habit", "app::load::habit"),
            ("(anonymous namespace)::make(int)", "(anonymous namespace)::make"),
            ("ns::(anonymous namespace)::make()", "ns::(anonymous namespace)::make"),
            ("operator new(unsigned long)", "operator new"),
            ("operator new[](unsigned long)", "operator new[]"),
            ("Foo::operator()(int) const", "Foo::operator()"),
            ("Foo::operator bool() const", "Foo::operator bool"),
            ("Foo::operator->()", "Foo::operator->"),
            ("bool operator< <int>(Box<int> const&, Box<int> const&)", "operator< <int>"),
            ("std::ostream& operator<< <char>(std::ostream&, char)", "operator<< <char>"),
            ("void fill<std::vector<int, std::allocator<int> > >(int)", "fill<std::vector<int, std::allocator<int>>>"),
            ("char const* name<int>()", "name<int>"),
            ("main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()"),
            ("main()::{lambda(int)#1}::operator()(int) const::inner()", "main::{lambda(int)#1}::operator()::inner"),
            ("<app::Foo as core::clone::Clone>::clone", "<app::Foo as core::clone::Clone>::clone"),
            ("call<fn(u8) -> u8>", "call<fn(u8) -> u8>"),
            ("app::main::{closure#0}", "app::main::{closure#0}"),
            ("main.parse", "main.parse"),
            ("", ""),
            ("app[1a2b3c4d5e6f7081]::load", "app::load"),
            ("<app[1a2b]::Foo as core[3c4d]::clone::Clone>::clone", "<app::Foo as core::clone::Clone>::clone"),
            (")(", ")"),
            ("a(", "a"),
        ];
        for (raw, normal) in cases {
            assert_eq!(normal_name(raw), normal, "{raw}");
        }
    }

    #[test]
    fn a_normal_name_is_its_own_normal_name() {
        for name in ["a::b<c>::d", "operator new[]", "Foo::operator()", "<T as core::Tr>::f", "operator<< <char>"] {
            assert_eq!(normal_name(&normal_name(name)), normal_name(name));
        }
    }

    #[test]
    fn last_segments() {
        let cases = [
            ("main", "main"),
            ("ns::Pool<int>::get<char>", "get"),
            ("<app::Foo as core::clone::Clone>::clone", "clone"),
            ("Foo::operator new", "operator new"),
            ("Foo::operator<", "operator<"),
            ("Pool<a::b>", "Pool"),
            ("", ""),
        ];
        for (name, segment) in cases {
            assert_eq!(last_segment(name), segment, "{name}");
        }
    }
}
