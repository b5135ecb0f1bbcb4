//! What `stanch check` says of the two twins of a program.
use crate::build;
use crate::execute;
use crate::program::{Line, Program, Twin};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

const CHECK_LIMIT: Duration = Duration::from_secs(120);

/// A finding as far as it counts here.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) kind: String,
    /// The frames of its site.
    pub(crate) lines: Vec<Line>,
    pub(crate) message: String,
}

/// What was said of a twin.
pub(crate) struct Heard {
    pub(crate) findings: Vec<Found>,
    /// What could not be analysed, and why.
    pub(crate) gaps: Vec<String>,
}

/// What was said of a program; `Err` where nothing could be said.
pub(crate) struct Answer {
    pub(crate) bad: Result<Heard, String>,
    pub(crate) ok: Result<Heard, String>,
}

pub(crate) fn check(program: &Program) -> Answer {
    let ask = |twin| check_twin(program, twin);
    Answer { bad: ask(Twin::Bad), ok: ask(Twin::Ok) }
}

fn check_twin(program: &Program, twin: Twin) -> Result<Heard, String> {
    let folder = build::folder(program, twin, "check")?;
    write_database(program, twin, &folder)?;
    // Above it could be a configuration of the machine's.
    fs::write(folder.join("stanch.toml"), "").map_err(|error| error.to_string())?;
    let mut command = execute::plain_command(env!("CARGO_BIN_EXE_stanch"));
    command.current_dir(&folder).args(["check", "--format", "json", "--jobs", "1"]);
    let outcome = execute::run(&mut command, "", &folder, CHECK_LIMIT, "cargo build")?;
    if !matches!(outcome.status, Some(0 | 1)) {
        return Err(format!("status {:?}: {}", outcome.status, outcome.stderr));
    }
    let report: Value = serde_json::from_str(&outcome.stdout).map_err(|error| error.to_string())?;
    let list = |key: &str| report[key].as_array().ok_or(format!("a report without `{key}`"));
    let gap = |gap: &Value| format!("{}: {}", text(&gap["what"]), text(&gap["why"]));
    Ok(Heard {
        findings: list("findings")?.iter().map(found).collect(),
        gaps: list("incomplete")?.iter().map(gap).collect(),
    })
}

/// The twin's files as a compile database, the way build tools write it.
fn write_database(program: &Program, twin: Twin, folder: &Path) -> Result<(), String> {
    let commands = program.sources.iter().map(|source| {
        let mut words = build::compiler(program, twin, source);
        words.extend(["-c".to_owned(), source.display().to_string()]);
        json!({"directory": folder, "file": source, "arguments": words})
    });
    let text = Value::Array(commands.collect()).to_string();
    fs::write(folder.join("compile_commands.json"), text).map_err(|error| error.to_string())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn found(finding: &Value) -> Found {
    let stack = finding["site"]["stack"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |frame: &Value| {
        let path = frame["file"].as_str()?;
        let file = Path::new(path).file_name()?.to_string_lossy().into_owned();
        Some(Line { file, number: frame["line"].as_u64()? })
    };
    Found {
        kind: text(&finding["kind"]),
        lines: stack.iter().filter_map(line).collect(),
        message: text(&finding["message"]),
    }
}
