//! Debug information in other files: debug links, build ids, files shared by several, files that are gone.
mod common;

use common::*;
use stanch_symbols::{FileAddress, Missing, ModuleFile, SearchOptions, Symbolizer};
use std::fs;
use std::path::{Path, PathBuf};

const INLINED: [&str; 3] = ["inner", "middle", "outer"];

/// A program without debug information, its debug file elsewhere, and where `outer` calls.
struct Split {
    workshop: Workshop,
    program: PathBuf,
    debug_file: PathBuf,
    address: u64,
}

impl Split {
    fn new() -> Self {
        let workshop = Workshop::new();
        let whole = workshop.c("whole", &["-Wl,--build-id=sha1"]);
        let address = return_addresses(&whole, "outer")[0];
        let (program, debug_file) = (workshop.path("program"), workshop.path("program.debug"));
        run("objcopy", &["--only-keep-debug", whole.to_str().unwrap(), debug_file.to_str().unwrap()]);
        let link = format!("--add-gnu-debuglink={}", debug_file.display());
        run("objcopy", &["--strip-all", &link, whole.to_str().unwrap(), program.to_str().unwrap()]);
        fs::remove_file(whole).unwrap();
        Self { workshop, program, debug_file, address }
    }

    fn move_debug_file(&self, to: &str) {
        let to = self.workshop.path(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(&self.debug_file, to).unwrap();
    }

    fn check(&self, options: SearchOptions, module: &ModuleFile, expected: &[&str], missing: &[Missing]) {
        let mut symbolizer = Symbolizer::new(options);
        let frames = symbolizer.resolve(module, FileAddress(self.address));
        assert_eq!(functions(&frames), expected);
        assert_eq!(symbolizer.notes().iter().map(|note| note.missing.clone()).collect::<Vec<_>>(), missing);
        assert!(symbolizer.notes().iter().all(|note| note.module == module.path));
    }
}

fn options(root: &Path, debug_directories: &[PathBuf]) -> SearchOptions {
    SearchOptions { root: root.to_owned(), debug_directories: debug_directories.to_vec() }
}

fn ours() -> SearchOptions {
    options(Path::new(""), &[])
}

#[test]
fn debug_link_beside_the_program_and_in_its_debug_directory() {
    let split = Split::new();
    split.check(ours(), &module(&split.program), &INLINED, &[]);
    split.move_debug_file(".debug/program.debug");
    split.check(ours(), &module(&split.program), &INLINED, &[]);
    // Through a link from elsewhere.
    let link = split.workshop.path("bin/link");
    fs::create_dir(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../program", &link).unwrap();
    split.check(ours(), &module(&link), &INLINED, &[]);
}

#[test]
fn debug_link_below_a_debug_directory() {
    let split = Split::new();
    let below = split.workshop.path("debug");
    let directory = split.program.parent().unwrap().strip_prefix("/").unwrap();
    split.move_debug_file(&format!("debug/{}/program.debug", directory.display()));
    split.check(options(Path::new(""), &[below]), &module(&split.program), &INLINED, &[]);
    split.check(ours(), &module(&split.program), &["?"], &[Missing::NoSymbols]);
}

#[test]
fn debug_link_by_checksum_without_build_ids() {
    let workshop = Workshop::new();
    let whole = workshop.c("whole", &["-Wl,--build-id=none"]);
    let (program, debug_file) = (workshop.path("program"), workshop.path("program.debug"));
    run("objcopy", &["--only-keep-debug", whole.to_str().unwrap(), debug_file.to_str().unwrap()]);
    let link = format!("--add-gnu-debuglink={}", debug_file.display());
    run("objcopy", &["--strip-all", &link, whole.to_str().unwrap(), program.to_str().unwrap()]);
    let address = return_addresses(&whole, "outer")[0];
    assert_eq!(functions(&resolve(&program, address)), INLINED);
    // One byte more and it is another file.
    let mut bytes = fs::read(&debug_file).unwrap();
    bytes.push(0);
    fs::write(&debug_file, bytes).unwrap();
    let mut symbolizer = symbolizer();
    assert_eq!(functions(&symbolizer.resolve(&module(&program), FileAddress(address))), ["?"]);
    let missing: Vec<_> = symbolizer.notes().iter().map(|note| note.missing.clone()).collect();
    assert_eq!(missing, [Missing::OtherDebugFile(debug_file), Missing::NoSymbols]);
}

#[test]
fn debug_file_by_build_id() {
    for layout in [true, false] {
        let split = Split::new();
        let build_id = build_id(&split.program);
        let id = hexadecimal(&build_id);
        let path =
            if layout { format!(".build-id/{}/{}.debug", &id[..2], &id[2..]) } else { format!("{id}/debuginfo") };
        split.move_debug_file(&format!("debug/{path}"));
        let with_directory = || options(Path::new(""), &[split.workshop.path("debug")]);
        split.check(with_directory(), &module(&split.program), &INLINED, &[]);
        // The program itself is not needed for it.
        let known = ModuleFile { path: split.program.clone(), build_id };
        fs::remove_file(&split.program).unwrap();
        split.check(with_directory(), &known, &INLINED, &[]);
        split.check(with_directory(), &module(&split.program), &["?"], &[Missing::Gone]);
    }
}

#[test]
fn a_debug_file_of_another_build_is_not_believed() {
    let split = Split::new();
    let id = hexadecimal(&build_id(&split.program));
    let other =
        split.workshop.compile("other.c", "int main(void) { return 1; }", "other", &["-g", "-Wl,--build-id=sha1"]);
    fs::remove_file(&split.debug_file).unwrap();
    fs::create_dir_all(split.workshop.path(&format!("debug/.build-id/{}", &id[..2]))).unwrap();
    fs::copy(&other, split.workshop.path(&format!("debug/.build-id/{}/{}.debug", &id[..2], &id[2..]))).unwrap();
    fs::copy(&other, &split.debug_file).unwrap();
    let missing = [Missing::OtherDebugFile(split.debug_file.clone()), Missing::NoSymbols];
    split.check(options(Path::new(""), &[split.workshop.path("debug")]), &module(&split.program), &["?"], &missing);
}

#[test]
fn a_program_that_was_replaced_is_not_believed() {
    let workshop = Workshop::new();
    let path = workshop.c("program", &["-Wl,--build-id=sha1"]);
    let address = FileAddress(return_addresses(&path, "outer")[0]);
    let mut loaded = ModuleFile { path: path.clone(), build_id: build_id(&path) };
    assert_eq!(functions(&symbolizer().resolve(&loaded, address)), INLINED);
    // The same file again after the process lost it.
    let deleted = ModuleFile { path: PathBuf::from(format!("{} (deleted)", path.display())), ..loaded.clone() };
    assert_eq!(functions(&symbolizer().resolve(&deleted, address)), INLINED);

    loaded.build_id[0] ^= 1;
    let deleted = ModuleFile { build_id: loaded.build_id.clone(), ..deleted };
    for (module, expected) in [(&loaded, Missing::Replaced), (&deleted, Missing::Deleted)] {
        let mut symbolizer = symbolizer();
        assert_eq!(symbolizer.resolve(module, address), [Default::default()]);
        assert_eq!(symbolizer.resolve(module, FileAddress(0)), [Default::default()]);
        assert_eq!(symbolizer.notes().iter().map(|note| note.missing.clone()).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn what_is_no_file_has_no_names() {
    let directory = Workshop::new();
    let fifo = directory.text("fifo");
    run("mkfifo", &[&fifo]);
    fs::write(directory.path("text"), "no program").unwrap();
    fs::write(directory.path("empty"), "").unwrap();
    for path in [
        "[vdso]",
        "[heap]",
        "/memfd:jit (deleted)",
        "",
        "//anon",
        "/nowhere/lib.so",
        "/tmp",
        &fifo,
        "/nowhere/lib.so (deleted)",
        &directory.text("text"),
        &directory.text("empty"),
    ] {
        let mut symbolizer = symbolizer();
        for address in [0, 1, 0x1000, u64::MAX] {
            assert_eq!(
                symbolizer.resolve(&module(Path::new(path)), FileAddress(address)),
                [Default::default()],
                "{path}"
            );
        }
        let [note] = symbolizer.notes() else { panic!("{path}: {:?}", symbolizer.notes()) };
        let expected_no_file = path.starts_with('[') || path.starts_with("/memfd:") || path.is_empty();
        assert_eq!(note.missing == Missing::NoFile, expected_no_file, "{path}: {note:?}");
        assert!(!note.missing.to_string().is_empty());
    }
}

#[test]
fn files_of_another_tree() {
    let split = Split::new();
    // In that tree `/lib` is an absolute link, which our own tree would send elsewhere.
    let tree = split.workshop.path("tree");
    fs::create_dir_all(tree.join("usr/lib/.debug")).unwrap();
    std::os::unix::fs::symlink("/usr/lib", tree.join("lib")).unwrap();
    fs::copy(&split.program, tree.join("usr/lib/program")).unwrap();
    fs::copy(&split.debug_file, tree.join("usr/lib/.debug/program.debug")).unwrap();
    split.check(options(&tree, &[]), &module(Path::new("/lib/program")), &INLINED, &[]);
}

/// A unit whose strings and abstract functions are in another file, as `dwz` leaves it.
const SHARING: &str = r#"
    .text
    .globl exported
    .type exported, @function
exported:
    nop
    nop
    ret
.Lend:
    .size exported, .-exported
    .section .debug_abbrev, "", @progbits
    .uleb128 1, 0x11; .byte 1          # compile unit with children
    .uleb128 0x03, 0x1f21              # name: string in the shared file
    .uleb128 0x11, 0x01, 0x12, 0x06    # low pc: address, high pc: 4 bytes
    .uleb128 0, 0
    .uleb128 2, 0x2e; .byte 0          # subprogram
    .uleb128 0x31, 0x1f20              # abstract origin: entry in the shared file
    .uleb128 0x11, 0x01, 0x12, 0x06
    .uleb128 0, 0
    .byte 0
    .section .debug_info, "", @progbits
    .long .Lunit_end - .Lunit
.Lunit:
    .value 4
    .long 0
    .byte 8
    .uleb128 1; .long 0; .quad exported; .long .Lend - exported
    .uleb128 2; .long ENTRY; .quad exported; .long .Lend - exported
    .byte 0
.Lunit_end:
    .section .gnu_debugaltlink, "", @progbits
    .asciz "SHARED_FILE"
    .byte 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef
"#;

const SHARED: &str = r#"
    .section .debug_str, "", @progbits
    .asciz "unit.c"
.Lname:
    .asciz "name_in_the_shared_file"
    .section .debug_abbrev, "", @progbits
    .uleb128 1, 0x3c; .byte 1          # partial unit with children
    .uleb128 0, 0
    .uleb128 2, 0x2e; .byte 0          # subprogram
    .uleb128 0x03, 0x0e                # name: string in this file
    .uleb128 0, 0
    .byte 0
    .section .debug_info, "", @progbits
.Lstart:
    .long .Lunit_end - .Lunit
.Lunit:
    .value 4
    .long 0
    .byte 8
    .uleb128 1
    .uleb128 2; .long .Lname - .debug_str
    .byte 0
.Lunit_end:
"#;

#[test]
fn debug_information_shared_by_several_files() {
    for name in ["shared.debug", "/usr/lib/debug/.dwz/x86_64-linux-gnu/package.debug"] {
        let workshop = Workshop::new();
        let directory = workshop.path("debug/.dwz/x86_64-linux-gnu");
        fs::create_dir_all(&directory).unwrap();
        let flags = ["-shared", "-nostdlib", "-Wl,--build-id=0x0123456789abcdef"];
        let shared = workshop.compile("shared.s", SHARED, "shared.debug", &flags);
        // The entry follows the unit's header, 11 bytes, and the unit's own entry, 1 byte.
        let code = SHARING.replace("ENTRY", "12").replace("SHARED_FILE", name);
        let path = workshop.compile("sharing.s", &code, "libsharing.so", &["-shared", "-nostdlib"]);
        let (_, start, _) = symbols(&path, &[])[0];
        if name.starts_with('/') {
            fs::rename(&shared, directory.join("package.debug")).unwrap();
        }
        let mut symbolizer = Symbolizer::new(options(Path::new(""), &[workshop.path("debug")]));
        let frames = symbolizer.resolve(&module(&path), FileAddress(start + 1));
        assert_eq!(functions(&frames), ["name_in_the_shared_file"]);
        assert_eq!(symbolizer.notes(), []);

        let _ = fs::remove_file(shared);
        let _ = fs::remove_dir_all(directory);
        let mut symbolizer = common::symbolizer();
        let frames = symbolizer.resolve(&module(&path), FileAddress(start + 1));
        assert_eq!(functions(&frames), ["exported"]);
        assert_eq!(symbolizer.notes()[0].missing, Missing::NoSharedDebugFile(name.into()));
    }
}
