//! Compiling by the clang that is installed, and by programs that pretend to be one.
use super::*;
use crate::source::Language;

fn plan() -> CompilePlan {
    let clang = Clang::newest(OsStr::new("/usr/bin")).unwrap();
    CompilePlan { clang, jobs: NonZeroUsize::new(2).unwrap(), time_limit: Duration::from_secs(60) }
}

fn unit(folder: &Path, name: &str, flags: &[&str]) -> Unit {
    let is_cplusplus = name.ends_with(".cc");
    Unit {
        folder: folder.to_owned(),
        file: name.into(),
        language: if is_cplusplus { Language::Cplusplus } else { Language::C },
        flags: flags.iter().map(OsString::from).collect(),
        output: None,
        environment: Vec::new(),
    }
}

/// A program that behaves as `script` says when it is taken for clang.
fn pretender(folder: &Path, script: &str) -> CompilePlan {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("clang");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let clang = Clang { path, major: 19, version: "19".to_owned() };
    CompilePlan { clang, jobs: NonZeroUsize::MIN, time_limit: Duration::from_millis(500) }
}

#[test]
fn each_unit_gives_ir_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("good.c"), "int main(void) { return 0; }\n").unwrap();
    std::fs::write(at.join("-dash.c"), "int dash(void) { return implied(); }\n").unwrap();
    std::fs::write(at.join("bad.c"), "\nint main(void) { return 0 }\n").unwrap();
    std::fs::write(at.join("new.cc"), "#if __cplusplus < 202002L\n#error old\n#endif\nint x = 1;\n").unwrap();
    let units = [
        unit(at, "good.c", &["-mno-such-thing", "-march=no-such-machine", "-std=gnu17"]),
        unit(at, "-dash.c", &[]),
        unit(at, "bad.c", &[]),
        unit(at, "absent.c", &[]),
        unit(&at.join("gone"), "good.c", &[]),
        unit(at, "new.cc", &["-std=gnu++26"]),
    ];
    let results = compile_all(&units, &plan(), &|text| text.contains("define"), &|_| {});
    let texts: Vec<String> = results
        .iter()
        .map(|result| match result {
            Ok(has_code) => has_code.to_string(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(texts[0], "true");
    assert_eq!(texts[1], "true");
    assert!(texts[2].starts_with("it does not compile: bad.c:2:") && texts[2].contains("expected ';'"), "{}", texts[2]);
    assert_eq!(texts[3], "there is no such file");
    assert!(texts[4].contains("/gone` that it is compiled in is not there"), "{}", texts[4]);
    assert_eq!(texts[5], "false");
}

#[test]
fn a_compiler_that_hangs_or_crashes_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("a.c"), "").unwrap();
    let result = |script: &str| {
        let plan = pretender(at, script);
        compile_all(&[unit(at, "a.c", &[])], &plan, &|text| text, &|_| {}).remove(0)
    };
    assert!(matches!(result("exec sleep 60"), Err(CompileError::Slow(_))));
    assert!(matches!(result("exec >&- 2>&-; exec sleep 60"), Err(CompileError::Slow(_))));
    assert!(matches!(result("kill -SEGV $$"), Err(CompileError::Crashed(11))));
    assert!(matches!(result("echo 'PLEASE submit a bug report' >&2; exit 139"), Err(CompileError::Crashed(11))));
    assert!(matches!(result("exit 3"), Err(CompileError::Refused(text)) if text.contains("said nothing")));
    assert_eq!(result("printf 'a\\377'").unwrap(), "a\u{fffd}");
}

#[test]
fn refused_flags_are_found_in_messages() {
    let flags: Vec<OsString> = ["-mfoo", "-DX='y'", "-std=gnu23", "-march=abc"].map(OsString::from).to_vec();
    let fewer = |messages: &str| {
        without_refused(&flags, messages)
            .map(|flags| flags.iter().map(|flag| flag.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(fewer("clang: error: unknown argument: '-mfoo'").as_deref(), Some("-DX='y' -std=gnu23 -march=abc"));
    assert_eq!(fewer("error: unknown target CPU 'abc'").as_deref(), Some("-mfoo -DX='y' -std=gnu23"));
    let standard = "error: invalid value 'gnu23' in '-std=gnu23'";
    assert_eq!(fewer(standard).as_deref(), Some("-mfoo -DX='y' -std=gnu2x -march=abc"));
    assert_eq!(fewer("a.c:1:2: error: unknown type name '-mfoo'"), None);
}
