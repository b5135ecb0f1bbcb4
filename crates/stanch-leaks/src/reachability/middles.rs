//! Decides which pointers to the middle of a block are as good as one to its start.
//!
//! That depends on what stands in the block, which may be read after the pointer. So they are collected, and what has
//! to be known of their blocks is read once more.
use super::gather::{Gathered, IN_ROOT, Shared};
use super::heuristics::{Heuristics, may_hold, words_needed};
use super::marks::Mark;
use super::words::Words;

/// Lets those pointers count as pointers to the start that a custom of compilers and libraries says are such, and marks
/// what those in roots point to.
pub(super) fn decide(shared: &Shared<'_>, gathered: &mut [Gathered]) {
    let blocks = shared.image.blocks;
    let mut asked: Vec<(u64, u32)> = gathered
        .iter()
        .flat_map(|found| &found.middles)
        .map(|middle| (middle.word, middle.to))
        .filter(|(word, to)| may_hold(*word, blocks[*to as usize], shared.begins.with_vtable(*to)))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let needed = asked.iter().flat_map(|(word, to)| words_needed(*word, blocks[*to as usize]));
    let words = Words::read(shared.image.memory, needed.collect());
    let heuristics = Heuristics { words: &words, vtables: shared.vtables };
    asked.retain(|(word, to)| heuristics.holds(*word, blocks[*to as usize]));

    for found in gathered {
        for middle in std::mem::take(&mut found.middles) {
            let holds = asked.binary_search(&(middle.word, middle.to)).is_ok();
            if middle.place == IN_ROOT {
                shared.marks.raise(middle.to, if holds { Mark::Reached } else { Mark::Possible });
            } else if holds {
                found.part.targets[middle.place as usize].make_start();
            }
        }
    }
}
