//! Two analyses compared, as text: the verdict, what got worse with its stacks, what got better in a few lines, and the
//! next step.
use super::closing::advice;
use super::finding::{LABEL_WIDTH, Teller, details, identity, ink, is_plain_leak, labelled, location};
use super::names::shortened;
use super::page::{Ink, Page};
use super::section::command_text;
use super::unseen::{hidden, may_hide_leaks};
use super::{Limit, Reachable, TextOptions};
use crate::changes::{ComparedSide, Course, course, ordered};
use crate::kinds::words;
use crate::numbers::{about_text, amount_text, estimate_text, plural};
use stanch_finding::comparison::{Category, Change, Holding};
use stanch_finding::{Amounts, BlockCount, Kind, owning_frame};
use std::io::{self, Write};

/// Writes what became of each leak between `old` and `new`.
///
/// # Errors
/// Where `out` fails.
pub fn write_comparison(
    changes: &[Change<'_>],
    old: ComparedSide<'_>,
    new: ComparedSide<'_>,
    options: &TextOptions<'_>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(options);
    let sorted = Sorted::new(changes, options);
    let (ink, verdict) = verdict(&sorted, new);
    page.paragraph(&[(ink, &verdict)], 2);
    page.blank();
    subject("old", old, options, &mut page);
    subject("new", new, options, &mut page);
    listing(&sorted, options, &mut page);
    besides(&sorted, options, &mut page);
    if let Some(note) = nameless(changes) {
        page.blank();
        page.paragraph(&[(Ink::Doubtful, &note)], 2);
    }
    suppressed(old, new, &mut page);
    hidden("not seen in the old one, so what is new may be older:", old.reports, options, &mut page);
    hidden("not seen in the new one, so what is gone may still be there:", new.reports, options, &mut page);
    if let Some(next) = next_step(&sorted, new, options) {
        page.blank();
        page.paragraph(&[(Ink::Strong, "next: "), (Ink::Plain, &next)], 6);
    }
    out.write_all(page.text().as_bytes())
}

/// What stands on pages, too.
pub(crate) struct Sentences<'c> {
    /// The first line of the text, and how bad that is.
    pub(crate) ink: Ink,
    pub(crate) verdict: String,
    /// The last line; there is none where nothing got worse.
    pub(crate) next: Option<String>,
    /// What got worse, the worst first.
    pub(crate) worse: Vec<&'c Change<'c>>,
}

/// The sentences of the text.
pub(crate) fn sentences<'c>(
    changes: &'c [Change<'c>],
    new: ComparedSide<'_>,
    reachable: Reachable,
    base_dir: Option<&str>,
) -> Sentences<'c> {
    let options = TextOptions { reachable, ..TextOptions::of_sentences(base_dir) };
    let sorted = Sorted::new(changes, &options);
    let (ink, verdict) = verdict(&sorted, new);
    Sentences {
        ink,
        verdict,
        next: next_step(&sorted, new, &options),
        worse: sorted.of(Course::Worse).copied().collect(),
    }
}

/// Changes by what is done with them.
struct Sorted<'c> {
    /// Told whole, or in short: the worst first.
    listed: Vec<&'c Change<'c>>,
    /// Of still reachable blocks only, and not asked for.
    reachable: Vec<&'c Change<'c>>,
    /// Blocks that hang on lost ones, which are told with those.
    hanging: Vec<&'c Change<'c>>,
    uncertain: Vec<&'c Change<'c>>,
    same: Vec<&'c Change<'c>>,
}

impl<'c> Sorted<'c> {
    fn new(changes: &'c [Change<'c>], options: &TextOptions<'_>) -> Sorted<'c> {
        let mut sorted = Sorted {
            listed: Vec::new(),
            reachable: Vec::new(),
            hanging: Vec::new(),
            uncertain: Vec::new(),
            same: Vec::new(),
        };
        let is_whole = options.findings == Limit::All;
        let hidden: Vec<Category> = [Category::New, Category::Gone]
            .into_iter()
            .filter(|category| !is_whole && hides_hanging(changes, *category))
            .collect();
        for change in ordered(changes) {
            let is_hanging = change.kind() == Kind::IndirectlyLost && hidden.contains(&change.category);
            let group = match change.category {
                _ if options.reachable == Reachable::Summary && is_reachable(change) => &mut sorted.reachable,
                Category::Same => &mut sorted.same,
                Category::Uncertain => &mut sorted.uncertain,
                _ if is_hanging => &mut sorted.hanging,
                _ => &mut sorted.listed,
            };
            group.push(change);
        }
        sorted
    }

    fn of(&self, wanted: Course) -> impl Iterator<Item = &&'c Change<'c>> {
        self.listed.iter().filter(move |change| course(change) == wanted)
    }
}

fn is_reachable(change: &Change<'_>) -> bool {
    [change.old, change.new].into_iter().flatten().all(|holding| holding.kind == Kind::StillReachable)
}

/// True where every block that is only indirectly lost hangs on a block of another change of this category.
fn hides_hanging(changes: &[Change<'_>], category: Category) -> bool {
    let holdings =
        || changes.iter().filter(|change| change.category == category).filter_map(|change| change.new.or(change.old));
    let hanging = holdings().filter(|holding| holding.kind == Kind::IndirectlyLost);
    let hanging: BlockCount = hanging.map(|holding| holding.amounts.blocks).sum();
    let told: BlockCount = holdings().map(|holding| holding.indirect.blocks).sum();
    hanging <= told
}

fn verdict(sorted: &Sorted<'_>, new: ComparedSide<'_>) -> (Ink, String) {
    let (mut claims, nothing) = (Vec::new(), Amounts::default());
    let is_new = |change: &Change<'_>| change.category == Category::New;
    let is_grown = |change: &Change<'_>| change.category == Category::Grown;
    for kind in kinds_in_order() {
        let of_kind = sorted.of(Course::Worse).filter(|change| change.kind() == kind && is_new(change));
        let hanging = match kind {
            Kind::DefinitelyLost => sum(sorted.hanging.iter().filter(|change| is_new(change)), whole),
            _ => Amounts::default(),
        };
        claims.extend(claim(&format!("new: {}", words(kind).title), of_kind, whole, hanging));
    }
    let worse = || sorted.of(Course::Worse);
    let changed = worse().filter(|change| change.category == Category::Changed);
    claims.extend(claim("worse than before:", changed, whole, nothing));
    claims.extend(claim("grown by", worse().filter(|change| is_grown(change)), Change::difference, nothing));
    let ink = match claims.is_empty() {
        false if worse().any(|change| ink(words(change.kind()).severity) == Ink::Bad) => Ink::Bad,
        false => Ink::Doubtful,
        true if may_hide_leaks(new.reports) => {
            claims.push("nothing new or grown seen, but not everything could be seen".to_owned());
            Ink::Doubtful
        }
        true => {
            claims.push("nothing new, nothing grown".to_owned());
            Ink::Good
        }
    };
    let better = |category: Category| sorted.of(Course::Better).filter(move |change| change.category == category);
    claims.extend(claim("better than before:", better(Category::Changed), whole, nothing));
    claims.extend(claim("shrunk by", better(Category::Shrunk), Change::difference, nothing));
    let hanging = sum(sorted.hanging.iter().filter(|change| !is_new(change)), whole);
    claims.extend(claim("gone:", better(Category::Gone), whole, hanging));
    (ink, claims.join("; "))
}

/// Every kind, the worst first.
fn kinds_in_order() -> Vec<Kind> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.sort_by_key(|kind| words(*kind).rank);
    kinds
}

fn claim<'c>(
    title: &str,
    changes: impl Iterator<Item = &'c &'c Change<'c>>,
    amounts: fn(&Change<'c>) -> Amounts,
    hanging: Amounts,
) -> Option<String> {
    let changes: Vec<&&Change<'_>> = changes.collect();
    let Amounts { bytes, blocks } = sum(changes.iter().copied(), amounts);
    let places = plural(changes.len() as u64, "place", "places");
    let is_estimate = changes.iter().any(|change| [change.old, change.new].into_iter().flatten().any(is_estimate));
    let (bytes, blocks) = (bytes + hanging.bytes, blocks + hanging.blocks);
    let amount = if is_estimate { about_text(bytes, blocks) } else { amount_text(bytes, blocks) };
    (!changes.is_empty()).then(|| format!("{title} {amount} at {places}"))
}

fn sum<'c>(changes: impl Iterator<Item = &'c &'c Change<'c>>, amounts: fn(&Change<'c>) -> Amounts) -> Amounts {
    changes.map(|change| amounts(change)).fold(Amounts::default(), |sum, more| Amounts {
        bytes: sum.bytes + more.bytes,
        blocks: sum.blocks + more.blocks,
    })
}

fn is_estimate(holding: Holding) -> bool {
    holding.estimate.is_some()
}

/// What the leak holds now, or held where it is gone.
fn whole(change: &Change<'_>) -> Amounts {
    change.new.or(change.old).map(|holding| holding.amounts).unwrap_or_default()
}

/// `old  a.rec: ./app --port 80, and 2 more processes`.
fn subject(label: &str, side: ComparedSide<'_>, options: &TextOptions<'_>, page: &mut Page) {
    let command = side.reports.first().map(|report| command_text(&report.subject, options)).unwrap_or_default();
    let command = if command.is_empty() { command } else { format!(": {command}") };
    let more = match side.reports.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {}", plural(more as u64, "more process", "more processes")),
    };
    page.paragraph(&[(Ink::Faint, &format!("{label}  ")), (Ink::Plain, &format!("{}{command}{more}", side.name))], 5);
}

fn listing(sorted: &Sorted<'_>, options: &TextOptions<'_>, page: &mut Page) {
    let count = match options.findings {
        Limit::First(count) => count.min(sorted.listed.len()),
        Limit::All => sorted.listed.len(),
    };
    let mut teller = Teller::new(options);
    for change in &sorted.listed[..count] {
        page.blank();
        heading(change, teller.next_number(), page);
        amounts(change, page);
        match course(change) {
            Course::Worse => details(change.finding, &mut teller, options, page),
            Course::Better | Course::Neither => {
                location(change.finding, options, page);
                identity(change.finding, page);
            }
        }
    }
    let left_out = sorted.listed.len() - count;
    if 0 < left_out {
        page.blank();
        page.paragraph(&[(Ink::Plain, &format!("and {left_out} more: {} shows them", options.all_flag))], 2);
    }
}

/// `1. new, definitely lost: 1.20 MiB in 300 blocks (proven)`.
fn heading(change: &Change<'_>, number: usize, page: &mut Page) {
    let words = words(change.kind());
    let (category, ink) = match course(change) {
        Course::Worse => (change.category.as_str(), ink(words.severity)),
        Course::Better | Course::Neither => (change.category.as_str(), Ink::Strong),
    };
    let amount = change.new.or(change.old).map(|holding| format!(": {}", amount(&holding))).unwrap_or_default();
    let confidence = format!(" ({})", change.finding.confidence.as_str());
    let title = format!("{category}, {}", words.title);
    page.paragraph(
        &[(Ink::Strong, &format!("{number}. ")), (ink, &title), (Ink::Strong, &amount), (Ink::Faint, &confidence)],
        LABEL_WIDTH,
    );
}

pub(crate) fn amount(holding: &Holding) -> String {
    let Amounts { bytes, blocks } = holding.amounts;
    match &holding.estimate {
        Some(estimate) => estimate_text(bytes, blocks, estimate),
        None => amount_text(bytes, blocks),
    }
}

/// What it was before, what hangs on it, and in how many processes it is.
fn amounts(change: &Change<'_>, page: &mut Page) {
    if let (Some(old), Some(new)) = (change.old, change.new) {
        let kind = if old.kind == new.kind { String::new() } else { format!("{}: ", words(old.kind).title) };
        labelled("before", &format!("{kind}{}", amount(&old)), page);
    }
    if !is_plain_leak(change.kind()) {
        labelled("what", &shortened(&change.finding.message), page);
    }
    let Some(holding) = change.new.or(change.old) else { return };
    if 0 < holding.indirect.blocks.0 {
        let amount = amount_text(holding.indirect.bytes, holding.indirect.blocks);
        labelled("and", &format!("{amount} reachable only from there"), page);
    }
    if 1 < holding.processes {
        labelled("in", &plural(holding.processes, "process", "processes"), page);
    }
}

/// What is not listed is counted.
fn besides(sorted: &Sorted<'_>, options: &TextOptions<'_>, page: &mut Page) {
    let mut line = |text: String| {
        page.blank();
        page.paragraph(&[(Ink::Faint, &text)], 2);
    };
    let places = |changes: &[&Change<'_>]| plural(changes.len() as u64, "place", "places");
    if !sorted.hanging.is_empty() {
        let places = places(&sorted.hanging);
        line(format!("{places} whose blocks only those above hold: {} shows them", options.all_flag));
    }
    if !sorted.uncertain.is_empty() {
        let places = places(&sorted.uncertain);
        line(format!("not certain: {places} where the intervals of the samples overlap, so it may be chance"));
    }
    if !sorted.same.is_empty() {
        line(claim("as before:", sorted.same.iter(), whole, Amounts::default()).unwrap_or_default());
    }
    let differing = sorted.reachable.iter().filter(|change| change.category != Category::Same).count();
    if 0 < differing {
        let places = plural(differing as u64, "place differs", "places differ");
        line(format!("still reachable: {places}; {} lists them", options.reachable_flag));
    }
}

/// Without a name, a place is known only until its module is rebuilt.
pub(crate) fn nameless(changes: &[Change<'_>]) -> Option<String> {
    let count = |category: Category| {
        changes.iter().filter(|change| change.category == category && is_nameless(change)).count() as u64
    };
    let (new, gone) = (count(Category::New), count(Category::Gone));
    (new != 0 && gone != 0).then(|| {
        format!(
            "{new} new and {gone} gone are in functions without a name, which are known only until their module is \
             rebuilt: they may be the same; build with symbols to tell"
        )
    })
}

fn is_nameless(change: &Change<'_>) -> bool {
    let site = &change.finding.site;
    site.stack.get(owning_frame(site).unwrap_or(0)).is_some_and(|frame| frame.function.is_none())
}

fn suppressed(old: ComparedSide<'_>, new: ComparedSide<'_>, page: &mut Page) {
    let (old, new) = (old.suppressed_findings(), new.suppressed_findings());
    if 0 < old + new {
        page.blank();
        let text = format!("suppressed: {} in the old one, {new} in the new one", plural(old, "finding", "findings"));
        page.paragraph(&[(Ink::Plain, &text)], 2);
    }
}

/// The last line. There is none where nothing got worse.
fn next_step(sorted: &Sorted<'_>, new: ComparedSide<'_>, options: &TextOptions<'_>) -> Option<String> {
    let is_sampled = new.reports.iter().any(|report| report.sampling.is_some());
    Some(match sorted.of(Course::Worse).next() {
        Some(change) if change.kind() == Kind::Live && is_sampled => {
            "record every block once (no `--sample`), so that what is lost can be told from what is in use".to_owned()
        }
        Some(change) => advice(change.finding, options),
        None if !sorted.uncertain.is_empty() => {
            "sample at a smaller distance, or let the program do more, for narrower intervals".to_owned()
        }
        None if may_hide_leaks(new.reports) => "mend what could not be seen, then compare again".to_owned(),
        None => return None,
    })
}
