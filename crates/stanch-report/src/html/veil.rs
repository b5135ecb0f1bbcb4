//! What a page withholds where that is asked for: paths, arguments, source text.
//!
//! Files are numbered in the order in which they appear (`source-3.c`, `module-2.so`), so that findings can still be
//! told apart. A hash would give names away to whoever can guess them. What a package of the system brought keeps its
//! file name, which says nothing of whoever recorded. Function names stay: without them there is no report.
use super::Privacy;
use crate::stacks::file_name;
use crate::text::page::cleaned;
use aho_corasick::{AhoCorasick, MatchKind};
use stanch_finding::Report;
use stanch_recording::{Ending, Process, Recording};
use std::collections::BTreeMap;

/// Names shorter than this are replaced only where they are marked as names: they may be words.
const SHORTEST_WORD: usize = 3;

/// Decides how texts of a recording are shown.
pub(super) struct Veil(Option<Known>);

/// Names that are withheld, and what stands for them.
struct Known {
    names: BTreeMap<String, String>,
    matcher: Option<AhoCorasick>,
    replacements: Vec<String>,
}

impl Veil {
    /// Knows the names of these recordings and reports.
    pub(super) fn new(privacy: Privacy, recordings: &[&Recording], reports: &[&[Report]]) -> Veil {
        Veil((privacy == Privacy::Redacted).then(|| Known::new(recordings, reports)))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_some()
    }

    /// A path of a source file or module.
    pub(super) fn path(&self, path: &str) -> String {
        match &self.0 {
            None => cleaned(path),
            Some(known) => known.names.get(path).cloned().unwrap_or_else(|| without_paths(&known.replaced(path))),
        }
    }

    /// Prose, or a function's name.
    pub(super) fn text(&self, text: &str) -> String {
        match &self.0 {
            None => cleaned(text),
            Some(known) => cleaned(&without_paths(&known.replaced(text))),
        }
    }

    /// A command line: without its arguments where it is withheld.
    pub(super) fn command(&self, command: &[String]) -> Vec<String> {
        let (Some(_), Some(program)) = (&self.0, command.first()) else {
            return command.iter().map(|word| cleaned(word)).collect();
        };
        let mut shown = vec![self.path(program)];
        match command.len() - 1 {
            0 => {}
            1 => shown.push("(1 argument withheld)".to_owned()),
            more => shown.push(format!("({more} arguments withheld)")),
        }
        shown
    }
}

impl Known {
    fn new(recordings: &[&Recording], reports: &[&[Report]]) -> Known {
        let mut names = Names::default();
        for recording in recordings {
            recording.processes.iter().for_each(|process| names.of_process(process));
            names.program(recording.command.first());
        }
        let reports = || reports.iter().copied().flatten();
        for frame in reports().flat_map(|report| &report.findings).flat_map(|finding| &finding.site.stack) {
            frame.file.iter().for_each(|file| names.source(file));
            frame.module.iter().for_each(|module| names.module(module, false));
        }
        reports().for_each(|report| names.program(report.subject.command.first()));
        // What the evidence names as steps are files, too.
        let evidence = reports().flat_map(|report| &report.findings).flat_map(|finding| &finding.evidence);
        evidence.flat_map(|evidence| &evidence.path).for_each(|step| names.source(&step.file));
        names.into_known()
    }

    fn replaced(&self, text: &str) -> String {
        let Some(matcher) = &self.matcher else { return text.to_owned() };
        let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
        for found in matcher.find_iter(text).filter(|found| is_name(text, found.start(), found.end())) {
            shown.push_str(&text[at..found.start()]);
            shown.push_str(&self.replacements[found.pattern()]);
            at = found.end();
        }
        shown + &text[at..]
    }
}

/// True where the range is a word of its own and, if it is short, in backticks.
fn is_name(text: &str, start: usize, end: usize) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let (before, after) = (text[..start].chars().next_back(), text[end..].chars().next());
    let stands_alone = !before.is_some_and(is_word) && !after.is_some_and(is_word);
    let is_marked = before == Some('`') && after == Some('`');
    stands_alone && (end - start >= SHORTEST_WORD || is_marked)
}

/// Whatever else looks like a path: a word with a slash before or between names.
fn without_paths(text: &str) -> String {
    let is_edge = |character: char| character.is_whitespace() || "`'\"(),;<>[]{}".contains(character);
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_edge) {
        let word = piece.trim_end_matches(is_edge);
        let has_name_after = |(at, _): (usize, &str)| {
            word[at + 1..].starts_with(|next: char| next.is_alphanumeric() || "._~".contains(next))
        };
        if word.match_indices('/').any(has_name_after) {
            shown.push_str("(path)");
            shown.push_str(&piece[word.len()..]);
        } else {
            shown.push_str(piece);
        }
    }
    shown
}

/// Names as they are collected.
#[derive(Default)]
struct Names {
    names: BTreeMap<String, String>,
    sources: usize,
    modules: usize,
}

impl Names {
    fn of_process(&mut self, process: &Process) {
        for module in &process.modules {
            self.module(&module.path, module.package.is_some());
        }
        self.module(&process.executable, false);
        self.program(process.command.first());
        if let Ending::Exec(program) = &process.ending {
            self.module(program, false);
        }
        let files = process.resolved.iter().flat_map(|code| &code.frames).filter_map(|frame| frame.file.as_ref());
        files.for_each(|file| self.source(file));
    }

    /// A program as it was called: it may be the same file as a module that is known.
    fn program(&mut self, name: Option<&String>) {
        let Some(name) = name else { return };
        match self.names.get(file_name(name)).cloned() {
            Some(shown) => drop(self.names.entry(name.clone()).or_insert(shown)),
            None => self.module(name, false),
        }
    }

    fn module(&mut self, path: &str, is_public: bool) {
        if path.is_empty() || self.names.contains_key(path) {
            return;
        }
        let base = file_name(path);
        if is_public {
            self.names.insert(path.to_owned(), base.to_owned());
            self.names.insert(base.to_owned(), base.to_owned());
            return;
        }
        let shown = self.names.get(base).cloned().unwrap_or_else(|| {
            self.modules += 1;
            format!("module-{}{}", self.modules, if base.contains(".so") { ".so" } else { "" })
        });
        self.names.insert(path.to_owned(), shown.clone());
        self.names.insert(base.to_owned(), shown);
    }

    fn source(&mut self, path: &str) {
        if path.is_empty() || self.names.contains_key(path) {
            return;
        }
        self.sources += 1;
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is_plain = (1..=4).contains(&ending.len()) && ending.chars().all(|letter| letter.is_ascii_alphanumeric());
        let shown =
            if is_plain { format!("source-{}.{ending}", self.sources) } else { format!("source-{}", self.sources) };
        self.names.entry(file_name(path).to_owned()).or_insert_with(|| shown.clone());
        self.names.insert(path.to_owned(), shown);
    }

    fn into_known(self) -> Known {
        let patterns: Vec<&String> = self.names.keys().filter(|name| !name.is_empty()).collect();
        let replacements = patterns.iter().map(|name| self.names[*name].clone()).collect();
        // Too many names for one automaton would be millions; then only whole names and paths are replaced.
        let matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok();
        Known { matcher, replacements, names: self.names }
    }
}

#[cfg(test)]
mod tests {
    use super::{Privacy, Veil, without_paths};
    use stanch_recording::{Module, Package, Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress};

    fn recording() -> Recording {
        let package = Package { name: "libc6".to_owned(), version: "2.36".to_owned() };
        let frame = ResolvedFrame { file: Some("/home/ann/plan/x.cc".to_owned()), ..ResolvedFrame::default() };
        let process = Process {
            command: ["./plan", "--token=secret", "A=b"].map(str::to_owned).to_vec(),
            executable: "/home/ann/plan/plan".to_owned(),
            modules: vec![
                Module { path: "/home/ann/plan/plan".to_owned(), ..Module::default() },
                Module { path: "/lib/libc.so.6".to_owned(), package: Some(package), ..Module::default() },
            ],
            resolved: vec![ResolvedCode { module: 1, address: RuntimeAddress(1), frames: vec![frame] }],
            ..Process::default()
        };
        Recording { command: process.command.clone(), processes: vec![process], ..Recording::default() }
    }

    #[test]
    fn nothing_of_the_recorder_is_left() {
        let veil = Veil::new(Privacy::Redacted, &[&recording()], &[]);
        assert_eq!(veil.command(&recording().command), ["module-1", "(2 arguments withheld)"]);
        assert_eq!(veil.path("/home/ann/plan/x.cc"), "source-1.cc");
        assert_eq!(veil.path("/lib/libc.so.6"), "libc.so.6");
        assert_eq!(
            veil.text("`f` (x.cc:9) of plan, see /home/bob/notes"),
            "`f` (source-1.cc:9) of module-1, see (path)"
        );
        assert_eq!(veil.text("planned"), "planned");
        assert_eq!(veil.path("/unknown/file"), "(path)");
    }

    #[test]
    fn an_open_page_shows_all_but_control_characters() {
        let veil = Veil::new(Privacy::Open, &[&recording()], &[]);
        assert_eq!(veil.command(&recording().command), recording().command);
        assert_eq!(veil.text("a\u{202e}b\n"), "a\\u{202e}b\\n");
    }

    #[test]
    fn operators_are_no_paths() {
        assert_eq!(without_paths("a::operator/(a const&)"), "a::operator/(a const&)");
        assert_eq!(without_paths("lambda at src/a.c:3 (./b)"), "lambda at (path) ((path))");
    }
}
