//! The rules that a document's results refer to (SARIF 2.1.0, section 3.49).
use super::result::level;
use crate::kinds::words;
use serde_json::{Value, json};
use stanch_finding::{Finding, Kind};

/// The rules of a document, each once, in the order of their first finding.
pub(super) struct RuleTable<'a> {
    rules: Vec<(&'a str, Kind)>,
}

impl<'a> RuleTable<'a> {
    pub(super) fn new(findings: impl Iterator<Item = &'a Finding>) -> RuleTable<'a> {
        let mut rules: Vec<(&str, Kind)> = Vec::new();
        for finding in findings {
            if rules.iter().all(|(rule, _)| *rule != finding.rule) {
                rules.push((&finding.rule, finding.kind));
            }
        }
        RuleTable { rules }
    }

    /// Index of a rule in the table.
    pub(super) fn index(&self, rule: &str) -> Option<usize> {
        self.rules.iter().position(|(known, _)| *known == rule)
    }

    pub(super) fn descriptors(&self) -> Vec<Value> {
        self.rules.iter().map(|(rule, kind)| descriptor(rule, *kind)).collect()
    }
}

fn descriptor(rule: &str, kind: Kind) -> Value {
    let words = words(kind);
    json!({
        "id": rule,
        "shortDescription": { "text": words.meaning },
        "fullDescription": { "text": format!("{} {}", words.meaning, words.advice) },
        "help": { "text": words.advice },
        "defaultConfiguration": { "level": level(kind) },
    })
}
