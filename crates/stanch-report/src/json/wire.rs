//! The shape of the JSON, and the way there and back. The types here are the promise; the ones of `stanch-finding` may
//! change without changing the format.
use super::{JsonError, SCHEMA};
use serde::{Deserialize, Serialize};
use stanch_finding as model;
use stanch_finding::{BlockCount, ByteCount};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    schema: String,
    tool: Tool,
    subject: Subject,
    totals: Totals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sampling: Option<Sampling>,
    #[serde(default)]
    incomplete: Vec<Incomplete>,
    findings: Vec<Finding>,
    #[serde(default)]
    suppressed: Vec<Suppressed>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Tool {
    pub(super) version: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Subject {
    kind: String,
    command: Vec<String>,
    pid: Option<u32>,
    parent_pid: Option<u32>,
    exit_status: Option<i32>,
    #[serde(default)]
    ending: String,
    #[serde(default)]
    duration_ms: u64,
    #[serde(default)]
    pause_us: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Totals {
    definitely_lost_bytes: u64,
    definitely_lost_blocks: u64,
    indirectly_lost_bytes: u64,
    indirectly_lost_blocks: u64,
    possibly_lost_bytes: u64,
    possibly_lost_blocks: u64,
    still_reachable_bytes: u64,
    still_reachable_blocks: u64,
    #[serde(default)]
    live_bytes: u64,
    #[serde(default)]
    live_blocks: u64,
    allocations: u64,
    allocated_bytes: u64,
    peak_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Sampling {
    pub(super) mean_bytes: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Estimate {
    bytes: Interval,
    blocks: Interval,
    samples: u64,
}

#[derive(Serialize, Deserialize)]
struct Interval {
    low: u64,
    high: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Incomplete {
    what: String,
    why: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Finding {
    fingerprint: String,
    rule: String,
    kind: String,
    confidence: String,
    message: String,
    bytes: u64,
    blocks: u64,
    #[serde(default)]
    indirect_bytes: u64,
    #[serde(default)]
    indirect_blocks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
    owner: Owner,
    site: Site,
    #[serde(default)]
    evidence: Vec<Evidence>,
    fix: Option<Fix>,
}

#[derive(Serialize, Deserialize)]
struct Owner {
    kind: String,
    name: String,
    version: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Site {
    allocator: String,
    stack: Vec<Frame>,
}

#[derive(Serialize, Deserialize)]
struct Frame {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    module: Option<String>,
    module_offset: Option<u64>,
    #[serde(default)]
    inlined: bool,
}

#[derive(Serialize, Deserialize)]
struct Evidence {
    kind: String,
    text: String,
    #[serde(default)]
    path: Vec<PathStep>,
}

#[derive(Serialize, Deserialize)]
struct PathStep {
    file: String,
    line: u32,
    note: String,
}

#[derive(Serialize, Deserialize)]
struct Fix {
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Suppressed {
    name: String,
    origin: String,
    reason: Option<String>,
    expired: Option<String>,
    findings: u64,
    bytes: u64,
    blocks: u64,
}

impl Document {
    pub(super) fn new(report: &model::Report, tool_version: &str) -> Document {
        Document {
            schema: SCHEMA.to_owned(),
            tool: Tool { version: tool_version.to_owned() },
            subject: Subject::new(&report.subject),
            totals: Totals::new(&report.totals),
            sampling: report.sampling.map(|sampling| Sampling { mean_bytes: sampling.mean_bytes.0 }),
            incomplete: report.incomplete.iter().map(Incomplete::new).collect(),
            findings: report.findings.iter().map(Finding::new).collect(),
            suppressed: report.suppressed.iter().map(Suppressed::new).collect(),
        }
    }

    pub(super) fn into_report(self) -> Result<model::Report, JsonError> {
        if self.schema != SCHEMA {
            return Err(JsonError::Schema { found: self.schema });
        }
        let suppressed: Result<_, _> = self.suppressed.into_iter().map(Suppressed::into_model).collect();
        let findings: Result<_, _> = self.findings.into_iter().map(Finding::into_model).collect();
        Ok(model::Report {
            subject: self.subject.into_model()?,
            totals: self.totals.into_model(),
            sampling: self.sampling.map(|sampling| model::Sampling { mean_bytes: ByteCount(sampling.mean_bytes) }),
            incomplete: self.incomplete.into_iter().map(Incomplete::into_model).collect(),
            findings: findings?,
            suppressed: suppressed?,
        })
    }
}

/// Looks a word up, or says which key has the unknown one.
fn known<T>(key: &'static str, word: String, parse: fn(&str) -> Option<T>) -> Result<T, JsonError> {
    parse(&word).ok_or(JsonError::Word { key, word })
}

impl Subject {
    pub(super) fn new(subject: &model::Subject) -> Subject {
        Subject {
            kind: subject.kind.as_str().to_owned(),
            command: subject.command.clone(),
            pid: subject.pid,
            parent_pid: subject.parent_pid,
            exit_status: subject.exit_status,
            ending: subject.ending.clone(),
            duration_ms: u64::try_from(subject.duration.as_millis()).unwrap_or(u64::MAX),
            pause_us: subject.pause.map(|pause| u64::try_from(pause.as_micros()).unwrap_or(u64::MAX)),
        }
    }

    fn into_model(self) -> Result<model::Subject, JsonError> {
        Ok(model::Subject {
            kind: known("subject.kind", self.kind, model::SubjectKind::parse)?,
            command: self.command,
            pid: self.pid,
            parent_pid: self.parent_pid,
            exit_status: self.exit_status,
            ending: self.ending,
            duration: Duration::from_millis(self.duration_ms),
            pause: self.pause_us.map(Duration::from_micros),
        })
    }
}

impl Totals {
    fn new(totals: &model::Totals) -> Totals {
        Totals {
            definitely_lost_bytes: totals.definitely_lost.0.0,
            definitely_lost_blocks: totals.definitely_lost.1.0,
            indirectly_lost_bytes: totals.indirectly_lost.0.0,
            indirectly_lost_blocks: totals.indirectly_lost.1.0,
            possibly_lost_bytes: totals.possibly_lost.0.0,
            possibly_lost_blocks: totals.possibly_lost.1.0,
            still_reachable_bytes: totals.still_reachable.0.0,
            still_reachable_blocks: totals.still_reachable.1.0,
            live_bytes: totals.live.0.0,
            live_blocks: totals.live.1.0,
            allocations: totals.allocations,
            allocated_bytes: totals.allocated_bytes.0,
            peak_bytes: totals.peak_bytes.0,
            estimate: totals.estimate.map(Estimate::new),
        }
    }

    fn into_model(self) -> model::Totals {
        model::Totals {
            definitely_lost: (ByteCount(self.definitely_lost_bytes), BlockCount(self.definitely_lost_blocks)),
            indirectly_lost: (ByteCount(self.indirectly_lost_bytes), BlockCount(self.indirectly_lost_blocks)),
            possibly_lost: (ByteCount(self.possibly_lost_bytes), BlockCount(self.possibly_lost_blocks)),
            still_reachable: (ByteCount(self.still_reachable_bytes), BlockCount(self.still_reachable_blocks)),
            live: (ByteCount(self.live_bytes), BlockCount(self.live_blocks)),
            allocations: self.allocations,
            allocated_bytes: ByteCount(self.allocated_bytes),
            peak_bytes: ByteCount(self.peak_bytes),
            estimate: self.estimate.map(Estimate::into_model),
        }
    }
}

impl Estimate {
    pub(super) fn new(estimate: model::Estimate) -> Estimate {
        let model::Estimate { samples, low, high } = estimate;
        Estimate {
            bytes: Interval { low: low.bytes.0, high: high.bytes.0 },
            blocks: Interval { low: low.blocks.0, high: high.blocks.0 },
            samples,
        }
    }

    fn into_model(self) -> model::Estimate {
        let amounts = |bytes: u64, blocks: u64| model::Amounts { bytes: ByteCount(bytes), blocks: BlockCount(blocks) };
        model::Estimate {
            samples: self.samples,
            low: amounts(self.bytes.low, self.blocks.low),
            high: amounts(self.bytes.high, self.blocks.high),
        }
    }
}

impl Incomplete {
    pub(super) fn new(incomplete: &model::Incomplete) -> Incomplete {
        Incomplete { what: incomplete.what.clone(), why: incomplete.why.clone() }
    }

    fn into_model(self) -> model::Incomplete {
        model::Incomplete { what: self.what, why: self.why }
    }
}

impl Finding {
    pub(super) fn new(finding: &model::Finding) -> Finding {
        Finding {
            fingerprint: finding.fingerprint.to_string(),
            rule: finding.rule.clone(),
            kind: finding.kind.as_str().to_owned(),
            confidence: finding.confidence.as_str().to_owned(),
            message: finding.message.clone(),
            bytes: finding.bytes.0,
            blocks: finding.blocks.0,
            indirect_bytes: finding.indirect_bytes.0,
            indirect_blocks: finding.indirect_blocks.0,
            estimate: finding.estimate.map(Estimate::new),
            owner: Owner {
                kind: finding.owner.kind.as_str().to_owned(),
                name: finding.owner.name.clone(),
                version: finding.owner.version.clone(),
            },
            site: Site {
                allocator: finding.site.allocator.clone(),
                stack: finding.site.stack.iter().map(Frame::new).collect(),
            },
            evidence: finding.evidence.iter().map(Evidence::new).collect(),
            fix: finding.fix.as_ref().map(|fix| Fix { text: fix.text.clone() }),
        }
    }

    fn into_model(self) -> Result<model::Finding, JsonError> {
        let fingerprint = model::Fingerprint::parse(&self.fingerprint)
            .map_err(|_| JsonError::Word { key: "fingerprint", word: self.fingerprint })?;
        Ok(model::Finding {
            fingerprint,
            rule: self.rule,
            kind: known("kind", self.kind, model::Kind::parse)?,
            confidence: known("confidence", self.confidence, model::Confidence::parse)?,
            message: self.message,
            bytes: ByteCount(self.bytes),
            blocks: BlockCount(self.blocks),
            indirect_bytes: ByteCount(self.indirect_bytes),
            indirect_blocks: BlockCount(self.indirect_blocks),
            estimate: self.estimate.map(Estimate::into_model),
            owner: model::Owner {
                kind: known("owner.kind", self.owner.kind, model::OwnerKind::parse)?,
                name: self.owner.name,
                version: self.owner.version,
            },
            site: model::Site {
                allocator: self.site.allocator,
                stack: self.site.stack.into_iter().map(Frame::into_model).collect(),
            },
            evidence: self.evidence.into_iter().map(Evidence::into_model).collect(),
            fix: self.fix.map(|fix| model::Fix { text: fix.text }),
        })
    }
}

impl Frame {
    fn new(frame: &model::Frame) -> Frame {
        Frame {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            column: frame.column,
            module: frame.module.clone(),
            module_offset: frame.module_offset,
            inlined: frame.inlined,
        }
    }

    fn into_model(self) -> model::Frame {
        model::Frame {
            function: self.function,
            file: self.file,
            line: self.line,
            column: self.column,
            module: self.module,
            module_offset: self.module_offset,
            inlined: self.inlined,
        }
    }
}

impl Evidence {
    fn new(evidence: &model::Evidence) -> Evidence {
        let step =
            |step: &model::PathStep| PathStep { file: step.file.clone(), line: step.line, note: step.note.clone() };
        Evidence {
            kind: evidence.kind.clone(),
            text: evidence.text.clone(),
            path: evidence.path.iter().map(step).collect(),
        }
    }

    fn into_model(self) -> model::Evidence {
        let step = |step: PathStep| model::PathStep { file: step.file, line: step.line, note: step.note };
        model::Evidence { kind: self.kind, text: self.text, path: self.path.into_iter().map(step).collect() }
    }
}

impl Suppressed {
    fn new(suppressed: &model::SuppressionMatch) -> Suppressed {
        Suppressed {
            name: suppressed.name.clone(),
            origin: suppressed.origin.clone(),
            reason: suppressed.reason.clone(),
            expired: suppressed.expired.map(|date| date.to_string()),
            findings: suppressed.findings,
            bytes: suppressed.bytes.0,
            blocks: suppressed.blocks.0,
        }
    }

    fn into_model(self) -> Result<model::SuppressionMatch, JsonError> {
        let expired = self.expired.map(|date| known("suppressed.expired", date, |text| model::Date::parse(text).ok()));
        Ok(model::SuppressionMatch {
            name: self.name,
            origin: self.origin,
            reason: self.reason,
            expired: expired.transpose()?,
            findings: self.findings,
            bytes: ByteCount(self.bytes),
            blocks: BlockCount(self.blocks),
        })
    }
}
