//! LeakSanitizer's text, alone or among what a program printed.
//!
//! ```text
//! ==7868==ERROR: LeakSanitizer: detected memory leaks
//!
//! Direct leak of 300 byte(s) in 3 object(s) allocated from:
//!     #0 0x7fe430c13545 in __interceptor_malloc ../../src/libsanitizer/lsan/lsan_interceptors.cpp:75
//!     #1 0x56089e55a198 in lose /src/b.cpp:6
//!     #2 0x56089e55a090 in _start (/src/b+0x1090) (BuildId: 9f24)
//!     #3 0x56089e55a000  (/src/b+0x1000)
//! ```
use crate::ImportError;
use crate::budget::Budget;
use crate::builder::{CodeIndex, Counts, Live, ProcessBuilder, UNKNOWN_BIAS};
use crate::lines::Lines;
use crate::settle::allocation_function;
use stanch_recording::{AllocatorFunction, Class, Ending, Loss, Process, Recording, ResolvedFrame, SnapshotReason};

/// True where such a report begins.
pub(crate) fn is_head(text: &str) -> bool {
    text.contains("LeakSanitizer: detected memory leaks") || text.lines().any(|line| leak(line.trim_start()).is_some())
}

pub(crate) fn read(lines: &mut Lines<'_>, budget: &mut Budget) -> Result<Recording, ImportError> {
    let mut reader = Reader { processes: Vec::new(), open: None, losses: Vec::new(), is_complete: false };
    while let Some(line) = lines.next()? {
        reader.add_line(line.trim(), budget);
    }
    reader.end_leak(budget);
    if !reader.is_complete {
        let why = "its summary is missing: the text may be cut off".to_owned();
        reader.losses.push(Loss { what: "the end of the report".to_owned(), why });
    }
    let processes: Vec<Process> =
        reader.processes.into_iter().map(|builder| builder.finish(SnapshotReason::Exit)).collect();
    let command = processes.first().map(|process| process.command.clone()).unwrap_or_default();
    Ok(Recording { command, processes, losses: reader.losses, ..Recording::default() })
}

/// A leak whose stack is being read.
struct Open {
    class: Class,
    bytes: u64,
    blocks: u64,
    /// Innermost first.
    stack: Vec<CodeIndex>,
}

struct Reader {
    processes: Vec<ProcessBuilder>,
    open: Option<Open>,
    losses: Vec<Loss>,
    is_complete: bool,
}

impl Reader {
    fn add_line(&mut self, line: &str, budget: &mut Budget) {
        if line.contains("LeakSanitizer: detected memory leaks") {
            self.end_leak(budget);
            self.start_process(line);
        } else if let Some((class, bytes, blocks)) = leak(line) {
            self.end_leak(budget);
            self.open = Some(Open { class, bytes, blocks, stack: Vec::new() });
        } else if line.starts_with("SUMMARY: ") {
            self.end_leak(budget);
            self.is_complete = true;
        } else if let Some((address, frame, module)) = parse_frame(line) {
            self.add_frame(address, frame, module, budget);
        } else if line.is_empty() {
            self.end_leak(budget);
        } else {
            self.add_suppression(line, budget);
        }
    }

    /// `==7868==ERROR: LeakSanitizer: …`
    fn start_process(&mut self, line: &str) {
        let mut builder = ProcessBuilder::new();
        let pid = line.strip_prefix("==").and_then(|rest| rest.split("==").next());
        builder.process.pid = pid.and_then(|pid| pid.parse().ok()).unwrap_or(0);
        builder.process.ending = Ending::Exited(None);
        // Until a frame of the program's own says its path.
        builder.process.executable = "the program".to_owned();
        self.processes.push(builder);
        self.is_complete = false;
    }

    fn builder(&mut self) -> &mut ProcessBuilder {
        if self.processes.is_empty() {
            self.start_process("");
        }
        let last = self.processes.len() - 1;
        &mut self.processes[last]
    }

    fn add_frame(&mut self, address: u64, frame: ResolvedFrame, module: Option<InModule<'_>>, budget: &mut Budget) {
        if self.open.is_none() {
            return;
        }
        let builder = self.builder();
        // The address is that of the call; recordings have the one after it.
        let after = address.saturating_add(1);
        if let (Some((path, _)), Some("_start")) = (module, frame.function.as_deref()) {
            builder.process.executable = path.to_owned();
            builder.process.command = vec![path.to_owned()];
        }
        let number = match module {
            Some((path, offset)) => builder.module(path, address.wrapping_sub(offset), &[], budget),
            None if is_interceptor(&frame) || is_of_c_library(&frame) => {
                builder.module("libc.so.6", UNKNOWN_BIAS, &[], budget)
            }
            None => 0,
        };
        let frame = own_name(frame);
        let frames = if frame == ResolvedFrame::default() { Vec::new() } else { vec![frame] };
        if let (Some(code), Some(open)) = (self.builder().code(number, after, frames, budget), &mut self.open) {
            open.stack.push(code);
        }
    }

    fn end_leak(&mut self, budget: &mut Budget) {
        let Some(open) = self.open.take() else { return };
        let builder = self.builder();
        let node = builder.stack(&open.stack, budget);
        let Some(site) = builder.site(node, budget) else { return };
        let (blocks, bytes) = (open.blocks, open.bytes);
        builder.add_counts(site, Counts::default());
        let live = Live { allocator: AllocatorFunction::Malloc, class: open.class, blocks, bytes, indirect_bytes: 0 };
        builder.add_live(site, live, budget);
    }

    /// `1 8 leak_on_purpose`, below `Suppressions used:`.
    fn add_suppression(&mut self, line: &str, budget: &mut Budget) {
        let mut words = line.splitn(3, char::is_whitespace).map(str::trim).filter(|word| !word.is_empty());
        let numbers = [words.next(), words.next()].map(|word| word.and_then(|word| word.parse::<u64>().ok()));
        if let ([Some(blocks), Some(bytes)], Some(template)) = (numbers, words.next())
            && budget.take(128 + template.len())
        {
            let what = format!("{bytes} bytes in {blocks} blocks");
            self.losses.push(Loss { what, why: format!("LeakSanitizer suppressed them: `{template}`") });
        }
    }
}

/// `Direct leak of 300 byte(s) in 3 object(s) allocated from:`
fn leak(line: &str) -> Option<(Class, u64, u64)> {
    let (kind, rest) = line.split_once(" leak of ")?;
    let class = match kind {
        "Direct" => Class::DefinitelyLost,
        "Indirect" => Class::IndirectlyLost,
        _ => return None,
    };
    let (bytes, rest) = rest.split_once(" byte(s) in ")?;
    let (blocks, _) = rest.split_once(" object(s)")?;
    Some((class, bytes.parse().ok()?, blocks.parse().ok()?))
}

/// Path of a module and an offset in it.
type InModule<'t> = (&'t str, u64);

/// Address, names, and where the module is known.
fn parse_frame(line: &str) -> Option<(u64, ResolvedFrame, Option<InModule<'_>>)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(" 0x")?;
    number.trim().parse::<u32>().ok()?;
    let (address, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let address = u64::from_str_radix(address, 16).ok()?;
    let rest = rest.trim();
    let rest = rest.rsplit_once(" (BuildId:").map_or(rest, |(rest, _)| rest.trim_end());
    let (names, module) = match rest.rsplit_once('(').and_then(|(front, module)| Some((front, parse_module(module)?))) {
        Some((front, module)) => (front.trim(), Some(module)),
        None => (rest, None),
    };
    let names = names.strip_prefix("in ").unwrap_or(names);
    // With a module there is no file.
    let (function, place) = match module {
        Some(_) => (names, ""),
        None => names.rsplit_once(' ').unwrap_or((names, "")),
    };
    let mut parts = place.split(':');
    let file = parts.next().filter(|file| !file.is_empty());
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let frame = ResolvedFrame {
        function: Some(function.to_owned()).filter(|function| !function.is_empty()),
        file: file.map(str::to_owned),
        line: number(parts.next()),
        column: number(parts.next()),
        inlined: false,
    };
    Some((address, frame, module))
}

/// `/src/b+0x1090)`
fn parse_module(text: &str) -> Option<InModule<'_>> {
    let (path, offset) = text.strip_suffix(')')?.rsplit_once("+0x")?;
    Some((path, u64::from_str_radix(offset, 16).ok()?))
}

/// Where LeakSanitizer names a file it does not name the module, and fingerprints want to know what is a runtime's. The
/// C library's names of its own functions tell it, and so do its sources: those of programs have whole paths.
fn is_of_c_library(frame: &ResolvedFrame) -> bool {
    const NAMES: [&str; 3] = ["__GI_", "__libc_", "_IO_"];
    const FOLDERS: [&str; 22] = [
        "argp",
        "csu",
        "dirent",
        "elf",
        "grp",
        "iconv",
        "inet",
        "intl",
        "io",
        "libio",
        "locale",
        "malloc",
        "misc",
        "nptl",
        "nss",
        "posix",
        "pwd",
        "resolv",
        "stdio-common",
        "stdlib",
        "string",
        "sysdeps",
    ];
    let name = frame.function.as_deref().unwrap_or_default();
    let file = frame.file.as_deref().unwrap_or_default();
    let folder = file.trim_start_matches("./").trim_start_matches("../").split('/').next().unwrap_or_default();
    NAMES.iter().any(|prefix| name.starts_with(prefix)) || (file.contains('/') && FOLDERS.contains(&folder))
}

const INTERCEPTORS: [&str; 2] = ["___interceptor_", "__interceptor_"];

fn is_interceptor(frame: &ResolvedFrame) -> bool {
    let name = frame.function.as_deref().unwrap_or_default();
    allocation_function(name).is_none() && INTERCEPTORS.iter().any(|prefix| name.starts_with(prefix))
}

/// `strdup` for `__interceptor_strdup`.
fn own_name(mut frame: ResolvedFrame) -> ResolvedFrame {
    if is_interceptor(&frame)
        && let Some(name) = &frame.function
    {
        let bare = INTERCEPTORS.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        frame.function = Some(bare.to_owned());
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::parse_frame;

    #[test]
    fn frames_are_read_in_every_spelling() {
        let read = |line: &str| {
            let (address, frame, module) = parse_frame(line).unwrap();
            (address, frame.function, frame.file, frame.line, module.map(|(path, offset)| (path.to_owned(), offset)))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("#1 0x5a in lose(int) /s/b.cpp:6:3"),
            (0x5a, some("lose(int)"), some("/s/b.cpp"), Some(6), None)
        );
        assert_eq!(
            read("#2 0x5a in operator new(unsigned long) (/s/b+0x10) (BuildId: 9f)"),
            (0x5a, some("operator new(unsigned long)"), None, None, Some(("/s/b".to_owned(), 0x10)))
        );
        assert_eq!(read("#3 0x5a  (/s/b+0x10)"), (0x5a, None, None, None, Some(("/s/b".to_owned(), 0x10))));
        assert!(parse_frame("#x 0x5a in a").is_none());
        assert!(parse_frame("# include").is_none());
    }
}
