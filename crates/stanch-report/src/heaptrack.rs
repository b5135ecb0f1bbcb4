//! heaptrack's file format, version 3, zstd: for `heaptrack_print` and `heaptrack_gui`.
//!
//! ```text
//! v 10400 3                  heaptrack's and the file's version; all numbers are hexadecimal
//! X perl -e 1                command
//! I 1000 0                   page size, pages of memory (unknown)
//! s 4 main                   a string with its length; strings, and what follows, are numbered from 1
//! i 401136 1 2 3 58          code: address, module, then function, file, line, the innermost inlined one first
//! t 1 0                      a frame of a trace: code, and the caller's trace or 0
//! a 40 1                     an allocation: size, trace; these are numbered from 0
//! + 0                        it happens
//! - 0                        it is freed; at once after its `+`, it was temporary
//! c 4                        time, in milliseconds
//! ```
//!
//! A recording has sums and no events, so the events are made up. What agrees with the recording, to the byte: what
//! every stack allocated and what of it is left at the end, how often it called, and the peak of all. As many blocks
//! are temporary, less those that the peak needs. Where the blocks of one stack had different sizes, they have the
//! mean.
mod events;

use crate::stacks::{Amount, ProcessStacks, StackFrame, Weight, WeightedStack, frames_of};
use events::{Bundle, Events};
use stanch_recording::NodeIndex;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

/// Version of heaptrack whose format this is.
const HEAD: &str = "v 10400 3";
/// Most calls that are written one by one. Readers take about a second for ten million.
const CALLS_MAX: u64 = 20_000_000;

/// What of the recording the file cannot say, in words for people.
#[must_use]
pub fn note(processes: &[ProcessStacks<'_>]) -> Option<String> {
    let calls = calls(processes);
    (CALLS_MAX < calls).then(|| {
        format!(
            "heaptrack's format has a line for each call: {calls} calls are written as about {CALLS_MAX}, their bytes \
             are exact"
        )
    })
}

/// How many calls there are to write. Files of other tools may know what is live and not what was allocated.
fn calls(processes: &[ProcessStacks<'_>]) -> u64 {
    let stacks = processes.iter().flat_map(|process| &process.stacks);
    let calls = |stack: &WeightedStack| stack.amount(Weight::Allocated).blocks.max(stack.amount(Weight::Live).blocks);
    stacks.fold(0, |sum: u64, stack| sum.saturating_add(calls(stack)))
}

/// Writes one stream for all processes; of several, each is the outermost frame of its stacks, and the peak is the sum
/// of their peaks.
///
/// # Errors
/// When `out` refuses.
pub fn write(processes: &[ProcessStacks<'_>], command: &[String], out: &mut dyn Write) -> io::Result<()> {
    let packed = zstd::stream::write::Encoder::new(out, 0)?;
    let mut out = BufWriter::new(packed);
    writeln!(out, "{HEAD}\nX {}\nI 1000 0", clean(&command.join(" ")))?;
    let bundles = Tables::new(&mut out).write(processes)?;
    // Mappings are no part of a recorded peak, and they are among what was live.
    let peak_of = |process: &ProcessStacks<'_>| process.process.peak_bytes.max(process.total(Weight::Live).bytes);
    let peak_bytes = processes.iter().fold(0, |sum: u64, process| sum.saturating_add(peak_of(process)));
    let end_ms = processes.iter().map(|process| process.process.duration_ms).max().unwrap_or(0);
    let events = Events { peak_bytes, end_ms, calls_divisor: calls(processes).div_ceil(CALLS_MAX).max(1) };
    events.write(&bundles, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?.flush()
}

/// Line breaks separate entries.
fn clean(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), " ")
}

/// Strings, code and traces, written as they are met.
struct Tables<'o, W: Write> {
    out: &'o mut W,
    strings: HashMap<String, u64>,
    code_count: u64,
    trace_count: u64,
}

impl<'o, W: Write> Tables<'o, W> {
    fn new(out: &'o mut W) -> Self {
        Self { out, strings: HashMap::new(), code_count: 0, trace_count: 0 }
    }

    /// Writes all stacks, and says what each allocated.
    fn write(mut self, processes: &[ProcessStacks<'_>]) -> io::Result<Vec<Bundle>> {
        let mut bundles = Vec::new();
        for process in processes {
            let root = if processes.len() == 1 { 0 } else { self.root(&process.name())? };
            let (mut codes, mut traces) = (HashMap::new(), HashMap::new());
            for stack in &process.stacks {
                let trace = self.trace(process, stack.node, root, &mut codes, &mut traces)?;
                bundles.push(bundle(trace, stack));
            }
        }
        Ok(bundles)
    }

    /// A process as the outermost frame.
    fn root(&mut self, name: &str) -> io::Result<u64> {
        let function = self.string(name)?;
        writeln!(self.out, "i 0 0 {function:x} 0 0")?;
        self.code_count += 1;
        self.add_trace(self.code_count, 0)
    }

    /// The number of the trace that ends in `node`. Callers are written before callees.
    fn trace(
        &mut self,
        process: &ProcessStacks<'_>,
        node: NodeIndex,
        root: u64,
        codes: &mut HashMap<(u16, u64), u64>,
        traces: &mut HashMap<NodeIndex, u64>,
    ) -> io::Result<u64> {
        let is_new = |entry: &stanch_recording::StackEntry<'_>| !traces.contains_key(&entry.index);
        let new: Vec<_> = process.process.stack(node).take_while(is_new).collect();
        let outside = new.last().map_or(node, |entry| entry.node.parent);
        let mut trace = traces.get(&outside).copied().unwrap_or(root);
        for entry in new.into_iter().rev() {
            let key = (entry.node.module, entry.node.address.0);
            let code = match codes.get(&key) {
                Some(code) => *code,
                None => {
                    let code = self.code(&frames_of(entry))?;
                    codes.insert(key, code);
                    code
                }
            };
            trace = self.add_trace(code, trace)?;
            traces.insert(entry.index, trace);
        }
        if trace == 0 {
            // Nothing is known of the stack, and every allocation has a trace.
            trace = self.root("(unknown stack)")?;
            traces.insert(node, trace);
        }
        Ok(trace)
    }

    fn add_trace(&mut self, code: u64, caller: u64) -> io::Result<u64> {
        writeln!(self.out, "t {code:x} {caller:x}")?;
        self.trace_count += 1;
        Ok(self.trace_count)
    }

    /// Code with its frames, the innermost first.
    fn code(&mut self, frames: &[StackFrame<'_>]) -> io::Result<u64> {
        let first = frames.first().copied().unwrap_or_default();
        let mut line = format!("i {:x} {:x}", first.address, self.optional(first.module)?);
        let named = frames.iter().filter(|frame| frame.function.is_some() || frame.file.is_some());
        for frame in named {
            let (function, file) = (self.optional(frame.function)?, self.optional(frame.file)?);
            line += &format!(" {function:x} {file:x} {:x}", frame.line.unwrap_or(0));
        }
        writeln!(self.out, "{line}")?;
        self.code_count += 1;
        Ok(self.code_count)
    }

    fn optional(&mut self, text: Option<&str>) -> io::Result<u64> {
        text.map_or(Ok(0), |text| self.string(text))
    }

    fn string(&mut self, text: &str) -> io::Result<u64> {
        if let Some(index) = self.strings.get(text) {
            return Ok(*index);
        }
        let clean = clean(text);
        writeln!(self.out, "s {:x} {clean}", clean.len())?;
        let index = self.strings.len() as u64 + 1;
        self.strings.insert(text.to_owned(), index);
        Ok(index)
    }
}

fn bundle(trace: u64, stack: &WeightedStack) -> Bundle {
    let (allocated, live) = (stack.amount(Weight::Allocated), stack.amount(Weight::Live));
    let freed = Amount {
        bytes: allocated.bytes.saturating_sub(live.bytes),
        blocks: allocated.blocks.saturating_sub(live.blocks),
    };
    // Blocks of an unknown number, in a file that another tool made: one.
    let blocks = |amount: Amount| if amount.bytes == 0 { amount.blocks } else { amount.blocks.max(1) };
    let freed = Amount { blocks: blocks(freed), ..freed };
    Bundle {
        trace,
        live: Amount { blocks: blocks(live), ..live },
        freed,
        temporary_blocks: stack.amount(Weight::Temporary).blocks.min(freed.blocks),
    }
}
