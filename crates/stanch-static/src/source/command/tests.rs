//! Commands of builds as people write them, and what is made of them.
use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

fn heard(line: &str) -> Option<Understood> {
    of_build(Path::new("/b"), &words(line), &[])
}

/// `file language flags output` of each unit.
fn units(line: &str) -> Vec<String> {
    let heard = heard(line).unwrap_or_default();
    let text = |unit: &Unit| {
        let flags: Vec<_> = unit.flags.iter().map(|flag| flag.to_string_lossy()).collect();
        let output = unit.output.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        format!("{} {} [{}] {output}", unit.file.display(), unit.language.as_flag(), flags.join(" "))
    };
    heard.units.iter().map(text).collect()
}

#[test]
fn a_compile_keeps_what_the_code_means() {
    let line =
        "gcc -O2 -g -Wall -fno-tree-vectorize -DA=1 -I inc -MD -MF a.d -MT a.o -std=gnu11 -c -o out/a.o ../src/a.c";
    assert_eq!(units(line), ["../src/a.c c [-DA=1 -I inc -std=gnu11] /b/out/a.o"]);
    assert_eq!(units("g++ -c a.c"), ["a.c c++ [] /b/a.o"]);
    assert_eq!(units("gcc -c x/a.cpp b.c"), ["x/a.cpp c++ [] /b/a.o", "b.c c [] /b/b.o"]);
    assert_eq!(units("gcc -x c++ -c a.inc -x none b.c"), ["a.inc c++ [] /b/a.o", "b.c c [] /b/b.o"]);
    assert_eq!(units("gcc -Wp,-MMD,a.d,-DX -c a.c"), ["a.c c [-DX] /b/a.o"]);
    let precompiled = "clang++ -Xclang -include-pch -Xclang p.pch -Xclang -include -Xclang p.h -c a.cc";
    assert_eq!(units(precompiled), ["a.cc c++ [-include p.h] /b/a.o"]);
    assert_eq!(units("arm-none-eabi-gcc -c a.c"), ["a.c c [--target=arm-none-eabi] /b/a.o"]);
}

#[test]
fn what_makes_no_code_is_passed_over() {
    for line in ["gcc -E a.c", "gcc -MM a.c", "gcc --version", "gcc -c a.S", "gcc -x c-header a.h", "gcc -c a.f90"] {
        assert_eq!(units(line), Vec::<String>::new(), "{line}");
    }
    assert_eq!(heard("make -j2"), None);
    assert_eq!(heard(""), None);
    let stdin = heard("gcc -x c -c -o a.o -").unwrap();
    assert!(stdin.units.is_empty() && stdin.gaps.len() == 1);
}

#[test]
fn links_name_what_they_put_together() {
    let link = heard("gcc -o bin/app a.o ./lib/../libx.a -lm b.c").unwrap().link.unwrap();
    assert_eq!(link.output, Path::new("/b/bin/app"));
    assert_eq!(link.kind, LinkKind::Executable);
    assert_eq!(link.inputs, ["/b/bin/app/b.c", "/b/a.o", "/b/libx.a"].map(PathBuf::from));
    assert_eq!(link.libraries, ["m"]);
    assert_eq!(heard("gcc -shared -o libx.so a.o").unwrap().link.unwrap().kind, LinkKind::Shared);
    let archive = heard("x86_64-linux-gnu-ar cru libx.a a.o b.o").unwrap().link.unwrap();
    assert_eq!((archive.kind, archive.inputs.len()), (LinkKind::Archive, 2));
    assert_eq!(heard("ar t libx.a"), None);
    assert_eq!(heard("ld -r -o all.o a.o b.o").unwrap().link.unwrap().kind, LinkKind::Archive);
    assert!(heard("gcc -c a.c").unwrap().link.is_none());
}

#[test]
fn a_database_may_name_any_compiler() {
    let understood = of_database(Path::new("/b"), &words("/opt/x/mycc++ --mystery -DA -c a.c"));
    assert_eq!(understood.units[0].language, Language::Cplusplus);
    assert_eq!(understood.units[0].flags, ["-DA"]);
}
