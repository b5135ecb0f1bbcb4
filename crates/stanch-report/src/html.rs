//! Self-contained pages: verdict, findings, graphs. A page loads nothing over a network and says so in its own content
//! security policy.
//!
//! The page is built in two parts. What is seen first stands in it as text: verdict, sums, the worst findings. All the
//! rest is aggregated here, packed, and unpacked by the page when a view is opened, so that a recording of a million
//! stacks opens at once. Views are bounded; what a view leaves out, it sums exactly and says so.
//!
//! ```text
//! html.rs        the page of a report
//! ├─ comparison  the page of two sides compared
//! ├─ page        its order, its policy, its escaping
//! ├─ overview    what is seen first of a report
//! ├─ findings    rows, and their details in pieces
//! ├─ flame       stacks merged by function, from both ends
//! ├─ memory      history, sizes and lifetimes of each process
//! ├─ chunk       packing
//! ├─ source      lines around the place of a finding
//! └─ veil        what is withheld, where that is asked for
//! ```
mod chunk;
mod comparison;
mod findings;
mod flame;
mod memory;
mod overview;
mod page;
mod source;
mod veil;

pub use comparison::{Comparison, write_comparison};

use crate::stacks::ProcessStacks;
use chunk::Chunks;
use page::Page;
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

/// The script of a report: one scope, in this order.
const SCRIPT: &str = concat!(
    "\"use strict\";(() => {\n",
    include_str!("html/assets/core.js"),
    include_str!("html/assets/table.js"),
    include_str!("html/assets/graph.js"),
    include_str!("html/assets/unseen.js"),
    include_str!("html/assets/summary.js"),
    include_str!("html/assets/findings.js"),
    include_str!("html/assets/flame.js"),
    include_str!("html/assets/chart.js"),
    include_str!("html/assets/time.js"),
    include_str!("html/assets/shapes.js"),
    include_str!("html/assets/processes.js"),
    include_str!("html/assets/report.js"),
    include_str!("html/assets/app.js"),
    "})();\n"
);

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
    let veil = Veil::new(options.privacy, &[recording], &[reports]);
    let stacks: Vec<ProcessStacks<'_>> = recording.processes.iter().map(ProcessStacks::of).collect();
    let parts = stacks.len() as u64 + 3;
    let mut chunks = Chunks::default();
    let findings = findings::embed(reports, &veil, options, &mut chunks);
    (options.progress)(1, parts);
    let memory = memory::embed(recording, &stacks, &veil, &mut chunks);
    (options.progress)(2, parts);
    let flames = flame::embed(&stacks, &veil, &mut chunks, &|done| (options.progress)(done + 2, parts));
    let overview = overview::Overview::new(recording, reports, &veil, options, findings, memory, flames);
    let page = Page {
        tool_version: options.tool_version,
        title: overview.title(),
        tone: overview.tone(),
        verdict: overview.verdict(),
        next: overview.next(),
        because: overview.because(),
        subject: &overview.command(),
        subject_title: "The command that was recorded",
        data: &overview.to_json()?,
        script: SCRIPT,
    };
    let result = page.write(&chunks, out);
    (options.progress)(parts, parts);
    result
}

#[cfg(test)]
mod tests {
    #[test]
    fn scripts_end_no_element_and_ask_for_nothing() {
        for script in [super::SCRIPT, super::comparison::SCRIPT] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
            for word in ["fetch(", "XMLHttpRequest", "WebSocket", "import(", "eval(", "innerHTML", "//cdn"] {
                assert!(!script.contains(word), "`{word}`");
            }
        }
    }
}
