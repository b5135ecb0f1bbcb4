//! pprof's `profile.proto`, gzipped: for `go tool pprof`, Pyroscope, Parca and speedscope.
//!
//! All weights that are sums over a process's life or its end go out as sample types. Frames keep their files, lines
//! and inlined functions; modules keep their build ids.
use crate::stacks::{Amount, Measure, ProcessStacks, StackFrame, Unit, Weight, WeightedStack, frames_of};
use flate2::{Compression, GzBuilder};
use stanch_pprof::prost::Message;
use stanch_pprof::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};
use stanch_recording::{NodeIndex, Recording, StackEntry};
use std::collections::HashMap;
use std::io::{self, Write};

/// The sample types: name, unit, weight.
const SAMPLE_TYPES: [(&str, Weight, Unit); 6] = [
    ("alloc_objects", Weight::Allocated, Unit::Blocks),
    ("alloc_space", Weight::Allocated, Unit::Bytes),
    ("inuse_objects", Weight::Live, Unit::Blocks),
    ("inuse_space", Weight::Live, Unit::Bytes),
    ("lost_objects", Weight::Lost, Unit::Blocks),
    ("lost_space", Weight::Lost, Unit::Bytes),
];

/// Writes all processes as one profile; samples are labelled with process and allocation function. The sample type
/// that `measure` names is the default one, or else `inuse_space`.
///
/// # Errors
/// When `out` refuses.
pub fn write(
    recording: &Recording,
    processes: &[ProcessStacks<'_>],
    measure: Measure,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut builder = Builder::new(recording, measure);
    processes.iter().for_each(|process| builder.add_process(process));
    // No name and no time: equal recordings give equal bytes.
    let mut packed = GzBuilder::new().write(out, Compression::default());
    packed.write_all(&builder.profile.encode_to_vec())?;
    packed.finish()?.flush()
}

/// Bytes allocated between two samples, on average; 1 where every block was recorded.
fn mean_bytes(recording: &Recording) -> u64 {
    let means = recording.processes.iter().filter_map(|process| process.sampling.as_ref());
    means.map(|sampling| sampling.mean_bytes).max().unwrap_or(1)
}

/// A profile under construction.
struct Builder<'a> {
    profile: Profile,
    strings: HashMap<String, i64>,
    functions: HashMap<(String, Option<&'a str>), u64>,
}

impl<'a> Builder<'a> {
    fn new(recording: &Recording, measure: Measure) -> Self {
        let mut builder = Self { profile: Profile::default(), strings: HashMap::new(), functions: HashMap::new() };
        builder.string("");
        for (name, _, unit) in SAMPLE_TYPES {
            let value_type = builder.value_type(name, if unit == Unit::Bytes { "bytes" } else { "count" });
            builder.profile.sample_type.push(value_type);
        }
        let is_default = |&&(_, weight, unit): &&(&str, Weight, Unit)| weight == measure.weight && unit == measure.unit;
        let default = SAMPLE_TYPES.iter().find(is_default).map_or("inuse_space", |(name, ..)| name);
        builder.profile.default_sample_type = builder.string(default);
        builder.profile.period_type = Some(builder.value_type("space", "bytes"));
        builder.profile.period = signed(mean_bytes(recording));
        builder.profile.time_nanos = signed(recording.started_unix_ms.saturating_mul(1_000_000));
        let end_ms = |process: &stanch_recording::Process| process.started_ms.saturating_add(process.duration_ms);
        let duration_ms = recording.processes.iter().map(end_ms).max().unwrap_or(0);
        builder.profile.duration_nanos = signed(duration_ms.saturating_mul(1_000_000));
        let losses = recording.losses.iter().chain(recording.processes.iter().flat_map(|process| &process.losses));
        let losses = losses.map(|loss| format!("not seen: {}: {}", loss.what, loss.why));
        for comment in [recording.command.join(" ")].into_iter().chain(losses) {
            let comment = builder.string(&comment);
            builder.profile.comment.push(comment);
        }
        builder
    }

    fn add_process(&mut self, process: &ProcessStacks<'a>) {
        let mappings = self.add_mappings(process);
        let name = process.name();
        let labels = [self.text_label("process", &name), self.pid_label(process.process.pid)];
        let mut locations = HashMap::new();
        for stack in &process.stacks {
            let value: Vec<i64> = SAMPLE_TYPES.iter().map(|&(_, weight, unit)| value(stack, weight, unit)).collect();
            if value.iter().all(|value| *value == 0) {
                continue;
            }
            let entries = process.process.stack(stack.node);
            let location_id = entries.map(|entry| self.location(entry, &mappings, &mut locations)).collect();
            let allocator = stack.allocator.map(|allocator| self.text_label("allocator", allocator.name()));
            let label = labels.into_iter().chain(allocator).collect();
            self.profile.sample.push(Sample { location_id, value, label });
        }
    }

    /// One mapping a module; its ids in the order of the process's modules. What is known of its range is where it was
    /// loaded and which of its addresses appear.
    fn add_mappings(&mut self, process: &ProcessStacks<'a>) -> Vec<u64> {
        let modules = &process.process.modules;
        let mut limits: Vec<u64> = modules.iter().map(|module| module.load_bias).collect();
        for node in &process.process.nodes {
            if let Some(limit) = usize::from(node.module).checked_sub(1).and_then(|module| limits.get_mut(module)) {
                *limit = node.address.0.saturating_add(1).max(*limit);
            }
        }
        let mut ids = Vec::new();
        for (module, memory_limit) in modules.iter().zip(limits) {
            let id = self.profile.mapping.len() as u64 + 1;
            let build_id: String = module.build_id.iter().map(|byte| format!("{byte:02x}")).collect();
            let (filename, build_id) = (self.string(&module.path), self.string(&build_id));
            self.profile.mapping.push(Mapping {
                id,
                memory_start: module.load_bias.min(memory_limit.saturating_sub(1)),
                memory_limit,
                file_offset: 0,
                filename,
                build_id,
                has_functions: true,
                has_filenames: true,
                has_line_numbers: true,
                has_inline_frames: true,
            });
            ids.push(id);
        }
        ids
    }

    /// The location of a node; `known` has those of this process.
    fn location(&mut self, entry: StackEntry<'a>, mappings: &[u64], known: &mut HashMap<NodeIndex, u64>) -> u64 {
        if let Some(id) = known.get(&entry.index) {
            return *id;
        }
        let id = self.profile.location.len() as u64 + 1;
        let module = usize::from(entry.node.module).checked_sub(1);
        let mapping_id = module.and_then(|module| mappings.get(module)).copied().unwrap_or(0);
        let line = frames_of(entry).into_iter().map(|frame| self.line(frame)).collect();
        // The call, not the instruction after it.
        let address = entry.node.address.0.saturating_sub(1);
        self.profile.location.push(Location { id, mapping_id, address, line });
        known.insert(entry.index, id);
        id
    }

    fn line(&mut self, frame: StackFrame<'a>) -> Line {
        let name = frame.name();
        let key = (name.clone(), frame.file);
        let function_id = match self.functions.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.profile.function.len() as u64 + 1;
                let (name, filename) = (self.string(&name), self.string(frame.file.unwrap_or_default()));
                self.profile.function.push(Function { id, name, system_name: name, filename, start_line: 0 });
                self.functions.insert(key, id);
                id
            }
        };
        Line { function_id, line: frame.line.map_or(0, i64::from), column: 0 }
    }

    fn value_type(&mut self, name: &str, unit: &str) -> ValueType {
        ValueType { r#type: self.string(name), unit: self.string(unit) }
    }

    fn text_label(&mut self, key: &str, text: &str) -> Label {
        Label { key: self.string(key), str: self.string(text), num: 0, num_unit: 0 }
    }

    fn pid_label(&mut self, pid: u32) -> Label {
        Label { key: self.string("pid"), str: 0, num: i64::from(pid), num_unit: 0 }
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(index) = self.strings.get(text) {
            return *index;
        }
        let index = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), index);
        index
    }
}

fn value(stack: &WeightedStack, weight: Weight, unit: Unit) -> i64 {
    let Amount { bytes, blocks } = stack.amount(weight);
    signed(if unit == Unit::Bytes { bytes } else { blocks })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
