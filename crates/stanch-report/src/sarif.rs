//! SARIF 2.1.0, for code review tools: one run, one result for each finding, one invocation for each process.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
mod location;
mod result;
mod rules;

use location::SRCROOT;
use rules::RuleTable;
use serde_json::{Value, json};
use stanch_finding::{Report, Subject};
use std::io::{self, Write};

/// What a SARIF document needs to know beside the findings.
#[derive(Clone, Copy, Debug)]
pub struct SarifOptions<'a> {
    /// Version of Stanch.
    pub tool_version: &'a str,
    /// Absolute path of the directory that source paths are given relative to, where there is one.
    pub base_dir: Option<&'a str>,
}

const SCHEMA_URI: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the reports as one run, indented, with a newline at the end.
///
/// # Errors
/// Where `out` fails.
pub fn write(reports: &[Report], options: &SarifOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    let document = json!({ "$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run(reports, options)] });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn run(reports: &[Report], options: &SarifOptions<'_>) -> Value {
    let findings =
        || reports.iter().enumerate().flat_map(|(process, report)| report.findings.iter().map(move |f| (process, f)));
    let rules = RuleTable::new(findings().map(|(_, finding)| finding));
    let results: Vec<Value> =
        findings().map(|(process, finding)| result::result(finding, process, &rules, options)).collect();
    json!({
        "tool": { "driver": {
            "name": "Stanch",
            "version": options.tool_version,
            "rules": rules.descriptors(),
            "notifications": [
                { "id": INCOMPLETE, "shortDescription": { "text": "Something could not be seen." } },
                { "id": SUPPRESSED, "shortDescription": { "text": "A suppression matched findings." } },
            ],
        } },
        "originalUriBaseIds": { SRCROOT: location::base(options.base_dir) },
        "columnKind": "utf16CodeUnits",
        "invocations": reports.iter().map(invocation).collect::<Vec<_>>(),
        "results": results,
    })
}

const INCOMPLETE: &str = "stanch/incomplete";
const SUPPRESSED: &str = "stanch/suppressed";

/// The analysis of one process. It succeeded, since there is a report; how the process itself did is a property.
fn invocation(report: &Report) -> Value {
    let incomplete = report
        .incomplete
        .iter()
        .map(|incomplete| notification(INCOMPLETE, "warning", &format!("{}: {}", incomplete.what, incomplete.why)));
    let suppressed = report.suppressed.iter().map(|suppressed| {
        let text = match suppressed.expired {
            Some(last_day) => {
                format!("suppression `{}` ({}) expired on {last_day}", suppressed.name, suppressed.origin)
            }
            None => format!(
                "suppression `{}` ({}) took out {} findings: {} bytes in {} blocks",
                suppressed.name, suppressed.origin, suppressed.findings, suppressed.bytes.0, suppressed.blocks.0
            ),
        };
        notification(SUPPRESSED, "note", &text)
    });
    json!({
        "executionSuccessful": true,
        "toolExecutionNotifications": incomplete.chain(suppressed).collect::<Vec<_>>(),
        "properties": properties(report),
    })
}

fn properties(report: &Report) -> Value {
    let mut properties = json!({ "subject": subject(&report.subject) });
    if let Some(sampling) = report.sampling {
        properties["sampling"] = json!({ "meanBytes": sampling.mean_bytes.0 });
    }
    properties
}

fn notification(id: &str, level: &str, text: &str) -> Value {
    json!({ "descriptor": { "id": id }, "level": level, "message": { "text": text } })
}

fn subject(subject: &Subject) -> Value {
    json!({
        "kind": subject.kind.as_str(),
        "command": subject.command,
        "pid": subject.pid,
        "exitStatus": subject.exit_status,
        "ending": subject.ending,
    })
}
