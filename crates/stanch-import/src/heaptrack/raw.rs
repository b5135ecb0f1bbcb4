//! What only raw files have: modules with their segments, and blocks by their pointers.
use crate::budget::Budget;
use crate::builder::{CodeIndex, ProcessBuilder};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct RawState {
    executable: Option<String>,
    /// Segments by their start: end, load bias, path.
    segments: BTreeMap<u64, (u64, u64, String)>,
    /// Live blocks by pointer: size, trace.
    blocks: HashMap<u64, (u64, u64)>,
    has_modules: bool,
}

impl RawState {
    /// True once the file has named its executable or a module: interpreted files name neither.
    pub(super) fn is_raw(&self) -> bool {
        self.has_modules || self.executable.is_some()
    }

    pub(super) fn set_executable(&mut self, path: &str) {
        self.executable = Some(path.to_owned());
    }

    /// `1f /lib/libc.so.6 7f20 0 25388 26000 1550fc`, or `1 -`; before version 3 without the length.
    pub(super) fn module(&mut self, rest: &str, is_sized: bool, budget: &mut Budget) -> Option<()> {
        self.has_modules = true;
        let (path, numbers) = if is_sized {
            let (length, rest) = rest.split_once(' ')?;
            let length = usize::from_str_radix(length, 16).ok()?;
            (rest.get(..length)?, rest.get(length..)?)
        } else {
            rest.split_once(' ').unwrap_or((rest, ""))
        };
        if path == "-" {
            self.segments.clear();
            return Some(());
        }
        let path = match (path, &self.executable) {
            ("x", Some(executable)) => executable.as_str(),
            _ => path,
        };
        let mut numbers = numbers.split_ascii_whitespace().map(|word| u64::from_str_radix(word, 16).ok());
        let bias = numbers.next()??;
        while let (Some(offset), Some(size)) = (numbers.next(), numbers.next()) {
            let start = bias.wrapping_add(offset?);
            if !budget.take(128 + path.len()) {
                return None;
            }
            self.segments.insert(start, (start.saturating_add(size?), bias, path.to_owned()));
        }
        Some(())
    }

    /// The code at a return address.
    pub(super) fn code(&self, address: u64, builder: &mut ProcessBuilder, budget: &mut Budget) -> Option<CodeIndex> {
        let segment = self.segments.range(..=address).next_back().map(|(_, segment)| segment);
        let module = match segment.filter(|(end, ..)| address <= *end) {
            Some((_, bias, path)) => builder.module(path, *bias, &[], budget),
            None => 0,
        };
        builder.code(module, address, Vec::new(), budget)
    }

    pub(super) fn allocate(&mut self, pointer: u64, size: u64, trace: u64, budget: &mut Budget) -> Option<()> {
        const ENTRY_BYTES: usize = 64;
        if !budget.take(ENTRY_BYTES) {
            return None;
        }
        if self.blocks.insert(pointer, (size, trace)).is_some() {
            budget.give_back(ENTRY_BYTES);
        }
        Some(())
    }

    pub(super) fn free(&mut self, pointer: u64) -> Option<(u64, u64)> {
        self.blocks.remove(&pointer)
    }
}
