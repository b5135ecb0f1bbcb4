//! Whether a module is well formed: all indices hold, each value is defined once and before its uses.
use super::visit::{operands, terminator_operands};
use super::{
    BlockId, Callee, Function, FunctionId, GlobalId, LocationId, Module, Op, Operand, Symbol, Terminator, Type, ValueId,
};

/// What is wrong with a module, in words; nothing where it is well formed.
#[must_use]
pub fn verify(module: &Module) -> Vec<String> {
    let mut errors = Vec::new();
    if module.locations.is_empty() {
        errors.push("there is no location 0".to_owned());
    }
    for location in &module.locations {
        let is_file = location.file.is_none_or(|file| file.index() < module.files.len());
        if !is_file || location.inlined_at.is_some_and(|at| at.index() >= module.locations.len()) {
            errors.push(format!("location {location:?} names what is not there"));
        }
    }
    for global in &module.globals {
        let relocations = global.initial.iter().flat_map(|initial| &initial.relocations);
        for relocation in relocations {
            let is_inside = relocation.offset.checked_add(8).is_some_and(|end| end <= global.size);
            if !is_symbol(module, relocation.symbol) || !is_inside {
                errors.push(format!("global `{}`: {relocation:?} is wrong", global.symbol));
            }
        }
        check_location(module, global.location, &global.symbol, &mut errors);
    }
    let startups = module.constructors.iter().chain(&module.destructors);
    if startups.into_iter().any(|startup| startup.function.index() >= module.functions.len()) {
        errors.push("a constructor or destructor is not there".to_owned());
    }
    if module.aliases.iter().any(|alias| !is_symbol(module, alias.target)) {
        errors.push("an alias names what is not there".to_owned());
    }
    for function in &module.functions {
        Checker { module, function, errors: &mut errors }.check();
    }
    errors
}

fn is_symbol(module: &Module, symbol: Symbol) -> bool {
    match symbol {
        Symbol::Function(FunctionId(id)) => (id as usize) < module.functions.len(),
        Symbol::Global(GlobalId(id)) => (id as usize) < module.globals.len(),
    }
}

fn check_location(module: &Module, location: LocationId, name: &str, errors: &mut Vec<String>) {
    if location.index() >= module.locations.len() {
        errors.push(format!("`{name}`: {location:?} is not there"));
    }
}

struct Checker<'a> {
    module: &'a Module,
    function: &'a Function,
    errors: &'a mut Vec<String>,
}

/// Values that are defined, one bit each.
#[derive(Clone, PartialEq)]
struct Defined(Vec<u64>);

impl Defined {
    fn new(count: usize, all: bool) -> Defined {
        Defined(vec![if all { u64::MAX } else { 0 }; count.div_ceil(64)])
    }

    fn insert(&mut self, value: ValueId) {
        if let Some(word) = self.0.get_mut(value.index() / 64) {
            *word |= 1 << (value.index() % 64);
        }
    }

    fn contains(&self, value: ValueId) -> bool {
        self.0.get(value.index() / 64).is_some_and(|word| word & (1 << (value.index() % 64)) != 0)
    }

    fn keep_common(&mut self, other: &Defined) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }
}

impl Checker<'_> {
    fn error(&mut self, text: &str) {
        self.errors.push(format!("`{}`: {text}", self.function.symbol));
    }

    fn check(&mut self) {
        let function = self.function;
        check_location(self.module, function.location, &function.symbol, self.errors);
        if function.values.len() < function.parameters.len() {
            return self.error("there are fewer values than parameters");
        }
        let is_typed = function.parameters.iter().zip(&function.values).all(|(one, value)| one.ty == value.ty);
        if !is_typed {
            self.error("a parameter and its value differ in type");
        }
        self.check_results();
        if self.check_indices() {
            self.check_order();
        }
    }

    /// Each value is defined once, with its type.
    fn check_results(&mut self) {
        let function = self.function;
        let mut defined = Defined::new(function.values.len(), false);
        (0..function.parameters.len()).for_each(|index| defined.insert(Function::parameter_value(index)));
        let results = function.blocks.iter().flat_map(|block| {
            let invoked = match &block.terminator {
                Terminator::Invoke { result, .. } => *result,
                _ => None,
            };
            block.instructions.iter().filter_map(|instruction| instruction.result).chain(invoked)
        });
        for result in results {
            if result.index() >= function.values.len() || defined.contains(result) {
                self.error(&format!("{result:?} is not there, or is defined twice"));
            }
            defined.insert(result);
        }
        for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
            let expected = result_type(&instruction.op);
            let actual =
                instruction.result.and_then(|result| function.values.get(result.index())).map(|value| value.ty);
            if let (Some(expected), Some(actual)) = (expected, actual)
                && expected != actual
            {
                self.error(&format!("{:?} has type {actual:?}, not {expected:?}", instruction.result));
            }
        }
    }

    /// All blocks, values, symbols, locations and variables are there. True if so.
    fn check_indices(&mut self) -> bool {
        let before = self.errors.len();
        let function = self.function;
        for block in &function.blocks {
            for instruction in &block.instructions {
                check_location(self.module, instruction.location, &function.symbol, self.errors);
                if let Op::StackSlot { variable: Some(variable), .. } = &instruction.op
                    && variable.index() >= function.variables.len()
                {
                    self.error(&format!("{variable:?} is not there"));
                }
                if let Op::Call(call) = &instruction.op {
                    self.check_callee(&call.callee);
                }
                let mut found = Vec::new();
                operands(&instruction.op, &mut |operand| found.push(*operand));
                found.iter().for_each(|operand| self.check_operand(operand));
            }
            if let Terminator::Invoke { call, .. } = &block.terminator {
                self.check_callee(&call.callee);
            }
            let mut found = Vec::new();
            terminator_operands(&block.terminator, &mut |operand| found.push(*operand));
            found.iter().for_each(|operand| self.check_operand(operand));
            for target in block.terminator.targets() {
                self.check_block(target);
            }
        }
        self.errors.len() == before
    }

    fn check_block(&mut self, block: BlockId) {
        if block.index() >= self.function.blocks.len() {
            self.error(&format!("{block:?} is not there"));
        }
    }

    fn check_callee(&mut self, callee: &Callee) {
        if let Callee::Function(id) = callee
            && id.index() >= self.module.functions.len()
        {
            self.error(&format!("{id:?} is not there"));
        }
    }

    fn check_operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Value(value) if value.index() >= self.function.values.len() => {
                self.error(&format!("{value:?} is not there"));
            }
            Operand::Address(symbol, _) if !is_symbol(self.module, *symbol) => {
                self.error(&format!("{symbol:?} is not there"));
            }
            Operand::Block(block) => self.check_block(*block),
            _ => {}
        }
    }

    /// On every path to a use the value was defined: the usual forward analysis, to a fixpoint.
    fn check_order(&mut self) {
        let function = self.function;
        let count = function.values.len();
        let mut at_start = vec![Defined::new(count, true); function.blocks.len()];
        let Some(first) = at_start.first_mut() else { return };
        *first = Defined::new(count, false);
        (0..function.parameters.len()).for_each(|index| first.insert(Function::parameter_value(index)));
        let mut is_reached = vec![false; function.blocks.len()];
        is_reached[0] = true;
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            for (target, defined) in self.after(index, at_start[index].clone()) {
                let mut common = at_start[target.index()].clone();
                common.keep_common(&defined);
                if common != at_start[target.index()] || !is_reached[target.index()] {
                    at_start[target.index()] = common;
                    is_reached[target.index()] = true;
                    open.push(target.index());
                }
            }
        }
        for index in (0..function.blocks.len()).filter(|index| is_reached[*index]) {
            self.check_uses(index, at_start[index].clone());
        }
    }

    /// What is defined at the start of each block that this one leads to.
    fn after(&self, index: usize, mut defined: Defined) -> Vec<(BlockId, Defined)> {
        let block = &self.function.blocks[index];
        block.instructions.iter().filter_map(|instruction| instruction.result).for_each(|one| defined.insert(one));
        let targets = block.terminator.targets().into_iter();
        targets
            .map(|target| {
                let mut there = defined.clone();
                if let Terminator::Invoke { result: Some(result), normal, .. } = &block.terminator
                    && target == *normal
                {
                    there.insert(*result);
                }
                (target, there)
            })
            .collect()
    }

    fn check_uses(&mut self, index: usize, mut defined: Defined) {
        let block = &self.function.blocks[index];
        let mut early = Vec::new();
        for instruction in &block.instructions {
            // The operands of a phi are used at the end of the blocks that they come from.
            if !matches!(instruction.op, Op::Phi { .. }) {
                operands(&instruction.op, &mut |operand| {
                    early.extend(as_value(operand).filter(|value| !defined.contains(*value)));
                });
            }
            instruction.result.into_iter().for_each(|result| defined.insert(result));
        }
        terminator_operands(&block.terminator, &mut |operand| {
            early.extend(as_value(operand).filter(|value| !defined.contains(*value)));
        });
        for value in early {
            self.error(&format!("{value:?} is used in block {index} before it is defined"));
        }
    }
}

fn as_value(operand: &Operand) -> Option<ValueId> {
    if let Operand::Value(value) = operand { Some(*value) } else { None }
}

/// The type of an operation's result, where it says so.
fn result_type(op: &Op) -> Option<Type> {
    match op {
        Op::StackSlot { .. } | Op::Address { .. } => Some(Type::Pointer),
        Op::Load { ty, .. }
        | Op::Binary { ty, .. }
        | Op::Cast { to: ty, .. }
        | Op::Select { ty, .. }
        | Op::Phi { ty, .. }
        | Op::Insert { aggregate_ty: ty, .. }
        | Op::Extract { ty, .. }
        | Op::VariadicArgument { ty, .. }
        | Op::Computed { ty, .. }
        | Op::NotUnderstood { ty, .. } => Some(*ty),
        Op::Compare { .. } => Some(Type::Int(1)),
        Op::Call(call) => Some(call.result),
        Op::LandingPad { .. } => Some(Type::Bytes(16)),
        Op::ExceptionTypeId { .. } => Some(Type::Int(32)),
        _ => None,
    }
}
