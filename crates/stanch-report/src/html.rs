//! One self-contained page: verdict, findings, graphs. It loads nothing over a network and says so in its own content
//! security policy.
//!
//! The page is built in two parts. What is seen first stands in it as text: verdict, sums, the worst findings. All the
//! rest is aggregated here, packed, and unpacked by the page when a view is opened, so that a recording of a million
//! stacks opens at once. Views are bounded; what a view leaves out, it sums exactly and says so.
//!
//! ```text
//! html.rs        the order of the page, its policy, its escaping
//! ├─ overview    what is seen first
//! ├─ findings    rows, and their details in pieces
//! ├─ flame       stacks merged by function, from both ends
//! ├─ memory      history, sizes and lifetimes of each process
//! ├─ chunk       packing
//! ├─ source      lines around the place of a finding
//! └─ veil        what is withheld, where that is asked for
//! ```
mod chunk;
mod findings;
mod flame;
mod memory;
mod overview;
mod source;
mod veil;

use crate::stacks::ProcessStacks;
use crate::text::page::cleaned;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chunk::Chunks;
use sha2::{Digest, Sha256};
use stanch_finding::Report;
use stanch_recording::Recording;
use std::io::{self, Write};
use veil::Veil;

/// Whether the page may show where things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Paths, command lines and source text are shown.
    Open,
    /// Paths are replaced, arguments and source text are left out.
    Redacted,
}

/// How the page is to be made.
pub struct HtmlOptions<'a> {
    /// Version of the tool, for the page's foot.
    pub tool_version: &'a str,
    /// What may be shown.
    pub privacy: Privacy,
    /// Directory whose path is left off in front of source files in advice.
    pub base_dir: Option<&'a str>,
    /// Gives the text of a source file, where there is one to show.
    pub read_source: &'a dyn Fn(&str) -> Option<String>,
    /// Told how far the work is: parts done, parts in all.
    pub progress: &'a dyn Fn(u64, u64),
}

/// The page's own script: one scope, in this order.
const SCRIPT: &str = concat!(
    "\"use strict\";(() => {\n",
    include_str!("html/assets/core.js"),
    include_str!("html/assets/summary.js"),
    include_str!("html/assets/findings.js"),
    include_str!("html/assets/flame.js"),
    include_str!("html/assets/chart.js"),
    include_str!("html/assets/time.js"),
    include_str!("html/assets/shapes.js"),
    include_str!("html/assets/processes.js"),
    include_str!("html/assets/app.js"),
    "})();\n"
);
const STYLE: &str = include_str!("html/assets/style.css");
/// The elements that are there before the script runs.
const BODY: &str = include_str!("html/assets/body.html");

/// Writes the page. `reports` are those of the recording's processes, in their order.
///
/// # Errors
/// Where `out` fails.
pub fn write(
    recording: &Recording,
    reports: &[Report],
    options: &HtmlOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let veil = Veil::new(options.privacy, recording, reports);
    let stacks: Vec<ProcessStacks<'_>> = recording.processes.iter().map(ProcessStacks::of).collect();
    let parts = stacks.len() as u64 + 3;
    let mut chunks = Chunks::default();
    let findings = findings::embed(reports, &veil, options, &mut chunks);
    (options.progress)(1, parts);
    let memory = memory::embed(recording, &stacks, &veil, &mut chunks);
    (options.progress)(2, parts);
    let flames = flame::embed(&stacks, &veil, &mut chunks, &|done| (options.progress)(done + 2, parts));
    let overview = overview::Overview::new(recording, reports, &veil, options, findings, memory, flames);
    let result = write_page(&overview, &chunks, options, out);
    (options.progress)(parts, parts);
    result
}

fn write_page(
    overview: &overview::Overview,
    chunks: &Chunks,
    options: &HtmlOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(
        out,
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">"
    )?;
    writeln!(out, "<meta name=\"generator\" content=\"stanch {}\">", escaped(options.tool_version))?;
    writeln!(out, "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>", escaped(&overview.title()))?;
    writeln!(out, "<style>{STYLE}</style>\n</head>")?;
    let body = BODY
        .replace("{{tone}}", overview.tone())
        .replace("{{title}}", &escaped(&overview.title()))
        .replace("{{verdict}}", &escaped(overview.verdict()))
        .replace("{{command}}", &escaped(&overview.command()))
        .replace("{{advice}}", &advice(overview));
    writeln!(out, "{body}")?;
    writeln!(out, "<script type=\"application/json\" id=\"overview\">{}</script>", script_safe(&overview.to_json()?))?;
    writeln!(out, "<script>{SCRIPT}</script>")?;
    chunks.write(out)?;
    writeln!(out, "</body>\n</html>")
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

/// What to do next, and why that.
fn advice(overview: &overview::Overview) -> String {
    let (next, because) = (prose(overview.next()), prose(overview.because()));
    if next.is_empty() {
        return String::new();
    }
    format!("    <p id=\"next\"><b>Next:</b> {next} <span class=\"muted\">{because}</span></p>\n")
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
    use super::{SCRIPT, STYLE, escaped, prose, script_safe};

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
    fn the_page_itself_ends_no_element_and_names_no_address() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</style"));
        for word in ["fetch(", "XMLHttpRequest", "WebSocket", "import(", "@import", "eval(", "innerHTML", "//cdn"] {
            assert!(!SCRIPT.contains(word) && !STYLE.contains(word), "`{word}`");
        }
    }
}
