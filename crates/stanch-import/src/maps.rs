//! The mappings of a process, as `/proc/self/maps` lists them: addresses to modules.
use crate::LinkAddress;
use crate::budget::Budget;
use crate::builder::ProcessBuilder;
use std::collections::{BTreeMap, HashMap};

/// Executable and other ranges of files, by their start.
#[derive(Default)]
pub(crate) struct Maps {
    ranges: BTreeMap<u64, Range>,
}

struct Range {
    end: u64,
    file_offset: u64,
    path: String,
}

impl Maps {
    /// Adds `start-end perms offset dev inode path`; other lines are passed over.
    pub(crate) fn add_line(&mut self, line: &str, budget: &mut Budget) {
        let mut words = line.split_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        let Some((start, end)) = range.and_then(|(start, end)| Some((hex(start)?, hex(end)?))) else { return };
        let (_, offset) = (words.next(), words.next().and_then(hex));
        let path = words.nth(2).filter(|path| path.starts_with('/'));
        if let (Some(file_offset), Some(path)) = (offset, path)
            && start < end
            && budget.take(size_of::<Range>() + path.len() + 64)
        {
            self.ranges.insert(start, Range { end, file_offset, path: path.to_owned() });
        }
    }

    /// The file of the lowest mapping: the executable, unless it is linked above its libraries.
    pub(crate) fn first_path(&self) -> Option<&str> {
        self.ranges.values().next().map(|range| range.path.as_str())
    }

    /// For each file where it was loaded: its lowest mapping begins with the file's first segment.
    pub(crate) fn biases(&self, link_address: LinkAddress<'_>) -> HashMap<&str, u64> {
        let mut biases = HashMap::new();
        for (start, range) in &self.ranges {
            biases.entry(range.path.as_str()).or_insert_with(|| {
                let linked = link_address(&range.path).unwrap_or(0);
                start.wrapping_sub(range.file_offset).wrapping_sub(linked)
            });
        }
        biases
    }

    /// The module that an address lies in; 0 where it lies in none.
    pub(crate) fn module(
        &self,
        address: u64,
        biases: &HashMap<&str, u64>,
        builder: &mut ProcessBuilder,
        budget: &mut Budget,
    ) -> u16 {
        let range = self.ranges.range(..=address).next_back().map(|(_, range)| range);
        match range.filter(|range| address < range.end) {
            Some(range) => builder.module(&range.path, biases[range.path.as_str()], &[], budget),
            None => 0,
        }
    }
}
