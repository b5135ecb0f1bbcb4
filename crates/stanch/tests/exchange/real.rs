//! Recordings of real programs, in the formats that carry whole totals.
use crate::bench::Bench;
use crate::exports::{Truth, compile, export, heaptrack_sum, pprof_sums};
use crate::tools;

/// Twenty threads that build and drop containers; each loses a block.
const THREADS: &str = r#"
#include <map>
#include <string>
#include <thread>
#include <vector>
__attribute__((noinline)) static void work(int seed) {
    std::map<int, std::string> held;
    for (int i = 0; i < 500; i++) held[i * seed % 97] = std::string(40 + i % 60, 'x');
    *new volatile char[10 + seed] = 1;
}
int main() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; i++) threads.emplace_back(work, i);
    for (auto &thread : threads) thread.join();
}
"#;

/// Records a command and holds heaptrack's and pprof's totals, and those of folded stacks, against the report's.
fn check(bench: &Bench, command: &[&str]) {
    let mut run = bench.stanch(["run", "--record", "app.rec", "--"]);
    bench.finish(run.args(command)).status(0);
    let truth = Truth::of(bench, "app.rec");
    let heaptrack = export(bench, "app.rec", "heaptrack", &[]);
    assert_eq!(heaptrack_sum(bench, &heaptrack, "leaked"), truth.live_bytes(), "{command:?}");
    assert_eq!(heaptrack_sum(bench, &heaptrack, "peak"), truth.peak_bytes(), "{command:?}");
    assert_eq!(heaptrack_sum(bench, &heaptrack, "allocations"), truth.sum(&["allocations"]), "{command:?}");
    let (sums, _) = pprof_sums(&export(bench, "app.rec", "pprof", &[]));
    assert_eq!(sums["lost_space"], truth.lost_bytes(), "{command:?}");
    assert_eq!(sums["inuse_space"], truth.live_bytes(), "{command:?}");
    assert_eq!(sums["alloc_space"], truth.sum(&["allocated_bytes"]), "{command:?}");
    let folded = export(bench, "app.rec", "folded", &["--weight", "live-bytes"]);
    let svg = tools::output(tools::inferno_flamegraph().arg(folded));
    assert!(svg.contains(&format!("total_samples=\"{}\"", truth.live_bytes())), "{command:?}");
}

#[test]
fn python() {
    let bench = Bench::new("export-python");
    tools::debian("python3", "python3");
    check(&bench, &["/usr/bin/python3", "-c", "import json; print(len(json.dumps(list(range(1000)))))"]);
}

#[test]
fn sqlite() {
    let bench = Bench::new("export-sqlite");
    tools::debian("sqlite3", "sqlite3");
    let statement = "create table t(a); insert into t values (1), (2), (3); select sum(a) from t;";
    check(&bench, &["sqlite3", ":memory:", statement]);
}

#[test]
fn a_compiler_and_its_children() {
    let bench = Bench::new("export-gcc");
    bench.write("small.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    check(&bench, &["gcc", "-c", "small.c", "-o", "small.o"]);
}

#[test]
fn twenty_threads() {
    let bench = Bench::new("export-threads");
    compile(&bench, "app", THREADS, &[]);
    check(&bench, &["./app"]);
}
