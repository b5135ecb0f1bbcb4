//! Databases, files and folders.
use crate::bench::Bench;
use crate::project::{self, found, gaps, has_its_leak, report};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn files_are_one_program() {
    let bench = Bench::new("check-files");
    project::write(&bench);
    has_its_leak(bench.run(["check", "src/main.c", "src/make.c", "--flag=-Iinclude", "--format", "json"]));
}

#[test]
fn a_folder_without_a_database_is_taken_as_it_is() {
    let bench = Bench::new("check-folder");
    project::write(&bench);
    let ended = bench.run(["check", "--format", "json"]);
    assert!(ended.stderr.contains("there is no compile_commands.json: taking the 2 source files below"));
    has_its_leak(ended);
    has_its_leak(bench.run(["check", "--format", "json", "src", "include"]));
}

#[test]
fn a_database_in_a_build_folder_is_found() {
    let bench = Bench::new("check-database");
    project::write(&bench);
    let folder = bench.folder.display().to_string();
    let entry = |file: &str| {
        format!(r#"{{"directory": "{folder}", "command": "cc -Iinclude -O2 -c src/{file}", "file": "src/{file}"}}"#)
    };
    bench.write("out/compile_commands.json", format!("[{}, {}]", entry("main.c"), entry("make.c")));
    has_its_leak(bench.run(["check", "--format", "json"]));
    has_its_leak(bench.run(["check", "--format", "json", "-p", "out"]));
    has_its_leak(bench.run(["check", "--format", "json", "-p", "out", "src"]));
    let one = bench.run(["check", "--format", "json", "-p", "out", "src/make.c"]).status(0);
    assert_eq!(found(&report(&one)), Vec::<String>::new());
}

#[test]
fn a_file_that_does_not_compile_is_named_and_the_rest_goes_on() {
    let bench = Bench::new("check-broken");
    project::write(&bench);
    bench.write("src/broken.c", "int f(void)\n{\n    return nothing;\n}\n");
    let report = report(&bench.run(["check", "--format", "json"]).status(1));
    assert_eq!(found(&report), ["leak/lost-on-path 13"]);
    let gaps = gaps(&report);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].contains("src/broken.c: it does not compile: "), "{gaps:?}");
    assert!(gaps[0].contains("broken.c:3:12: error: use of undeclared identifier 'nothing'"), "{gaps:?}");
}

#[test]
fn paths_need_not_be_text() {
    let bench = Bench::new("check-bytes");
    let name = OsStr::from_bytes(b"caf\xe9 'x'.c");
    std::fs::write(bench.folder.join(name), "#include <stdlib.h>\nint main(void) { malloc(9); return 0; }\n")
        .expect("the folder can be written");
    let ended = bench.run([OsStr::new("check"), OsStr::new("--format=json"), name]).status(1);
    assert_eq!(report(&ended)["findings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn several_programs_in_one_folder_stay_apart() {
    let bench = Bench::new("check-programs");
    let clean = "#include <stdlib.h>\nchar *make(int);\nint main(void) { free(make(3)); return 0; }\n";
    let leaking = "#include <stdlib.h>\nchar *make(int);\nint main(void)\n{\n    make(3);\n    return 0;\n}\n";
    let make = "#include <stdlib.h>\nchar *make(int size) { return malloc(size); }\n";
    for (folder, main) in [("one", clean), ("two", leaking)] {
        bench.write(&format!("{folder}/main.c"), main);
        bench.write(&format!("{folder}/make.c"), make);
    }
    let report = report(&bench.run(["check", "--format", "json"]).status(1));
    let stack = report["findings"][0]["site"]["stack"].as_array().expect("an array").clone();
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert!(stack[0]["file"].as_str().expect("a file").ends_with("two/make.c"), "{stack:?}");
}
