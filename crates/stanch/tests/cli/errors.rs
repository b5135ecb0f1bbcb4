//! What is said where Stanch cannot do its job: what, on what, why, what to do next.
use crate::bench::Bench;
use crate::programs::{ECHO, LEAKS, WAITS};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

#[test]
fn programs_that_cannot_be_started() {
    let bench = Bench::new("errors-start");
    let script = bench.write("not-a-program", "echo hello\n");
    bench
        .run(["run", "./not-a-program"])
        .fails_with("error: `./not-a-program` is not executable; `chmod +x ./not-a-program` makes it so");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    bench.run(["run", "./not-a-program"]).fails_with(
        "error: cannot start `./not-a-program`: Exec format error\nhint: a script begins with a line such as \
         `#!/bin/sh`",
    );
    bench.run(["run", "--", "./nosuch"]).fails_with(
        "error: cannot find program `./nosuch`\nhint: there is no file of this name; is it built, and the path right?",
    );
    bench.run(["run", "no-such-program"]).fails_with(
        "error: cannot find program `no-such-program`\nhint: it is in no folder of PATH; give its path, such as \
         `./NAME`",
    );
    bench.run(["run", "not-a-program"]).fails_with(
        "error: cannot find program `not-a-program` in PATH; the file in this folder is meant with `./not-a-program`",
    );
    bench.run(["run", "/usr"]).fails_with("error: `/usr` is a folder, not a program\nhint: name the program in it");
    bench.run(["run", ""]).status(2);
}

#[test]
fn programs_that_cannot_be_recorded() {
    let bench = Bench::new("errors-record");
    bench.compile_with("static", ECHO, &["-static"]);
    let ended = bench.run(["run", "./static"]).status(2);
    assert!(
        ended.stderr.starts_with("error: `./static` is statically linked: nothing can be loaded into it\nhint: "),
        "{}",
        ended.stderr
    );
    let elf_32 = bench.write("elf32", [b"\x7fELF\x01\x01\x01".as_slice(), &[0; 100]].concat());
    fs::set_permissions(&elf_32, fs::Permissions::from_mode(0o755)).expect("it is ours");
    bench.run(["run", "./elf32"]).fails_with(
        "error: `./elf32` is not a 64-bit x86 program, which is the only kind that can be recorded yet\nhint: \
         build it for x86-64",
    );
}

#[test]
fn a_misspelt_flag_is_no_program() {
    let bench = Bench::new("errors-flag");
    let ended = bench.run(["run", "--recrod", "a", "true"]).status(2);
    assert!(ended.stderr.contains("'--record'"), "{}", ended.stderr);
}

#[test]
fn recordings_that_cannot_be_read() {
    let bench = Bench::new("errors-read");
    bench.run(["report", "nosuch"]).fails_with("error: cannot read `nosuch`: No such file or directory");
    bench.run(["report", "."]).fails_with("error: cannot read `.`: Is a directory");
    for text in ["", "garbage", "STANCHR", "\x7fELF, and then nothing of the sort, for longer than a header is"] {
        bench.write("bad", text);
        bench.run(["report", "bad"]).fails_with(
            "error: cannot read `bad`: neither a recording nor a file of another tool that is known\nhint: `stanch run \
             --record FILE -- PROGRAM` writes recordings; files of heaptrack, pprof, jemalloc, tcmalloc, valgrind \
             (XML) and LeakSanitizer are read, too",
        );
    }
}

#[test]
fn a_recording_of_nothing_says_so() {
    let bench = Bench::new("errors-nothing");
    bench.write("bad", "STANCHRC, and then nothing of the sort, for longer than a header is");
    let ended = bench.run(["report", "bad"]).status(0);
    assert!(
        ended.stdout.starts_with("no leaks seen, but not everything could be seen\n\nnot seen:\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_is_left_of_a_recording_is_reported() {
    let bench = Bench::new("errors-truncated");
    bench.compile("app", LEAKS);
    bench.run(["run", "--record", "app.rec", "./app"]).status(3);
    let whole = fs::read(bench.path("app.rec")).expect("it was written");
    for length in (0..whole.len()).step_by(7) {
        bench.write("cut.rec", &whole[..length]);
        let ended = bench.run(["report", "cut.rec"]);
        assert!([0, 2].contains(&ended.status) && !ended.stderr.contains("panicked"), "{length}: {}", ended.stderr);
        assert!(ended.status == 2 || ended.stdout.contains("not seen:"), "{length}: {}", ended.stdout);
    }
}

#[test]
fn places_that_cannot_be_written_are_found_before_the_program_runs() {
    let bench = Bench::new("errors-write");
    let source = "#include <stdio.h>\nint main(void) { puts(\"it ran\"); return 0; }";
    bench.compile("app", source);
    bench.run(["run", "-o", "no/where", "./app"]).fails_with(
        "error: cannot write the report to `no/where`: there is no folder `no`\nhint: `mkdir -p no` makes it",
    );
    bench.run(["run", "--record", "/no/where", "./app"]).fails_with(
        "error: cannot write the recording to `/no/where`: there is no folder `/no`\nhint: `mkdir -p /no` makes it",
    );
    bench
        .run(["run", "--record", ".", "./app"])
        .fails_with("error: cannot write the recording to `.`: it is a folder\nhint: name a file in it");
    bench.run(["run", "--record", "a", "-o", "a", "./app"]).fails_with(
        "error: cannot write both the recording and the report to one file\nhint: give `--record` or `--output` \
         another name",
    );
    bench.run(["run", "-o", "/proc/report", "./app"]).status(2);
    assert_eq!(bench.run(["run", "./app"]).status(0).stdout, "it ran\n");
}

#[test]
fn suppressions_that_cannot_be_read() {
    let bench = Bench::new("errors-suppressions");
    let run = |file: &str| bench.run(["run", "--suppressions", file, "true"]);
    run("nosuch").fails_with("error: cannot read suppressions `nosuch`: No such file or directory");
    bench.write("lsan", "# comment\nleak:foo\nbar\n");
    run("lsan").fails_with(
        "error: cannot read suppressions at `lsan:3`: `bar` has no type: write `leak:` and a pattern, for \
         example `leak:libfoo`",
    );
    bench.write("valgrind", "{\n   name\n   Memcheck:Leak\n   fun:malloc\n");
    run("valgrind").fails_with(
        "error: cannot read suppressions at `valgrind:1`: the entry that begins here has no end: close it with \
         `}` on a line of its own",
    );
    bench.write("own", "\n[[suppress]]\nfunction = \"f\"\n");
    run("own").fails_with(
        "error: cannot read suppressions at `own:2`: `reason` is missing: say why the leak is accepted, for \
         example `reason = \"freed by the driver\"`",
    );
}

#[test]
fn processes_without_a_snapshot() {
    let bench = Bench::new("errors-snapshot");
    bench.run(["snapshot", "999999999"]).fails_with("error: there is no process 999999999");
    let own = std::process::id();
    bench
        .run(["snapshot", &own.to_string()])
        .fails_with(&format!("error: process {own} is not being recorded; start it with `stanch run -- PROGRAM`"));
    bench.run(["snapshot", "abc"]).status(2);
    bench.run(["snapshot", "-1"]).status(2);
    bench.compile("app", WAITS);
    let mut exited =
        bench.stanch(["run", "./app"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    exited.kill().expect("it is our child");
    // Not waited for yet: it has ended and is still there.
    let pid = exited.id();
    crate::bench::eventually("a zombie", || {
        let ended = bench.run(["snapshot", &pid.to_string()]);
        (ended.stderr.trim() == format!("error: process {pid} has ended")).then_some(())
    });
    exited.wait().expect("it is our child");
    bench.run(["snapshot", &pid.to_string()]).fails_with(&format!("error: there is no process {pid}"));
}

#[test]
fn a_broken_pipe_is_no_error() {
    let bench = Bench::new("errors-pipe");
    bench.compile("app", LEAKS);
    bench.run(["run", "--record", "app.rec", "./app"]).status(3);
    for args in [
        ["report", "app.rec"].as_slice(),
        &["run", "./app"],
        &["run", "--linger", "0", "./app"],
        &["--help"],
        &["report", "nosuch"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = bench.stanch(args);
        let mut child =
            command.stdout(writer.try_clone().expect("one more")).stderr(writer).spawn().expect("it starts");
        let status = child.wait().expect("it is our child").code();
        let expected = match args[0] {
            "run" => 3,
            _ if args.contains(&"nosuch") => 2,
            _ => 0,
        };
        assert_eq!(status, Some(expected), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let bench = Bench::new("errors-full");
    bench.compile("app", LEAKS);
    bench.run(["run", "--record", "app.rec", "./app"]).status(3);
    bench.run(["report", "app.rec", "-o", "/dev/full"]).status(2);
    // The report is not lost with the recording.
    let ended = bench.run(["run", "--record", "/dev/full", "./app"]).status(2);
    assert!(ended.stderr.starts_with("lost "), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("error: cannot write the recording to `/dev/full`: No space left on device\n"),
        "{}",
        ended.stderr
    );
}
