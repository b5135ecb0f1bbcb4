//! The order in which the blocks of a function are taken: weak topological order, by Bourdoncle's algorithm.
use super::code::Loop;
use crate::ir::{Block, Function};

/// Order and loops.
pub(super) struct Order {
    /// Position of each block; `u32::MAX` where it cannot be reached.
    pub(super) position: Vec<u32>,
    pub(super) loops: Vec<Loop>,
    /// The innermost loop of each block.
    pub(super) innermost: Vec<Option<u32>>,
    /// Blocks placed so far.
    count: u32,
}

/// A part of the order: a block, or a loop with its head and what else is in it.
enum Part {
    Block(u32),
    Loop(u32, Vec<Part>),
}

struct Builder {
    next: Vec<Vec<u32>>,
    /// Order of discovery; 0: not yet, `u32::MAX`: done.
    number: Vec<u32>,
    stack: Vec<u32>,
    count: u32,
}

impl Order {
    pub(super) fn of(function: &Function) -> Order {
        let ids = |block: &Block| block.terminator.targets().into_iter().map(|next| next.0).collect();
        let count = function.blocks.len();
        let next = function.blocks.iter().map(ids).collect();
        let mut builder = Builder { next, number: vec![0; count], stack: Vec::new(), count: 0 };
        let mut parts = Vec::new();
        if count > 0 {
            builder.visit(0, &mut parts);
        }
        let mut order =
            Order { position: vec![u32::MAX; count], count: 0, loops: Vec::new(), innermost: vec![None; count] };
        order.place(parts, None);
        order
    }

    /// Parts come last first.
    fn place(&mut self, parts: Vec<Part>, parent: Option<u32>) {
        for part in parts.into_iter().rev() {
            match part {
                Part::Block(block) => self.put(block, parent),
                Part::Loop(head, inner) => {
                    let number = u32::try_from(self.loops.len()).unwrap_or(u32::MAX);
                    let start = self.count;
                    self.loops.push(Loop { start, end: start, parent });
                    self.put(head, Some(number));
                    self.place(inner, Some(number));
                    self.loops[number as usize].end = self.count;
                }
            }
        }
    }

    fn put(&mut self, block: u32, innermost: Option<u32>) {
        self.position[block as usize] = self.count;
        self.innermost[block as usize] = innermost;
        self.count += 1;
    }
}

impl Builder {
    /// Appends the parts found from `block`, last first; returns the lowest number that it leads back to. Recursion is
    /// as deep as the longest path; the engine's thread has the stack for it.
    fn visit(&mut self, block: u32, parts: &mut Vec<Part>) -> u32 {
        self.stack.push(block);
        self.count += 1;
        let own = self.count;
        self.number[block as usize] = own;
        let mut head = own;
        let mut is_loop = false;
        for index in 0..self.next[block as usize].len() {
            let next = self.next[block as usize][index];
            let reached = match self.number[next as usize] {
                0 => self.visit(next, parts),
                number => number,
            };
            if reached <= head {
                head = reached;
                is_loop = true;
            }
        }
        if head == own {
            self.number[block as usize] = u32::MAX;
            while let Some(element) = self.stack.pop()
                && element != block
            {
                if is_loop {
                    self.number[element as usize] = 0;
                }
            }
            parts.push(if is_loop { Part::Loop(block, self.component(block)) } else { Part::Block(block) });
        }
        head
    }

    fn component(&mut self, head: u32) -> Vec<Part> {
        let mut parts = Vec::new();
        for index in 0..self.next[head as usize].len() {
            let next = self.next[head as usize][index];
            if self.number[next as usize] == 0 {
                self.visit(next, &mut parts);
            }
        }
        parts
    }
}
