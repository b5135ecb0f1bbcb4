//! What must hold of every module that the front end makes, whatever text it read.

use std::collections::HashMap;

use stanch_static::ir::{
    BlockId, Callee, Clause, Function, Instruction, LocationId, Module, Op, Operand, Symbol, Terminator, Type, ValueId,
};

/// Whether values are defined before they are used.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// They are, in each block.
    Checked,
    /// The text may be damaged, and then nobody can say.
    AsWritten,
}

/// The first thing in a module that does not hold.
pub(crate) fn check(module: &Module, order: Order) -> Result<(), String> {
    for (index, location) in module.locations.iter().enumerate() {
        let file_is_there = location.file.is_none_or(|file| file.index() < module.files.len());
        // The chain of inlining ends: each link points back.
        let ends = location.inlined_at.is_none_or(|outer| outer.index() < index);
        ensure(file_is_there && ends, || format!("location {index}"))?;
    }
    let symbol = |symbol: Symbol| match symbol {
        Symbol::Function(id) => id.index() < module.functions.len(),
        Symbol::Global(id) => id.index() < module.globals.len(),
    };
    for global in &module.globals {
        let Some(initial) = &global.initial else { continue };
        ensure(initial.bytes.len() as u64 <= global.size, || format!("bytes of {}", global.symbol))?;
        ensure(initial.relocations.is_sorted_by_key(|one| one.offset), || format!("order in {}", global.symbol))?;
        for relocation in &initial.relocations {
            let fits = relocation.offset + 8 <= global.size && symbol(relocation.symbol);
            ensure(fits, || format!("relocation in {}", global.symbol))?;
        }
    }
    ensure(module.aliases.iter().all(|alias| symbol(alias.target)), || "alias".to_owned())?;
    let startups = module.constructors.iter().chain(&module.destructors);
    ensure(startups.into_iter().all(|one| one.function.index() < module.functions.len()), || "startup".to_owned())?;
    for function in &module.functions {
        check_function(module, function, order).map_err(|error| format!("{}: {error}", function.symbol))?;
    }
    Ok(())
}

fn ensure(holds: bool, what: impl Fn() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Where a value is defined: block, and instruction in it. Parameters come before everything.
type Places = HashMap<ValueId, (usize, usize)>;

struct Checker<'m> {
    module: &'m Module,
    function: &'m Function,
    order: Order,
    places: Places,
}

fn check_function(module: &Module, function: &Function, order: Order) -> Result<(), String> {
    let mut checker = Checker { module, function, order, places: Places::new() };
    ensure(function.parameters.len() <= function.values.len(), || "parameters without values".to_owned())?;
    for (index, parameter) in function.parameters.iter().enumerate() {
        ensure(parameter.ty == function.values[index].ty, || format!("type of parameter {index}"))?;
        checker.places.insert(ValueId(index as u32), (usize::MAX, 0));
    }
    checker.location(function.location)?;
    for variable in &function.variables {
        checker.location(variable.location)?;
    }
    checker.find_places()?;
    for (index, block) in function.blocks.iter().enumerate() {
        for (position, instruction) in block.instructions.iter().enumerate() {
            checker
                .instruction(instruction, (index, position))
                .map_err(|error| format!("block {index}, {:?}: {error}", instruction.op))?;
        }
        checker.location(block.location)?;
        checker
            .terminator(&block.terminator, (index, block.instructions.len()))
            .map_err(|error| format!("block {index}, {:?}: {error}", block.terminator))?;
    }
    checker.phis()
}

impl Checker<'_> {
    fn find_places(&mut self) -> Result<(), String> {
        for (index, block) in self.function.blocks.iter().enumerate() {
            let mut results: Vec<(Option<ValueId>, usize)> =
                block.instructions.iter().enumerate().map(|(at, one)| (one.result, at)).collect();
            if let Terminator::Invoke { result, .. } = &block.terminator {
                results.push((*result, usize::MAX));
            }
            for (result, position) in results {
                let Some(value) = result else { continue };
                ensure(value.index() < self.function.values.len(), || format!("result {value:?}"))?;
                let earlier = self.places.insert(value, (index, position));
                ensure(earlier.is_none(), || format!("{value:?} is defined twice"))?;
            }
        }
        Ok(())
    }

    fn location(&self, location: LocationId) -> Result<(), String> {
        ensure(location.index() < self.module.locations.len(), || format!("{location:?}"))
    }

    fn block(&self, block: BlockId) -> Result<(), String> {
        ensure(block.index() < self.function.blocks.len(), || format!("{block:?}"))
    }

    /// An operand of a type (any, if absent) that is used at a place.
    fn operand(&self, operand: Operand, ty: Option<Type>, at: (usize, usize)) -> Result<(), String> {
        match operand {
            Operand::Value(value) => {
                let place = self.places.get(&value).ok_or_else(|| format!("{value:?} is not defined"))?;
                let is_before = place.0 != at.0 || place.1 < at.1 || self.order == Order::AsWritten;
                ensure(is_before, || format!("{value:?} is used before it is defined"))?;
                let found = self.function.values[value.index()].ty;
                ensure(ty.is_none_or(|ty| ty == found), || format!("{value:?} is {found:?}, not {ty:?}"))
            }
            Operand::Int(number) => match ty {
                Some(Type::Int(bits)) if bits < 128 => {
                    ensure(number >> bits == 0, || format!("{number} in {bits} bits"))
                }
                _ => Ok(()),
            },
            Operand::Address(Symbol::Function(id), _) => {
                ensure(id.index() < self.module.functions.len(), || format!("{id:?}"))
            }
            Operand::Address(Symbol::Global(id), _) => {
                ensure(id.index() < self.module.globals.len(), || format!("{id:?}"))
            }
            Operand::Block(block) => self.block(block),
            _ => Ok(()),
        }
    }

    fn instruction(&self, instruction: &Instruction, at: (usize, usize)) -> Result<(), String> {
        self.location(instruction.location)?;
        let use_as = |operand: &Operand, ty: Type| self.operand(*operand, Some(ty), at);
        let pointer = Type::Pointer;
        let result = match &instruction.op {
            Op::StackSlot { count, variable, .. } => {
                let is_there = variable.is_none_or(|id| id.index() < self.function.variables.len());
                ensure(is_there, || "variable".to_owned())?;
                use_as(count, Type::Int(64))?;
                pointer
            }
            Op::Load { ty, address } => {
                use_as(address, pointer)?;
                *ty
            }
            Op::Store { ty, address, value } => {
                use_as(address, pointer)?;
                use_as(value, *ty)?;
                Type::Void
            }
            Op::Address { base, scaled, .. } => {
                use_as(base, pointer)?;
                for one in scaled {
                    use_as(&one.index, one.ty)?;
                }
                pointer
            }
            Op::Binary { ty, left, right, .. } => {
                use_as(left, *ty)?;
                use_as(right, *ty)?;
                *ty
            }
            Op::Compare { ty, left, right, .. } => {
                use_as(left, *ty)?;
                use_as(right, *ty)?;
                Type::Int(1)
            }
            Op::Cast { from, to, value, .. } => {
                use_as(value, *from)?;
                *to
            }
            Op::Select { condition, ty, then, otherwise } => {
                use_as(condition, Type::Int(1))?;
                use_as(then, *ty)?;
                use_as(otherwise, *ty)?;
                *ty
            }
            // Their operands are checked at the ends of the blocks that they come from.
            Op::Phi { ty, .. } => *ty,
            Op::Call(call) => {
                self.call(call, at)?;
                call.result
            }
            op => self.other_op(op, at)?,
        };
        let found = instruction.result.map_or(Type::Void, |value| self.function.values[value.index()].ty);
        ensure(found == result, || format!("the result is {found:?}, not {result:?}"))
    }

    /// The type of the result of an operation on aggregates, memory areas, exceptions, or what is not modelled.
    fn other_op(&self, op: &Op, at: (usize, usize)) -> Result<Type, String> {
        let use_as = |operand: &Operand, ty: Type| self.operand(*operand, Some(ty), at);
        let use_any = |operand: &Operand| self.operand(*operand, None, at);
        let pointer = Type::Pointer;
        Ok(match op {
            Op::Insert { aggregate_ty, aggregate, ty, value, offset } => {
                use_as(aggregate, *aggregate_ty)?;
                use_as(value, *ty)?;
                ensure(offset + ty.size() <= aggregate_ty.size(), || "beyond the end".to_owned())?;
                *aggregate_ty
            }
            Op::Extract { aggregate_ty, aggregate, ty, offset } => {
                use_as(aggregate, *aggregate_ty)?;
                ensure(offset + ty.size() <= aggregate_ty.size(), || "beyond the end".to_owned())?;
                *ty
            }
            Op::Copy { to, from, size } => {
                use_as(to, pointer)?;
                use_as(from, pointer)?;
                use_as(size, Type::Int(64))?;
                Type::Void
            }
            Op::Fill { to, byte, size } => {
                use_as(to, pointer)?;
                use_as(byte, Type::Int(8))?;
                use_as(size, Type::Int(64))?;
                Type::Void
            }
            Op::VariadicStart { list } => {
                use_as(list, pointer)?;
                Type::Void
            }
            Op::VariadicArgument { list, ty } => {
                use_as(list, pointer)?;
                *ty
            }
            Op::LandingPad { clauses, .. } => {
                for clause in clauses {
                    match clause {
                        Clause::Catch(one) => use_as(one, pointer)?,
                        Clause::Filter(all) => all.iter().try_for_each(|one| use_as(one, pointer))?,
                    }
                }
                Type::Bytes(16)
            }
            Op::ExceptionTypeId { type_info } => {
                use_as(type_info, pointer)?;
                Type::Int(32)
            }
            Op::Lifetime { slot, .. } => {
                use_as(slot, pointer)?;
                Type::Void
            }
            Op::Assume { condition } => {
                use_as(condition, Type::Int(1))?;
                Type::Void
            }
            Op::Computed { ty, operands } | Op::NotUnderstood { ty, operands, .. } => {
                operands.iter().try_for_each(use_any)?;
                *ty
            }
            _ => unreachable!("it is checked elsewhere"),
        })
    }

    fn call(&self, call: &stanch_static::ir::Call, at: (usize, usize)) -> Result<(), String> {
        match &call.callee {
            Callee::Function(id) => ensure(id.index() < self.module.functions.len(), || format!("{id:?}"))?,
            Callee::Pointer(operand) => self.operand(*operand, Some(Type::Pointer), at)?,
            Callee::Assembly => {}
        }
        call.arguments.iter().try_for_each(|argument| self.operand(argument.value, Some(argument.ty), at))
    }

    fn terminator(&self, terminator: &Terminator, at: (usize, usize)) -> Result<(), String> {
        for target in targets(terminator) {
            self.block(target)?;
        }
        match terminator {
            Terminator::Branch { condition, .. } => self.operand(*condition, Some(Type::Int(1)), at),
            Terminator::Switch { ty, value, .. } => self.operand(*value, Some(*ty), at),
            Terminator::IndirectGoto { address, .. } => self.operand(*address, Some(Type::Pointer), at),
            Terminator::Return(Some((ty, value))) => self.operand(*value, Some(*ty), at),
            Terminator::Invoke { call, result, unwind, .. } => {
                self.call(call, at)?;
                let found = result.map_or(Type::Void, |value| self.function.values[value.index()].ty);
                ensure(found == call.result, || format!("the result is {found:?}"))?;
                let pad = self.function.blocks[unwind.index()].instructions.iter();
                let first = pad.map(|one| &one.op).find(|op| !matches!(op, Op::Phi { .. }));
                ensure(matches!(first, Some(Op::LandingPad { .. })), || "no landing pad".to_owned())
            }
            Terminator::Resume(value) => self.operand(*value, Some(Type::Bytes(16)), at),
            Terminator::Goto(_) | Terminator::Return(None) | Terminator::Unreachable => Ok(()),
        }
    }

    fn phis(&self) -> Result<(), String> {
        let blocks = &self.function.blocks;
        let mut sources: Vec<Vec<BlockId>> = vec![Vec::new(); blocks.len()];
        for (index, block) in blocks.iter().enumerate() {
            for target in targets(&block.terminator) {
                sources[target.index()].push(BlockId(index as u32));
            }
        }
        for (index, block) in blocks.iter().enumerate() {
            sources[index].dedup();
            let count = block.instructions.iter().take_while(|one| matches!(one.op, Op::Phi { .. })).count();
            for (position, instruction) in block.instructions.iter().enumerate() {
                let Op::Phi { ty, incoming } = &instruction.op else { continue };
                ensure(position < count, || format!("block {index}: a phi behind other instructions"))?;
                let mut known: Vec<BlockId> = incoming.iter().map(|(block, _)| *block).collect();
                known.sort_unstable();
                ensure(known == sources[index], || format!("block {index}: {known:?}, not {:?}", sources[index]))?;
                for (block, operand) in incoming {
                    let end = (block.index(), blocks[block.index()].instructions.len());
                    let end = if block.index() == index { (usize::MAX - 1, 0) } else { end };
                    self.operand(*operand, Some(*ty), end).map_err(|error| format!("block {index}: {error}"))?;
                }
            }
        }
        Ok(())
    }
}

fn targets(terminator: &Terminator) -> Vec<BlockId> {
    match terminator {
        Terminator::Goto(target) => vec![*target],
        Terminator::Branch { then, otherwise, .. } => vec![*then, *otherwise],
        Terminator::Switch { cases, default, .. } => cases.iter().map(|(_, to)| *to).chain([*default]).collect(),
        Terminator::IndirectGoto { targets, .. } => targets.clone(),
        Terminator::Invoke { normal, unwind, .. } => vec![*normal, *unwind],
        Terminator::Return(_) | Terminator::Resume(_) | Terminator::Unreachable => Vec::new(),
    }
}
