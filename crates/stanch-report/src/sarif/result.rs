//! A finding as a SARIF result (SARIF 2.1.0, section 3.27).
use super::SarifOptions;
use super::location::{of_frame, of_step};
use super::rules::RuleTable;
use crate::kinds::{Severity, words};
use serde_json::{Map, Value, json};
use stanch_finding::{Evidence, Finding, Frame, Kind, owning_frame};

/// The result for a finding of the process with this index among the invocations.
pub(super) fn result(finding: &Finding, process: usize, rules: &RuleTable<'_>, options: &SarifOptions<'_>) -> Value {
    let base_dir = options.base_dir;
    let mut result = Map::new();
    let mut put = |key: &str, value: Value| {
        result.insert(key.to_owned(), value);
    };
    put("ruleId", json!(finding.rule));
    if let Some(index) = rules.index(&finding.rule) {
        put("ruleIndex", json!(index));
    }
    put("level", json!(level(finding.kind)));
    put("message", json!({ "text": message(finding) }));
    put("locations", json!(location(finding, base_dir)));
    put("partialFingerprints", json!({ "stanch/v1": finding.fingerprint.as_str() }));
    if !finding.site.stack.is_empty() {
        put("stacks", json!([stack(finding, base_dir)]));
    }
    let related = related_locations(finding, base_dir);
    if !related.is_empty() {
        put("relatedLocations", json!(related));
    }
    let flows: Vec<Value> = paths(finding).map(|evidence| code_flow(evidence, base_dir)).collect();
    if !flows.is_empty() {
        put("codeFlows", json!(flows));
    }
    if 0 < finding.blocks.0 {
        put("occurrenceCount", json!(finding.blocks.0));
    }
    put("provenance", json!({ "invocationIndex": process }));
    put("properties", properties(finding));
    Value::Object(result)
}

/// The level of a kind: what is certainly wrong is an error, what may be is a warning, the rest is a note.
pub(super) const fn level(kind: Kind) -> &'static str {
    match words(kind).severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn message(finding: &Finding) -> String {
    match &finding.fix {
        Some(fix) => format!("{}\n{}", finding.message, fix.text),
        None => finding.message.clone(),
    }
}

/// The owning frame; where the whole stack is runtime code, its innermost frame.
fn location(finding: &Finding, base_dir: Option<&str>) -> Vec<Value> {
    let frame = finding.site.stack.get(owning_frame(&finding.site).unwrap_or(0));
    frame.map(|frame| of_frame(frame, base_dir)).into_iter().collect()
}

fn stack(finding: &Finding, base_dir: Option<&str>) -> Value {
    let frames: Vec<Value> = finding.site.stack.iter().map(|frame| stack_frame(frame, base_dir)).collect();
    json!({ "message": { "text": format!("allocated by {}", finding.site.allocator) }, "frames": frames })
}

fn stack_frame(frame: &Frame, base_dir: Option<&str>) -> Value {
    match &frame.module {
        Some(module) => json!({ "location": of_frame(frame, base_dir), "module": module }),
        None => json!({ "location": of_frame(frame, base_dir) }),
    }
}

fn paths(finding: &Finding) -> impl Iterator<Item = &Evidence> {
    finding.evidence.iter().filter(|evidence| !evidence.path.is_empty())
}

/// The steps of every path, and the line that called the allocator where that is not the owner's.
fn related_locations(finding: &Finding, base_dir: Option<&str>) -> Vec<Value> {
    let innermost = finding
        .site
        .stack
        .first()
        .filter(|frame| frame.file.is_some() && owning_frame(&finding.site).is_some_and(|owner| owner != 0));
    let innermost = innermost.map(|frame| {
        let mut location = of_frame(frame, base_dir);
        location["message"] = json!({ "text": format!("{} is called here", finding.site.allocator) });
        location
    });
    let steps = paths(finding).flat_map(|evidence| evidence.path.iter().map(|step| of_step(step, base_dir)));
    let mut related: Vec<Value> = innermost.into_iter().chain(steps).collect();
    for (id, location) in related.iter_mut().enumerate() {
        location["id"] = json!(id);
    }
    related
}

fn code_flow(evidence: &Evidence, base_dir: Option<&str>) -> Value {
    let steps: Vec<Value> = evidence.path.iter().map(|step| json!({ "location": of_step(step, base_dir) })).collect();
    json!({ "message": { "text": evidence.text }, "threadFlows": [{ "locations": steps }] })
}

fn properties(finding: &Finding) -> Value {
    let mut properties = json!({
        "kind": finding.kind.as_str(),
        "confidence": finding.confidence.as_str(),
        "bytes": finding.bytes.0,
        "blocks": finding.blocks.0,
        "indirectBytes": finding.indirect_bytes.0,
        "indirectBlocks": finding.indirect_blocks.0,
        "allocator": finding.site.allocator,
        "owner": {
            "kind": finding.owner.kind.as_str(),
            "name": finding.owner.name,
            "version": finding.owner.version,
        },
        "evidence": finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect::<Vec<_>>(),
    });
    if let Some(estimate) = &finding.estimate {
        properties["estimate"] = json!({
            "bytes": { "low": estimate.low.bytes.0, "high": estimate.high.bytes.0 },
            "blocks": { "low": estimate.low.blocks.0, "high": estimate.high.blocks.0 },
            "samples": estimate.samples,
        });
    }
    properties
}
