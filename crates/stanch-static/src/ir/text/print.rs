//! The text form, written.
use super::words::{BINARY, CASTS, LINKAGES, PREDICATES, word};
use crate::ir::{
    Allocation, Argument, Block, Call, Callee, Clause, Function, Global, Instruction, Location, LocationId, Module, Op,
    Operand, Parameter, Pass, Relocation, Startup, Symbol, Terminator, Type, ValueId, Variable,
};
use std::fmt::{Display, Formatter, Result, Write};

impl Display for Module {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "module {}", quoted(&self.name))?;
        for file in &self.files {
            writeln!(out, "file {}", quoted(file))?;
        }
        for location in self.locations.iter().skip(1) {
            write_location(out, location)?;
        }
        for global in &self.globals {
            write_global(out, global)?;
        }
        for function in &self.functions {
            write_function(out, function)?;
        }
        for alias in &self.aliases {
            let linkage = word(LINKAGES, alias.linkage);
            writeln!(out, "alias {} {linkage} {}", quoted(&alias.symbol), symbol(alias.target))?;
        }
        let startups = |out: &mut Formatter<'_>, name: &str, all: &[Startup]| {
            all.iter().try_for_each(|one| writeln!(out, "{name} f{} {}", one.function.0, one.priority))
        };
        startups(out, "constructor", &self.constructors)?;
        startups(out, "destructor", &self.destructors)
    }
}

/// Text in quotes, with what would end it, or the line, escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn write_location(out: &mut Formatter<'_>, location: &Location) -> Result {
    match location.file {
        Some(file) => write!(out, "location {}:{}:{}", file.0, location.line, location.column)?,
        None => write!(out, "location ?:{}:{}", location.line, location.column)?,
    }
    if let Some(function) = &location.inlined_function {
        write!(out, " in {}", quoted(function))?;
    }
    if let Some(at) = location.inlined_at {
        write!(out, " at !{}", at.0)?;
    }
    writeln!(out)
}

fn write_global(out: &mut Formatter<'_>, global: &Global) -> Result {
    write!(out, "global {} size {}", quoted(&global.symbol), global.size)?;
    if global.name != global.symbol {
        write!(out, " name {}", quoted(&global.name))?;
    }
    if let Some(ty) = &global.type_name {
        write!(out, " type {}", quoted(ty))?;
    }
    write!(out, " {}", word(LINKAGES, global.linkage))?;
    let flags = [(global.is_constant, " constant"), (global.is_thread_local, " thread_local")];
    write_flags(out, &flags)?;
    write_at(out, global.location)?;
    if let Some(initial) = &global.initial {
        out.write_str(" {")?;
        if !initial.bytes.is_empty() {
            out.write_str("bytes ")?;
            initial.bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        }
        for Relocation { offset, symbol: target, addend, block } in &initial.relocations {
            write!(out, " {offset}: {}{addend:+}", symbol(*target))?;
            if let Some(block) = block {
                write!(out, " block {}", block.0)?;
            }
        }
        out.write_str("}")?;
    }
    writeln!(out)
}

fn write_flags(out: &mut Formatter<'_>, flags: &[(bool, &str)]) -> Result {
    flags.iter().filter(|(is_set, _)| *is_set).try_for_each(|(_, word)| out.write_str(word))
}

fn write_at(out: &mut Formatter<'_>, location: LocationId) -> Result {
    if location.0 == 0 { Ok(()) } else { write!(out, " !{}", location.0) }
}

fn write_function(out: &mut Formatter<'_>, function: &Function) -> Result {
    write!(out, "function {} (", quoted(&function.symbol))?;
    for (index, parameter) in function.parameters.iter().enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        write_parameter(out, parameter)?;
    }
    if function.is_variadic {
        out.write_str(if function.parameters.is_empty() { "..." } else { ", ..." })?;
    }
    write!(out, ") -> {}", function.result)?;
    if function.name != function.symbol {
        write!(out, " name {}", quoted(&function.name))?;
    }
    write!(out, " {}", word(LINKAGES, function.linkage))?;
    let flags = [
        (function.is_no_return, " no_return"),
        (function.is_no_unwind, " no_unwind"),
        (function.returns_twice, " returns_twice"),
        (function.returns_const, " returns_const"),
    ];
    write_flags(out, &flags)?;
    write_allocation(out, &function.allocation)?;
    write_at(out, function.location)?;
    if function.values.len() < function.parameters.len() || function.blocks.is_empty() {
        return writeln!(out);
    }
    writeln!(out, " {{")?;
    for variable in &function.variables {
        write_variable(out, variable)?;
    }
    let context = Body { function };
    for block in &function.blocks {
        context.write_block(out, block)?;
    }
    writeln!(out, "}}")
}

fn write_parameter(out: &mut Formatter<'_>, parameter: &Parameter) -> Result {
    write!(out, "{}", parameter.ty)?;
    if let Some(name) = &parameter.name {
        write!(out, " {}", quoted(name))?;
    }
    if let Some(bytes) = parameter.copied_bytes {
        write!(out, " copied {bytes}")?;
    }
    let flags = [
        (parameter.is_result_slot, " result_slot"),
        (parameter.is_pointer_to_const, " to_const"),
        (parameter.is_read_only, " read_only"),
        (parameter.is_not_captured, " not_captured"),
        (parameter.is_non_null, " non_null"),
        (parameter.is_returned, " returned"),
    ];
    write_flags(out, &flags)
}

fn write_allocation(out: &mut Formatter<'_>, allocation: &Allocation) -> Result {
    let flags = [
        (allocation.allocates, " allocates"),
        (allocation.reallocates, " reallocates"),
        (allocation.zeroes, " zeroes"),
        (allocation.is_result_unaliased, " unaliased"),
    ];
    write_flags(out, &flags)?;
    if let Some(releases) = allocation.releases {
        write!(out, " releases {releases}")?;
    }
    for parameter in &allocation.size {
        write!(out, " sized {parameter}")?;
    }
    match &allocation.family {
        Some(family) => write!(out, " family {}", quoted(family)),
        None => Ok(()),
    }
}

fn write_variable(out: &mut Formatter<'_>, variable: &Variable) -> Result {
    write!(out, "variable {}", quoted(&variable.name))?;
    if let Some(ty) = &variable.type_name {
        write!(out, " {}", quoted(ty))?;
    }
    let flags = [(variable.is_pointer, " pointer"), (variable.is_reference, " reference")];
    write_flags(out, &flags)?;
    if let Some(parameter) = variable.parameter {
        write!(out, " parameter {parameter}")?;
    }
    write_at(out, variable.location)?;
    writeln!(out)
}

fn symbol(symbol: Symbol) -> String {
    match symbol {
        Symbol::Function(id) => format!("f{}", id.0),
        Symbol::Global(id) => format!("g{}", id.0),
    }
}

impl Display for Type {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Type::Void => out.write_str("void"),
            Type::Int(bits) => write!(out, "i{bits}"),
            Type::Float(bits) => write!(out, "f{bits}"),
            Type::Pointer => out.write_str("ptr"),
            Type::Bytes(size) => write!(out, "b{size}"),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Operand::Value(id) => write!(out, "%{}", id.0),
            Operand::Int(value) => write!(out, "{value}"),
            Operand::Float(bits) => write!(out, "float:{:x}", bits.0),
            Operand::Zero => out.write_str("zero"),
            Operand::Address(target, addend) => write!(out, "{}{addend:+}", symbol(*target)),
            Operand::Block(block) => write!(out, "block:{}", block.0),
            Operand::Undefined => out.write_str("undefined"),
            Operand::Unknown => out.write_str("unknown"),
        }
    }
}

struct Body<'a> {
    function: &'a Function,
}

impl Body<'_> {
    fn result(&self, result: Option<ValueId>) -> String {
        let Some(id) = result else { return String::new() };
        let ty = self.function.values.get(id.index()).map_or(Type::Void, |value| value.ty);
        format!("%{}: {ty} = ", id.0)
    }

    fn write_block(&self, out: &mut Formatter<'_>, block: &Block) -> Result {
        writeln!(out, "block")?;
        for Instruction { result, op, location } in &block.instructions {
            write!(out, "  {}", self.result(*result))?;
            write_op(out, op)?;
            write_at(out, *location)?;
            writeln!(out)?;
        }
        out.write_str("  ")?;
        self.write_terminator(out, &block.terminator)?;
        write_at(out, block.location)?;
        writeln!(out)
    }

    fn write_terminator(&self, out: &mut Formatter<'_>, terminator: &Terminator) -> Result {
        match terminator {
            Terminator::Goto(next) => write!(out, "goto {}", next.0),
            Terminator::Branch { condition, then, otherwise } => {
                write!(out, "branch {condition} {} {}", then.0, otherwise.0)
            }
            Terminator::Switch { ty, value, cases, default } => {
                write!(out, "switch {ty} {value} default {}", default.0)?;
                cases.iter().try_for_each(|(case, block)| write!(out, ", {case} {}", block.0))
            }
            Terminator::IndirectGoto { address, targets } => {
                write!(out, "indirect {address}")?;
                targets.iter().try_for_each(|block| write!(out, ", {}", block.0))
            }
            Terminator::Return(None) => out.write_str("return"),
            Terminator::Return(Some((ty, value))) => write!(out, "return {ty} {value}"),
            Terminator::Invoke { call, result, normal, unwind } => {
                write!(out, "invoke {}", self.result(*result))?;
                write_call(out, call)?;
                write!(out, " to {} unwind {}", normal.0, unwind.0)
            }
            Terminator::Resume(operand) => write!(out, "resume {operand}"),
            Terminator::Unreachable => out.write_str("unreachable"),
        }
    }
}

fn list(operands: &[Operand]) -> String {
    operands.iter().fold(String::new(), |mut text, operand| {
        let _ = write!(text, ", {operand}");
        text
    })
}

fn write_op(out: &mut Formatter<'_>, op: &Op) -> Result {
    match op {
        Op::StackSlot { size, count, variable } => {
            write!(out, "slot {size} x {count}")?;
            variable.map_or(Ok(()), |variable| write!(out, " variable {}", variable.0))
        }
        Op::Load { ty, address } => write!(out, "load {ty} {address}"),
        Op::Store { ty, address, value } => write!(out, "store {ty} {value} to {address}"),
        Op::Address { base, offset, scaled } => {
            write!(out, "address {base} {offset}")?;
            scaled.iter().try_for_each(|one| write!(out, ", {} {} x {}", one.ty, one.index, one.scale))
        }
        Op::Binary { op, ty, left, right } => write!(out, "{} {ty} {left}, {right}", word(BINARY, *op)),
        Op::Compare { predicate, ty, left, right } => {
            write!(out, "{} {ty} {left}, {right}", word(PREDICATES, *predicate))
        }
        Op::Cast { op, from, to, value } => write!(out, "cast {} {from} {value} to {to}", word(CASTS, *op)),
        Op::Select { condition, ty, then, otherwise } => write!(out, "select {condition} {ty} {then}, {otherwise}"),
        Op::Phi { ty, incoming } => {
            write!(out, "phi {ty}")?;
            incoming.iter().try_for_each(|(block, operand)| write!(out, ", {} {operand}", block.0))
        }
        Op::Call(call) => write_call(out, call),
        Op::Insert { aggregate_ty, aggregate, ty, value, offset } => {
            write!(out, "insert {aggregate_ty} {aggregate}, {ty} {value}, {offset}")
        }
        Op::Extract { aggregate_ty, aggregate, ty, offset } => {
            write!(out, "extract {aggregate_ty} {aggregate}, {ty} {offset}")
        }
        Op::Copy { to, from, size } => write!(out, "copy {to}, {from}, {size}"),
        Op::Fill { to, byte, size } => write!(out, "fill {to}, {byte}, {size}"),
        Op::VariadicStart { list } => write!(out, "variadic_start {list}"),
        Op::VariadicArgument { list, ty } => write!(out, "variadic_argument {ty} {list}"),
        Op::LandingPad { clauses, is_cleanup } => write_pad(out, clauses, *is_cleanup),
        Op::ExceptionTypeId { type_info } => write!(out, "type_id {type_info}"),
        Op::Lifetime { slot, begins } => write!(out, "lifetime {slot} {}", if *begins { "begins" } else { "ends" }),
        Op::Assume { condition } => write!(out, "assume {condition}"),
        Op::Computed { ty, operands } => write!(out, "computed {ty}{}", list(operands)),
        Op::NotUnderstood { mnemonic, ty, operands } => {
            write!(out, "not_understood {} {ty}{}", quoted(mnemonic), list(operands))
        }
    }
}

fn write_pad(out: &mut Formatter<'_>, clauses: &[Clause], is_cleanup: bool) -> Result {
    out.write_str("landing_pad")?;
    if is_cleanup {
        out.write_str(" cleanup")?;
    }
    for clause in clauses {
        match clause {
            Clause::Catch(operand) => write!(out, " catch {operand}")?,
            Clause::Filter(all) => {
                write!(out, " filter {}", all.len())?;
                all.iter().try_for_each(|operand| write!(out, " {operand}"))?;
            }
        }
    }
    Ok(())
}

fn write_call(out: &mut Formatter<'_>, call: &Call) -> Result {
    match &call.callee {
        Callee::Function(id) => write!(out, "call f{}(", id.0)?,
        Callee::Pointer(operand) => write!(out, "call *{operand}(")?,
        Callee::Assembly => out.write_str("call assembly(")?,
    }
    for (index, Argument { ty, value, pass }) in call.arguments.iter().enumerate() {
        write!(out, "{}{ty} {value}", if index == 0 { "" } else { ", " })?;
        match pass {
            Pass::Value => {}
            Pass::Copy(size) => write!(out, " copy {size}")?,
            Pass::ResultSlot(size) => write!(out, " result_slot {size}")?,
        }
    }
    write!(out, ") -> {}", call.result)?;
    let flags = [(call.may_unwind, " may_unwind"), (call.is_no_return, " no_return")];
    write_flags(out, &flags)?;
    call.variadic_from.map_or(Ok(()), |from| write!(out, " variadic {from}"))
}
