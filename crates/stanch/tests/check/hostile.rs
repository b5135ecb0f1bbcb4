//! What nobody should hand it: each has a clear error, or is named, and nothing panics.
use crate::bench::Bench;
use crate::project::{self, gaps, report};
use std::os::unix::fs::PermissionsExt;

const NO_DATABASE: &str = "hint: `stanch check -- make` learns from a build how files are compiled; CMake writes \
                           compile_commands.json with `-DCMAKE_EXPORT_COMPILE_COMMANDS=ON`, Meson always does";

#[test]
fn databases_that_are_none() {
    let bench = Bench::new("check-no-database");
    bench.write("compile_commands.json", "[]");
    bench.run(["check"]).fails_with(
        "error: `./compile_commands.json` is empty: it names no source file\n\
         hint: configure and build the project anew, or run `stanch check -- BUILD COMMAND`",
    );
    bench.write("compile_commands.json", "{\"a\": 1}");
    let ended = bench.run(["check"]).status(2);
    assert!(
        ended.stderr.starts_with("error: `./compile_commands.json` is not a compile database: "),
        "{}",
        ended.stderr
    );
    bench
        .run(["check", "-p", "absent"])
        .fails_with(&format!("error: cannot read `absent`: No such file or directory\n{NO_DATABASE}"));
}

#[test]
fn nothing_to_analyse_is_never_success() {
    let bench = Bench::new("check-nothing");
    let folder = bench.folder.display().to_string();
    bench.run(["check"]).fails_with(&format!(
        "error: there is no compile_commands.json in `{folder}`, and no C or C++ source\n{NO_DATABASE}"
    ));
    bench.write("compile_commands.json", r#"[{"directory": "/", "command": "cc -c gone.c", "file": "gone.c"}]"#);
    bench.run(["check"]).fails_with(
        "error: nothing was analysed:\n  gone.c: there is no such file\n\
         hint: the database may be of another machine, or the build may not have run yet: build the project first",
    );
    bench.write("broken.c", "int main(void) { return 0 }\n");
    let ended = bench.run(["check", "--format", "sarif", "broken.c"]).status(2);
    assert!(
        ended.stderr.contains("broken.c: it does not compile: broken.c:1:26: error: expected ';'"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "");
    bench.write("notes.txt", "");
    let ended = bench.run(["check", "notes.txt"]).status(2);
    assert!(ended.stderr.contains("notes.txt: its name is that of neither a C nor a C++ source file"));
    bench.run(["check", "absent.c"]).fails_with("error: cannot read `absent.c`: No such file or directory");
}

#[test]
fn flags_of_an_unknown_compiler() {
    let bench = Bench::new("check-flags");
    project::write(&bench);
    let folder = bench.folder.display().to_string();
    let flags = "--mystery=1 -Iinclude -mfrobnicate -fno-such-thing -march=none -std=gnu99 -Wp,-MD,x.d -MF y.d \
                 -fplugin=z.so -specs=q -Xlinker w --coverage -save-temps -o z.o";
    let entries = ["main.c", "make.c"].map(|file| {
        format!(r#"{{"directory": "{folder}", "command": "kcc {flags} -c src/{file}", "file": "src/{file}"}}"#)
    });
    bench.write("compile_commands.json", format!("[{}]", entries.join(",")));
    let before = listing(&bench);
    project::has_its_leak(bench.run(["check", "--format", "json"]));
    assert_eq!(listing(&bench), before, "a check writes nothing beside its report");
}

/// Names in the folder, without those of the test's own files.
fn listing(bench: &Bench) -> Vec<String> {
    let entries = std::fs::read_dir(&bench.folder).expect("it is ours").filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != "stdout" && name != "stderr").collect();
    names.sort();
    names
}

/// A program that behaves as `script` says when it is taken for clang.
fn pretender(bench: &Bench, script: &str) {
    let version = "[ \"$1\" = --version ] && { echo clang version 19.0; exit; }";
    let path = bench.write("clang", format!("#!/bin/sh\n{version}\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn a_clang_that_hangs_crashes_or_talks_nonsense() {
    let bench = Bench::new("check-clang");
    bench.write("a.c", "int main(void) { return 0; }\n");
    let check = || bench.run(["check", "--clang", "./clang", "--compile-limit", "1", "--format", "json", "a.c"]);
    for (script, why) in [
        ("exec sleep 30", "a.c: clang took more than 1 s and was ended"),
        ("kill -SEGV $$", "a.c: clang crashed (signal 11)"),
        ("exit 1", "a.c: it does not compile: clang ended with exit status: 1 and said nothing"),
    ] {
        pretender(&bench, script);
        let ended = check().status(2);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    pretender(&bench, "echo 'define i32 @main( {{{ !!! \\377'; echo 'ret %%'");
    let ended = check();
    assert!(ended.status == 0 || ended.status == 2, "{}{}", ended.stdout, ended.stderr);
    if ended.status == 0 {
        assert!(!gaps(&report(&ended)).is_empty(), "{}", ended.stdout);
    }
}

#[test]
fn a_clang_that_is_none() {
    let bench = Bench::new("check-no-clang");
    bench.write("a.c", "int main(void) { return 0; }\n");
    let hint = "hint: `--clang` and STANCH_CLANG take the path of a clang; without them the newest is found";
    bench
        .run(["check", "--clang", "/bin/true", "a.c"])
        .fails_with(&format!("error: `/bin/true` is not clang: `--version` does not say so\n{hint}"));
    bench
        .run(["check", "--clang", "./absent", "a.c"])
        .fails_with(&format!("error: cannot start `./absent`: No such file or directory\n{hint}"));
}

#[test]
fn folders_that_cannot_be_read() {
    let bench = Bench::new("check-unreadable");
    // Root may read everything, so a loop of links stands for what cannot be.
    std::os::unix::fs::symlink("loop", bench.path("loop")).expect("the folder can be written");
    let ended = bench.run(["check", "loop"]).status(2);
    assert!(ended.stderr.starts_with("error: cannot read `loop`: "), "{}", ended.stderr);
}

#[test]
fn models_rules_and_formats_that_are_none() {
    let bench = Bench::new("check-usage");
    bench.write("a.c", "int main(void) { return 0; }\n");
    bench.write("mine.toml", "[[function]]\nnames = [\"f\"]\noutcomes = [{ returns = \"arx\" }]\n");
    bench
        .run(["check", "--models", "mine.toml", "a.c"])
        .fails_with("error: model of `f` in `mine.toml`: cannot read `arx`: expected a value at `arx`");
    let ended = bench.run(["check", "--rule", "leak/nonsense", "a.c"]).status(2);
    assert!(ended.stderr.starts_with("error: there is no rule `leak/nonsense`\nhint: rules are "), "{}", ended.stderr);
    for format in ["pprof", "html"] {
        bench.run(["check", "--format", format, "-o", "out", "a.c"]).fails_with(
            "error: findings in source do not come in this format\nhint: give `--format text`, `json` or `sarif`",
        );
    }
}
