//! Findings: rows for the table, and what is behind a row in pieces that are unpacked when one is opened.
use super::HtmlOptions;
use super::chunk::{Chunks, Texts};
use super::source::{Excerpt, excerpt};
use super::veil::Veil;
use crate::kinds::words;
use crate::numbers::estimate_text;
use crate::text::names::shortened;
use serde::Serialize;
use stanch_finding::{Finding, Frame, FrameRole, Kind, Report, normal_name, owning_frame};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Most rows of a table.
pub(super) const ROWS_MAX: usize = 50_000;
/// Rows that have their details in the page.
const DETAILS_MAX: usize = 4_000;
/// Details in one piece.
const DETAILS_A_CHUNK: usize = 200;

/// What the page has to know of the findings before it opens the table.
#[derive(Serialize)]
pub(super) struct Embedded {
    pub(super) count: usize,
    /// Where the rows are.
    rows: usize,
    details: Pieces,
    /// What has no row: kind, findings, bytes, blocks.
    left_out: Vec<(&'static str, u64, u64, u64)>,
    /// The first rows, for the overview.
    pub(super) first: Vec<Row>,
}

/// Where the details of the first rows are.
#[derive(Serialize)]
pub(super) struct Pieces {
    pieces: Vec<usize>,
    /// How many of them a piece holds.
    in_each: usize,
}

/// One row.
#[derive(Serialize)]
pub(super) struct Row {
    bytes: u64,
    blocks: u64,
    indirect_bytes: u64,
    indirect_blocks: u64,
    process: usize,
    #[serde(flatten)]
    claim: Claim,
}

/// What is claimed of which place, and how sure that is.
#[derive(Serialize)]
pub(super) struct Claim {
    kind: &'static str,
    confidence: &'static str,
    owner: String,
    owner_kind: &'static str,
    function: String,
    place: String,
    module: String,
    fingerprint: String,
}

/// Rows as columns.
#[derive(Default, Serialize)]
struct Columns {
    texts: Vec<String>,
    bytes: Vec<u64>,
    blocks: Vec<u64>,
    indirect_bytes: Vec<u64>,
    indirect_blocks: Vec<u64>,
    process: Vec<usize>,
    #[serde(flatten)]
    claims: ClaimColumns,
}

/// Claims as columns of texts.
#[derive(Default, Serialize)]
pub(super) struct ClaimColumns {
    kind: Vec<u32>,
    confidence: Vec<u32>,
    owner: Vec<u32>,
    owner_kind: Vec<u32>,
    function: Vec<u32>,
    place: Vec<u32>,
    module: Vec<u32>,
    /// Sixteen characters each.
    fingerprint: String,
}

#[derive(Serialize)]
struct Details<D> {
    texts: Vec<String>,
    findings: Vec<D>,
}

/// What is behind a row.
#[derive(Serialize)]
pub(super) struct Detail {
    message: String,
    /// Between what bytes and blocks lie, where they are estimates.
    estimate: Option<String>,
    allocator: String,
    /// Position in `stack` of the frame that owns the allocation.
    owning: Option<usize>,
    stack: Vec<StackRow>,
    evidence: Vec<Reason>,
    fix: Option<String>,
    source: Option<Excerpt>,
}

/// Function, place, module (texts by number), role, inlined.
type StackRow = (u32, u32, u32, u8, bool);

#[derive(Serialize)]
struct Reason {
    kind: String,
    text: String,
    /// Place and note of each step.
    path: Vec<(String, String)>,
}

/// Packs all findings, the worst first.
pub(super) fn embed(reports: &[Report], veil: &Veil, options: &HtmlOptions<'_>, chunks: &mut Chunks) -> Embedded {
    let mut findings: Vec<(usize, &Finding)> = Vec::new();
    for (process, report) in reports.iter().enumerate() {
        findings.extend(report.findings.iter().map(|finding| (process, finding)));
    }
    findings.sort_by_key(|(process, finding)| {
        (words(finding.kind).rank, Reverse(finding.bytes + finding.indirect_bytes), *process)
    });
    let count = findings.len();
    let rest = findings.split_off(count.min(ROWS_MAX));
    let details = embed_details(&findings, chunks, |(_, finding), of| of.detail(finding), veil, options);
    Embedded {
        count,
        rows: chunks.add(&columns(&findings, veil)),
        details,
        left_out: left_out(&rest),
        first: findings.iter().take(6).map(|(process, finding)| row(*process, finding, veil)).collect(),
    }
}

fn left_out(rest: &[(usize, &Finding)]) -> Vec<(&'static str, u64, u64, u64)> {
    let mut sums: BTreeMap<Kind, (u64, u64, u64)> = BTreeMap::new();
    for (_, finding) in rest {
        let sum = sums.entry(finding.kind).or_default();
        *sum = (sum.0 + 1, sum.1.saturating_add(finding.bytes.0), sum.2.saturating_add(finding.blocks.0));
    }
    sums.into_iter().map(|(kind, (findings, bytes, blocks))| (kind.as_str(), findings, bytes, blocks)).collect()
}

/// The frame that a row names: the owning one or, where the whole stack is runtime code, the innermost.
fn named_frame(finding: &Finding) -> Option<&Frame> {
    finding.site.stack.get(owning_frame(&finding.site).unwrap_or(0))
}

fn row(process: usize, finding: &Finding, veil: &Veil) -> Row {
    Row {
        bytes: finding.bytes.0,
        blocks: finding.blocks.0,
        indirect_bytes: finding.indirect_bytes.0,
        indirect_blocks: finding.indirect_blocks.0,
        process,
        claim: Claim::new(finding.kind, finding, veil),
    }
}

impl Claim {
    /// The claim of a finding that is taken for one of this kind.
    pub(super) fn new(kind: Kind, finding: &Finding, veil: &Veil) -> Claim {
        let frame = named_frame(finding);
        let module = frame.and_then(|frame| frame.module.as_deref());
        Claim {
            kind: kind.as_str(),
            confidence: finding.confidence.as_str(),
            owner: owner(finding, veil),
            owner_kind: finding.owner.kind.as_str(),
            function: frame.map_or_else(|| finding.site.allocator.clone(), |frame| function(frame, veil)),
            place: frame.map_or_else(String::new, |frame| place(frame, veil)),
            module: module.map_or_else(String::new, |module| veil.path(module)),
            fingerprint: finding.fingerprint.as_str().to_owned(),
        }
    }
}

impl ClaimColumns {
    pub(super) fn push(&mut self, claim: Claim, texts: &mut Texts) {
        self.kind.push(texts.number(claim.kind.to_owned()));
        self.confidence.push(texts.number(claim.confidence.to_owned()));
        self.owner.push(texts.number(claim.owner));
        self.owner_kind.push(texts.number(claim.owner_kind.to_owned()));
        self.function.push(texts.number(claim.function));
        self.place.push(texts.number(claim.place));
        self.module.push(texts.number(claim.module));
        self.fingerprint.push_str(&claim.fingerprint);
    }
}

fn owner(finding: &Finding, veil: &Veil) -> String {
    let name = veil.path(&finding.owner.name);
    match &finding.owner.version {
        Some(version) => format!("{name} {version}"),
        None => name,
    }
}

fn function(frame: &Frame, veil: &Veil) -> String {
    match &frame.function {
        Some(function) => veil.text(&shortened(&normal_name(function))),
        None => match (&frame.module, frame.module_offset) {
            (Some(module), Some(offset)) => format!("{}+{offset:#x}", crate::stacks::file_name(&veil.path(module))),
            _ => "(no name)".to_owned(),
        },
    }
}

/// File and line or, where those are not known, module and offset.
fn place(frame: &Frame, veil: &Veil) -> String {
    match (&frame.file, frame.line, &frame.module, frame.module_offset) {
        (Some(file), Some(line), ..) => format!("{}:{line}", veil.path(file)),
        (Some(file), None, ..) => veil.path(file),
        (None, _, Some(module), Some(offset)) if frame.function.is_some() => {
            format!("{}+{offset:#x}", veil.path(module))
        }
        (None, _, Some(module), _) => veil.path(module),
        (None, _, None, _) => String::new(),
    }
}

fn columns(findings: &[(usize, &Finding)], veil: &Veil) -> Columns {
    let (mut texts, mut columns) = (Texts::default(), Columns::default());
    for (process, finding) in findings {
        let row = row(*process, finding, veil);
        columns.bytes.push(row.bytes);
        columns.blocks.push(row.blocks);
        columns.indirect_bytes.push(row.indirect_bytes);
        columns.indirect_blocks.push(row.indirect_blocks);
        columns.process.push(row.process);
        columns.claims.push(row.claim, &mut texts);
    }
    columns.texts = texts.into_texts();
    columns
}

/// Packs what is behind the first rows of a table.
pub(super) fn embed_details<R, D: Serialize>(
    rows: &[R],
    chunks: &mut Chunks,
    detail: impl Fn(&R, &mut Detailer<'_>) -> D,
    veil: &Veil,
    options: &HtmlOptions<'_>,
) -> Pieces {
    let pieces = rows[..rows.len().min(DETAILS_MAX)].chunks(DETAILS_A_CHUNK).map(|rows| {
        let mut detailer = Detailer { texts: Texts::default(), sources: Sources::new(veil, options), veil };
        let findings = rows.iter().map(|row| detail(row, &mut detailer)).collect();
        chunks.add(&Details { texts: detailer.texts.into_texts(), findings })
    });
    Pieces { pieces: pieces.collect(), in_each: DETAILS_A_CHUNK }
}

/// Spells out findings of one piece.
pub(super) struct Detailer<'a> {
    texts: Texts,
    sources: Sources<'a>,
    veil: &'a Veil,
}

impl Detailer<'_> {
    pub(super) fn detail(&mut self, finding: &Finding) -> Detail {
        let (veil, texts) = (self.veil, &mut self.texts);
        let mut stack_row = |frame: &Frame| {
            let module = frame.module.as_deref().map(|module| veil.path(module)).unwrap_or_default();
            let [function, place, module] =
                [function(frame, veil), place(frame, veil), module].map(|text| texts.number(text));
            (function, place, module, FrameRole::of(frame) as u8, frame.inlined)
        };
        let reason = |evidence: &stanch_finding::Evidence| Reason {
            kind: evidence.kind.clone(),
            text: veil.text(&shortened(&evidence.text)),
            path: evidence
                .path
                .iter()
                .map(|step| (format!("{}:{}", veil.path(&step.file), step.line), veil.text(&step.note)))
                .collect(),
        };
        Detail {
            message: veil.text(&shortened(&finding.message)),
            estimate: finding.estimate.map(|estimate| estimate_text(finding.bytes, finding.blocks, &estimate)),
            allocator: finding.site.allocator.clone(),
            owning: owning_frame(&finding.site),
            stack: finding.site.stack.iter().map(&mut stack_row).collect(),
            evidence: finding.evidence.iter().map(reason).collect(),
            fix: finding.fix.as_ref().map(|fix| veil.text(&shortened(&fix.text))),
            source: named_frame(finding).and_then(|frame| self.sources.excerpt(frame)),
        }
    }
}

/// Gives the text of a source file, where there is one to show.
type ReadSource<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Source files, each read once a piece.
struct Sources<'a> {
    read: Option<ReadSource<'a>>,
    files: HashMap<String, Option<String>>,
}

impl<'a> Sources<'a> {
    fn new(veil: &Veil, options: &HtmlOptions<'a>) -> Self {
        Self { read: (!veil.is_closed()).then_some(options.read_source), files: HashMap::new() }
    }

    fn excerpt(&mut self, frame: &Frame) -> Option<Excerpt> {
        let (read, file, line) = (self.read?, frame.file.as_deref()?, frame.line?);
        let files = std::cell::RefCell::new(&mut self.files);
        let cached = |file: &str| files.borrow_mut().entry(file.to_owned()).or_insert_with(|| read(file)).clone();
        excerpt(file, line, &cached)
    }
}
