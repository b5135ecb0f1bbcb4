//! The sources that rules look at.

use std::io;
use std::path::Path;

/// One text file of ours.
pub(super) struct Source {
    /// Path from the root of the workspace, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

const EXTENSIONS: [&str; 6] = ["rs", "c", "cpp", "cc", "h", "py"];

impl Source {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate whose folder it is in; `xtask` for that one, "" outside.
    pub(super) fn crate_name(&self) -> &str {
        let in_crates = self.path.strip_prefix("crates/").unwrap_or(&self.path);
        match in_crates.split_once('/') {
            Some((name, _)) if self.path.starts_with("crates/") || name == "xtask" => name,
            _ => "",
        }
    }

    /// True for what does not end up in a product: tests, benchmarks, examples.
    pub(super) fn is_test_support(&self) -> bool {
        let after_crate = self.path.split('/').skip_while(|part| *part != self.crate_name()).nth(1);
        self.crate_name().is_empty()
            || after_crate.is_some_and(|part| part != "src" && part != "build.rs")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }

    /// Lines with their numbers from 1, without comments, up to the tests at the end of the file.
    pub(super) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let product = self.text.find("\n#[cfg(test)]\nmod tests {").map_or(&self.text[..], |end| &self.text[..=end]);
        (1..)
            .zip(product.lines())
            .map(|(number, line)| (number, without_comment(line)))
            .filter(|(_, line)| !line.trim().is_empty())
    }
}

/// Cuts at `//` that is not part of a string such as "http://"; good enough for formatted code.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| from + at) {
        let is_in_string = line[..at].matches('"').count() % 2 == 1;
        if !is_in_string {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// All sources below `root`, sorted by path; build products and hidden folders are left out.
pub(super) fn load(root: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    collect(root, "", &mut sources)?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), sources)?;
        } else if kind.is_file() && is_source(&name, &path) {
            let bytes = std::fs::read(entry.path())?;
            sources.push(Source { path, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
    Ok(())
}

fn is_source(name: &str, path: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) || path == "bench/overhead"
}

#[cfg(test)]
mod tests {
    use super::{Source, without_comment};

    #[test]
    fn comments_are_cut_and_strings_are_not() {
        assert_eq!(without_comment("let a = 1; // one"), "let a = 1; ");
        assert_eq!(without_comment("let a = \"http://b\"; // c"), "let a = \"http://b\"; ");
        assert_eq!(without_comment("/// docs"), "");
    }

    #[test]
    fn crates_and_test_support_are_told_from_paths() {
        let of = |path| {
            let source = Source::new(path, "");
            (source.crate_name().to_owned(), source.is_test_support())
        };
        assert_eq!(of("crates/stanch-leaks/src/mark.rs"), ("stanch-leaks".to_owned(), false));
        assert_eq!(of("crates/stanch-leaks/build.rs"), ("stanch-leaks".to_owned(), false));
        assert_eq!(of("crates/stanch-leaks/tests/mark.rs"), ("stanch-leaks".to_owned(), true));
        assert_eq!(of("crates/stanch-leaks/src/mark/tests.rs"), ("stanch-leaks".to_owned(), true));
        assert_eq!(of("xtask/src/main.rs"), ("xtask".to_owned(), false));
        assert_eq!(of("fixtures/programs/a.c"), (String::new(), true));
    }

    #[test]
    fn tests_at_the_end_of_a_file_are_left_out() {
        let source =
            Source::new("crates/a/src/lib.rs", "//! A.\n#[cfg(test)]\nfn a() {}\n\n#[cfg(test)]\nmod tests {}\n");
        assert_eq!(source.product_lines().collect::<Vec<_>>(), [(2, "#[cfg(test)]"), (3, "fn a() {}")]);
    }
}
