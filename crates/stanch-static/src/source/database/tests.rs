//! Databases as tools write them, and such as nobody should.
use super::*;
use std::ffi::OsStr;

fn read(text: &[u8]) -> Result<Sources, DatabaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, text).unwrap();
    from_database(&path)
}

#[test]
fn commands_and_arguments_are_read() {
    let text = br#"[
        {"directory": "/b", "command": "/usr/bin/cc -DA=\\\"x\\\" -O2 -o CMakeFiles/app.dir/a.c.o -c /s/a.c",
         "file": "/s/a.c"},
        {"directory": "/b", "arguments": ["c++", "-std=c++20", "-c", "../s/b.cc"],
         "file": "../s/b.cc", "output": "b.o"},
        {"directory": "/b", "command": "nasm x.asm", "file": "x.asm"}
    ]"#;
    let sources = read(text).unwrap();
    assert_eq!(sources.units.len(), 2);
    assert_eq!(sources.units[0].flags, [OsStr::new("-DA=\"x\"")]);
    assert_eq!(sources.units[0].output.as_deref(), Some(Path::new("/b/CMakeFiles/app.dir/a.c.o")));
    assert_eq!(sources.units[1].output.as_deref(), Some(Path::new("/b/b.o")));
    assert_eq!(sources.gaps.len(), 1);
    assert!(sources.gaps[0].why.contains(".asm"), "{:?}", sources.gaps);
}

#[test]
fn files_compiled_twice_for_two_places_count_once() {
    let text = br#"[
        {"directory": "/b", "command": "gcc -c a.c -o a.o", "file": "a.c"},
        {"directory": "/b", "command": "gcc -fPIC -DPIC -c a.c -o .libs/a.o", "file": "a.c"},
        {"directory": "/b", "command": "gcc -DTEST -c a.c -o a-test.o", "file": "a.c"}
    ]"#;
    assert_eq!(read(text).unwrap().units.len(), 2);
}

#[test]
fn paths_need_not_be_text() {
    let sources =
        read(b"[{\"directory\": \"/b\xff\", \"command\": \"gcc -c caf\xe9.c\", \"file\": \"caf\xe9.c\"}]").unwrap();
    assert_eq!(sources.units[0].path().as_os_str().as_bytes(), b"/b\xff/caf\xe9.c");
}

#[test]
fn what_is_no_database_is_refused() {
    assert!(matches!(read(b"[]"), Err(DatabaseError::Empty(_))));
    for text in [&b""[..], b"{}", b"[1]", b"[{\"file\": 1}]", b"\xff\xfe", b"[{\"directory\": \"/\"}]"] {
        assert!(matches!(read(text), Err(DatabaseError::Malformed(..))), "{text:?}");
    }
    let absent = from_database(Path::new("/no/such/file"));
    assert!(matches!(absent, Err(DatabaseError::Unreadable(..))));
}

#[test]
fn build_folders_are_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find_database(folder.path()), None);
    let build = folder.path().join("cmake-build-debug");
    std::fs::create_dir(&build).unwrap();
    std::fs::write(build.join(FILE_NAME), "[]").unwrap();
    assert_eq!(find_database(folder.path()), Some(build.join(FILE_NAME)));
}
