//! What a tool says is lost, in each process of a tree.
use std::collections::BTreeMap;

/// Blocks that no pointer is left to, and those that hang on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lost {
    pub(crate) definite_bytes: u64,
    pub(crate) definite_blocks: u64,
    pub(crate) indirect_bytes: u64,
    pub(crate) indirect_blocks: u64,
}

/// Bytes and blocks definitely lost, then indirectly.
pub(crate) const fn lost(definite_bytes: u64, definite_blocks: u64, indirect_bytes: u64, indirect_blocks: u64) -> Lost {
    Lost { definite_bytes, definite_blocks, indirect_bytes, indirect_blocks }
}

/// File name of a program → what its processes lost, in no particular order of the processes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ByProgram(pub(crate) BTreeMap<String, Vec<Lost>>);

impl ByProgram {
    pub(crate) fn add(&mut self, program: &str, lost: Lost) {
        let name = program.rsplit('/').next().unwrap_or_default().to_owned();
        let all = self.0.entry(name).or_default();
        all.push(lost);
        all.sort_unstable();
    }

    /// Processes of a program.
    pub(crate) fn count(&self, program: &str) -> usize {
        self.0.get(program).map_or(0, Vec::len)
    }

    /// The processes of a program that lost anything.
    pub(crate) fn losers(&self, program: &str) -> Vec<Lost> {
        let all = self.0.get(program).map_or(&[][..], Vec::as_slice);
        all.iter().copied().filter(|lost| *lost != Lost::default()).collect()
    }
}
