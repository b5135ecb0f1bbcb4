//! Sections of stack nodes, a chunk each.
//!
//! ```text
//! unsigned index of the chunk's first node, unsigned count, then columns:
//!   parent    own index − parent's index; 0 for the root alone
//!   module    as it is
//!   address   signed step from the address of the chunk's previous node of the same module
//! ```
//!
//! A node made soon after its parent is a small distance away, and code of one module lies close together.

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{NodeIndex, RuntimeAddress, StackNode};

pub(super) fn encode(first: usize, nodes: &[StackNode]) -> Vec<u8> {
    let (mut parents, mut modules, mut addresses) = (Encoder::new(), Encoder::new(), Encoder::new());
    let mut last = LastAddresses::default();
    for (index, node) in (first..).zip(nodes) {
        parents.length(index - node.parent.0 as usize);
        modules.unsigned(u64::from(node.module));
        addresses.step(*last.of(node.module), node.address.0);
        *last.of(node.module) = node.address.0;
    }
    let mut payload = Encoder::new();
    payload.length(first);
    payload.length(nodes.len());
    payload.column(parents);
    payload.column(modules);
    payload.column(addresses);
    payload.finish()
}

/// Appends a chunk to `nodes`, after as many roots as are missing before it; says how many those are.
pub(super) fn decode(payload: &[u8], nodes: &mut Vec<StackNode>, budget: &mut Budget) -> Result<usize, Malformed> {
    let mut payload = Decoder::new(payload);
    let first = payload.u32()? as usize;
    let count = payload.count()?;
    let (mut parents, mut modules, mut addresses) = (payload.column()?, payload.column()?, payload.column()?);
    let missing = first.checked_sub(nodes.len()).ok_or(Malformed::OutOfRange("its first index"))?;
    if u32::MAX as usize - first < count {
        return Err(Malformed::TooLarge);
    }
    budget.entries::<StackNode>(missing.saturating_add(count))?;
    let mut last = LastAddresses::default();
    let chunk = (first..first + count).map(|index| {
        let distance = parents.length()?;
        if distance > index || (distance == 0 && index > 0) {
            return Err(Malformed::OutOfRange("a parent"));
        }
        let module = modules.u16()?;
        let address = addresses.step(*last.of(module))?;
        *last.of(module) = address;
        Ok(StackNode { parent: NodeIndex((index - distance) as u32), address: RuntimeAddress(address), module })
    });
    let chunk: Vec<_> = chunk.collect::<Result<_, _>>()?;
    nodes.resize(first, StackNode::default());
    nodes.extend(chunk);
    Ok(missing)
}

/// The address of the last node of each module, 0 before the first.
#[derive(Default)]
struct LastAddresses(Vec<u64>);

impl LastAddresses {
    fn of(&mut self, module: u16) -> &mut u64 {
        let index = usize::from(module);
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        &mut self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::file::wire::Malformed;
    use crate::model::{NodeIndex, RuntimeAddress, StackNode};

    fn trie() -> Vec<StackNode> {
        let node =
            |parent, address, module| StackNode { parent: NodeIndex(parent), address: RuntimeAddress(address), module };
        vec![node(0, 0, 0), node(0, 0x5555_0000_1000, 1), node(1, 0x7FFF_0000_0000, 2), node(1, 0x5555_0000_0FF0, 1)]
    }

    #[test]
    fn chunks_round_trip() {
        let mut read = Vec::new();
        for (first, chunk) in [(0, &trie()[..3]), (3, &trie()[3..])] {
            assert_eq!(decode(&encode(first, chunk), &mut read, &mut Budget::of_file(0)), Ok(0));
        }
        assert_eq!(read, trie());
    }

    #[test]
    fn a_missing_chunk_leaves_roots() {
        let mut read = Vec::new();
        assert_eq!(decode(&encode(3, &trie()[3..]), &mut read, &mut Budget::of_file(0)), Ok(3));
        assert_eq!(read[..3], [StackNode::default(); 3]);
        assert_eq!(read[3], trie()[3]);
    }

    #[test]
    fn a_parent_must_come_first() {
        let own_parent = [1, 1, 1, 0, 1, 0, 1, 0];
        let refused = Err(Malformed::OutOfRange("a parent"));
        assert_eq!(decode(&own_parent, &mut vec![StackNode::default()], &mut Budget::of_file(0)), refused);
        let before_the_root = [1, 1, 1, 2, 1, 0, 1, 0];
        assert_eq!(decode(&before_the_root, &mut vec![StackNode::default()], &mut Budget::of_file(0)), refused);
        assert_eq!(
            decode(&encode(0, &trie()), &mut trie(), &mut Budget::of_file(0)),
            Err(Malformed::OutOfRange("its first index"))
        );
    }

    #[test]
    fn a_far_first_index_costs_no_memory() {
        let far = encode(u32::MAX as usize - 1, &[StackNode { parent: NodeIndex(5), ..StackNode::default() }]);
        assert_eq!(decode(&far, &mut Vec::new(), &mut Budget::of_file(100)), Err(Malformed::OverBudget));
    }
}
