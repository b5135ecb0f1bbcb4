//! Users can read what changed.

use std::path::Path;

use super::Violation;

pub(super) fn check(root: &Path) -> Option<Violation> {
    let text = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    (!has_unreleased(&text)).then(|| Violation {
        path: "CHANGELOG.md".to_owned(),
        line: 0,
        text: "is missing or has no section `## Unreleased`".to_owned(),
    })
}

fn has_unreleased(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("## ") && line.contains("Unreleased"))
}

#[cfg(test)]
mod tests {
    use super::has_unreleased;

    #[test]
    fn the_section_is_found() {
        assert!(has_unreleased("# Changes\n\n## [Unreleased]\n"));
        assert!(has_unreleased("## Unreleased\n"));
        assert!(!has_unreleased("Unreleased\n"));
    }
}
