//! What takes long says how far it is, and can be interrupted without leaving half a file.
use crate::bench::{Bench, eventually, kill};
use crate::desk::Desk;
use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, Module, NodeIndex, Process, Recording, ResolvedCode, ResolvedFrame,
    RuntimeAddress, SiteCounts, SiteIndex, Snapshot, SnapshotReason, StackNode,
};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

/// The number of the signal of Ctrl-C.
const SIGINT: i32 = 2;
/// Stacks that take seconds to make a page of.
const MANY: u32 = 600_000;
/// Functions that call the innermost one, one upon the other, and how many of the innermost there are.
const DEPTH: u32 = 24;
const FUNCTIONS: u32 = 20_000;

/// Writes a recording of so many stacks.
fn write(path: &Path, stacks: u32) {
    let node = |parent, function: u32| StackNode {
        parent: NodeIndex(parent),
        address: RuntimeAddress(0x1000 + u64::from(function)),
        module: 1,
    };
    let code = |function: u32| ResolvedCode {
        module: 1,
        address: RuntimeAddress(0x1000 + u64::from(function)),
        frames: vec![ResolvedFrame {
            function: Some(format!("service::handler<{function}>::process(request const&)")),
            ..ResolvedFrame::default()
        }],
    };
    let group = |site| Group {
        site: SiteIndex(site),
        allocator: AllocatorFunction::Malloc,
        class: Class::DefinitelyLost,
        blocks: 1,
        bytes: 64,
        indirect_blocks: 0,
        indirect_bytes: 0,
        oldest_ms: 0,
        newest_ms: 0,
    };
    let mut nodes = vec![StackNode::default()];
    nodes.extend((0..DEPTH).map(|depth| node(depth, depth)));
    let branches = 1 + stacks / FUNCTIONS;
    nodes.extend((0..branches).map(|branch| node(DEPTH, branch % FUNCTIONS)));
    let first = nodes.len() as u32;
    nodes.extend((0..stacks).map(|stack| node(DEPTH + 1 + stack / FUNCTIONS, stack % FUNCTIONS)));
    let site = |stack| SiteCounts {
        node: NodeIndex(first + stack),
        allocations: 1,
        allocated_bytes: 64,
        ..SiteCounts::default()
    };
    let groups = (0..stacks).map(group).collect();
    let process = Process {
        pid: 7,
        command: vec!["./service".to_owned()],
        executable: "./service".to_owned(),
        ending: Ending::Exited(Some(0)),
        modules: vec![Module { path: "./service".to_owned(), ..Module::default() }],
        nodes,
        sites: (0..stacks).map(site).collect(),
        snapshots: vec![Snapshot { at_ms: 1, reason: SnapshotReason::Exit, pause_ns: 0, groups }],
        resolved: (0..FUNCTIONS).map(code).collect(),
        ..Process::default()
    };
    let recording = Recording { command: process.command.clone(), processes: vec![process], ..Recording::default() };
    stanch_recording::write_file(&recording, path).expect("the folder can be written");
}

/// Names in a folder that begin like this.
fn names(bench: &Bench, beginning: &str) -> Vec<String> {
    let entries = std::fs::read_dir(&bench.folder).expect("it is ours");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with(beginning)).collect()
}

#[test]
fn a_bar_on_a_terminal_and_nothing_is_left_after_an_interrupt() {
    let bench = Bench::new("progress-bar");
    write(&bench.path("large.rec"), MANY);
    let desk = Desk::open(&bench, "bar");
    desk.stanch("", "report large.rec --format html -o out.html");
    let has_bar = |screen: &String| {
        let bars = screen.split('[').filter_map(|rest| rest.split_once("] "));
        bars.into_iter().any(|(bar, rest)| {
            bar.len() == 30 && bar.chars().all(|letter| "#.".contains(letter)) && rest.contains(" %, ")
        })
    };
    eventually("a bar on the screen", || Some(desk.screen()).filter(has_bar));
    desk.keys(&["C-c"]);
    // What a signal of the terminal ends, ends the whole line of commands.
    let pid = std::fs::read_to_string(bench.path("pid")).expect("the shell wrote it");
    eventually("its end", || (!Path::new("/proc").join(pid.trim()).exists()).then_some(()));
    desk.type_line("echo it ended with $?");
    desk.wait_for("\nit ended with 130");
    assert!(names(&bench, "out").is_empty() && names(&bench, ".out").is_empty());
}

#[test]
fn a_line_a_minute_where_there_is_no_terminal() {
    let bench = Bench::new("progress-line");
    write(&bench.path("large.rec"), MANY);
    let mut running = bench.start(&mut bench.stanch(["report", "large.rec", "-o", "out.txt"]));
    let pid = running.child.id().to_string();
    // Stopped while it reads the file, the step takes longer than a minute by the clock.
    eventually("that it reads", || {
        assert!(running.child.try_wait().expect("it is our child").is_none(), "it ended before it could be stopped");
        is_reading(&pid, "large.rec").then_some(())
    });
    kill("-STOP", &pid);
    std::thread::sleep(Duration::from_secs(62));
    kill("-CONT", &pid);
    let ended = running.wait().status(0);
    let line = ended.stderr.lines().next().unwrap_or_default();
    assert!(line.starts_with("stanch: loading the file ") && line.contains(" %, 6"), "{}", ended.stderr);
    assert_eq!(names(&bench, "out"), ["out.txt"]);
}

/// True once a process has read some of a file that it has open.
fn is_reading(pid: &str, name: &str) -> bool {
    let folder = std::path::PathBuf::from(format!("/proc/{pid}"));
    let Ok(open) = std::fs::read_dir(folder.join("fd")) else { return false };
    open.flatten().any(|entry| {
        let is_it = std::fs::read_link(entry.path()).is_ok_and(|path| path.ends_with(name));
        let facts = std::fs::read_to_string(folder.join("fdinfo").join(entry.file_name())).unwrap_or_default();
        let position = facts.lines().find_map(|line| line.strip_prefix("pos:")?.trim().parse::<u64>().ok());
        is_it && position.is_some_and(|position| 0 < position)
    })
}

/// Interrupted while it writes; where it was quicker, the file is whole.
#[test]
fn an_interrupt_leaves_no_half_of_a_file() {
    let bench = Bench::new("progress-half");
    write(&bench.path("large.rec"), MANY / 6);
    let start = || bench.start(&mut bench.stanch(["report", "large.rec", "--format", "csv", "-o", "out.csv"]));
    start().wait().status(0);
    let whole = std::fs::metadata(bench.path("out.csv")).expect("it was written").len();
    assert!(50 << 20 < whole, "{whole} bytes are written too quickly to be interrupted");
    let interrupted = (0..5).any(|_| {
        let _ = std::fs::remove_file(bench.path("out.csv"));
        let mut running = start();
        loop {
            let is_over = running.child.try_wait().expect("it is our child").is_some();
            if is_over || !names(&bench, ".out.csv").is_empty() {
                break;
            }
        }
        kill("-INT", &running.child.id().to_string());
        let status = running.child.wait().expect("it is our child");
        let is_interrupted = status.signal() == Some(SIGINT);
        assert!(is_interrupted || status.success(), "{status}");
        assert!(names(&bench, ".out.csv").is_empty(), "a part was left");
        match std::fs::metadata(bench.path("out.csv")) {
            Ok(facts) => assert_eq!(facts.len(), whole, "half of a file"),
            Err(_) => assert!(is_interrupted, "{status} and no file"),
        }
        is_interrupted
    });
    assert!(interrupted, "it was never interrupted");
}
