//! Call stacks of a process: from a node of the trie outwards.

use crate::model::{AllocatorFunction, Module, NodeIndex, Process, ResolvedCode, ResolvedFrame, StackNode};

/// One entry of a call stack: a code address with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct StackEntry<'a> {
    /// The node of the trie.
    pub index: NodeIndex,
    /// Its contents.
    pub node: StackNode,
    /// The executable or shared object; `None` for code outside any.
    pub module: Option<&'a Module>,
    /// Names, innermost inlined frame first; empty where the address was not resolved.
    pub frames: &'a [ResolvedFrame],
}

impl StackEntry<'_> {
    /// File address of the call: the node has the return address, and the call ends just before it. `None` outside any
    /// module, and where the address lies below the module.
    #[must_use]
    pub fn module_offset(&self) -> Option<u64> {
        self.node.address.0.checked_sub(self.module?.load_bias)?.checked_sub(1)
    }
}

impl Process {
    /// The entries of the stack that ends in `innermost`, from there outwards. Takes time linear in their number, times
    /// the logarithm of the number of resolved addresses.
    pub fn stack(&self, innermost: NodeIndex) -> impl Iterator<Item = StackEntry<'_>> {
        self.stack_nodes(innermost).map(|(index, node)| {
            let module = usize::from(node.module).checked_sub(1).and_then(|module| self.modules.get(module));
            StackEntry { index, node, module, frames: self.names(&node) }
        })
    }

    /// The nodes of the same stack, without names. Takes time linear in their number.
    pub fn stack_nodes(&self, innermost: NodeIndex) -> impl Iterator<Item = (NodeIndex, StackNode)> {
        let mut next = Some(innermost);
        std::iter::from_fn(move || {
            let index = next.filter(|index| index.0 != 0)?;
            let node = *self.nodes.get(index.0 as usize)?;
            // In a damaged recording a parent may not come first; the stack ends there.
            next = Some(node.parent).filter(|parent| *parent < index);
            Some((index, node))
        })
    }

    fn names(&self, node: &StackNode) -> &[ResolvedFrame] {
        let key = |code: &ResolvedCode| (code.module, code.address);
        let at = self.resolved.binary_search_by_key(&(node.module, node.address), key);
        at.map_or(&[], |at| &self.resolved[at].frames)
    }
}

impl AllocatorFunction {
    /// The function as the program calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inherited => "inherited",
            Self::Malloc => "malloc",
            Self::Calloc => "calloc",
            Self::Realloc => "realloc",
            Self::Memalign => "memalign",
            Self::New | Self::NewAligned => "operator new",
            Self::NewArray | Self::NewArrayAligned => "operator new[]",
            Self::Mmap => "mmap",
            Self::Brk => "sbrk",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RuntimeAddress;

    #[test]
    fn stacks_go_outwards_and_end_where_they_are_damaged() {
        let node =
            |parent, address, module| StackNode { parent: NodeIndex(parent), address: RuntimeAddress(address), module };
        let frame = ResolvedFrame { function: Some("f".to_owned()), ..ResolvedFrame::default() };
        let process = Process {
            modules: vec![Module { load_bias: 0x1000, ..Module::default() }],
            nodes: vec![StackNode::default(), node(0, 0x1010, 1), node(1, 0x20, 0), node(3, 0x30, 1), node(9, 1, 1)],
            resolved: vec![ResolvedCode { module: 1, address: RuntimeAddress(0x1010), frames: vec![frame] }],
            ..Process::default()
        };
        let stack = |index| -> Vec<(u32, Option<u64>, usize)> {
            let entries = process.stack(NodeIndex(index));
            entries.map(|entry| (entry.index.0, entry.module_offset(), entry.frames.len())).collect()
        };
        assert_eq!(stack(2), [(2, None, 0), (1, Some(0xf), 1)]);
        assert_eq!(stack(3), [(3, None, 0)]);
        assert_eq!(stack(4), [(4, None, 0)]);
        assert_eq!(stack(0), []);
        assert_eq!(stack(99), []);
    }
}
