//! Each format, opened by the tool that it is for.
use crate::bench::{Bench, reports};
use crate::programs::{FORKS, LEAKS};
use crate::tools;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `report --format json` says in all.
pub(crate) struct Truth {
    totals: BTreeMap<String, u64>,
    peak_bytes: u64,
}

impl Truth {
    pub(crate) fn of(bench: &Bench, recording: &str) -> Truth {
        let mut totals = BTreeMap::new();
        let mut peak_bytes = 0;
        for report in reports(&bench.run(["report", "--format", "json", recording]).status(0).stdout) {
            for (name, number) in report["totals"].as_object().expect("totals") {
                *totals.entry(name.clone()).or_insert(0) += number.as_u64().expect("a number");
            }
            let number = |name: &str| report["totals"][name].as_u64().unwrap_or(0);
            peak_bytes += number("peak_bytes").max(LIVE.iter().map(|name| number(name)).sum());
        }
        Truth { totals, peak_bytes }
    }

    pub(crate) fn sum(&self, names: &[&str]) -> u64 {
        names.iter().map(|name| self.totals.get(*name).copied().unwrap_or(0)).sum()
    }

    pub(crate) fn lost_bytes(&self) -> u64 {
        self.sum(&["definitely_lost_bytes", "indirectly_lost_bytes"])
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.sum(&LIVE)
    }

    /// The peaks of all processes. Mappings are no part of them, but of what was live.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }
}

const LIVE: [&str; 5] =
    ["definitely_lost_bytes", "indirectly_lost_bytes", "possibly_lost_bytes", "still_reachable_bytes", "live_bytes"];

/// A recording of the leaking program.
fn recorded(name: &str, source: &str) -> Bench {
    let bench = Bench::new(name);
    compile(&bench, "app", source, &[]);
    bench.run(["run", "--record", "app.rec", "./app"]).status(0);
    bench
}

pub(crate) fn compile(bench: &Bench, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let source = bench.write(&format!("{name}.cc"), source);
    let program = bench.path(name);
    let mut command = tools::debian("g++", "g++");
    command.args(["-g", "-O0", "-w", "-fno-builtin", "-pthread"]).args(flags).arg("-o").arg(&program).arg(source);
    tools::output(&mut command);
    program
}

pub(crate) fn export(bench: &Bench, recording: &str, format: &str, options: &[&str]) -> PathBuf {
    // heaptrack_print goes by the name.
    let ending = if format == "heaptrack" { ".zst" } else { "" };
    let path = bench.path(&format!("out.{format}{ending}"));
    let mut command = bench.stanch(["report", recording, "--format", format]);
    command.args(options).arg("-o").arg(&path);
    bench.finish(&mut command).status(0);
    path
}

/// Sum of the numbers at the ends of folded stacks.
fn folded_sum(text: &str) -> u64 {
    let weight = |line: &str| line.rsplit_once(' ').expect("a weight").1.parse::<u64>().expect("a number");
    text.lines().map(weight).sum()
}

/// What heaptrack_print sums up for one kind of cost.
pub(crate) fn heaptrack_sum(bench: &Bench, file: &Path, cost: &str) -> u64 {
    let folded = bench.path("heaptrack.folded");
    let mut command = tools::debian("heaptrack_print", "heaptrack");
    command.args(["--disable-builtin-suppressions", "--flamegraph-cost-type", cost, "-F"]).arg(&folded).arg(file);
    tools::output(&mut command);
    folded_sum(&std::fs::read_to_string(folded).expect("heaptrack_print wrote it"))
}

/// Sums by name that the reader of pprof from npm finds, and the stacks of what was lost.
pub(crate) fn pprof_sums(file: &Path) -> (BTreeMap<String, u64>, Vec<String>) {
    let text = tools::output(tools::node("pprof.js").arg(file));
    let (stacks, sums): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("stack "));
    let sums = sums.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[0].to_owned(), words[2].parse().expect("a number"))
    });
    (sums.collect(), stacks.into_iter().map(|line| line["stack ".len()..].to_owned()).collect())
}

#[test]
fn heaptrack_print_opens_what_is_for_heaptrack() {
    let bench = recorded("export-heaptrack", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let file = export(&bench, "app.rec", "heaptrack", &[]);
    assert_eq!(heaptrack_sum(&bench, &file, "leaked"), truth.live_bytes());
    assert_eq!(heaptrack_sum(&bench, &file, "peak"), truth.peak_bytes());
    assert_eq!(heaptrack_sum(&bench, &file, "allocations"), truth.sum(&["allocations"]));
    // Five that were freed at once, one that was freed wrongly, one of those that were held; the peak may need two.
    assert!((5..=7).contains(&heaptrack_sum(&bench, &file, "temporary")));
    let text = tools::output(tools::debian("heaptrack_print", "heaptrack").arg(&file));
    assert!(text.contains("300B peak memory consumed") && text.contains("lose_tree"), "{text}");
    // What comes back says the same.
    let back = Truth::of(&bench, "out.heaptrack.zst");
    assert_eq!(back.sum(&["live_bytes"]), truth.live_bytes());
    for total in ["allocations", "allocated_bytes", "peak_bytes"] {
        assert_eq!(back.sum(&[total]), truth.sum(&[total]), "{total}");
    }
}

#[test]
fn ms_print_opens_what_is_for_massif() {
    let bench = recorded("export-massif", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let file = export(&bench, "app.rec", "massif", &[]);
    let text = tools::output(tools::debian("ms_print", "valgrind").arg(&file));
    let totals: Vec<(u64, u64)> = text.lines().filter_map(massif_row).collect();
    let (_, last) = totals.last().expect("a row");
    assert_eq!(*last, truth.live_bytes(), "{text}");
    assert!(text.contains("(heap allocation functions)"), "{text}");
    // Memory between the snapshots is there, too, in the order of time, with one peak at most.
    assert!(2 < totals.len() && totals.is_sorted_by_key(|(at_ms, _)| at_ms), "{text}");
    let peaks = std::fs::read_to_string(file).expect("it was written").matches("heap_tree=peak").count();
    assert_eq!(peaks, 1);
}

/// Time and bytes in a row of ms_print's table: number, time, total, useful, extra, stacks.
fn massif_row(line: &str) -> Option<(u64, u64)> {
    let words: Vec<u64> = line.split_whitespace().map_while(|word| word.replace(',', "").parse().ok()).collect();
    (words.len() == 6 && line.split_whitespace().count() == 6).then(|| (words[1], words[2]))
}

#[test]
fn inferno_draws_folded_stacks() {
    let bench = recorded("export-folded", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    for (options, expected) in [
        (&[][..], truth.lost_bytes()),
        (&["--weight", "live-bytes"], truth.live_bytes()),
        (&["--weight", "allocated-blocks"], truth.sum(&["allocations"])),
        (&["--weight", "allocated-bytes"], truth.sum(&["allocated_bytes"])),
    ] {
        let file = export(&bench, "app.rec", "folded", options);
        let svg = tools::output(tools::inferno_flamegraph().arg(file));
        assert!(svg.contains(&format!("total_samples=\"{expected}\"")), "{options:?}: {expected}");
        assert!(svg.contains("<title>main ("), "{svg}");
    }
}

#[test]
fn speedscope_opens_what_is_for_it() {
    let bench = recorded("export-speedscope", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let file = export(&bench, "app.rec", "speedscope", &[]);
    let page = tools::output(tools::node("speedscope.js").arg(file));
    // Below one kilobyte it shows single bytes.
    assert!(truth.lost_bytes() < 1000);
    let name = page.lines().next().and_then(|title| title.strip_suffix(" - speedscope")).expect("a title");
    assert!(page.contains(&format!("lost bytes of {name}{} B", truth.lost_bytes())), "{page}");
}

#[test]
fn a_pprof_reader_opens_what_is_for_pprof() {
    let bench = recorded("export-pprof", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let (sums, stacks) = pprof_sums(&export(&bench, "app.rec", "pprof", &[]));
    assert_eq!(sums["lost_space"], truth.lost_bytes());
    assert_eq!(sums["lost_objects"], truth.sum(&["definitely_lost_blocks", "indirectly_lost_blocks"]));
    assert_eq!(sums["inuse_space"], truth.live_bytes());
    assert_eq!(sums["alloc_objects"], truth.sum(&["allocations"]));
    assert_eq!(sums["alloc_space"], truth.sum(&["allocated_bytes"]));
    assert!(stacks.iter().any(|stack| stack.ends_with(";main;lose")), "{stacks:?}");
    // Equal recordings give equal bytes, and what comes back says the same.
    let bytes = std::fs::read(bench.path("out.pprof")).expect("it was written");
    assert_eq!(std::fs::read(export(&bench, "app.rec", "pprof", &[])).expect("it was written"), bytes);
    let back = Truth::of(&bench, "out.pprof");
    assert_eq!(back.lost_bytes(), truth.lost_bytes());
    assert_eq!(back.live_bytes(), truth.live_bytes());
}

#[test]
fn a_pprof_reader_learns_how_samples_were_taken() {
    let bench = Bench::new("export-pprof-sampled");
    compile(&bench, "app", LEAKS, &[]);
    bench.run(["run", "--sample", "8KiB", "--record", "sampled.rec", "./app"]).status(0);
    assert_eq!(pprof_sums(&export(&bench, "sampled.rec", "pprof", &[])).0["period"], 8192);
    bench.run(["run", "--record", "app.rec", "./app"]).status(0);
    assert_eq!(pprof_sums(&export(&bench, "app.rec", "pprof", &[])).0["period"], 1);
}

#[test]
fn the_firefox_profile_is_whole() {
    let bench = recorded("export-firefox", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let text = std::fs::read_to_string(export(&bench, "app.rec", "firefox", &[])).expect("it was written");
    let profile: Value = serde_json::from_str(&text).expect("JSON");
    let meta = &profile["meta"];
    assert!(meta["preprocessedProfileVersion"].as_u64().is_some() && meta["version"].as_u64().is_some(), "{meta}");
    assert!(meta["startTime"].as_f64().is_some_and(|ms| 1.7e12 < ms) && meta["interval"].as_f64().is_some(), "{meta}");
    assert!(meta["categories"].as_array().is_some_and(|categories| !categories.is_empty()), "{meta}");
    assert!(profile["libs"].is_array(), "{text}");
    let threads = profile["threads"].as_array().expect("threads");
    let sums: Vec<i64> = threads.iter().map(retained_bytes).collect();
    assert_eq!(sums, [truth.live_bytes() as i64, truth.lost_bytes() as i64]);
    let (memory, allocated) = (&threads[0]["nativeAllocations"], truth.sum(&["allocated_bytes"]) as i64);
    let weights = memory["weight"].as_array().expect("weights").iter().filter_map(Value::as_i64);
    assert_eq!(weights.filter(|weight| 0 < *weight).sum::<i64>(), allocated);
}

/// Allocations less deallocations, of a thread whose tables are as the processed format wants them: every column as
/// long as its table says, every index leads somewhere, stacks come after their callers, and each address is freed
/// once, by as much as it was allocated, and not before.
fn retained_bytes(thread: &Value) -> i64 {
    let column = |table: &str, column: &str| {
        let values = thread[table][column].as_array().unwrap_or_else(|| panic!("no {column} in {table}: {thread}"));
        let length = thread[table]["length"].as_u64();
        assert_eq!(Some(values.len() as u64), length, "{column} of {table}");
        values.clone()
    };
    let in_range = |table: &str, name: &str, length: u64| {
        let all = column(table, name);
        assert!(
            all.iter().all(|value| value.is_null() || value.as_u64().is_some_and(|index| index < length)),
            "{name}"
        );
    };
    let length = |table: &str| thread[table]["length"].as_u64().expect("a length");
    in_range("nativeAllocations", "stack", length("stackTable"));
    in_range("stackTable", "frame", length("frameTable"));
    in_range("frameTable", "func", length("funcTable"));
    let is_after = |(index, prefix): (usize, &Value)| prefix.as_u64().is_none_or(|prefix| prefix < index as u64);
    assert!(column("stackTable", "prefix").iter().enumerate().all(is_after), "a caller comes after its callee");
    assert_eq!(thread["nativeAllocations"]["weightType"], "bytes");
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!(column("nativeAllocations", "time").iter().map(number).all(f64::is_finite));
    let weights = column("nativeAllocations", "weight");
    let mut held: BTreeMap<u64, i64> = BTreeMap::new();
    for (address, weight) in column("nativeAllocations", "memoryAddress").iter().zip(&weights) {
        let (address, weight) = (address.as_u64().expect("an address"), weight.as_i64().expect("a weight"));
        let before = held.insert(address, weight);
        assert!(before.is_none_or(|before| before == -weight) && (before.is_some() || 0 < weight), "{address}");
    }
    weights.iter().filter_map(Value::as_i64).sum()
}

#[test]
fn pythons_csv_reads_what_is_for_spreadsheets() {
    const SUM: &str = "import csv, sys\n\
        rows = list(csv.DictReader(open(sys.argv[1], newline='')))\n\
        for name in ('lost_bytes', 'live_bytes', 'allocated_bytes', 'temporary_blocks'):\n\
        \x20   print(sum(int(row[name]) for row in rows))\n\
        print(sum(row['function'] == 'lose' and row['line'] == '6' for row in rows))";
    let bench = recorded("export-csv", LEAKS);
    let truth = Truth::of(&bench, "app.rec");
    let file = export(&bench, "app.rec", "csv", &[]);
    let text = tools::output(tools::debian("python3", "python3").args(["-c", SUM]).arg(file));
    let expected = [truth.lost_bytes(), truth.live_bytes(), truth.sum(&["allocated_bytes"]), 7, 1];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected.map(|number| number.to_string()));
}

#[test]
fn every_format_holds_a_tree_and_one_process_can_be_chosen() {
    let bench = recorded("export-tree", FORKS);
    let truth = Truth::of(&bench, "app.rec");
    assert_eq!(truth.lost_bytes(), 77);
    let folded = std::fs::read_to_string(export(&bench, "app.rec", "folded", &[])).expect("it was written");
    let roots: Vec<&str> = folded.lines().filter_map(|line| line.split(';').next()).collect();
    assert!(roots.len() == 2 && roots.iter().all(|root| root.starts_with("app (")), "{folded}");
    let heaptrack = export(&bench, "app.rec", "heaptrack", &[]);
    assert_eq!(heaptrack_sum(&bench, &heaptrack, "leaked"), truth.live_bytes());
    assert_eq!(pprof_sums(&export(&bench, "app.rec", "pprof", &[])).0["lost_space"], 77);
    assert_eq!(Truth::of(&bench, "out.pprof").lost_bytes(), 77);
    let massif = export(&bench, "app.rec", "massif", &[]);
    assert!(tools::output(tools::debian("ms_print", "valgrind").arg(massif)).contains("(process)"));

    let pids: Vec<String> = roots.iter().map(|root| root["app (".len()..root.len() - 1].to_owned()).collect();
    let lost_of = |pid: &str| {
        let path = export(&bench, "app.rec", "folded", &["--process", pid]);
        folded_sum(&std::fs::read_to_string(path).expect("it was written"))
    };
    let mut lost: Vec<u64> = pids.iter().map(|pid| lost_of(pid)).collect();
    lost.sort_unstable();
    assert_eq!(lost, [33, 44]);
    let ended = bench.run(["report", "app.rec", "--process", "1"]);
    let (mut low, mut high) = (pids[0].clone(), pids[1].clone());
    if high < low {
        std::mem::swap(&mut low, &mut high);
    }
    ended.fails_with(&format!("error: the recording has no process 1\nhint: it has {low}, {high}"));
}

#[test]
fn what_is_not_there_is_said() {
    let bench = Bench::new("export-nothing");
    compile(&bench, "app", "int main() { return 0; }", &[]);
    bench.run(["run", "--record", "app.rec", "./app"]).status(0);
    for format in ["folded", "speedscope"] {
        let ended = bench.run(["report", "app.rec", "--format", format, "-o", "out"]).status(0);
        assert!(
            ended.stderr.contains("no lost bytes in this recording; `--weight` chooses others"),
            "{}",
            ended.stderr
        );
    }
    for format in ["heaptrack", "massif", "pprof", "firefox", "csv"] {
        bench.run(["report", "app.rec", "--format", format, "-o", "out"]).status(0);
    }
    // A run can go out without a recording.
    bench.run(["run", "--format", "pprof", "-o", "direct", "./app"]).status(0);
    pprof_sums(&bench.path("direct"));
}
