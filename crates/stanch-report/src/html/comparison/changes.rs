//! Rows of what changed, as columns, and what is behind them in pieces.
use crate::changes::{Course, course};
use crate::html::HtmlOptions;
use crate::html::chunk::{Chunks, Texts};
use crate::html::findings::{Claim, ClaimColumns, Detail, Detailer, Pieces, ROWS_MAX, embed_details};
use crate::html::veil::Veil;
use crate::kinds::{Severity, words};
use crate::numbers::amount_text;
use crate::text::comparison::amount;
use serde::Serialize;
use stanch_finding::comparison::{Change, Holding};

/// What the page has to know of the changes before it opens the table.
#[derive(Serialize)]
pub(super) struct Embedded {
    count: usize,
    /// Where the rows are.
    rows: usize,
    details: Pieces,
    /// Changes that have no row.
    left_out: usize,
}

#[derive(Default, Serialize)]
struct Columns {
    texts: Vec<String>,
    change: Vec<u32>,
    tone: Vec<u32>,
    /// The kind before, where it was another one; else an empty text.
    was: Vec<u32>,
    /// `None` where that side has none of it.
    old_bytes: Vec<Option<u64>>,
    old_blocks: Vec<Option<u64>>,
    new_bytes: Vec<Option<u64>>,
    new_blocks: Vec<Option<u64>>,
    #[serde(flatten)]
    claims: ClaimColumns,
}

#[derive(Serialize)]
struct ChangeDetail {
    #[serde(flatten)]
    finding: Detail,
    /// What each side has, in words.
    old: Option<String>,
    new: Option<String>,
}

/// Packs the changes in the order in which they are given.
pub(super) fn embed(changes: &[&Change<'_>], veil: &Veil, options: &HtmlOptions<'_>, chunks: &mut Chunks) -> Embedded {
    let shown = &changes[..changes.len().min(ROWS_MAX)];
    Embedded {
        count: changes.len(),
        rows: chunks.add(&columns(shown, veil)),
        details: embed_details(shown, chunks, |change, detailer| detail(change, detailer), veil, options),
        left_out: changes.len() - shown.len(),
    }
}

fn columns(changes: &[&Change<'_>], veil: &Veil) -> Columns {
    let (mut texts, mut columns) = (Texts::default(), Columns::default());
    for change in changes {
        let was = change.old.filter(|old| change.new.is_some_and(|new| new.kind != old.kind));
        columns.change.push(texts.number(change.category.as_str().to_owned()));
        columns.tone.push(texts.number(tone(change).to_owned()));
        columns.was.push(texts.number(was.map_or("", |old| old.kind.as_str()).to_owned()));
        columns.old_bytes.push(change.old.map(|old| old.amounts.bytes.0));
        columns.old_blocks.push(change.old.map(|old| old.amounts.blocks.0));
        columns.new_bytes.push(change.new.map(|new| new.amounts.bytes.0));
        columns.new_blocks.push(change.new.map(|new| new.amounts.blocks.0));
        columns.claims.push(Claim::new(change.kind(), change.finding, veil), &mut texts);
    }
    columns.texts = texts.into_texts();
    columns
}

/// How a change is coloured: what got worse by how bad it is.
pub(super) fn tone(change: &Change<'_>) -> &'static str {
    match course(change) {
        Course::Worse => match words(change.kind()).severity {
            Severity::Error => "bad",
            Severity::Warning => "doubtful",
            Severity::Note => "plain",
        },
        Course::Better => "good",
        Course::Neither => "plain",
    }
}

fn detail(change: &Change<'_>, detailer: &mut Detailer<'_>) -> ChangeDetail {
    ChangeDetail {
        finding: detailer.detail(change.finding),
        old: change.old.as_ref().map(holding),
        new: change.new.as_ref().map(holding),
    }
}

/// `definitely lost: 12 bytes in 1 block, and 1.20 KiB in 3 blocks reachable only from there; in 2 processes`.
fn holding(holding: &Holding) -> String {
    let mut text = format!("{}: {}", words(holding.kind).title, amount(holding));
    if 0 < holding.indirect.blocks.0 {
        let indirect = amount_text(holding.indirect.bytes, holding.indirect.blocks);
        text += &format!(", and {indirect} reachable only from there");
    }
    if 1 < holding.processes {
        text += &format!("; in {} processes", holding.processes);
    }
    text
}
