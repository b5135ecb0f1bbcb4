//! Builds that are watched.
use crate::bench::{Bench, Ended};
use crate::project::{self, gaps, has_its_leak, report};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn check(bench: &Bench, command: &[&str]) -> Ended {
    bench.run(["check", "--format", "json", "-o", "report.json", "--"].iter().chain(command))
}

/// Runs the build; the report is in a file, since the build has standard output.
fn checked(bench: &Bench, command: &[&str]) -> Ended {
    let ended = check(bench, command);
    let stdout = std::fs::read_to_string(bench.path("report.json")).unwrap_or_default();
    Ended { stdout, ..ended }
}

const MAKEFILE: &str = "CC = gcc\n\
    app: main.o libmake.a\n\t$(CC) -o $@ main.o -L. -lmake\n\
    main.o: src/main.c\n\t$(CC) -O2 -MD -MF main.d -fanalyzer -Iinclude -c -o $@ $<\n\
    libmake.a: make.o\n\tar rcs $@ $^\n\
    make.o: src/make.c\n\t@echo '-Iinclude -DFROM_FILE' > flags\n\t$(CC) @flags -c -o $@ $<\n\trm flags\n";

#[test]
fn make_with_a_library_and_a_response_file() {
    let bench = Bench::new("check-make");
    project::write(&bench);
    bench.write("Makefile", MAKEFILE);
    has_its_leak(checked(&bench, &["make", "-j2"]));
    // What it built is what it would have built.
    assert_eq!(Command::new(bench.path("app")).status().expect("it was built").code(), Some(0));
}

#[test]
fn compilers_behind_paths_caches_environments_and_scripts() {
    let bench = Bench::new("check-wrapped");
    project::write(&bench);
    let script = bench.write("mycc", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let line = "env - /usr/bin/gcc -Iinclude -c src/main.c && CCACHE_DIR=$PWD/cache ccache gcc -Iinclude -c src/make.c";
    has_its_leak(checked(&bench, &["sh", "-c", &format!("{line} && CCACHE_DIR=$PWD/cache {line}")]));
    let line = "./mycc -Iinclude -c src/main.c; C_INCLUDE_PATH=include x86_64-linux-gnu-gcc -c src/make.c";
    has_its_leak(checked(&bench, &["sh", "-c", line]));
    has_its_leak(checked(&bench, &["gcc", "-Iinclude", "src/main.c", "src/make.c", "-o", "app"]));
}

#[test]
fn cmake_and_ninja() {
    let bench = Bench::new("check-cmake");
    project::write(&bench);
    bench.write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.20)\nproject(app C)\nadd_library(make STATIC src/make.c)\n\
         target_include_directories(make PUBLIC include)\nadd_executable(app src/main.c)\n\
         target_link_libraries(app make)\n",
    );
    // Configuring tries compilers out; that is no part of the program.
    has_its_leak(checked(&bench, &["sh", "-c", "cmake -G Ninja -B build . && ninja -C build"]));
    let configured = Command::new("cmake")
        .args(["-B", "build", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "."])
        .current_dir(&bench.folder)
        .output()
        .expect("cmake is missing: apt-get install cmake");
    assert!(configured.status.success());
    has_its_leak(bench.run(["check", "--format", "json"]));
    has_its_leak(bench.run(["check", "--format", "json", "-p", "build"]));
}

#[test]
fn the_builds_output_and_failure_stay_its_own() {
    let bench = Bench::new("check-failing");
    project::write(&bench);
    let script = "echo to stdout; echo to stderr >&2; gcc -Iinclude -c src/main.c; gcc -Iinclude -c src/make.c; exit 3";
    let ended = check(&bench, &["sh", "-c", script]).status(1);
    assert_eq!(ended.stdout, "to stdout\n");
    assert!(ended.stderr.starts_with("to stderr\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("ended with status 3: what it compiled until then is analysed"), "{}", ended.stderr);
    let report = report(&checked(&bench, &["sh", "-c", script]));
    assert_eq!(report["subject"]["exit_status"], 3);
    assert!(gaps(&report)[0].starts_with("what the build did not come to: "), "{report:#}");
}

#[test]
fn a_build_that_compiles_nothing_is_no_success() {
    let bench = Bench::new("check-up-to-date");
    check(&bench, &["true"]).fails_with(
        "error: nothing was analysed: `true` ended with status 0, and it started no compiler\n\
         hint: a build compiles only what is not up to date; run `make clean`, or the like, before",
    );
    check(&bench, &["no-such-command"]).fails_with(
        "error: cannot watch `no-such-command`: No such file or directory\n\
         hint: is it installed, and the path right?",
    );
}

/// Programs that the build has made and runs are let go: a tracer would change what they do.
#[test]
fn programs_that_the_build_made_may_trace() {
    let bench = Bench::new("check-traced");
    project::write(&bench);
    bench.write(
        "selftest.c",
        "#include <sys/ptrace.h>\nint main(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 ? 0 : 9; }\n",
    );
    let script = "gcc -o selftest selftest.c && ./selftest && gcc -Iinclude src/main.c src/make.c";
    let ended = checked(&bench, &["sh", "-c", script]);
    assert_eq!(report(&ended)["subject"]["exit_status"], 0);
}
