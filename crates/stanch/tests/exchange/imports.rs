//! What other tools wrote about a program, beside our own recording of it.
use crate::bench::{Bench, reports};
use crate::exports::{Truth, compile};
use crate::programs::LEAKS;
use crate::tools;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fingerprint and bytes of each leak, by the function that owns it; what heaptrack calls live is a leak here.
fn leaks(bench: &Bench, file: &Path) -> BTreeMap<String, (String, u64)> {
    let mut command = bench.stanch(["report", "--format", "json"]);
    let text = bench.finish(command.arg(file)).status(0).stdout;
    let mut leaks = BTreeMap::new();
    for report in reports(&text) {
        for finding in report["findings"].as_array().expect("findings") {
            let stack = finding["site"]["stack"].as_array().expect("a stack");
            let names = stack.iter().filter_map(|frame| frame["function"].as_str());
            let own = names.map(|name| name.trim_end_matches("()")).find(|name| name.starts_with("lose"));
            if let Some(own) = own {
                let fingerprint = finding["fingerprint"].as_str().expect("a fingerprint").to_owned();
                let entry = leaks.entry(own.to_owned()).or_insert((fingerprint.clone(), 0));
                assert_eq!(entry.0, fingerprint, "{own} has two fingerprints");
                entry.1 += finding["bytes"].as_u64().expect("bytes");
            }
        }
    }
    leaks
}

/// Reports of the program by every tool.
fn observe(bench: &Bench) -> Vec<PathBuf> {
    let program = compile(bench, "app", LEAKS, &[]);
    // Of the same source, whose name is a part of an identity.
    let with_lsan = bench.path("app_lsan");
    let mut compiler = tools::debian("g++", "g++");
    compiler.args(["-g", "-O0", "-w", "-fno-builtin", "-fsanitize=leak", "-o"]).arg(&with_lsan);
    tools::output(compiler.arg(bench.path("app.cc")));
    let mut valgrind = tools::debian("valgrind", "valgrind");
    valgrind.args(["-q", "--leak-check=full", "--show-leak-kinds=all", "--xml=yes"]);
    valgrind.arg(format!("--xml-file={}", bench.path("app.xml").display())).arg(&program);
    tools::output(&mut valgrind);
    let lsan = Command::new(&with_lsan).env("LSAN_OPTIONS", "fast_unwind_on_malloc=0").output().expect("it starts");
    fs::write(bench.path("app.lsan"), lsan.stderr).expect("the folder can be written");
    for options in [&[][..], &["--raw"]] {
        let mut heaptrack = tools::debian("heaptrack", "heaptrack");
        tools::output(heaptrack.args(options).arg("-o").arg(bench.path("app.heaptrack")).arg(&program));
    }
    bench.run(["run", "--record", "app.rec", "./app"]).status(0);
    ["app.xml", "app.lsan", "app.heaptrack.zst", "app.heaptrack.raw.zst"].map(|name| bench.path(name)).into()
}

#[test]
fn one_leak_has_one_fingerprint_whoever_saw_it() {
    let bench = Bench::new("import-fingerprints");
    let files = observe(&bench);
    let own = leaks(&bench, &bench.path("app.rec"));
    let bytes: Vec<(&str, u64)> = own.iter().map(|(name, (_, bytes))| (name.as_str(), *bytes)).collect();
    assert_eq!(bytes, [("lose", 300), ("lose_copy", 6), ("lose_tree", 96)]);
    for file in files {
        assert_eq!(leaks(&bench, &file), own, "{}", file.display());
    }
}

#[test]
fn valgrinds_kinds_come_through() {
    let bench = Bench::new("import-valgrind");
    observe(&bench);
    let (ours, theirs) = (Truth::of(&bench, "app.rec"), Truth::of(&bench, "app.xml"));
    for total in ["definitely_lost_bytes", "definitely_lost_blocks", "indirectly_lost_bytes", "indirectly_lost_blocks"]
    {
        assert_eq!(theirs.sum(&[total]), ours.sum(&[total]), "{total}");
    }
    let text = bench.run(["report", "app.xml"]).status(0).stdout;
    assert!(text.contains("mismatched free") && text.contains("`operator new[]`"), "{text}");
    // Other formats and statuses work on it, too.
    let sarif = bench.run(["report", "app.xml", "--format", "sarif", "--fail-on", "definitely-lost"]).status(1).stdout;
    assert!(sarif.contains("leak/definitely-lost"));
    bench.run(["report", "app.lsan", "--format", "folded", "-o", "lsan.folded"]).status(0);
    assert!(fs::read_to_string(bench.path("lsan.folded")).expect("it was written").contains("main;lose 300"));
}

/// The dump that a program writes at its end under another allocator.
fn dump(bench: &Bench, library: &str, variable: &str, value: &str, prefix: &str) -> PathBuf {
    let program = compile(bench, "app", LEAKS, &[]);
    let mut command = Command::new(&program);
    command.current_dir(&bench.folder).env("LD_PRELOAD", library).env(variable, value);
    tools::output(&mut command);
    let files = fs::read_dir(&bench.folder).expect("it is ours").filter_map(|entry| Some(entry.ok()?.path()));
    let is_dump = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    files.into_iter().find(is_dump).unwrap_or_else(|| panic!("{library} wrote no heap profile"))
}

/// `Total: 82424 B` of what jeprof or pprof print.
fn total(text: &str) -> u64 {
    let total = text.lines().find_map(|line| line.strip_prefix("Total: ")).expect("a total");
    total.trim_end_matches(" B").parse().expect("bytes")
}

#[test]
fn jemallocs_profile_says_what_jeprof_says() {
    let bench = Bench::new("import-jemalloc");
    // Every 64th byte on average, so that the correction for sampling matters.
    let options = "prof:true,prof_final:true,prof_prefix:jeprof,lg_prof_sample:6";
    let file = dump(&bench, "libjemalloc.so.2", "MALLOC_CONF", options, "jeprof.");
    let mut jeprof = tools::debian("jeprof", "libjemalloc-dev");
    let text = tools::output(jeprof.args(["--text", "--show_bytes"]).arg(bench.path("app")).arg(&file));
    let ours = Truth::of(&bench, file.file_name().and_then(|name| name.to_str()).expect("a name"));
    let stacks = fs::read_to_string(&file).expect("it is there").matches("\n@ ").count() as u64;
    // jeprof rounds each stack down, Stanch to the nearest.
    assert!(ours.live_bytes().abs_diff(total(&text)) <= stacks, "{} {text}", ours.live_bytes());
    assert!(leaks(&bench, &file).contains_key("lose"), "names were found in the program's file");
}

#[test]
fn tcmallocs_profile_has_the_live_bytes() {
    let bench = Bench::new("import-tcmalloc");
    let file = dump(&bench, "libtcmalloc.so.4", "HEAPPROFILE", "tcmalloc", "tcmalloc.");
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    bench.run(["run", "--record", "app.rec", "./app"]).status(0);
    let (ours, theirs) = (leaks(&bench, &bench.path("app.rec")), leaks(&bench, &file));
    for place in ["lose", "lose_copy", "lose_tree"] {
        assert_eq!(theirs[place].1, ours[place].1, "{place}");
    }
    assert_eq!(theirs["lose"], ours["lose"]);
    assert!(400 < Truth::of(&bench, &name).live_bytes());
}

#[test]
fn bad_files_are_refused_with_what_to_do() {
    let bench = Bench::new("import-bad");
    let cases: [(&str, &[u8], &str); 3] = [
        ("text", b"hello\n", "cannot read `text`: neither a recording nor a file of another tool that is known"),
        ("cut.zst", b"\x28\xb5\x2f\xfd\x04", "cannot read `cut.zst`: nothing can be read of it"),
        (
            "cpu.pb",
            b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x03cpu\x32\x0bnanoseconds",
            "it is a profile of cpu, not of memory\nhint: a heap profile has `inuse_space`",
        ),
    ];
    for (name, bytes, message) in cases {
        bench.write(name, bytes);
        let ended = bench.run(["report", name]).status(2);
        let said = ended.stderr.replace('\n', " ");
        let is_said = message.split('\n').all(|part| said.contains(part));
        assert!(ended.stderr.starts_with("error: ") && is_said, "{}", ended.stderr);
    }
}
