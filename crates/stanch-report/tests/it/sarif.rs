//! The SARIF format against what SARIF 2.1.0 requires.
//!
//! The document of all samples is left in cargo's directory for test output as `samples.sarif`, so that it can be given
//! to a validator with the official schema, such as `python3 -m jsonschema -i samples.sarif sarif-schema-2.1.0.json`.
use crate::samples;
use serde_json::Value;
use stanch_finding::Report;
use stanch_report::sarif::{self, SarifOptions};

fn written(reports: &[Report]) -> Value {
    let options = SarifOptions { tool_version: "1.2.3", base_dir: Some("/home/me/demo") };
    let mut out = Vec::new();
    sarif::write(reports, &options, &mut out).expect("memory takes everything");
    serde_json::from_slice(&out).expect("SARIF is JSON")
}

#[test]
fn a_result() {
    let document = written(&[samples::report(7, &["./demo"], vec![samples::lost_on_path(), samples::lost()])]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
}

/// The keys that the schema requires or allows, for every sort of object that we write:
/// (path to the objects, required keys, other keys).
const SHAPES: [(&str, &[&str], &[&str]); 24] = [
    ("", &["version", "runs"], &["$schema"]),
    ("runs", &["tool"], &["originalUriBaseIds", "columnKind", "invocations", "results"]),
    ("runs.tool", &["driver"], &[]),
    ("runs.tool.driver", &["name"], &["version", "rules", "notifications"]),
    ("runs.tool.driver.rules", &["id"], &["shortDescription", "fullDescription", "help", "defaultConfiguration"]),
    ("runs.tool.driver.rules.shortDescription", &["text"], &[]),
    ("runs.tool.driver.rules.help", &["text"], &[]),
    ("runs.tool.driver.rules.defaultConfiguration", &[], &["level"]),
    ("runs.tool.driver.notifications", &["id"], &["shortDescription"]),
    ("runs.originalUriBaseIds.SRCROOT", &[], &["uri", "description"]),
    ("runs.invocations", &["executionSuccessful"], &["toolExecutionNotifications", "properties"]),
    ("runs.invocations.toolExecutionNotifications", &["message"], &["descriptor", "level"]),
    (
        "runs.results",
        &["message"],
        &[
            "ruleId",
            "ruleIndex",
            "level",
            "locations",
            "partialFingerprints",
            "stacks",
            "relatedLocations",
            "codeFlows",
            "occurrenceCount",
            "provenance",
            "properties",
        ],
    ),
    ("runs.results.message", &["text"], &[]),
    ("runs.results.locations", &[], &["physicalLocation", "logicalLocations"]),
    ("runs.results.locations.physicalLocation", &["artifactLocation"], &["region", "address"]),
    ("runs.results.locations.physicalLocation.artifactLocation", &["uri"], &["uriBaseId"]),
    ("runs.results.locations.physicalLocation.region", &["startLine"], &["startColumn"]),
    ("runs.results.stacks", &["frames"], &["message"]),
    ("runs.results.stacks.frames", &[], &["location", "module"]),
    ("runs.results.relatedLocations", &["id"], &["physicalLocation", "logicalLocations", "message"]),
    ("runs.results.codeFlows", &["threadFlows"], &["message"]),
    ("runs.results.codeFlows.threadFlows", &["locations"], &[]),
    ("runs.results.codeFlows.threadFlows.locations", &[], &["location"]),
];

/// Every object at a path of keys, through arrays.
fn objects<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for key in path.split('.').filter(|key| !key.is_empty()) {
        let values = found.iter().filter_map(|value| value.get(key));
        found = values
            .flat_map(|value| value.as_array().map_or_else(|| vec![value], |items| items.iter().collect()))
            .collect();
    }
    found
}

#[test]
fn objects_have_the_keys_of_the_schema() {
    let document = written(&samples::all());
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples.sarif");
    std::fs::write(file, document.to_string()).expect("cargo's own directory");
    for (path, required, others) in SHAPES {
        let objects = objects(&document, path);
        assert!(!objects.is_empty(), "{path}");
        for object in objects {
            let keys: Vec<&str> = object.as_object().expect(path).keys().map(String::as_str).collect();
            for key in required {
                assert!(keys.contains(key), "{path} lacks {key}");
            }
            for key in keys {
                assert!(required.contains(&key) || others.contains(&key), "{path} has {key}");
            }
        }
    }
}

#[test]
fn references_lead_somewhere() {
    let document = written(&samples::all());
    let rules = objects(&document, "runs.tool.driver.rules");
    let invocations = objects(&document, "runs.invocations");
    for result in objects(&document, "runs.results") {
        let index = |value: &Value| usize::try_from(value.as_u64().expect("an index")).expect("a small one");
        assert_eq!(rules[index(&result["ruleIndex"])]["id"], result["ruleId"]);
        assert!(index(&result["provenance"]["invocationIndex"]) < invocations.len());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["partialFingerprints"]["stanch/v1"].as_str().is_some_and(|print| print.len() == 16));
    }
    let ids: std::collections::BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len());
}

#[test]
fn nothing_found_is_a_run_without_results() {
    for reports in [vec![], vec![samples::clean()]] {
        assert_eq!(written(&reports)["runs"][0]["results"], serde_json::json!([]));
    }
}
