//! Every file opens by saying what it is for. Where a fixture is a folder, its `main` file says it for all.

use super::{Source, Violation, violation};

pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .filter(|source| !has_header(source) && !is_part_of_fixture(&source.path))
        .map(|source| violation(source, 1, "does not open with a comment that says what it is responsible for"))
        .collect()
}

fn has_header(source: &Source) -> bool {
    let mut lines = source.text.lines().filter(|line| !line.starts_with("#!/"));
    let first = lines.next().unwrap_or_default();
    let openings: &[&str] = match source.path.rsplit_once('.') {
        Some((_, "rs")) => &["//! "],
        Some((_, "c" | "cpp" | "cc" | "h")) => &["// ", "//! ", "/*"],
        _ => &["# ", "\"\"\""],
    };
    openings.iter().any(|opening| first.starts_with(opening))
}

/// `fixtures/static/AREA/NAME/FILE`, but for its `main`.
fn is_part_of_fixture(path: &str) -> bool {
    let mut below = path.strip_prefix("fixtures/static/").into_iter().flat_map(|below| below.split('/').skip(2));
    below.next().is_some_and(|file| !file.starts_with("main."))
}

#[cfg(test)]
mod tests {
    use super::{Source, check};

    #[test]
    fn a_header_is_the_first_thing_in_a_file() {
        let passes = |path, text| check(&[Source::new(path, text)]).is_empty();
        assert!(passes("a.rs", "//! What it does.\n"));
        assert!(!passes("a.rs", "// What it does.\n"));
        assert!(!passes("a.rs", "\n//! What it does.\n"));
        assert!(!passes("a.rs", ""));
        assert!(passes("a.c", "/* A fixture. */\n"));
        assert!(passes("a.cpp", "// A fixture.\n"));
        assert!(!passes("a.h", "#pragma once\n"));
        assert!(passes("fixtures/static/calls/chain/leaf.c", "#include <stdio.h>\n"));
        assert!(!passes("fixtures/static/calls/chain/main.c", "#include <stdio.h>\n"));
        assert!(!passes("fixtures/static/calls/leaf.c", "#include <stdio.h>\n"));
        assert!(passes("bench/overhead", "#!/usr/bin/env python3\n\"\"\"Measures.\"\"\"\n"));
    }
}
