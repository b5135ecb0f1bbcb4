//! What twins declare, held against gcc and valgrind, which know nothing of our engine.
use crate::build;
use crate::execute;
use crate::program::{Line, Program, Twin, Valgrind};
use std::fs;
use std::time::Duration;

const RUN_LIMIT: Duration = Duration::from_secs(120);
const INSTALL: &str = "apt-get install valgrind libc6-dbg";

/// One error that valgrind found.
#[derive(Debug)]
struct Observed {
    kind: String,
    /// The lines of its stacks, whoever's they are.
    lines: Vec<Line>,
}

/// What is wrong with a program, in words.
pub(crate) fn check(program: &Program) -> Vec<String> {
    let twins = Twin::BOTH.into_iter().filter_map(|twin| {
        let complaint = observe(program, twin).and_then(|observed| judge(program, twin, &observed)).err()?;
        Some(format!("{}_{}: {complaint}", program.name, twin.suffix()))
    });
    twins.collect()
}

fn observe(program: &Program, twin: Twin) -> Result<Vec<Observed>, String> {
    let folder = build::folder(program, twin, "valgrind")?;
    let binary = build::build(program, twin, &folder)?;
    let report = folder.join("report.xml");
    let mut command = execute::plain_command("valgrind");
    command
        .current_dir(&folder)
        .args(["--leak-check=full", "--show-leak-kinds=all", "--num-callers=40", "--quiet", "--xml=yes"])
        .arg(format!("--xml-file={}", report.display()))
        .arg(binary)
        .args(&program.arguments);
    let outcome = execute::run(&mut command, &program.stdin, &folder, RUN_LIMIT, INSTALL)?;
    if outcome.status != Some(program.exit) {
        return Err(format!("ends with {:?}, not with {}\n{}", outcome.status, program.exit, outcome.stderr));
    }
    let xml = fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    Ok(parse(&xml))
}

fn judge(program: &Program, twin: Twin, observed: &[Observed]) -> Result<(), String> {
    match (twin, program.valgrind) {
        (_, Valgrind::Unfit) => Ok(()),
        (Twin::Ok, _) if observed.is_empty() => Ok(()),
        (Twin::Ok, _) => Err(format!("is not clean: {observed:?}")),
        (Twin::Bad, opinion) => {
            let kinds = kinds_of(&program.leak, opinion)?;
            let is_declared = |one: &&Observed| {
                kinds.contains(&one.kind.as_str()) && one.lines.iter().any(|line| program.marks.contains(line))
            };
            match observed.iter().find(is_declared) {
                Some(_) => Ok(()),
                None => Err(format!("does not do what it declares: {observed:?}")),
            }
        }
    }
}

/// Valgrind's words for what programs declare.
fn kinds_of(leak: &str, opinion: Valgrind) -> Result<&'static [&'static str], String> {
    Ok(match (leak, opinion) {
        ("lost_on_path", Valgrind::Reachable) | ("held_to_exit", _) => &["Leak_StillReachable", "Leak_PossiblyLost"],
        ("lost_on_path", _) => &["Leak_DefinitelyLost", "Leak_IndirectlyLost"],
        ("mismatched_free", _) => &["MismatchedFree"],
        ("double_free", _) => &["InvalidFree"],
        ("use_after_free", _) => &["InvalidRead", "InvalidWrite"],
        _ => return Err(format!("`{leak}` is no kind of leak")),
    })
}

/// The errors of a report; valgrind's XML has one element a line.
fn parse(xml: &str) -> Vec<Observed> {
    xml.split("<error>").skip(1).map(parse_error).collect()
}

fn parse_error(error: &str) -> Observed {
    let lines = error.split("<frame>").skip(1).filter_map(|frame| {
        Some(Line { file: element(frame, "file")?, number: element(frame, "line")?.parse().ok()? })
    });
    Observed { kind: element(error, "kind").unwrap_or_default(), lines: lines.collect() }
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
}

#[test]
fn an_error_is_read_with_the_lines_of_all_its_stacks() {
    let observed = parse(
        "<error><kind>InvalidRead</kind><stack><frame><file>a.c</file><line>7</line></frame></stack>\
         <auxwhat>x</auxwhat><stack><frame><obj>b</obj></frame><frame><file>c.c</file><line>9</line></frame></stack>\
         </error>",
    );
    assert_eq!(observed[0].kind, "InvalidRead");
    let lines: Vec<(&str, u64)> = observed[0].lines.iter().map(|line| (line.file.as_str(), line.number)).collect();
    assert_eq!(lines, [("a.c", 7), ("c.c", 9)]);
}
