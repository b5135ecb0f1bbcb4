//! The programs, and what they work on.
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A program under test.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Shell commands, the last of which is the program.
    pub(crate) script: String,
    /// Walks that it makes at least.
    pub(crate) walks_min: u64,
}

/// Prepares what the programs need in a folder, which becomes their working folder.
pub(crate) fn all(folder: &Path) -> Vec<Program> {
    let program = |name, command: String, walks_min| Program {
        name,
        script: format!("cd '{}' && exec {command} > out.{name} 2> err.{name}", folder.display()),
        walks_min,
    };
    vec![
        program("sqlite3", sqlite3(folder), 500_000),
        program("python3", python3(folder), 500_000),
        program("jq", jq(folder), 200_000),
        program("git", git(folder), 100_000),
        program("cc1plus", cc1plus(folder), 300_000),
    ]
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn sqlite3(folder: &Path) -> String {
    let mut script =
        String::from("CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT, size REAL, kind INT);\nBEGIN;\n");
    for i in 0..40_000 {
        // Writing to a string does not fail.
        let _ =
            writeln!(script, "INSERT INTO part VALUES ({i}, 'part {}', {}.5, {});", i * 7919 % 9973, i % 977, i % 13);
    }
    script.push_str("COMMIT;\nCREATE INDEX by_name ON part (name);\n");
    for kind in 0..13 {
        let _ = writeln!(script, "SELECT name, sum(size) FROM part WHERE kind = {kind} GROUP BY name ORDER BY 2;");
    }
    write(folder, "bulk.sql", &script);
    "sqlite3 :memory: '.read bulk.sql'".to_owned()
}

fn python3(folder: &Path) -> String {
    let program = "\
import json, re
rows = [{'id': i, 'name': 'row %d' % i, 'list': list(range(i % 20)), 'text': 'x' * (i % 600)} for i in range(4000)]
for step in range(12):
    rows = json.loads(json.dumps(rows, indent=step % 3))
    found = [re.sub('[0-4]+', lambda m: m.group() * 2, row['name']) for row in rows]
print(len(rows), len(set(found)))
";
    write(folder, "rows.py", program);
    "env PYTHONMALLOC=malloc /usr/bin/python3 rows.py".to_owned()
}

fn jq(folder: &Path) -> String {
    let names = ["pump", "valve", "pipe", "gauge", "seal"];
    let mut rows = String::from("[");
    for i in 0..30_000 {
        let comma = if i == 0 { "" } else { ",\n" };
        let (name, width, height) = (names[i * 31 % 5], i % 97, i % 89);
        let _ = write!(rows, r#"{comma}{{"id": {i}, "name": "{name}", "size": {{"w": {width}, "h": {height}}}}}"#);
    }
    rows.push(']');
    write(folder, "rows.json", &rows);
    "jq '[.[] | select(.size.w > 20) | {name, area: (.size.w * .size.h)}] | group_by(.name) | map(length)' rows.json"
        .to_owned()
}

/// A generated history.
fn git(folder: &Path) -> String {
    let mut stream = String::new();
    for commit in 0..1500 {
        let lines: String = (0..200).map(|line| format!("line {line} by {}\n", (line * 7 + commit) / 9)).collect();
        let _ =
            writeln!(stream, "commit refs/heads/main\ncommitter A <a@example.org> {} +0000", 1_700_000_000 + commit);
        let _ = writeln!(stream, "data 4\nstep\nM 644 inline file{}\ndata {}\n{lines}", commit % 10, lines.len());
    }
    write(folder, "stream", &stream);
    let script = "git init --quiet --bare --initial-branch=main r.git && git -C r.git fast-import --quiet < stream";
    let status = Command::new("/bin/sh").args(["-c", script]).current_dir(folder).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "git: {status:?}; apt-get install git");
    "git -C r.git --no-pager log -p --stat".to_owned()
}

/// The compiler proper behind `g++`.
fn cc1plus(folder: &Path) -> String {
    let source = "\
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <unordered_map>
#include <variant>
int main(int argc, char **argv) {
    std::map<std::string, std::vector<std::variant<int, std::string>>> values;
    std::unordered_map<int, std::shared_ptr<std::function<int(int)>>> steps;
    std::regex words(\"([a-z]+)([0-9]{1,3})?\");
    std::string text(argv[argc - 1]);
    for (std::sregex_iterator it(text.begin(), text.end(), words), end; it != end; ++it)
        values[it->str(1)].push_back(it->str(2));
    std::cout << values.size() << steps.size();
}
";
    write(folder, "heavy.cpp", source);
    let found = Command::new("g++").arg("-print-prog-name=cc1plus").output();
    let found = found.unwrap_or_else(|error| panic!("g++: {error}; apt-get install g++"));
    let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    format!("'{path}' -quiet -imultiarch x86_64-linux-gnu -D_GNU_SOURCE -O2 -std=c++17 heavy.cpp -o heavy.s")
}
