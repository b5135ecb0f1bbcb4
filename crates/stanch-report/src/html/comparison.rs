//! The page of two sides compared: the verdict, what changed, and a flame graph of both.
//!
//! ```text
//! comparison.rs  the page
//! ├─ overview    what is seen first
//! ├─ changes     rows, and their details in pieces
//! └─ flame       the stacks of both sides in one tree
//! ```
mod changes;
mod flame;
mod overview;

use super::HtmlOptions;
use super::chunk::Chunks;
use super::page::Page;
use super::veil::Veil;
use crate::changes::{ComparedSide, ordered};
use crate::text::Reachable;
use overview::Overview;
use stanch_finding::comparison::{Change, Thresholds};
use stanch_recording::Recording;
use std::io::{self, Write};

/// What is compared, and what came of it.
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    /// What became of each leak.
    pub changes: &'a [Change<'a>],
    /// What was before.
    pub old: ComparedSide<'a>,
    /// What is now.
    pub new: ComparedSide<'a>,
    /// The recordings of both, where there are any: the flame graph has all their stacks. Without them it is made of
    /// findings.
    pub recordings: Option<[&'a Recording; 2]>,
    /// What difference in size counts.
    pub thresholds: Thresholds,
    /// Whether the verdict speaks of what is still reachable. The table has it in any case.
    pub reachable: Reachable,
}

/// The script of a comparison: one scope, in this order.
pub(super) const SCRIPT: &str = concat!(
    "\"use strict\";(() => {\n",
    include_str!("assets/core.js"),
    include_str!("assets/table.js"),
    include_str!("assets/graph.js"),
    include_str!("assets/unseen.js"),
    include_str!("assets/difference.js"),
    include_str!("assets/changes.js"),
    include_str!("assets/compared.js"),
    include_str!("assets/comparison.js"),
    include_str!("assets/app.js"),
    "})();\n"
);

/// Parts of the work, for whoever watches its progress.
const PARTS: u64 = 3;

/// Writes the page of a comparison.
///
/// # Errors
/// Where `out` fails.
pub fn write_comparison(
    comparison: &Comparison<'_>,
    options: &HtmlOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let recordings = comparison.recordings.as_ref().map_or(&[][..], |recordings| recordings);
    let veil = Veil::new(options.privacy, recordings, &[comparison.old.reports, comparison.new.reports]);
    let mut chunks = Chunks::default();
    let ordered = ordered(comparison.changes);
    let changes = changes::embed(&ordered, &veil, options, &mut chunks);
    (options.progress)(1, PARTS);
    let flames = flame::embed(comparison, &veil, &mut chunks);
    (options.progress)(2, PARTS);
    let overview = Overview::new(comparison, &ordered, &veil, options, changes, flames);
    let page = Page {
        tool_version: options.tool_version,
        title: &overview.title,
        tone: overview.tone,
        verdict: &overview.verdict,
        next: &overview.next,
        because: &overview.because,
        subject: &overview.subject,
        subject_title: "What was compared",
        data: &serde_json::to_string(&overview)?,
        script: SCRIPT,
    };
    let result = page.write(&chunks, out);
    (options.progress)(PARTS, PARTS);
    result
}
