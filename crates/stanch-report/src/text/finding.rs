//! One finding: what, how much, where, whose, why, and what to do.
use super::names::{function_name, owner_name, place, shortened};
use super::page::{Ink, Page, unbroken};
use super::path::steps;
use super::selection::Entry;
use super::{Limit, TextOptions};
use crate::kinds::{Severity, words};
use crate::numbers::{amount_text, estimate_text, plural};
use stanch_finding::{Evidence, Finding, Frame, FrameRole, Kind, owning_frame};
use std::collections::BTreeSet;

/// Columns of the labels, and of everything behind them.
pub(super) const LABEL_WIDTH: usize = 10;

/// What has been told already: numbers count on, and an explanation that holds for many findings is given once.
pub(super) struct Teller {
    number: usize,
    told: BTreeSet<String>,
    is_brief: bool,
}

impl Teller {
    pub(super) fn new(options: &TextOptions<'_>) -> Teller {
        Teller { number: 0, told: BTreeSet::new(), is_brief: options.findings != Limit::All }
    }

    pub(super) fn next_number(&mut self) -> usize {
        self.number += 1;
        self.number
    }

    /// False for what the reader knows by now: what hangs on the blocks stands in a line of its own, and what a kind
    /// means was said at the first finding of its kind.
    fn is_new(&mut self, kind: Kind, evidence: &Evidence) -> bool {
        match evidence.kind.as_str() {
            "indirect" => false,
            "reachability" if self.is_brief => self.told.insert(kind.as_str().to_owned()),
            _ => true,
        }
    }

    /// A reason in words. One whole stack is enough to begin with: of others their number and size.
    fn reason(&self, evidence: &Evidence) -> String {
        let text = match evidence.text.split_once(": ") {
            Some((count, _)) if self.is_brief && evidence.kind == "stacks" => count,
            _ => &evidence.text,
        };
        shortened(text)
    }
}

pub(super) fn finding(entry: &Entry<'_>, teller: &mut Teller, options: &TextOptions<'_>, page: &mut Page) {
    let finding = entry.finding;
    heading(finding, teller.next_number(), page);
    if !is_plain_leak(finding.kind) {
        labelled("what", &shortened(&finding.message), page);
    }
    if 0 < finding.indirect_blocks.0 {
        let amount = amount_text(finding.indirect_bytes, finding.indirect_blocks);
        labelled("and", &format!("{amount} reachable only from there"), page);
    }
    if 0 < entry.others {
        let processes = plural(entry.others, "other process", "other processes");
        let amount = amount_text(entry.others_bytes, entry.others_blocks);
        labelled("also", &format!("in {processes}: {amount} together"), page);
    }
    details(finding, teller, options, page);
}

/// All that is said below the heading and the amounts.
pub(super) fn details(finding: &Finding, teller: &mut Teller, options: &TextOptions<'_>, page: &mut Page) {
    location(finding, options, page);
    labelled("whose", &owner_name(&finding.owner), page);
    let reasons: Vec<&Evidence> =
        finding.evidence.iter().filter(|reason| teller.is_new(finding.kind, reason)).collect();
    for (index, evidence) in reasons.into_iter().enumerate() {
        labelled(if index == 0 { "why" } else { "" }, &teller.reason(evidence), page);
        steps(&evidence.path, options, page);
    }
    stack(finding, options, page);
    if let Some(fix) = &finding.fix {
        labelled("fix", &shortened(&fix.text), page);
    }
    identity(finding, page);
}

pub(super) fn identity(finding: &Finding, page: &mut Page) {
    labelled("id", finding.fingerprint.as_str(), page);
}

/// Kinds whose heading says all that a message could.
pub(super) fn is_plain_leak(kind: Kind) -> bool {
    use Kind::{DefinitelyLost, IndirectlyLost, Live, PossiblyLost, StillReachable};
    matches!(kind, DefinitelyLost | IndirectlyLost | PossiblyLost | StillReachable | Live)
}

/// `1. definitely lost: 1.20 MiB in 300 blocks (proven)`.
fn heading(finding: &Finding, number: usize, page: &mut Page) {
    let words = words(finding.kind);
    let ink = ink(words.severity);
    let amount = match finding.blocks.0 {
        0 => String::new(),
        _ => format!(": {}", amount(finding)),
    };
    let confidence = format!(" ({})", finding.confidence.as_str());
    page.paragraph(
        &[(Ink::Strong, &format!("{number}. ")), (ink, words.title), (Ink::Strong, &amount), (Ink::Faint, &confidence)],
        LABEL_WIDTH,
    );
}

pub(super) fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Bad,
        Severity::Warning => Ink::Doubtful,
        Severity::Note => Ink::Strong,
    }
}

fn amount(finding: &Finding) -> String {
    match &finding.estimate {
        Some(estimate) => estimate_text(finding.bytes, finding.blocks, estimate),
        None => amount_text(finding.bytes, finding.blocks),
    }
}

pub(super) fn labelled(label: &str, text: &str, page: &mut Page) {
    inked(label, &[(Ink::Plain, text)], page);
}

fn inked(label: &str, pieces: &[(Ink, &str)], page: &mut Page) {
    indented(label, pieces, LABEL_WIDTH, page);
}

fn indented(label: &str, pieces: &[(Ink, &str)], indent: usize, page: &mut Page) {
    let label = unbroken(&format!("   {label:width$}", width = LABEL_WIDTH - 3));
    let mut all = vec![(Ink::Faint, label.as_str())];
    all.extend_from_slice(pieces);
    page.paragraph(&all, indent);
}

/// The owning frame; where the whole stack is runtime code, the innermost one.
pub(super) fn location(finding: &Finding, options: &TextOptions<'_>, page: &mut Page) {
    let Some(frame) = finding.site.stack.get(owning_frame(&finding.site).unwrap_or(0)) else {
        labelled("where", &format!("called {}; its callers are not known", finding.site.allocator), page);
        return;
    };
    frame_line("where", Ink::Strong, "", frame, options, page);
}

/// A frame as `function  file:line`, on two lines where it does not fit one.
fn frame_line(label: &str, ink: Ink, mark: &str, frame: &Frame, options: &TextOptions<'_>, page: &mut Page) {
    let name = unbroken(&function_name(frame));
    let place = place(frame, options).map(|place| unbroken(&place)).unwrap_or_default();
    let inlined = if frame.inlined { "  (inlined)" } else { "" };
    let width =
        LABEL_WIDTH + [mark, &name, "  ", &place, inlined].iter().map(|text| text.chars().count()).sum::<usize>();
    let mark = unbroken(mark);
    if width <= page.width() || place.is_empty() {
        inked(
            label,
            &[(Ink::Plain, &mark), (ink, &name), (Ink::Plain, "  "), (ink, &place), (Ink::Faint, inlined)],
            page,
        );
    } else {
        inked(label, &[(Ink::Plain, &mark), (ink, &name), (Ink::Faint, inlined)], page);
        let space = unbroken(&" ".repeat(mark.chars().count() + 2));
        inked("", &[(Ink::Plain, &space), (ink, &place)], page);
    }
}

/// A line of the stack: a frame, or runtime frames in a row.
enum StackLine<'a> {
    Frame { frame: &'a Frame, is_owner: bool },
    Runtime { frames: &'a [Frame] },
}

/// The stack from the allocation function out, the owning frame marked. Runs of runtime frames take one line; what
/// starts programs and threads, outside all of the program's own frames, is left off.
fn stack(finding: &Finding, options: &TextOptions<'_>, page: &mut Page) {
    let lines = stack_lines(finding);
    if lines.is_empty() {
        return;
    }
    let owner = lines.iter().position(|line| matches!(line, StackLine::Frame { is_owner: true, .. }));
    let count = match options.frames {
        Limit::First(count) => count.max(owner.map_or(0, |owner| owner + 1)).min(lines.len()),
        Limit::All => lines.len(),
    };
    inked("stack", &[(Ink::Plain, &unbroken("  ")), (Ink::Faint, &finding.site.allocator)], page);
    for line in &lines[..count] {
        match line {
            StackLine::Frame { frame, is_owner: true } => frame_line("", Ink::Strong, "> ", frame, options, page),
            StackLine::Frame { frame, is_owner: false } => frame_line("", Ink::Plain, "  ", frame, options, page),
            StackLine::Runtime { frames } => {
                let pieces = [(Ink::Plain, unbroken("  ")), (Ink::Faint, runtime_text(frames))];
                indented("", &pieces.each_ref().map(|(ink, text)| (*ink, text.as_str())), LABEL_WIDTH + 4, page);
            }
        }
    }
    if count < lines.len() {
        let more = plural((lines.len() - count) as u64, "more frame", "more frames");
        labelled("", &format!("{}and {more}: {} shows them", unbroken("  "), options.all_flag), page);
    }
}

fn stack_lines(finding: &Finding) -> Vec<StackLine<'_>> {
    let stack = &finding.site.stack;
    let owner = owning_frame(&finding.site);
    let is_runtime = |frame: &Frame| FrameRole::of(frame) == FrameRole::Runtime;
    let end = stack.iter().rposition(|frame| !is_runtime(frame)).map_or(stack.len(), |last| last + 1);
    let mut lines = Vec::new();
    let mut index = 0;
    while index < end {
        let run = stack[index..end].iter().take_while(|frame| is_runtime(frame)).count();
        if run == 0 {
            lines.push(StackLine::Frame { frame: &stack[index], is_owner: owner == Some(index) });
        } else {
            lines.push(StackLine::Runtime { frames: &stack[index..index + run] });
        }
        index += run.max(1);
    }
    lines
}

/// The outermost of a run, which is what the program called, and how many it stands for.
fn runtime_text(frames: &[Frame]) -> String {
    let name = frames.last().map(function_name).unwrap_or_default();
    match frames.len() {
        0 | 1 => name,
        count => {
            let more = plural(count as u64 - 1, "more runtime frame", "more runtime frames");
            format!("{name}, {}", unbroken(&format!("through {more}")))
        }
    }
}
