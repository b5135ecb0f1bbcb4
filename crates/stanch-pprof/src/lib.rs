//! The messages of pprof's `profile.proto`, which one crate writes and another reads.
//!
//! Field numbers and meanings are those of
//! <https://github.com/google/pprof/blob/main/proto/profile.proto>. Strings are indexes into [`Profile::string_table`],
//! whose entry 0 is empty. Ids of mappings, locations and functions are not 0; 0 means none.
#![forbid(unsafe_code)]

pub use prost;
use prost::Message;

/// A whole profile; field numbers are in [`field`].
#[derive(Clone, PartialEq, Message)]
pub struct Profile {
    /// What the values of each sample are.
    #[prost(message, repeated, tag = "1")]
    pub sample_type: Vec<ValueType>,
    /// The stacks with their values.
    #[prost(message, repeated, tag = "2")]
    pub sample: Vec<Sample>,
    /// Executables and shared objects.
    #[prost(message, repeated, tag = "3")]
    pub mapping: Vec<Mapping>,
    /// Code addresses.
    #[prost(message, repeated, tag = "4")]
    pub location: Vec<Location>,
    /// Functions.
    #[prost(message, repeated, tag = "5")]
    pub function: Vec<Function>,
    /// All strings.
    #[prost(string, repeated, tag = "6")]
    pub string_table: Vec<String>,
    /// When it was taken, in nanoseconds since the Unix epoch.
    #[prost(int64, tag = "9")]
    pub time_nanos: i64,
    /// How long it covers, in nanoseconds.
    #[prost(int64, tag = "10")]
    pub duration_nanos: i64,
    /// What is counted between two samples.
    #[prost(message, optional, tag = "11")]
    pub period_type: Option<ValueType>,
    /// How much of it lies between two samples; 1 where everything was recorded.
    #[prost(int64, tag = "12")]
    pub period: i64,
    /// Free text (strings).
    #[prost(int64, repeated, tag = "13")]
    pub comment: Vec<i64>,
    /// The type that is shown first (string); 0 for the last one.
    #[prost(int64, tag = "14")]
    pub default_sample_type: i64,
}

/// Field numbers of [`Profile`], for readers that take one field at a time.
pub mod field {
    /// [`Profile::sample_type`](super::Profile::sample_type)
    pub const SAMPLE_TYPE: u32 = 1;
    /// [`Profile::sample`](super::Profile::sample)
    pub const SAMPLE: u32 = 2;
    /// [`Profile::mapping`](super::Profile::mapping)
    pub const MAPPING: u32 = 3;
    /// [`Profile::location`](super::Profile::location)
    pub const LOCATION: u32 = 4;
    /// [`Profile::function`](super::Profile::function)
    pub const FUNCTION: u32 = 5;
    /// [`Profile::string_table`](super::Profile::string_table)
    pub const STRING_TABLE: u32 = 6;
    /// [`Profile::time_nanos`](super::Profile::time_nanos)
    pub const TIME_NANOS: u32 = 9;
    /// [`Profile::duration_nanos`](super::Profile::duration_nanos)
    pub const DURATION_NANOS: u32 = 10;
    /// [`Profile::comment`](super::Profile::comment)
    pub const COMMENT: u32 = 13;
}

/// A quantity and its unit.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct ValueType {
    /// What (string): `inuse_space`.
    #[prost(int64, tag = "1")]
    pub r#type: i64,
    /// Its unit (string): `bytes`, `count`.
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

/// A stack and its values.
#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    /// Ids of locations, the innermost first.
    #[prost(uint64, repeated, tag = "1")]
    pub location_id: Vec<u64>,
    /// One value for each of [`Profile::sample_type`].
    #[prost(int64, repeated, tag = "2")]
    pub value: Vec<i64>,
    /// What else is known.
    #[prost(message, repeated, tag = "3")]
    pub label: Vec<Label>,
}

/// A property of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Label {
    /// Its name (string).
    #[prost(int64, tag = "1")]
    pub key: i64,
    /// Its value where that is text (string).
    #[prost(int64, tag = "2")]
    pub str: i64,
    /// Its value where that is a number.
    #[prost(int64, tag = "3")]
    pub num: i64,
    /// The number's unit (string).
    #[prost(int64, tag = "4")]
    pub num_unit: i64,
}

/// A file mapped into the process.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Mapping {
    /// Its id.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// First address.
    #[prost(uint64, tag = "2")]
    pub memory_start: u64,
    /// Address after the last.
    #[prost(uint64, tag = "3")]
    pub memory_limit: u64,
    /// Offset of `memory_start` in the file.
    #[prost(uint64, tag = "4")]
    pub file_offset: u64,
    /// Path (string).
    #[prost(int64, tag = "5")]
    pub filename: i64,
    /// Build id in hexadecimal digits (string).
    #[prost(int64, tag = "6")]
    pub build_id: i64,
    /// Locations have functions.
    #[prost(bool, tag = "7")]
    pub has_functions: bool,
    /// Functions have files.
    #[prost(bool, tag = "8")]
    pub has_filenames: bool,
    /// Lines are known.
    #[prost(bool, tag = "9")]
    pub has_line_numbers: bool,
    /// Locations have their inlined frames.
    #[prost(bool, tag = "10")]
    pub has_inline_frames: bool,
}

/// A code address.
#[derive(Clone, PartialEq, Message)]
pub struct Location {
    /// Its id.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Id of the mapping that it lies in.
    #[prost(uint64, tag = "2")]
    pub mapping_id: u64,
    /// An address inside the instruction.
    #[prost(uint64, tag = "3")]
    pub address: u64,
    /// What it was compiled from, the innermost inlined function first.
    #[prost(message, repeated, tag = "4")]
    pub line: Vec<Line>,
}

/// A line of a function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Line {
    /// Id of the function.
    #[prost(uint64, tag = "1")]
    pub function_id: u64,
    /// Line from 1; 0 where it is not known.
    #[prost(int64, tag = "2")]
    pub line: i64,
    /// Column from 1; 0 where it is not known.
    #[prost(int64, tag = "3")]
    pub column: i64,
}

/// A function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Function {
    /// Its id.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Name as people read it (string).
    #[prost(int64, tag = "2")]
    pub name: i64,
    /// Name as the linker knows it (string).
    #[prost(int64, tag = "3")]
    pub system_name: i64,
    /// Source file (string).
    #[prost(int64, tag = "4")]
    pub filename: i64,
    /// Line where it begins.
    #[prost(int64, tag = "5")]
    pub start_line: i64,
}
