//! Frames and owners in words.
use super::TextOptions;
use stanch_finding::{Frame, Owner, OwnerKind, normal_name};

/// Long spellings of the C++ library for which everybody knows a short one.
const SHORT_SPELLINGS: [(&str, &str); 7] = [
    ("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string"),
    ("std::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string"),
    ("std::__cxx11::basic_string<char>", "std::string"),
    ("std::basic_string<char>", "std::string"),
    ("std::__cxx11::", "std::"),
    ("std::__1::", "std::"),
    ("(anonymous namespace)::", ""),
];

/// A function's name without what a reader can do without: parameters, default allocators, inline namespaces.
pub(super) fn function_name(frame: &Frame) -> String {
    frame.function.as_ref().map_or_else(|| "(no name)".to_owned(), |function| shortened(&normal_name(function)))
}

/// A text with the names in it spelt as people write them.
pub(crate) fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    for (long, short) in SHORT_SPELLINGS {
        text = text.replace(long, short);
    }
    without_default_allocators(text)
}

/// `std::vector<int, std::allocator<int>>` is `std::vector<int>`.
fn without_default_allocators(mut name: String) -> String {
    const DEFAULTS: [&str; 4] = [", std::allocator<", ", std::default_delete<", ", std::char_traits<", ", std::less<"];
    while let Some((start, opening)) = DEFAULTS.iter().find_map(|text| Some((name.find(text)?, text))) {
        let Some(length) = length_to_close(&name[start + opening.len()..]) else { break };
        name.replace_range(start..start + opening.len() + length, "");
    }
    name
}

/// Bytes up to and with the bracket that closes one already open.
fn length_to_close(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index + 1);
        }
    }
    None
}

/// Where a frame is: `src/a.c:12`, or `/usr/lib/libx.so.1+0x1234` where no source is known.
pub(super) fn place(frame: &Frame, options: &TextOptions<'_>) -> Option<String> {
    if let Some(file) = &frame.file {
        let file = relative(file, options.base_dir);
        return Some(frame.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")));
    }
    let module = frame.module.as_deref()?;
    Some(frame.module_offset.map_or_else(|| module.to_owned(), |offset| format!("{module}+{offset:#x}")))
}

pub(super) fn relative<'a>(file: &'a str, base_dir: Option<&str>) -> &'a str {
    let below = |base: &str| file.strip_prefix(base.trim_end_matches('/'))?.strip_prefix('/');
    base_dir.and_then(below).unwrap_or(file)
}

/// Whose bug it is: `libfoo1 1.2-3 (library)`.
pub(super) fn owner_name(owner: &Owner) -> String {
    let version = owner.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let kind = match owner.kind {
        OwnerKind::Application => "the program itself",
        OwnerKind::Library => "library",
        OwnerKind::Runtime => "language runtime",
        OwnerKind::Kernel => "kernel",
        OwnerKind::Hardware => "hardware",
    };
    format!("{}{version} ({kind})", owner.name)
}

#[cfg(test)]
mod tests {
    use super::function_name;
    use stanch_finding::Frame;

    #[test]
    fn names_are_shortened() {
        let cases = [
            ("std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector<int>::push_back"),
            (
                "std::map<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, int, \
                 std::less<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >, \
                 std::allocator<std::pair<std::__cxx11::basic_string<char, std::char_traits<char>, \
                 std::allocator<char> > const, int> > >::operator[](int)",
                "std::map<std::string, int>::operator[]",
            ),
            ("app::(anonymous namespace)::load()", "app::load"),
            ("broken<int, std::allocator<", "broken<int, std::allocator<"),
        ];
        for (raw, short) in cases {
            let frame = Frame { function: Some(raw.to_owned()), ..Frame::default() };
            assert_eq!(function_name(&frame), short);
        }
    }
}
