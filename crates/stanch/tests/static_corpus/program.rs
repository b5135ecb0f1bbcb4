//! What a program declares of itself in the `//!` lines at its top, and which lines of it are marked.
//! `fixtures/static/README.md` describes both.
use std::fs;
use std::path::{Path, PathBuf};

/// A program with two twins.
pub(crate) struct Program {
    /// `AREA/NAME`, with the prefix that says what is known to go wrong.
    pub(crate) name: String,
    /// Its files to compile, sorted.
    pub(crate) sources: Vec<PathBuf>,
    /// What the bad twin does, by the kinds of findings.
    pub(crate) leak: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) stdin: String,
    pub(crate) exit: i32,
    pub(crate) build_flags: Vec<String>,
    pub(crate) valgrind: Valgrind,
    /// Lines that allocate what the bad twin loses.
    pub(crate) marks: Vec<Line>,
    /// Whether anything depends on `BAD`.
    pub(crate) mentions_macro: bool,
}

/// One of a program's two builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    Bad,
    Ok,
}

/// What valgrind makes of a bad twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Valgrind {
    /// The same as we do.
    Agrees,
    /// It finds the block reachable, for the reason that the program gives.
    Reachable,
    /// It cannot see the block, for the reason that the program gives.
    Unfit,
}

/// A line of a program's source; within a program, files differ in their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) file: String,
    pub(crate) number: u64,
}

impl Twin {
    pub(crate) const BOTH: [Twin; 2] = [Twin::Bad, Twin::Ok];

    /// As in the names of twins.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Twin::Bad => "bad",
            Twin::Ok => "ok",
        }
    }
}

impl Program {
    /// The name without `FN_` and `FP_`.
    fn own_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is known that the answer on this twin is wrong.
    pub(crate) fn is_known_wrong(&self, twin: Twin) -> bool {
        let prefix = match twin {
            Twin::Bad => "FN_",
            Twin::Ok => "FP_",
        };
        self.own_name().starts_with(prefix)
    }
}

/// The folder of the programs.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/static")
}

/// All programs in the order of their names.
pub(crate) fn read_all() -> Vec<Program> {
    let folders = entries(&root()).into_iter().filter(|path| path.is_dir());
    folders.flat_map(|area| entries(&area)).map(|entry| read(&entry)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn read(entry: &Path) -> Program {
    let files = if entry.is_dir() { entries(entry) } else { vec![entry.to_owned()] };
    let texts: Vec<(String, String)> = files.iter().map(|file| (name_of(file), text_of(file))).collect();
    let sources: Vec<PathBuf> = files.into_iter().filter(|file| is_compiled(file)).collect();
    let [main] = texts.iter().filter(|(name, _)| !entry.is_dir() || is_main(name)).collect::<Vec<_>>()[..] else {
        panic!("{}: a program has one `main` file", entry.display());
    };
    let area = entry.parent().map(name_of).unwrap_or_default();
    let stem = entry.file_stem().unwrap_or_default().to_string_lossy();
    let mut program = Program {
        name: format!("{area}/{stem}"),
        sources,
        leak: String::new(),
        arguments: Vec::new(),
        stdin: String::new(),
        exit: 0,
        build_flags: Vec::new(),
        valgrind: Valgrind::Agrees,
        marks: texts.iter().flat_map(|(name, text)| marks_in(name, text)).collect(),
        mentions_macro: texts.iter().any(|(_, text)| text.contains("def BAD\n")),
    };
    for line in main.1.lines().map_while(|line| line.strip_prefix("//!")) {
        // A line without a known key is prose for people.
        if let Some((key, value)) = line.trim().split_once(": ") {
            declare(&mut program, key, value).unwrap_or_else(|error| panic!("{}: {error}", entry.display()));
        }
    }
    assert!(!program.leak.is_empty(), "{}: there is no `leak:` line", entry.display());
    program
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_compiled(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "c" || extension == "cpp")
}

fn is_main(name: &str) -> bool {
    name == "main.c" || name == "main.cpp"
}

fn marks_in(file: &str, text: &str) -> Vec<Line> {
    let is_marked = |line: &str| line.ends_with("/* LEAK */") || line.ends_with("// LEAK");
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| is_marked(line))
        .map(|(number, _)| Line { file: file.to_owned(), number })
        .collect()
}

fn declare(program: &mut Program, key: &str, value: &str) -> Result<(), String> {
    let words = || value.split_whitespace().map(str::to_owned).collect();
    match key {
        "leak" => value.clone_into(&mut program.leak),
        "arguments" => program.arguments = words(),
        "stdin" => program.stdin.push_str(&format!("{value}\n")),
        "exit" => program.exit = value.parse().map_err(|_| format!("`{value}` is no exit status"))?,
        "build" => program.build_flags = words(),
        "valgrind" => program.valgrind = Valgrind::Reachable,
        "valgrind unfit" => program.valgrind = Valgrind::Unfit,
        _ => {}
    }
    Ok(())
}

#[test]
fn marks_are_comments_at_the_end_of_a_line() {
    let text = "a(); /* LEAK */\n// LEAK of b\nb(); // LEAK\n";
    let numbers: Vec<u64> = marks_in("a.c", text).into_iter().map(|line| line.number).collect();
    assert_eq!(numbers, [1, 3]);
}
