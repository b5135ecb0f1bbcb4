//! Runs a program bare, recorded and under valgrind, and tells every difference.
use crate::execute::{self, Ending, Outcome};
use crate::lost::{ByProgram, Lost};
use crate::program::{Difference, Program};
use crate::report::{self, Document};
use crate::valgrind;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const RUN_LIMIT: Duration = Duration::from_secs(40);

/// What may be said about any program: that it has no symbols, and that exec leaves no memory to look at.
const ALWAYS_TRUE: [&str; 2] =
    [": neither debug information nor symbols were found", " took the program's place and its memory was gone"];

/// Fails with every mismatch of this program.
pub(crate) fn check(program: &Program) {
    assert!(
        Path::new(&program.command[0]).exists(),
        "there is no {}; install it: apt-get install {}",
        program.command[0],
        program.package
    );
    let lines = compare(program).unwrap_or_else(|error| vec![error]);
    assert!(lines.is_empty(), "{}:\n  {}", program.name, lines.join("\n  "));
}

fn compare(program: &Program) -> Result<Vec<String>, String> {
    let (bare_folder, folder) = (program.folder("bare")?, program.folder("recorded")?);
    let bare = run(program, &mut bare_command(program, &bare_folder), &bare_folder)?;
    let report_path = folder.join("report.json");
    let recorded = run(program, &mut recorded_command(program, &folder, &report_path), &folder)?;
    let mut lines = outcome_differences(program, &bare, &recorded);
    lines.extend(product_differences(program, &bare_folder, &folder));
    let text = fs::read_to_string(&report_path)
        .map_err(|error| format!("no report: {error}; standard error was {:?}", recorded.stderr))?;
    let documents = report::parse(&text)?;
    lines.extend(document_faults(program, &bare, &documents));
    let found = report::by_program(&documents);
    lines.extend(process_differences(program, &found));
    lines.extend(valgrind_differences(program, &found)?);
    if !lines.is_empty() {
        lines.extend(what_was_found(&documents));
    }
    Ok(lines)
}

fn bare_command(program: &Program, folder: &Path) -> Command {
    let mut command = execute::plain_command(&program.command[0]);
    command.args(&program.command[1..]).current_dir(folder.join("work"));
    command
}

fn recorded_command(program: &Program, folder: &Path, report: &Path) -> Command {
    let mut command = execute::plain_command(env!("CARGO_BIN_EXE_stanch"));
    command.current_dir(folder.join("work"));
    command.args(["run", "--format", "json", "-o"]).arg(report).arg("--").args(&program.command);
    command
}

fn run(program: &Program, command: &mut Command, folder: &Path) -> Result<Outcome, String> {
    let running = execute::start(command, folder, "output")?;
    let driven = (program.drive)(folder);
    let outcome = running.wait(if driven.is_ok() { RUN_LIMIT } else { Duration::from_secs(1) })?;
    driven.map_err(|error| format!("{error}; the program: {outcome:?}"))?;
    Ok(outcome)
}

fn outcome_differences(program: &Program, bare: &Outcome, recorded: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if bare.ending != recorded.ending || !matches!(bare.ending, Ending::Exited(_)) {
        lines.push(format!("ending: bare {:?}, recorded {:?}", bare.ending, recorded.ending));
    }
    for (what, bare, recorded) in
        [("stdout", &bare.stdout, &recorded.stdout), ("stderr", &bare.stderr, &recorded.stderr)]
    {
        let (bare, recorded) = ((program.lasting)(bare), (program.lasting)(recorded));
        if bare != recorded {
            lines.push(format!("{what}: bare {bare:?}, recorded {recorded:?}"));
        }
    }
    lines
}

fn product_differences(program: &Program, bare: &Path, recorded: &Path) -> Vec<String> {
    let read = |folder: &Path, name: &str| fs::read(folder.join("work").join(name)).ok();
    let differs = |name: &&&str| {
        let product = read(bare, name);
        product.is_none() || product != read(recorded, name)
    };
    let differing = program.products.iter().filter(differs);
    differing.map(|name| format!("`{name}` is missing or not the same, bare and recorded")).collect()
}

fn document_faults(program: &Program, bare: &Outcome, documents: &[Document]) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(first) = documents.first() else { return vec!["the report has no document".to_owned()] };
    let status = match bare.ending {
        Ending::Exited(status) => Some(i64::from(status)),
        _ => None,
    };
    if !first.is_replaced && first.exit_status != status {
        lines.push(format!("subject.exit_status: expected {status:?}, was {:?}", first.exit_status));
    }
    let pids: BTreeSet<u64> = documents.iter().map(|document| document.pid).collect();
    for (index, document) in documents.iter().enumerate() {
        let at = format!("document {} ({})", index + 1, document.program);
        if document.schema != "stanch-report/1" {
            lines.push(format!("{at}: the schema is `{}`", document.schema));
        }
        if document.pid != first.pid && !pids.contains(&document.parent) {
            lines.push(format!("{at}: no document for its parent {}", document.parent));
        }
        if document.allocations == 0 && !document.is_replaced && document.pid == first.pid {
            lines.push(format!("{at}: no allocation was seen"));
        }
        let is_known = |loss: &&String| {
            ALWAYS_TRUE.iter().any(|end| loss.ends_with(end))
                || program.incomplete.iter().any(|known| loss.contains(known))
        };
        let unknown = document.incomplete.iter().filter(|loss| !is_known(loss));
        lines.extend(unknown.map(|loss| format!("{at}: incomplete: {loss}")));
        let is_misuse = |finding: &&report::Finding| {
            ["mismatched_free", "double_free", "use_after_free", "live"].contains(&finding.kind.as_str())
        };
        let misuses = document.findings.iter().filter(is_misuse);
        lines.extend(misuses.map(|finding| format!("{at}: {}", finding.describe())));
    }
    lines.extend(missing_finds(program, documents));
    lines
}

fn missing_finds(program: &Program, documents: &[Document]) -> Vec<String> {
    let mut lines = Vec::new();
    for (function, blocks, bytes) in program.finds {
        let lost = documents
            .iter()
            .flat_map(|document| &document.findings)
            .filter(|finding| finding.kind == "definitely_lost")
            .filter(|finding| finding.stack.iter().any(|frame| frame.contains(function)))
            .fold((0, 0), |(blocks, bytes), finding| (blocks + finding.blocks, bytes + finding.bytes));
        if lost != (*blocks, *bytes) {
            lines.push(format!("`{function}` loses {blocks} blocks, {bytes} bytes; found {lost:?}"));
        }
    }
    lines
}

fn process_differences(program: &Program, found: &ByProgram) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, count) in program.processes {
        if found.count(name) != *count {
            lines.push(format!("expected {count} documents of `{name}`, there are {}", found.count(name)));
        }
    }
    lines
}

fn valgrind_differences(program: &Program, found: &ByProgram) -> Result<Vec<String>, String> {
    let folder = program.folder("valgrind")?;
    let observed = valgrind::observe(&bare_command(program, &folder), &folder, || (program.drive)(&folder))?;
    let names: BTreeSet<&String> = found.0.keys().chain(observed.0.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let difference = program.differences.iter().find(|difference| difference.program == name);
        let (counts, losers) = ((found.count(name), observed.count(name)), (found.losers(name), observed.losers(name)));
        let allowed_count = difference.map_or(0, |difference| difference.processes);
        if counts.0.abs_diff(counts.1) > allowed_count {
            lines.push(format!("`{name}`: {} documents, valgrind has {}", counts.0, counts.1));
        }
        if losers.0 != losers.1 && !difference.is_some_and(|difference| is_within(difference, &losers.0, &losers.1)) {
            let known = difference.map_or("none", |difference| difference.reason);
            lines.push(format!(
                "`{name}`: lost {:?}, valgrind says {:?} (known difference: {known})",
                losers.0, losers.1
            ));
        }
    }
    Ok(lines)
}

fn is_within(difference: &Difference, one: &[Lost], other: &[Lost]) -> bool {
    let sums = |all: &[Lost]| {
        all.iter().fold([0; 4], |sums: [u64; 4], lost| {
            let next = words(lost);
            std::array::from_fn(|index| sums[index] + next[index])
        })
    };
    let (one, other, at_most) = (sums(one), sums(other), words(&difference.at_most));
    (0..4).all(|index| one[index].abs_diff(other[index]) <= at_most[index])
}

fn words(lost: &Lost) -> [u64; 4] {
    [lost.definite_bytes, lost.definite_blocks, lost.indirect_bytes, lost.indirect_blocks]
}

fn what_was_found(documents: &[Document]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, document) in documents.iter().enumerate().take(20) {
        lines.push(format!("(document {}: `{}`, status {:?})", index + 1, document.program, document.exit_status));
        let lost = document.findings.iter().filter(|finding| finding.kind == "definitely_lost").take(8);
        lines.extend(lost.map(|finding| format!("({})", finding.describe())));
    }
    lines
}
