//! What the engine saw, as findings: rule, site, message, path, confidence, advice.
mod kinds;
mod path;
mod site;

use crate::engine::{Analysis, Cause, Event, Issue, IssueKind};
use crate::ir::Module;
use crate::models::Models;
use kinds::Rule;
use stanch_finding::{
    BlockCount, ByteCount, Confidence, Evidence, Finding, Fingerprint, Fix, FrameRole, Owner, OwnerKind, owning_frame,
};
use std::collections::BTreeMap;

/// The names of all rules.
#[must_use]
pub fn names() -> Vec<&'static str> {
    Rule::ALL.into_iter().map(Rule::name).collect()
}

/// What makes two issues one finding: the leak, its line, and the sort of issue.
type Identity = (String, u32, &'static str);

/// Findings of an analysis: one for each place that allocates and rule, most important first.
#[must_use]
pub fn findings(program: &Module, models: &Models, analysis: &Analysis) -> Vec<Finding> {
    let mut best: BTreeMap<Identity, (usize, Finding)> = BTreeMap::new();
    for issue in analysis.issues.iter().filter(|issue| !is_doubtful(issue)) {
        let rule = Rule::of(program, issue);
        let finding = finding(program, models, issue, &rule);
        let line = owning_frame(&finding.site).and_then(|at| finding.site.stack[at].line).unwrap_or(0);
        let key = (finding.fingerprint.as_str().to_owned(), line, rule.group());
        let cost = issue.path.len();
        match best.get(&key) {
            Some((known, _)) if *known <= cost => {}
            _ => {
                best.insert(key, (cost, finding));
            }
        }
    }
    let mut all: Vec<Finding> = best.into_values().map(|(_, finding)| finding).collect();
    all.sort_by_cached_key(order);
    all
}

/// True where a function that may be called with anything overwrites what it stored in its caller's memory, by way of
/// conditions on that memory: whether they can hold together is known to callers only.
fn is_doubtful(issue: &Issue) -> bool {
    let is_elsewhere = matches!(issue.kind, IssueKind::Lost { cause: Cause::OverwrittenElsewhere, .. });
    let allocated = issue.path.iter().rposition(|step| step.event == Event::Allocated(issue.region)).unwrap_or(0);
    let is_conditional = issue.path[allocated..].iter().any(|step| matches!(step.event, Event::Branch { .. }));
    issue.is_any_input && is_elsewhere && is_conditional
}

/// Surest first, then by place.
fn order(finding: &Finding) -> impl Ord + use<> {
    let frame = owning_frame(&finding.site).map(|at| &finding.site.stack[at]);
    let file = frame.and_then(|frame| frame.file.clone()).unwrap_or_default();
    let line = frame.and_then(|frame| frame.line).unwrap_or(0);
    (finding.rule == "leak/held-to-exit", std::cmp::Reverse(finding.confidence), file, line)
}

fn finding(program: &Module, models: &Models, issue: &Issue, rule: &Rule) -> Finding {
    let site = site::of(program, issue);
    let (confidence, assumed) = confidence(program, issue);
    let releaser = models.releaser(&issue.block.family).unwrap_or("its releaser");
    let mut evidence = vec![Evidence {
        kind: "path".to_owned(),
        text: rule.path_text().to_owned(),
        path: path::of(program, issue, rule),
    }];
    if let Some(text) = assumed {
        evidence.push(Evidence { kind: "assumption".to_owned(), text, path: Vec::new() });
    }
    Finding {
        fingerprint: Fingerprint::of(&site),
        rule: rule.name().to_owned(),
        kind: rule.kind(),
        confidence,
        message: rule.message(program, issue),
        bytes: ByteCount(issue.bytes.unwrap_or(0)),
        blocks: BlockCount(1),
        indirect_bytes: ByteCount(0),
        indirect_blocks: BlockCount(0),
        estimate: None,
        owner: owner(program, &site),
        evidence,
        fix: Some(Fix { text: rule.advice(releaser) }),
        site,
    }
}

/// Proven without assumptions; likely where functions of which nothing is known were called on the way, or where the
/// path begins in a function that may be called with anything.
fn confidence(program: &Module, issue: &Issue) -> (Confidence, Option<String>) {
    let mut assumed = Vec::new();
    if !issue.assumed.is_empty() {
        let names: Vec<&str> = issue.assumed.iter().take(5).map(|id| program.function(*id).name.as_str()).collect();
        let more = issue.assumed.len().saturating_sub(names.len());
        let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
        assumed.push(format!(
            "nothing is known of {}{and_more}, which the path calls: none of them is assumed to release the block",
            names.join(", ")
        ));
    }
    if issue.is_any_input {
        let entry = issue.at.stack.last().map(|(id, _)| site::short_name(program.function(*id))).unwrap_or_default();
        assumed.push(format!("`{entry}` is assumed to be called with any input that its types allow"));
    }
    let is_held = matches!(issue.kind, IssueKind::HeldToExit { .. });
    match assumed.is_empty() {
        true if is_held => (Confidence::Likely, None),
        true => (Confidence::Proven, None),
        false => (Confidence::Likely, Some(assumed.join("; "))),
    }
}

/// The program, or the library whose header holds the code.
fn owner(program: &Module, site: &stanch_finding::Site) -> Owner {
    let role = owning_frame(site).map(|at| FrameRole::of(&site.stack[at]));
    let kind = match role {
        Some(FrameRole::Dependency) => OwnerKind::Library,
        None => OwnerKind::Runtime,
        Some(_) => OwnerKind::Application,
    };
    let name = program.name.rsplit('/').next().unwrap_or(&program.name).to_owned();
    Owner { kind, name, version: None }
}
