//! No file of a crate lies dead: each is reached by `mod` from a root.

use std::collections::{HashMap, HashSet};

use super::{Source, Violation, violation};

pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let by_path: HashMap<&str, &Source> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let in_src = || sources.iter().filter(|source| source.is_rust() && source.path.contains("/src/"));
    let mut reached = HashSet::new();
    let mut open: Vec<&str> = in_src().map(|source| source.path.as_str()).filter(|path| is_root(path)).collect();
    while let Some(path) = open.pop() {
        if reached.insert(path) {
            let children = by_path[path].text.lines().filter_map(module_name);
            let files = children.flat_map(|name| candidates(path, name));
            open.extend(files.filter_map(|file| by_path.get_key_value(file.as_str()).map(|(path, _)| *path)));
        }
    }
    let dead = in_src().filter(|source| source.path.starts_with("crates/") || source.path.starts_with("xtask/"));
    dead.filter(|source| !reached.contains(source.path.as_str()))
        .map(|source| violation(source, 0, "is part of no module"))
        .collect()
}

fn is_root(path: &str) -> bool {
    let (_, inside) = path.rsplit_once("/src/").unwrap_or(("", path));
    matches!(inside, "lib.rs" | "main.rs") || inside.starts_with("bin/")
}

/// The name in a line like `pub(crate) mod name;`.
fn module_name(line: &str) -> Option<&str> {
    let declaration = line.trim().strip_suffix(';')?;
    let (before, name) = declaration.rsplit_once(' ')?;
    (before == "mod" || (before.starts_with("pub") && before.ends_with(" mod"))).then_some(name)
}

/// Where `mod name;` in `path` may have its file.
fn candidates(path: &str, name: &str) -> [String; 2] {
    let stem =
        path.strip_suffix("mod.rs").or_else(|| path.strip_suffix("lib.rs")).or_else(|| path.strip_suffix("main.rs"));
    let folder = match stem {
        Some(folder) if folder.ends_with('/') => folder.to_owned(),
        _ => format!("{}/", path.trim_end_matches(".rs")),
    };
    [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")]
}

#[cfg(test)]
mod tests {
    use super::{Source, check};

    #[test]
    fn a_file_that_nobody_names_is_dead() {
        let sources = [
            Source::new("crates/a/src/lib.rs", "pub(crate) mod used;\nmod folder;\n"),
            Source::new("crates/a/src/used.rs", "mod below;\n"),
            Source::new("crates/a/src/used/below.rs", ""),
            Source::new("crates/a/src/folder/mod.rs", "mod inner;\n"),
            Source::new("crates/a/src/folder/inner.rs", ""),
            Source::new("crates/a/src/bin/tool.rs", ""),
            Source::new("crates/a/src/dead.rs", "mod deader;\n"),
            Source::new("crates/a/src/dead/deader.rs", ""),
            Source::new("crates/a/tests/test.rs", ""),
        ];
        let dead: Vec<_> = check(&sources).into_iter().map(|violation| violation.path).collect();
        assert_eq!(dead, ["crates/a/src/dead.rs", "crates/a/src/dead/deader.rs"]);
    }
}
