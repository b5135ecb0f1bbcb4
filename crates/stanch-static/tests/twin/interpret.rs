//! The obvious, slow interpreter of the representation: concrete numbers, one input after the other, until all have
//! been tried. What a program does wrong (null, released memory) ends the run.
use stanch_static::ir::{
    BinaryOp, BlockId, Callee, FunctionId, Module, Op, Operand, Predicate, Symbol, Terminator, Type, ValueId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Values of an input that stand for all: what generated programs compare with, less the 1 that they may add, and one
/// to each side.
const INPUTS: [i64; 6] = [-2, -1, 0, 1, 2, 3];
/// Inputs of a run beyond these are not varied.
const INPUTS_MAX: usize = 5;
/// Runs of one program.
const RUNS_MAX: usize = 8000;

/// What some input loses.
#[derive(Default)]
pub(crate) struct Lost {
    /// Lines of blocks that no lost block holds, those of a ring of blocks together.
    pub(crate) rings: BTreeSet<BTreeSet<u32>>,
    /// Lines of all lost blocks.
    pub(crate) all: BTreeSet<u32>,
}

/// What a program loses, and whether all inputs were tried.
pub(crate) fn lost_lines(program: &Module) -> (Lost, bool) {
    let mut lost = Lost::default();
    let mut is_exhaustive = true;
    let mut choices: Vec<usize> = Vec::new();
    for _ in 0..RUNS_MAX {
        let mut run =
            Run { program, memory: BTreeMap::new(), next: 1, choices: &choices, used: 0, lost: Lost::default() };
        run.start();
        let used = run.used;
        is_exhaustive &= used <= INPUTS_MAX;
        lost.rings.extend(run.lost.rings);
        lost.all.extend(run.lost.all);
        // The next sequence of choices, like counting.
        choices.resize(used.min(INPUTS_MAX), 0);
        while choices.last().is_some_and(|last| last + 1 == INPUTS.len()) {
            choices.pop();
        }
        match choices.last_mut() {
            Some(last) => *last += 1,
            None => return (lost, is_exhaustive),
        }
    }
    (lost, false)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Number(i64),
    /// Object and offset; object 0 is null.
    Pointer(u64, i64),
}

struct Object {
    /// Fields by offset.
    fields: BTreeMap<i64, Content>,
    /// The line that allocated it, for blocks.
    line: Option<u32>,
    is_released: bool,
    is_global: bool,
}

/// The run is over: the program did something wrong.
struct Ended;

struct Run<'a> {
    program: &'a Module,
    memory: BTreeMap<u64, Object>,
    next: u64,
    choices: &'a [usize],
    used: usize,
    lost: Lost,
}

impl Run<'_> {
    fn start(&mut self) {
        for _ in &self.program.globals {
            let object = self.object(None);
            self.memory.get_mut(&object).unwrap().is_global = true;
        }
        let main = self.program.functions.iter().position(|function| function.symbol == "main").unwrap();
        let ended = self.call(FunctionId(u32::try_from(main).unwrap()), &[]).is_err();
        self.note_lost(ended);
    }

    /// At the end of the program everything that no global leads to is lost. Where a run ended early, only what was
    /// unreachable from the locals, too, and there is nothing to say.
    fn note_lost(&mut self, ended_early: bool) {
        let mut roots: Vec<u64> =
            self.memory.iter().filter(|(_, object)| object.is_global).map(|(id, _)| *id).collect();
        if ended_early {
            // Locals of running calls were not removed.
            let live = self.memory.iter().filter(|(_, object)| object.line.is_none()).map(|(id, _)| *id);
            roots.extend(live);
        }
        let mut reached = BTreeSet::new();
        while let Some(id) = roots.pop() {
            if reached.insert(id) {
                let fields = self.memory.get(&id).map(|object| object.fields.values().copied().collect());
                let fields: Vec<Content> = fields.unwrap_or_default();
                roots.extend(fields.iter().filter_map(|field| match field {
                    Content::Pointer(object, _) => Some(*object),
                    Content::Number(_) => None,
                }));
            }
        }
        let unreached: Vec<u64> = self
            .memory
            .iter()
            .filter(|(id, object)| object.line.is_some() && !object.is_released && !reached.contains(id))
            .map(|(id, _)| *id)
            .collect();
        // Those that another lost block holds go with it; of a ring any one may be named.
        let below: BTreeMap<u64, BTreeSet<u64>> = unreached.iter().map(|id| (*id, self.below(*id))).collect();
        self.lost.all.extend(unreached.iter().filter_map(|id| self.memory[id].line));
        for id in &unreached {
            let ring: BTreeSet<u64> = unreached
                .iter()
                .copied()
                .filter(|other| *other == *id || (below[id].contains(other) && below[other].contains(id)))
                .collect();
            let is_held = unreached.iter().any(|other| !ring.contains(other) && below[other].contains(id));
            if !is_held {
                self.lost.rings.insert(ring.iter().filter_map(|id| self.memory[id].line).collect());
            }
        }
    }

    /// Blocks that a block leads to, itself left out.
    fn below(&self, id: u64) -> BTreeSet<u64> {
        let next = |id: u64| -> Vec<u64> {
            let fields = self.memory.get(&id).map(|object| &object.fields);
            let fields = fields.into_iter().flat_map(|fields| fields.values());
            fields
                .filter_map(|field| if let Content::Pointer(object, _) = field { Some(*object) } else { None })
                .collect()
        };
        let mut below = BTreeSet::new();
        let mut open = next(id);
        while let Some(one) = open.pop() {
            if one != id && below.insert(one) {
                open.extend(next(one));
            }
        }
        below
    }

    fn object(&mut self, line: Option<u32>) -> u64 {
        let id = self.next;
        self.next += 1;
        let object = Object { fields: BTreeMap::new(), line, is_released: false, is_global: false };
        self.memory.insert(id, object);
        id
    }

    fn call(&mut self, function: FunctionId, arguments: &[Content]) -> Result<Option<Content>, Ended> {
        let code = self.program.function(function);
        let mut values: BTreeMap<ValueId, Content> = (0..).map(ValueId).zip(arguments.iter().copied()).collect();
        let mut slots = Vec::new();
        let mut block = BlockId(0);
        let result = loop {
            let content = &code.blocks[block.index()];
            for instruction in &content.instructions {
                let value = self.instruction(instruction, &values, &mut slots)?;
                if let (Some(result), Some(value)) = (instruction.result, value) {
                    values.insert(result, value);
                }
            }
            match &content.terminator {
                Terminator::Goto(next) => block = *next,
                Terminator::Branch { condition, then, otherwise } => {
                    let is_true = self.operand(condition, &values) != Content::Number(0);
                    block = if is_true { *then } else { *otherwise };
                }
                Terminator::Return(value) => break value.as_ref().map(|(_, operand)| self.operand(operand, &values)),
                other => panic!("{other:?} is not generated"),
            }
        };
        for slot in slots {
            self.memory.remove(&slot);
        }
        Ok(result)
    }

    fn operand(&self, operand: &Operand, values: &BTreeMap<ValueId, Content>) -> Content {
        match operand {
            Operand::Value(id) => values[id],
            Operand::Int(value) => Content::Number(i64::try_from(*value).unwrap()),
            Operand::Zero => Content::Pointer(0, 0),
            Operand::Address(Symbol::Global(global), offset) => Content::Pointer(u64::from(global.0) + 1, *offset),
            other => panic!("{other:?} is not generated"),
        }
    }

    fn place(&mut self, operand: &Operand, values: &BTreeMap<ValueId, Content>) -> Result<(&mut Object, i64), Ended> {
        let Content::Pointer(object, offset) = self.operand(operand, values) else { return Err(Ended) };
        let object = self.memory.get_mut(&object).ok_or(Ended)?;
        if object.is_released { Err(Ended) } else { Ok((object, offset)) }
    }

    fn instruction(
        &mut self,
        instruction: &stanch_static::ir::Instruction,
        values: &BTreeMap<ValueId, Content>,
        slots: &mut Vec<u64>,
    ) -> Result<Option<Content>, Ended> {
        Ok(Some(match &instruction.op {
            Op::StackSlot { .. } => {
                let slot = self.object(None);
                slots.push(slot);
                Content::Pointer(slot, 0)
            }
            Op::Load { address, .. } => {
                let (object, offset) = self.place(address, values)?;
                object.fields.get(&offset).copied().unwrap_or(Content::Pointer(0, 0))
            }
            Op::Store { address, value, .. } => {
                let value = self.operand(value, values);
                let (object, offset) = self.place(address, values)?;
                object.fields.insert(offset, value);
                return Ok(None);
            }
            Op::Address { base, offset, .. } => match self.operand(base, values) {
                Content::Pointer(object, at) => Content::Pointer(object, at + offset),
                Content::Number(_) => return Err(Ended),
            },
            Op::Binary { op: BinaryOp::Add, left, right, .. } => {
                Content::Number(number(self.operand(left, values)) + number(self.operand(right, values)))
            }
            Op::Compare { predicate, ty, left, right } => {
                let (left, right) = (self.operand(left, values), self.operand(right, values));
                Content::Number(i64::from(compare(*predicate, *ty, left, right)))
            }
            Op::Call(call) => {
                let Callee::Function(callee) = call.callee else { panic!("calls by address are not generated") };
                let arguments: Vec<Content> =
                    call.arguments.iter().map(|argument| self.operand(&argument.value, values)).collect();
                let line = self.program.location(instruction.location).line;
                return self.called(callee, &arguments, line);
            }
            other => panic!("{other:?} is not generated"),
        }))
    }

    fn called(&mut self, callee: FunctionId, arguments: &[Content], line: u32) -> Result<Option<Content>, Ended> {
        match (self.program.function(callee).symbol.as_str(), arguments) {
            ("allocate", _) => {
                let block = self.object(Some(line));
                Ok(Some(Content::Pointer(block, 0)))
            }
            ("release", [Content::Pointer(0, _)]) => Ok(None),
            ("release", [Content::Pointer(block, _)]) => {
                let object = self.memory.get_mut(block).ok_or(Ended)?;
                if object.is_released {
                    return Err(Ended);
                }
                object.is_released = true;
                object.fields.clear();
                Ok(None)
            }
            ("input", _) => {
                let choice = self.choices.get(self.used).copied().unwrap_or(0);
                self.used += 1;
                Ok(Some(Content::Number(INPUTS[choice])))
            }
            _ => self.call(callee, arguments),
        }
    }
}

fn number(content: Content) -> i64 {
    match content {
        Content::Number(value) => value,
        Content::Pointer(..) => 0,
    }
}

fn compare(predicate: Predicate, ty: Type, left: Content, right: Content) -> bool {
    if ty == Type::Pointer {
        return (left == right) == (predicate == Predicate::Eq);
    }
    let (left, right) = (number(left), number(right));
    match predicate {
        Predicate::Eq => left == right,
        Predicate::Ne => left != right,
        Predicate::SLt => left < right,
        Predicate::SGe => left >= right,
        other => panic!("{other:?} is not generated"),
    }
}
