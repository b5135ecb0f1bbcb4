//! What the engine saw, as findings: rule, site, message, path, confidence, advice.
mod kinds;
mod path;
mod site;

use crate::engine::{Analysis, Issue, IssueKind};
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
    for issue in &analysis.issues {
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

/// Proven without assumptions; likely where functions of which nothing is known were called on the way.
fn confidence(program: &Module, issue: &Issue) -> (Confidence, Option<String>) {
    if issue.assumed.is_empty() {
        let is_plain = !matches!(issue.kind, IssueKind::HeldToExit { .. });
        return (if is_plain { Confidence::Proven } else { Confidence::Likely }, None);
    }
    let names: Vec<&str> = issue.assumed.iter().take(5).map(|id| program.function(*id).name.as_str()).collect();
    let more = issue.assumed.len().saturating_sub(names.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let text = format!(
        "nothing is known of {}{and_more}, which the path calls; it is assumed that none of them releases the block",
        names.join(", ")
    );
    (Confidence::Likely, Some(text))
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
