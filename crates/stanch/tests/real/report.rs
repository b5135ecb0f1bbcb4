//! Reads the JSON documents of `stanch run --format json`.
use crate::lost::{ByProgram, Lost};
use serde_json::Value;

/// The report on one process.
pub(crate) struct Document {
    /// File name of the command that ran in it.
    pub(crate) program: String,
    pub(crate) pid: u64,
    pub(crate) parent: u64,
    pub(crate) exit_status: Option<i64>,
    /// True where it ended by becoming another program.
    pub(crate) is_replaced: bool,
    pub(crate) allocations: u64,
    pub(crate) lost: Lost,
    pub(crate) findings: Vec<Finding>,
    /// What could not be seen: `what: why`.
    pub(crate) incomplete: Vec<String>,
    pub(crate) schema: String,
}

/// One finding.
pub(crate) struct Finding {
    pub(crate) kind: String,
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
    pub(crate) allocator: String,
    /// `function` or `module`, innermost first.
    pub(crate) stack: Vec<String>,
    pub(crate) owner: String,
}

/// The documents in a report: an array of them, or one alone.
pub(crate) fn parse(text: &str) -> Result<Vec<Document>, String> {
    match serde_json::from_str(text).map_err(|error| format!("the report is no JSON: {error}"))? {
        Value::Array(documents) => Ok(documents.iter().map(document).collect()),
        value @ Value::Object(_) => Ok(vec![document(&value)]),
        other => Err(format!("the report is neither an object nor an array: {other}")),
    }
}

/// What is lost in each program.
pub(crate) fn by_program(documents: &[Document]) -> ByProgram {
    let mut all = ByProgram::default();
    for document in documents.iter().filter(|document| !document.is_replaced) {
        all.add(&document.program, document.lost);
    }
    all
}

fn document(value: &Value) -> Document {
    let subject = &value["subject"];
    let program = subject["command"][0].as_str().unwrap_or_default();
    let total = |name: &str| value["totals"][name].as_u64().unwrap_or(u64::MAX);
    Document {
        program: program.rsplit('/').next().unwrap_or_default().trim_start_matches('-').to_owned(),
        pid: subject["pid"].as_u64().unwrap_or_default(),
        parent: subject["parent_pid"].as_u64().unwrap_or_default(),
        exit_status: subject["exit_status"].as_i64(),
        is_replaced: subject["ending"].as_str().is_some_and(|ending| ending.starts_with("replaced by exec")),
        allocations: total("allocations"),
        lost: Lost {
            definite_bytes: total("definitely_lost_bytes"),
            definite_blocks: total("definitely_lost_blocks"),
            indirect_bytes: total("indirectly_lost_bytes"),
            indirect_blocks: total("indirectly_lost_blocks"),
        },
        findings: array(&value["findings"]).iter().map(finding).collect(),
        incomplete: array(&value["incomplete"])
            .iter()
            .map(|loss| {
                let text = |name: &str| loss[name].as_str().unwrap_or_default().to_owned();
                format!("{}: {}", text("what"), text("why"))
            })
            .collect(),
        schema: value["schema"].as_str().unwrap_or_default().to_owned(),
    }
}

fn finding(value: &Value) -> Finding {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let frame = |frame: &Value| text(&frame["function"]).or_else(|| text(&frame["module"])).unwrap_or_default();
    Finding {
        kind: text(&value["kind"]).unwrap_or_default(),
        bytes: value["bytes"].as_u64().unwrap_or_default(),
        blocks: value["blocks"].as_u64().unwrap_or_default(),
        allocator: text(&value["site"]["allocator"]).unwrap_or_default(),
        stack: array(&value["site"]["stack"]).iter().map(frame).collect(),
        owner: text(&value["owner"]["name"]).unwrap_or_default(),
    }
}

impl Finding {
    pub(crate) fn describe(&self) -> String {
        let Self { kind, bytes, blocks, allocator, owner, stack } = self;
        let stack = &stack[..stack.len().min(8)];
        format!("{kind}: {bytes} bytes in {blocks} blocks by {allocator} of {owner} at {}", stack.join(" < "))
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
