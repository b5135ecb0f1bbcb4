//! The page itself: its order, its policy, its escaping.
use super::chunk::Chunks;
use crate::text::page::cleaned;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const STYLE: &str = include_str!("assets/style.css");
/// The elements that are there before the script runs.
const BODY: &str = include_str!("assets/body.html");

/// What a page is made of.
pub(super) struct Page<'a> {
    pub(super) tool_version: &'a str,
    pub(super) title: &'a str,
    /// `bad`, `doubtful` or `good`.
    pub(super) tone: &'a str,
    /// One sentence.
    pub(super) verdict: &'a str,
    /// What to do next, and why that; empty where nothing is to do.
    pub(super) next: &'a str,
    pub(super) because: &'a str,
    /// What was looked at, and what that is called.
    pub(super) subject: &'a str,
    pub(super) subject_title: &'a str,
    /// What the script has without unpacking, as JSON.
    pub(super) data: &'a str,
    pub(super) script: &'a str,
}

impl Page<'_> {
    pub(super) fn write(&self, chunks: &Chunks, out: &mut impl Write) -> io::Result<()> {
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            hash(self.script),
            hash(STYLE)
        );
        writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(
            out,
            "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">"
        )?;
        writeln!(out, "<meta name=\"generator\" content=\"stanch {}\">", escaped(self.tool_version))?;
        writeln!(out, "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>", escaped(self.title))?;
        writeln!(out, "<style>{STYLE}</style>\n</head>")?;
        let body = BODY
            .replace("{{tone}}", self.tone)
            .replace("{{title}}", &escaped(self.title))
            .replace("{{verdict}}", &escaped(self.verdict))
            .replace("{{subject_title}}", self.subject_title)
            .replace("{{subject}}", &escaped(self.subject))
            .replace("{{advice}}", &self.advice());
        writeln!(out, "{body}")?;
        let data = script_safe(self.data);
        writeln!(out, "<script type=\"application/json\" id=\"overview\">{data}</script>")?;
        writeln!(out, "<script>{}</script>", self.script)?;
        chunks.write(out)?;
        writeln!(out, "</body>\n</html>")
    }

    fn advice(&self) -> String {
        let (next, because) = (prose(self.next), prose(self.because));
        if next.is_empty() {
            return String::new();
        }
        format!("    <p id=\"next\"><b>Next:</b> {next} <span class=\"muted\">{because}</span></p>\n")
    }
}

/// With a capital and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}

/// Prose in which names stand between backticks.
fn prose(text: &str) -> String {
    let escaped = escaped(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    let code = |(index, part): (usize, &&str)| match index % 2 {
        1 if index + 1 < parts.len() => format!("<code>{part}</code>"),
        1 => format!("`{part}"),
        _ => (*part).to_owned(),
    };
    parts.iter().enumerate().map(code).collect()
}

/// As content security policies name a script or style.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// Text between tags, or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in cleaned(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Markers of the body's template.
            '{' => safe.push_str("&#123;"),
            other => safe.push(other),
        }
    }
    safe
}

/// JSON that ends no script element and begins no comment in one.
fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::{STYLE, escaped, prose, script_safe};

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(
            escaped("</title><b a='\"'>&{{x}}"),
            "&lt;/title&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;&#123;&#123;x}}"
        );
        assert_eq!(prose("look at `<f>` and `g"), "look at <code>&lt;f&gt;</code> and `g");
        assert_eq!(script_safe("\"</script><!--\""), "\"\\u003c/script>\\u003c!--\"");
    }

    #[test]
    fn the_style_ends_no_element_and_loads_nothing() {
        for word in ["</style", "@import", "url(", "//cdn"] {
            assert!(!STYLE.contains(word), "`{word}`");
        }
    }
}
