//! heaptrack's files, raw and interpreted; the lines are drawn in stanch-report's writer.
//!
//! A raw file has addresses where the interpreted one has names, and pointers where that one has numbers:
//!
//! ```text
//! x a /tmp/hts/a                      the executable
//! m 1 -                               the list of modules begins anew
//! m 1f /lib/libc.so.6 7f20 0 25388    path, load bias, then offset and size of each segment
//! t 55c96d69d090 0                    a frame of a trace: return address, caller's trace
//! + 64 a 55c96ff6d2d0                 an allocation: size, trace, pointer
//! - 55c96ff6d2d0                      it is freed
//! ```
mod raw;

use crate::ImportError;
use crate::budget::Budget;
use crate::builder::{CodeIndex, Counts, DEPTH_MAX, Live, ProcessBuilder, UNKNOWN_BIAS};
use crate::lines::Lines;
use raw::RawState;
use stanch_recording::{Loss, NodeIndex, Recording, ResolvedFrame, SiteIndex, SnapshotReason};

/// From this version on strings come with their length.
const SIZED_STRINGS_SINCE: u64 = 3;
/// The newest version that is known.
const VERSION_MAX: u64 = 3;

/// True where such a file begins: `v 10400 3`.
pub(crate) fn is_head(text: &str) -> bool {
    let words = text.lines().next().and_then(|line| line.strip_prefix("v ")).map(|rest| rest.split(' '));
    words.is_some_and(|mut words| words.clone().count() == 2 && words.all(|word| u64::from_str_radix(word, 16).is_ok()))
}

/// True where `text`, which begins a heaptrack file, is raw: it names the executable before the command.
pub(crate) fn is_raw_head(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("x "))
}

pub(crate) fn read(lines: &mut Lines<'_>, budget: &mut Budget) -> Result<Recording, ImportError> {
    let mut reader = Reader::new();
    while let Some(line) = lines.next()? {
        if !reader.add_line(&line, budget) {
            reader.damaged_lines += 1;
        }
    }
    let mut recording = reader.finish(budget);
    if lines.is_cut() {
        let why = "its last line is cut off".to_owned();
        recording.losses.push(Loss { what: "the end of the file".to_owned(), why });
    }
    Ok(recording)
}

/// A trace: its node in the trie, and how deep it is.
#[derive(Clone, Copy)]
struct Trace {
    node: NodeIndex,
    depth: u32,
}

/// What a trace allocated; the index is the trace's number less one.
#[derive(Clone, Copy, Default)]
struct Sums {
    counts: Counts,
    freed_bytes: u64,
}

struct Reader {
    builder: ProcessBuilder,
    version: u64,
    strings: Vec<String>,
    codes: Vec<CodeIndex>,
    traces: Vec<Trace>,
    sums: Vec<Sums>,
    /// Size and trace.
    infos: Vec<(u64, u64)>,
    raw: RawState,
    live_bytes: u64,
    /// What a free right after it would make temporary: a number of an allocation, or a pointer.
    last_allocation: Option<u64>,
    damaged_lines: u64,
    is_attached: bool,
}

/// The numbers of a line.
struct Numbers<'t>(std::str::SplitAsciiWhitespace<'t>);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u64> {
        u64::from_str_radix(self.0.next()?, 16).ok()
    }
}

impl Reader {
    fn new() -> Self {
        Self {
            builder: ProcessBuilder::new(),
            version: 0,
            strings: Vec::new(),
            codes: Vec::new(),
            traces: Vec::new(),
            sums: Vec::new(),
            infos: Vec::new(),
            raw: RawState::default(),
            live_bytes: 0,
            last_allocation: None,
            damaged_lines: 0,
            is_attached: false,
        }
    }

    /// False where the line cannot be understood.
    fn add_line(&mut self, line: &str, budget: &mut Budget) -> bool {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut numbers = Numbers(rest.split_ascii_whitespace());
        let done = match kind {
            "v" => self.version(&mut numbers),
            "X" => self.command(rest),
            "x" => self.executable(rest),
            "m" => self.raw.module(rest, SIZED_STRINGS_SINCE <= self.version, budget),
            "s" => self.string(rest, budget),
            "i" => self.code(&mut numbers, budget),
            "t" => self.trace(&mut numbers, budget),
            "a" => self.info(&mut numbers, budget),
            "+" => self.allocate(&mut numbers, budget),
            "-" => self.free(&mut numbers, budget),
            "c" => numbers.next().map(|ms| self.builder.process.duration_ms = ms),
            "A" => {
                self.is_attached = true;
                Some(())
            }
            // Memory of the machine and the process, suppressions, comments.
            "I" | "R" | "S" | "" => Some(()),
            _ => line.starts_with('#').then_some(()),
        };
        done.is_some()
    }

    fn version(&mut self, numbers: &mut Numbers<'_>) -> Option<()> {
        numbers.next()?;
        self.version = numbers.next()?;
        (self.version <= VERSION_MAX).then_some(())
    }

    fn command(&mut self, rest: &str) -> Option<()> {
        let words = rest.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        self.builder.process.command = words.collect();
        if self.builder.process.executable.is_empty() {
            self.builder.process.executable = self.builder.process.command.first().cloned().unwrap_or_default();
        }
        Some(())
    }

    fn executable(&mut self, rest: &str) -> Option<()> {
        let path = self.sized(rest)?.to_owned();
        self.raw.set_executable(&path);
        self.builder.process.executable = path;
        Some(())
    }

    /// Text after its length, where the version has lengths.
    fn sized<'t>(&self, rest: &'t str) -> Option<&'t str> {
        if self.version < SIZED_STRINGS_SINCE { Some(rest) } else { Some(rest.split_once(' ')?.1) }
    }

    fn string(&mut self, rest: &str, budget: &mut Budget) -> Option<()> {
        // A string of no length is one, too: what follows is known by its number.
        let text = self.sized(rest).unwrap_or_default();
        budget.take(2 * size_of::<String>() + text.len()).then(|| self.strings.push(text.to_owned()))
    }

    fn code(&mut self, numbers: &mut Numbers<'_>, budget: &mut Budget) -> Option<()> {
        let (address, module) = (numbers.next()?, numbers.next()?);
        let mut frames = Vec::new();
        while let (Some(function), Some(file), Some(line)) = (numbers.next(), numbers.next(), numbers.next()) {
            if frames.len() == DEPTH_MAX {
                break;
            }
            frames.push(ResolvedFrame {
                function: self.text(function),
                file: self.text(file),
                line: u32::try_from(line).ok().filter(|line| *line != 0),
                ..ResolvedFrame::default()
            });
        }
        // All but the last were inlined.
        frames.iter_mut().rev().skip(1).for_each(|frame| frame.inlined = true);
        if frames.iter().all(|frame| frame.function.is_none() && frame.file.is_none()) {
            frames.clear();
        }
        let path = self.text(module).unwrap_or_default();
        let module = self.builder.module(&path, UNKNOWN_BIAS, &[], budget);
        let code = self.builder.code(module, address, frames, budget)?;
        budget.take(2 * size_of::<CodeIndex>()).then(|| self.codes.push(code))
    }

    /// A string by its number; 0 is none.
    fn text(&self, number: u64) -> Option<String> {
        self.strings.get(usize::try_from(number).ok()?.checked_sub(1)?).cloned()
    }

    fn trace(&mut self, numbers: &mut Numbers<'_>, budget: &mut Budget) -> Option<()> {
        let (code, caller) = (numbers.next()?, numbers.next()?);
        let code = if self.raw.is_raw() {
            self.raw.code(code, &mut self.builder, budget)?
        } else {
            *self.codes.get(usize::try_from(code).ok()?.checked_sub(1)?)?
        };
        let outermost = Trace { node: NodeIndex(0), depth: 0 };
        let caller = match usize::try_from(caller).ok()?.checked_sub(1) {
            None => outermost,
            Some(index) => *self.traces.get(index)?,
        };
        if caller.depth as usize == DEPTH_MAX || !budget.take(2 * (size_of::<Trace>() + size_of::<Sums>())) {
            return None;
        }
        let node = self.builder.node(caller.node, code, budget);
        self.traces.push(Trace { node, depth: caller.depth + 1 });
        self.sums.push(Sums::default());
        Some(())
    }

    fn info(&mut self, numbers: &mut Numbers<'_>, budget: &mut Budget) -> Option<()> {
        let info = (numbers.next()?, numbers.next()?);
        budget.take(2 * size_of::<(u64, u64)>()).then(|| self.infos.push(info))
    }

    fn allocate(&mut self, numbers: &mut Numbers<'_>, budget: &mut Budget) -> Option<()> {
        let first = numbers.next()?;
        let (size, trace, name) = match numbers.next() {
            // A raw line, or one of the first version.
            Some(trace) => {
                let pointer = numbers.next()?;
                self.raw.allocate(pointer, first, trace, budget)?;
                (first, trace, pointer)
            }
            None => {
                let (size, trace) = *self.infos.get(usize::try_from(first).ok()?)?;
                (size, trace, first)
            }
        };
        let sums = self.sums_of(trace)?;
        sums.counts.blocks += 1;
        sums.counts.bytes = sums.counts.bytes.saturating_add(size);
        self.last_allocation = Some(name);
        self.live_bytes = self.live_bytes.wrapping_add(size);
        // Sums of made-up files may be below zero for a while.
        if 0 <= self.live_bytes as i64 {
            self.builder.process.peak_bytes = self.builder.process.peak_bytes.max(self.live_bytes);
        }
        Some(())
    }

    fn free(&mut self, numbers: &mut Numbers<'_>, _: &mut Budget) -> Option<()> {
        let name = numbers.next()?;
        let (size, trace) = if self.raw.is_raw() || self.infos.is_empty() {
            // What was allocated before heaptrack was there is freed, too.
            match self.raw.free(name) {
                Some(block) => block,
                None => return Some(()),
            }
        } else {
            *self.infos.get(usize::try_from(name).ok()?)?
        };
        let is_temporary = self.last_allocation.take() == Some(name);
        let sums = self.sums_of(trace)?;
        sums.freed_bytes = sums.freed_bytes.saturating_add(size);
        sums.counts.freed_blocks += 1;
        sums.counts.temporary_blocks += u64::from(is_temporary);
        self.live_bytes = self.live_bytes.wrapping_sub(size);
        Some(())
    }

    fn sums_of(&mut self, trace: u64) -> Option<&mut Sums> {
        self.sums.get_mut(usize::try_from(trace).ok()?.checked_sub(1)?)
    }

    fn finish(mut self, budget: &mut Budget) -> Recording {
        budget.open_reserve();
        for index in 0..self.sums.len() {
            let Sums { mut counts, freed_bytes } = self.sums[index];
            if counts.blocks == 0 && counts.freed_blocks == 0 {
                continue;
            }
            let Some(site) = self.builder.site(self.traces[index].node, budget) else { break };
            // Lines that free parts of blocks, as our own writer makes them, can outnumber blocks.
            counts.freed_blocks = counts.freed_blocks.min(counts.blocks);
            counts.temporary_blocks = counts.temporary_blocks.min(counts.freed_blocks);
            let live_bytes = counts.bytes.saturating_sub(freed_bytes);
            if live_bytes == 0 && counts.bytes != 0 {
                counts.freed_blocks = counts.blocks;
            }
            self.builder.add_counts(site, counts);
            self.add_live(site, counts.blocks - counts.freed_blocks, live_bytes, budget);
        }
        let mut losses = Vec::new();
        let mut add = |what: &str, why: String| losses.push(Loss { what: what.to_owned(), why });
        if self.damaged_lines != 0 {
            add("a part of the file", format!("{} of its lines cannot be understood", self.damaged_lines));
        }
        if self.is_attached {
            add("what was allocated first", "heaptrack came to the process when it ran already".to_owned());
        }
        let process = self.builder.finish(SnapshotReason::Exit);
        Recording { command: process.command.clone(), processes: vec![process], losses, ..Recording::default() }
    }

    fn add_live(&mut self, site: SiteIndex, blocks: u64, bytes: u64, budget: &mut Budget) {
        if blocks != 0 || bytes != 0 {
            self.builder.add_live(site, Live::undecided(blocks, bytes), budget);
        }
    }
}
