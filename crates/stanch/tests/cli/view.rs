//! The viewer in a terminal, over a recording of a real program. tmux is the terminal.
use crate::bench::{Bench, reports};
use crate::desk::Desk;
use serde_json::Value;
use std::process::Command;

/// Starts the viewer, which says its process id in a file.
fn view(desk: &Desk<'_>, before: &str, file: &str) {
    desk.stanch(before, &format!("view {file}"));
}

/// A recording of Python.
fn recorded(bench: &Bench) {
    let script = "import json, sqlite3; print(json.dumps(sqlite3.connect(':memory:').execute('select 1').fetchall()))";
    bench.run(["run", "--record", "py.rec", "-o", "report", "/usr/bin/python3", "-c", script]).status(0);
}

/// The number behind these words.
fn number_after(screen: &str, words: &str) -> u64 {
    let (_, rest) = screen.split_once(words).unwrap_or_else(|| panic!("no `{words}` in\n{screen}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number stands there")
}

#[test]
fn every_view_of_a_real_program() {
    let bench = Bench::new("view");
    recorded(&bench);
    let documents = reports(&bench.run(["report", "--format", "json", "py.rec"]).status(0).stdout);
    let desk = Desk::open(&bench, "views");
    desk.type_line("stty -g > before; echo this was here");
    desk.wait_for("\nthis was here");
    view(&desk, "", "py.rec");

    let screen = desk.wait_for("[1 findings]");
    assert!(!screen.contains("this was here"));
    let findings: Vec<&Value> =
        documents.iter().flat_map(|one| one["findings"].as_array().expect("it is a list")).collect();
    assert!(screen.contains(&format!("\n{} finding", findings.len())), "{screen}");

    // The finding that is open must be the one of the same identity in JSON, in all its figures.
    desk.keys(&["Enter"]);
    desk.wait_for("   whose");
    desk.keys(&["G"]);
    let screen = desk.wait_for("exactly ");
    let finding = findings.iter().find(|finding| screen.contains(finding["fingerprint"].as_str().expect("text")));
    let finding = finding.unwrap_or_else(|| panic!("no identity of a finding in\n{screen}"));
    assert_eq!(Some(number_after(&screen, "exactly ")), finding["bytes"].as_u64());
    let blocks = screen.split_once("exactly ").map_or("", |(_, rest)| rest);
    assert_eq!(Some(number_after(blocks, " in ")), finding["blocks"].as_u64());

    desk.keys(&["Escape"]);
    desk.wait_for("? help  q quit  Enter open  s sort");
    desk.keys(&["2"]);
    let screen = desk.wait_for("[2 stacks]");
    assert!(screen.contains("all stacks") && screen.contains("100.0%"), "{screen}");
    desk.keys(&["j", "Enter"]);
    desk.wait_for("main");
    desk.keys(&["Tab"]);
    let screen = desk.wait_for("[3 flame]");
    assert!(screen.contains("all stacks░") && screen.contains("main"), "{screen}");
    desk.keys(&["l"]);
    let screen = desk.wait_for("[4 timeline]");
    let allocations = documents[0]["totals"]["allocations"].as_u64().expect("a number");
    assert!(screen.contains(&format!("  {allocations} allocations, ")), "{allocations} in\n{screen}");

    desk.tmux(["resize-window", "-x", "30", "-y", "6"]);
    desk.wait_for("too small");
    desk.tmux(["resize-window", "-x", "40", "-y", "10"]);
    desk.wait_for("started by");
    desk.tmux(["resize-window", "-x", "80", "-y", "24"]);
    desk.keys(&["?"]);
    desk.wait_for("everywhere");
    desk.keys(&["q"]);
    desk.wait_for("? help  q quit  Enter open  j k");
    desk.keys(&["q"]);
    let screen = desk.wait_for("ended with 0");
    assert!(screen.contains("\nthis was here"), "{screen}");
    assert_restored(&desk);
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let bench = Bench::new("view-ends");
    recorded(&bench);
    let desk = Desk::open(&bench, "ends");
    desk.type_line("stty -g > before; echo this was here");
    desk.wait_for("\nthis was here");
    for (signal, status) in [("", 130), ("TERM", 143), ("HUP", 129), ("INT", 130)] {
        view(&desk, "", "py.rec");
        desk.wait_for("[1 findings]");
        let pid = std::fs::read_to_string(bench.path("pid")).expect("it was written");
        match signal {
            "" => desk.keys(&["C-c"]),
            signal => {
                let sent = Command::new("/bin/kill").args(["-s", signal, pid.trim()]).status();
                assert!(sent.is_ok_and(|status| status.success()));
            }
        }
        let screen = desk.wait_for(&format!("ended with {status}"));
        assert!(screen.contains("this was here"), "{screen}");
        assert_restored(&desk);
        desk.type_line("clear; printf '\\nthis was here\\n'");
        desk.wait_for("\nthis was here");
    }
}

/// The terminal's modes are what they were.
fn assert_restored(desk: &Desk<'_>) {
    desk.type_line("stty -g > after; echo compared");
    desk.wait_for("\ncompared");
    let [before, after] =
        ["before", "after"].map(|name| std::fs::read_to_string(desk.bench.path(name)).expect("stty wrote it"));
    assert_eq!(before, after);
}

#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    let bench = Bench::new("view-colours");
    recorded(&bench);
    let desk = Desk::open(&bench, "colours");
    let seen = |before: &str| {
        desk.type_line("clear");
        view(&desk, before, "py.rec");
        desk.wait_for("[1 findings]");
        desk.keys(&["3"]);
        desk.wait_for("[3 flame]");
        let painted = String::from_utf8(desk.tmux(["capture-pane", "-p", "-e"]).stdout).expect("tmux writes UTF-8");
        desk.keys(&["q"]);
        desk.wait_for("ended with 0");
        painted
    };
    let has_colours = |painted: &str| ["[30m", "[38;5;0m"].iter().any(|black| painted.contains(black));
    let painted = seen("");
    assert!(has_colours(&painted), "{painted:?}");
    let plain = seen("NO_COLOR=1");
    assert!(!has_colours(&plain) && plain.contains("\u{1b}[7m"), "{plain:?}");
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let bench = Bench::new("view-nowhere");
    let ended = bench.run(["view", "no-such-file"]).status(2);
    assert!(ended.stdout.is_empty());
    assert_eq!(
        ended.stderr,
        "error: cannot view: this is not a terminal\n\
         hint: `stanch report FILE` writes text; `--all` shows all findings\n"
    );
}

#[test]
fn files_that_cannot_be_read_leave_the_terminal_alone() {
    let bench = Bench::new("view-unreadable");
    bench.write("text", "not a recording");
    let desk = Desk::open(&bench, "unreadable");
    for file in ["text", "no-such-file"] {
        desk.type_line("clear");
        view(&desk, "", file);
        let screen = desk.wait_for("ended with 2");
        assert!(screen.contains(&format!("error: cannot read `{file}`")), "{screen}");
    }
}

#[test]
fn it_ends_with_its_terminal() {
    let bench = Bench::new("view-gone");
    recorded(&bench);
    let desk = Desk::open(&bench, "gone");
    view(&desk, "", "py.rec");
    desk.wait_for("[1 findings]");
    let pid = std::fs::read_to_string(bench.path("pid")).expect("it was written");
    drop(desk);
    let process = std::path::PathBuf::from(format!("/proc/{}", pid.trim()));
    let is_gone = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        !process.exists()
    });
    assert!(is_gone, "process {pid} goes on without a terminal");
}
