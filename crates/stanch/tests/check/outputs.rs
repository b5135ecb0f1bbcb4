//! Formats, statuses, suppressions.
use crate::bench::Bench;
use crate::project::{self, found, report};

const ONE: &str = "#include <stdlib.h>\n\nint main(int argc, char **argv)\n{\n    char *text = malloc(10);\n    \
                   if (argc > 1)\n        return 1;\n    free(text);\n    return 0;\n}\n";

#[test]
fn text_shows_a_path_with_its_source() {
    let bench = Bench::new("check-text");
    bench.write("one.c", ONE);
    let text = bench.run(["check", "one.c"]).status(1).stdout;
    assert!(text.starts_with("memory lost on some path at 1 place\n"), "{text}");
    for part in [
        "source: one.c (1 file analysed)",
        "lost on a path",
        "where  main  one.c:5",
        "    5 |     char *text = malloc(10);\n",
        "    6 |     if (argc > 1)\n",
        "^^^^^^",
        "next: look at one.c:5 in `main`",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    bench.write("one.c", ONE.replace("return 1", "argc = 0"));
    let text = bench.run(["check", "one.c"]).status(0).stdout;
    assert_eq!(text, "no leaks: no path through the source loses a block\n");
}

#[test]
fn json_names_what_was_analysed() {
    let bench = Bench::new("check-json");
    bench.write("one.c", ONE);
    let ended = bench.run(["check", "--format", "json", "one.c"]).status(1);
    let report = report(&ended);
    assert_eq!(report["schema"], "stanch-report/1");
    assert_eq!(report["subject"]["command"], serde_json::json!(["one.c"]));
    assert_eq!(found(&report), ["leak/lost-on-path 10"]);
    let finding = &report["findings"][0];
    assert_eq!(finding["kind"], "lost_on_path");
    assert_eq!(finding["site"]["allocator"], "malloc");
    assert_eq!(finding["fingerprint"].as_str().map(str::len), Some(16));
}

#[test]
fn sarif_has_the_path_as_code_flow() {
    let bench = Bench::new("check-sarif");
    bench.write("one.c", ONE);
    let text = bench.run(["check", "--format", "sarif", "one.c"]).status(1).stdout;
    let document: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let result = &document["runs"][0]["results"][0];
    let steps = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().expect("an array");
    let lines: Vec<&serde_json::Value> =
        steps.iter().map(|step| &step["location"]["physicalLocation"]["region"]["startLine"]).collect();
    assert_eq!((lines[0].as_u64(), lines[lines.len() - 1].as_u64()), (Some(5), Some(10)), "{result:#}");
    let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(uri, &serde_json::json!({"uri": "one.c", "uriBaseId": "SRCROOT"}));
}

#[test]
fn limits_rules_and_suppressions_decide_the_status() {
    let bench = Bench::new("check-status");
    bench.write("one.c", ONE);
    bench.run(["check", "--fail-on", "never", "one.c"]).status(0);
    bench.run(["check", "--rule", "leak/lost-on-path", "one.c"]).status(1);
    bench.run(["check", "--rule", "memory/double-release", "one.c"]).status(0);
    bench.write("mine.toml", "[[suppress]]\nname = \"known\"\nreason = \"on purpose\"\nfunction = \"main\"\n");
    let text = bench.run(["check", "--suppressions", "mine.toml", "one.c"]).status(0).stdout;
    assert!(text.starts_with("no leaks besides 1 suppressed finding"), "{text}");
}

#[test]
fn models_of_ones_own_are_used() {
    let bench = Bench::new("check-models");
    let source = "struct thing;\nstruct thing *thing_get(void);\nvoid thing_put(struct thing *);\n\
                  int main(int argc, char **argv)\n{\n    struct thing *thing = thing_get();\n    if (argc > 1)\n\
                  return 1;\n    thing_put(thing);\n    return 0;\n}\n";
    bench.write("one.c", source);
    bench.run(["check", "one.c"]).status(0);
    bench.write(
        "mine.toml",
        "[[family]]\nname = \"thing\"\nreleaser = \"thing_put\"\n\n[[function]]\nnames = [\"thing_get\"]\n\
         outcomes = [{ returns = \"new(thing)\" }]\n\n[[function]]\nnames = [\"thing_put\"]\n\
         outcomes = [{ effects = [\"release(arg0, thing)\"] }]\n",
    );
    let ended = bench.run(["check", "--models", "mine.toml", "--format", "json", "one.c"]).status(1);
    assert_eq!(found(&report(&ended)), ["leak/lost-on-path 11"]);
}

/// The same leak has one fingerprint, whether it was seen in the source or when it ran.
#[test]
fn a_leak_in_source_and_at_run_time_is_one() {
    let bench = Bench::new("check-fingerprint");
    project::write(&bench);
    let checked = report(&bench.run(["check", "--format", "json"]).status(1));
    let build = "gcc -g -Iinclude -o app src/main.c src/make.c";
    let built = std::process::Command::new("sh").args(["-c", build]).current_dir(&bench.folder).status();
    assert!(built.expect("sh starts").success());
    let ended = bench.run(["run", "--format", "json", "-o", "-", "--", "./app", "1", "2", "3"]).status(1);
    let ran = crate::bench::reports(&ended.stdout).remove(0);
    assert_eq!(checked["findings"][0]["fingerprint"], ran["findings"][0]["fingerprint"]);
}
