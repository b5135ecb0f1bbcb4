//! What is seen first of a comparison, and where the page finds the rest.
use super::changes::{Embedded, tone};
use super::{Comparison, flame};
use crate::changes::{ComparedSide, course};
use crate::html::HtmlOptions;
use crate::html::findings::Claim;
use crate::html::overview::{KindRow, Unseen, ink_tone, kind_rows, sampling, unseen};
use crate::html::page::sentence;
use crate::html::veil::Veil;
use crate::kinds::words;
use crate::text::comparison::{nameless, sentences};
use crate::text::page::cleaned;
use serde::Serialize;
use stanch_finding::Kind;
use stanch_finding::comparison::{Category, Change, Holding};

/// Changes that are named on the first view.
const FIRST_MAX: usize = 6;

/// The first part of the page's data.
#[derive(Serialize)]
pub(super) struct Overview<'a> {
    #[serde(skip)]
    pub(super) title: String,
    #[serde(skip)]
    pub(super) tone: &'static str,
    #[serde(skip)]
    pub(super) verdict: String,
    #[serde(skip)]
    pub(super) next: String,
    #[serde(skip)]
    pub(super) because: String,
    #[serde(skip)]
    pub(super) subject: String,
    tool_version: &'a str,
    kinds: Vec<KindRow>,
    categories: Vec<CategoryRow>,
    thresholds: Limits,
    sides: [Side; 2],
    totals: Vec<KindTotals>,
    changes: Embedded,
    first: Vec<First>,
    flames: flame::Embedded,
}

/// All changes of one category.
#[derive(Serialize)]
struct CategoryRow {
    category: &'static str,
    meaning: &'static str,
    tone: &'static str,
    count: usize,
    /// Bytes and blocks: the difference where both sides have it, else what the one has.
    amounts: (u64, u64),
}

#[derive(Serialize)]
struct Limits {
    min_bytes: u64,
    min_percent: u32,
}

/// One of the two.
#[derive(Serialize)]
struct Side {
    label: &'static str,
    /// The file's name; `None` where it is withheld.
    name: Option<String>,
    command: Vec<String>,
    processes: usize,
    findings: usize,
    suppressed: u64,
    sampling: Option<String>,
    unseen: Vec<Unseen>,
    unseen_left_out: usize,
}

/// Sums of one kind on both sides: bytes and blocks.
#[derive(Serialize)]
struct KindTotals {
    kind: &'static str,
    old: (u64, u64),
    new: (u64, u64),
}

/// A change to begin with.
#[derive(Serialize)]
struct First {
    /// Position in the table.
    row: usize,
    change: &'static str,
    tone: &'static str,
    /// Old and new bytes; of a change of kind nothing may be gained.
    bytes: (u64, u64),
    #[serde(flatten)]
    claim: Claim,
}

impl<'a> Overview<'a> {
    /// `ordered` is the order of the table.
    pub(super) fn new(
        comparison: &Comparison<'_>,
        ordered: &[&Change<'_>],
        veil: &Veil,
        options: &HtmlOptions<'a>,
        changes: Embedded,
        flames: flame::Embedded,
    ) -> Overview<'a> {
        let Comparison { old, new, thresholds, .. } = *comparison;
        let said = sentences(comparison.changes, new, comparison.reachable, options.base_dir);
        let names = [old, new].map(|side| side.name.rsplit('/').next().unwrap_or(side.name));
        let subject = match veil.is_closed() {
            true => new.reports.first().map(|report| veil.command(&report.subject.command).join(" ")),
            false => Some(cleaned(&format!("{} → {}", names[0], names[1]))),
        };
        let subject = subject.unwrap_or_default();
        let rows = ordered.iter().enumerate();
        let is_first = |change: &Change<'_>| said.worse.iter().any(|worse| std::ptr::eq(*worse, change));
        Overview {
            title: format!("Stanch: {subject}"),
            tone: ink_tone(said.ink),
            verdict: veil.text(&sentence(&said.verdict)),
            next: said.next.map(|next| veil.text(&sentence(&next))).unwrap_or_default(),
            because: nameless(comparison.changes).map(|note| sentence(&note)).unwrap_or_default(),
            subject,
            tool_version: options.tool_version,
            kinds: kind_rows(),
            categories: Category::ALL.into_iter().map(|category| category_row(category, ordered)).collect(),
            thresholds: Limits { min_bytes: thresholds.min_bytes.0, min_percent: thresholds.min_percent },
            sides: [Side::new("old", old, veil), Side::new("new", new, veil)],
            totals: kind_totals(ordered),
            changes,
            first: rows
                .filter(|(_, change)| is_first(change))
                .take(FIRST_MAX)
                .map(|(row, change)| First::new(row, change, veil))
                .collect(),
            flames,
        }
    }
}

impl Side {
    fn new(label: &'static str, side: ComparedSide<'_>, veil: &Veil) -> Side {
        let command = side.reports.first().map(|report| veil.command(&report.subject.command));
        let (unseen, unseen_left_out) = unseen(side.reports, veil);
        Side {
            label,
            name: (!veil.is_closed()).then(|| cleaned(side.name)),
            command: command.unwrap_or_default(),
            processes: side.reports.len(),
            findings: side.reports.iter().map(|report| report.findings.len()).sum(),
            suppressed: side.suppressed_findings(),
            sampling: sampling(side.reports),
            unseen,
            unseen_left_out,
        }
    }
}

impl First {
    fn new(row: usize, change: &Change<'_>, veil: &Veil) -> First {
        let bytes = |holding: Option<Holding>| holding.map_or(0, |holding| holding.amounts.bytes.0);
        First {
            row,
            change: change.category.as_str(),
            tone: tone(change),
            bytes: (bytes(change.old), bytes(change.new)),
            claim: Claim::new(change.kind(), change.finding, veil),
        }
    }
}

fn category_row(category: Category, changes: &[&Change<'_>]) -> CategoryRow {
    let changes: Vec<&Change<'_>> = changes.iter().copied().filter(|change| change.category == category).collect();
    let worst = changes.iter().min_by_key(|change| (course(change), words(change.kind()).severity));
    let amounts = changes.iter().fold((0_u64, 0_u64), |(bytes, blocks), change| {
        let amounts = match category {
            Category::Same | Category::Changed => {
                change.new.or(change.old).map(|holding| holding.amounts).unwrap_or_default()
            }
            _ => change.difference(),
        };
        (bytes.saturating_add(amounts.bytes.0), blocks.saturating_add(amounts.blocks.0))
    });
    CategoryRow {
        category: category.as_str(),
        meaning: meaning(category),
        tone: worst.map_or("plain", |change| tone(change)),
        count: changes.len(),
        amounts,
    }
}

/// What a category says of a leak, as a sentence.
fn meaning(category: Category) -> &'static str {
    match category {
        Category::New => "Only the new one has it.",
        Category::Changed => "Both have it, as another kind: what was possibly lost is definitely lost, say.",
        Category::Grown => "The new one has more of it.",
        Category::Uncertain => "It seems to differ, but samples cannot tell whether it really does.",
        Category::Shrunk => "The new one has less of it.",
        Category::Gone => "Only the old one has it.",
        Category::Same => "Both have it, and its size differs by less than the thresholds, or not at all.",
    }
}

/// Sums by kind, of those that either side has, the worst first.
fn kind_totals(changes: &[&Change<'_>]) -> Vec<KindTotals> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.sort_by_key(|kind| words(*kind).rank);
    let sum = |kind: Kind, side: fn(&Change<'_>) -> Option<Holding>| {
        let holdings = changes.iter().filter_map(|change| side(change)).filter(|holding| holding.kind == kind);
        holdings.fold((0_u64, 0_u64), |(bytes, blocks), holding| {
            (bytes.saturating_add(holding.amounts.bytes.0), blocks.saturating_add(holding.amounts.blocks.0))
        })
    };
    let totals = kinds.into_iter().map(|kind| KindTotals {
        kind: kind.as_str(),
        old: sum(kind, |change| change.old),
        new: sum(kind, |change| change.new),
    });
    totals.filter(|totals| 0 < totals.old.1 + totals.new.1).collect()
}
