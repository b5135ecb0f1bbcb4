//! Sections of names for code addresses, a chunk each. Every chunk has its own table of strings.
//!
//! ```text
//! unsigned number of strings, column of their lengths, blob of their bytes side by side,
//! unsigned number of codes, then columns:
//!   module     unsigned step from the previous code's; codes are sorted
//!   address    unsigned step from the previous address of the same module
//!   frames     how many − 1
//! and columns of the frames of all codes:
//!   function   0 unknown, else 1 + number of the string
//!   file       the same
//!   line       0 unknown, else 1 + line
//!   column     0 unknown, else 2 × (1 + column); + 1 where inlined
//! ```

use std::collections::HashMap;

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{ResolvedCode, ResolvedFrame, RuntimeAddress};

pub(super) fn encode(codes: &[ResolvedCode]) -> Vec<u8> {
    let mut names = Names::default();
    let (mut modules, mut addresses, mut counts) = (Encoder::new(), Encoder::new(), Encoder::new());
    let mut frames = FrameColumns::<Encoder>::default();
    let (mut last_module, mut last_address) = (0, 0);
    for code in codes {
        modules.unsigned(u64::from(code.module - last_module));
        if code.module != last_module {
            (last_module, last_address) = (code.module, 0);
        }
        addresses.unsigned(code.address.0 - last_address);
        last_address = code.address.0;
        counts.length(code.frames.len() - 1);
        code.frames.iter().for_each(|frame| frames.encode(frame, &mut names));
    }
    let mut payload = Encoder::new();
    names.encode(&mut payload);
    payload.length(codes.len());
    let FrameColumns { functions, files, lines, columns } = frames;
    [modules, addresses, counts, functions, files, lines, columns]
        .into_iter()
        .for_each(|column| payload.column(column));
    payload.finish()
}

/// Appends a chunk, all of which must come after what is known.
pub(super) fn decode(payload: &[u8], codes: &mut Vec<ResolvedCode>, budget: &mut Budget) -> Result<(), Malformed> {
    let mut payload = Decoder::new(payload);
    let names = decode_names(&mut payload, budget)?;
    let count = payload.count()?;
    budget.entries::<ResolvedCode>(count)?;
    let (mut modules, mut addresses, mut counts) = (payload.column()?, payload.column()?, payload.column()?);
    let mut frames = FrameColumns {
        functions: payload.column()?,
        files: payload.column()?,
        lines: payload.column()?,
        columns: payload.column()?,
    };
    let (mut last_module, mut last_address) = (0_u16, 0_u64);
    let chunk = (0..count).map(|_| {
        let step = modules.u16()?;
        if step > 0 {
            last_module = last_module.checked_add(step).ok_or(Malformed::TooLarge)?;
            last_address = 0;
        }
        last_address = last_address.checked_add(addresses.unsigned()?).ok_or(Malformed::TooLarge)?;
        let frame_count = frames.count(counts.length()?)?;
        budget.entries::<ResolvedFrame>(frame_count)?;
        let frames = (0..frame_count).map(|_| frames.decode(&names, budget)).collect::<Result<_, _>>()?;
        Ok(ResolvedCode { module: last_module, address: RuntimeAddress(last_address), frames })
    });
    let chunk: Vec<_> = chunk.collect::<Result<_, _>>()?;
    if let (Some(last), Some(next)) = (codes.last(), chunk.first())
        && (next.module, next.address) < (last.module, last.address)
    {
        return Err(Malformed::OutOfRange("its first address"));
    }
    codes.extend(chunk);
    Ok(())
}

#[derive(Default)]
struct FrameColumns<Column> {
    functions: Column,
    files: Column,
    lines: Column,
    columns: Column,
}

impl FrameColumns<Encoder> {
    fn encode<'a>(&mut self, frame: &'a ResolvedFrame, names: &mut Names<'a>) {
        self.functions.unsigned(names.number(frame.function.as_deref()));
        self.files.unsigned(names.number(frame.file.as_deref()));
        let optional = |number: Option<u32>| number.map_or(0, |number| u64::from(number) + 1);
        self.lines.unsigned(optional(frame.line));
        self.columns.unsigned(optional(frame.column) << 1 | u64::from(frame.inlined));
    }
}

impl FrameColumns<Decoder<'_>> {
    /// Refuses a number of frames that the columns cannot hold.
    fn count(&self, count_less_one: usize) -> Result<usize, Malformed> {
        if count_less_one < self.functions.left() { Ok(count_less_one + 1) } else { Err(Malformed::Short) }
    }

    fn decode(&mut self, names: &[&str], budget: &mut Budget) -> Result<ResolvedFrame, Malformed> {
        let function = decode_name(self.functions.unsigned()?, names, budget)?;
        let file = decode_name(self.files.unsigned()?, names, budget)?;
        let line = decode_optional(self.lines.unsigned()?)?;
        let column = self.columns.unsigned()?;
        Ok(ResolvedFrame { function, file, line, column: decode_optional(column >> 1)?, inlined: column & 1 == 1 })
    }
}

fn decode_optional(code: u64) -> Result<Option<u32>, Malformed> {
    match code.checked_sub(1) {
        None => Ok(None),
        Some(number) => u32::try_from(number).map(Some).map_err(|_| Malformed::TooLarge),
    }
}

fn decode_name(code: u64, names: &[&str], budget: &mut Budget) -> Result<Option<String>, Malformed> {
    let Some(number) = code.checked_sub(1) else { return Ok(None) };
    let position = usize::try_from(number).map_err(|_| Malformed::TooLarge)?;
    let name = names.get(position).ok_or(Malformed::OutOfRange("the number of a string"))?;
    budget.bytes(name.len())?;
    Ok(Some((*name).to_owned()))
}

/// The strings of a chunk, numbered from 1 in the order of their first use.
#[derive(Default)]
struct Names<'a> {
    numbers: HashMap<&'a str, u64>,
    in_order: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: Option<&'a str>) -> u64 {
        let Some(name) = name else { return 0 };
        *self.numbers.entry(name).or_insert_with(|| {
            self.in_order.push(name);
            self.in_order.len() as u64
        })
    }

    fn encode(&self, payload: &mut Encoder) {
        let mut lengths = Encoder::new();
        self.in_order.iter().for_each(|name| lengths.length(name.len()));
        payload.length(self.in_order.len());
        payload.column(lengths);
        payload.text(&self.in_order.concat());
    }
}

fn decode_names<'a>(payload: &mut Decoder<'a>, budget: &mut Budget) -> Result<Vec<&'a str>, Malformed> {
    let count = payload.count()?;
    let mut lengths = payload.column()?;
    let mut rest = payload.text_here()?;
    let mut names = Vec::new();
    for _ in 0..count {
        let (name, others) = rest.split_at_checked(lengths.length()?).ok_or(Malformed::OutOfRange("a string"))?;
        budget.entries::<&str>(1)?;
        names.push(name);
        rest = others;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{ResolvedCode, ResolvedFrame, RuntimeAddress};

    fn codes() -> Vec<ResolvedCode> {
        let inlined = ResolvedFrame {
            function: Some("größer".to_owned()),
            file: Some("a.c".to_owned()),
            line: Some(u32::MAX),
            column: Some(0),
            inlined: true,
        };
        let outer =
            ResolvedFrame { function: Some("main".to_owned()), file: Some("a.c".to_owned()), ..inlined.clone() };
        let unknown = ResolvedFrame::default();
        let code = |module, address, frames| ResolvedCode { module, address: RuntimeAddress(address), frames };
        vec![
            code(0, 5, vec![unknown.clone()]),
            code(2, 1, vec![inlined, outer]),
            code(2, u64::MAX, vec![unknown.clone()]),
            code(3, 0, vec![unknown]),
        ]
    }

    #[test]
    fn chunks_round_trip() {
        let mut read = Vec::new();
        decode(&encode(&codes()[..2]), &mut read, &mut Budget::of_file(0)).unwrap();
        decode(&encode(&codes()[2..]), &mut read, &mut Budget::of_file(0)).unwrap();
        assert_eq!(read, codes());
        assert!(decode(&encode(&codes()), &mut read, &mut Budget::of_file(0)).is_err());
    }
}
