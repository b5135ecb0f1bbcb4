//! What samples of a profile refer to: strings, functions, locations, mappings.
use crate::LinkAddress;
use crate::budget::Budget;
use crate::builder::{CodeIndex, ProcessBuilder, UNKNOWN_BIAS};
use stanch_pprof::prost::Message;
use stanch_pprof::prost::encoding::{WireType, decode_key, decode_varint};
use stanch_pprof::{Function, Location, Mapping, Sample, ValueType, field};
use stanch_recording::ResolvedFrame;
use std::collections::HashMap;

/// How much larger a message may be in memory than in the file: an empty one has two bytes there.
pub(super) const MESSAGE_FACTOR: usize = 48;

/// What samples refer to, by id.
#[derive(Default)]
pub(super) struct Tables {
    strings: Vec<String>,
    /// Name and unit.
    pub(super) sample_types: Vec<(String, String)>,
    functions: HashMap<u64, Function>,
    locations: HashMap<u64, Location>,
    mappings: HashMap<u64, Mapping>,
    /// The mapping of the program itself comes first.
    first_mapping: Option<u64>,
    time_nanos: u64,
    duration_nanos: u64,
    damaged_messages: u64,
}

/// Calls `each` with number, way of writing and payload of every field; the payload of a number is its encoding. Says
/// what is wrong where the message does not end as it should.
pub(super) fn fields(bytes: &[u8], mut each: impl FnMut(u32, WireType, &[u8])) -> Option<String> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let damaged = || Some(format!("it is damaged or cut off at byte {at} of {}", bytes.len()));
        let Ok((number, wire_type)) = decode_key(&mut rest) else { return damaged() };
        let length = match wire_type {
            WireType::LengthDelimited => match decode_varint(&mut rest) {
                Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
                Err(_) => return damaged(),
            },
            WireType::Varint => rest.iter().position(|byte| *byte < 0x80).map_or(usize::MAX, |last| last + 1),
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => return damaged(),
        };
        let Some((payload, after)) = rest.split_at_checked(length) else { return damaged() };
        each(number, wire_type, payload);
        rest = after;
    }
    None
}

/// A message, as far as it is sound.
pub(super) fn decode<M: Message + Default>(payload: &[u8]) -> Option<M> {
    M::decode(payload).ok()
}

impl Tables {
    pub(super) fn read(bytes: &[u8], budget: &mut Budget) -> Self {
        let mut tables = Self::default();
        let mut sample_types: Vec<ValueType> = Vec::new();
        // What is wrong at the end is said when samples are read.
        let _ = fields(bytes, |number, _, payload| {
            // What stays in memory, entries of maps included.
            let weight = MESSAGE_FACTOR * payload.len() + 128;
            match number {
                field::SAMPLE_TYPE if budget.take(weight) => sample_types.extend(tables.message::<ValueType>(payload)),
                field::MAPPING if budget.take(weight) => {
                    if let Some(mapping) = tables.message::<Mapping>(payload) {
                        tables.first_mapping = tables.first_mapping.or(Some(mapping.id));
                        tables.mappings.insert(mapping.id, mapping);
                    }
                }
                field::LOCATION if budget.take(weight) => {
                    if let Some(location) = tables.message::<Location>(payload) {
                        tables.locations.insert(location.id, location);
                    }
                }
                field::FUNCTION if budget.take(weight) => {
                    if let Some(function) = tables.message::<Function>(payload) {
                        tables.functions.insert(function.id, function);
                    }
                }
                // Bytes that are no text may become three times as long.
                field::STRING_TABLE if budget.take(3 * payload.len() + 2 * size_of::<String>()) => {
                    tables.strings.push(String::from_utf8_lossy(payload).into_owned());
                }
                field::TIME_NANOS => tables.time_nanos = number_of(payload),
                field::DURATION_NANOS => tables.duration_nanos = number_of(payload),
                _ => {}
            }
        });
        for value_type in sample_types {
            let types = (tables.text(value_type.r#type).to_owned(), tables.text(value_type.unit).to_owned());
            if budget.take(2 * size_of::<(String, String)>() + types.0.len() + types.1.len()) {
                tables.sample_types.push(types);
            }
        }
        tables
    }

    fn message<M: Message + Default>(&mut self, payload: &[u8]) -> Option<M> {
        let message = decode(payload);
        self.damaged_messages += u64::from(message.is_none());
        message
    }

    pub(super) fn damaged(&self) -> Option<String> {
        (self.damaged_messages != 0).then(|| format!("{} of its entries are damaged", self.damaged_messages))
    }

    pub(super) fn started_unix_ms(&self) -> u64 {
        self.time_nanos / 1_000_000
    }

    fn text(&self, index: i64) -> &str {
        usize::try_from(index).ok().and_then(|index| self.strings.get(index)).map_or("", String::as_str)
    }

    pub(super) fn number_label(&self, sample: &Sample, key: &str) -> Option<i64> {
        sample.label.iter().find(|label| self.text(label.key) == key).map(|label| label.num)
    }

    /// An empty process of what the profile says of all.
    pub(super) fn process(&self, pid: u64) -> ProcessBuilder {
        let mut builder = ProcessBuilder::new();
        builder.process.pid = u32::try_from(pid).unwrap_or(0);
        builder.process.duration_ms = self.duration_nanos / 1_000_000;
        let program = self.first_mapping.and_then(|id| self.mappings.get(&id));
        let path = program.map(|mapping| self.text(mapping.filename)).filter(|path| !path.is_empty());
        if let Some(path) = path {
            builder.process.executable = path.to_owned();
            builder.process.command = vec![path.to_owned()];
        }
        builder
    }

    /// The place in code of a location. `None` where the budget is spent; unknown locations are unknown code.
    pub(super) fn code(
        &self,
        id: u64,
        builder: &mut ProcessBuilder,
        link_address: LinkAddress<'_>,
        budget: &mut Budget,
    ) -> Option<CodeIndex> {
        let Some(location) = self.locations.get(&id) else { return builder.code(0, 0, Vec::new(), budget) };
        let module = self.module(location.mapping_id, builder, link_address, budget);
        let lines = location.line.iter().take(crate::builder::DEPTH_MAX);
        let mut frames: Vec<ResolvedFrame> = lines.map(|line| self.frame(line)).collect();
        frames.iter_mut().rev().skip(1).for_each(|frame| frame.inlined = true);
        // The address is that of the call; recordings have the one after it.
        let after = if location.address == 0 { 0 } else { location.address.saturating_add(1) };
        builder.code(module, after, frames, budget)
    }

    fn frame(&self, line: &stanch_pprof::Line) -> ResolvedFrame {
        let function = self.functions.get(&line.function_id).copied().unwrap_or_default();
        let text = |index| Some(self.text(index)).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |number: i64| u32::try_from(number).ok().filter(|number| *number != 0);
        ResolvedFrame {
            function: text(function.name).or_else(|| text(function.system_name)),
            file: text(function.filename),
            line: number(line.line),
            column: number(line.column),
            inlined: false,
        }
    }

    fn module(&self, id: u64, builder: &mut ProcessBuilder, link_address: LinkAddress<'_>, budget: &mut Budget) -> u16 {
        let Some(mapping) = self.mappings.get(&id) else { return 0 };
        let path = self.text(mapping.filename);
        // Of a mapping that begins inside the file nobody knows where the file begins, unless its addresses are named.
        let bias = match link_address(path) {
            Some(linked) => mapping.memory_start.wrapping_sub(mapping.file_offset).wrapping_sub(linked),
            None => UNKNOWN_BIAS,
        };
        builder.module(path, bias, &build_id(self.text(mapping.build_id)), budget)
    }
}

/// A number, which stands where a payload would.
fn number_of(payload: &[u8]) -> u64 {
    let mut rest = payload;
    decode_varint(&mut rest).unwrap_or(0)
}

/// Bytes of hexadecimal digits; none where it is something else, as Go's build ids are.
fn build_id(text: &str) -> Vec<u8> {
    let byte = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len().min(128)).step_by(2).map(byte).collect();
    bytes.unwrap_or_default()
}
