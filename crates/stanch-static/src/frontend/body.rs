//! Bodies of functions: each instruction is parsed and lowered at once, in the order of the text.
//!
//! Values may be used before the text defines them, so a name is bound to an operand when either comes first. What is
//! not understood becomes [`Op::NotUnderstood`] with the operands that its line names; nothing is left out silently.

mod aggregates;
mod arithmetic;
mod calls;
mod control;
mod finish;
mod intrinsics;
mod locals;
mod memory;
mod variables;

use std::collections::HashMap;

use super::context::Context;
use super::fold::Labels;
use super::header::{Header, take_debug};
use super::initial::{Content, fits};
use super::labels::Blocks;
use super::lexer::{Cursor, Token, line_end};
use super::syntax::Failure;
use super::types::TypeId;
use super::value::{Expression, Typed, Value, parse_typed, parse_value};
use crate::ir::{
    Block, BlockId, Function, Initial, Instruction, LocationId, Op, Operand, Symbol, Terminator, Type, ValueId,
};
use locals::{Local, Locals};

/// A function whose body is read.
pub(super) struct Body<'c, 'a> {
    context: &'c mut Context<'a>,
    /// The function's name as it is written.
    name: &'a [u8],
    /// What is made of it.
    function: Function,
    labels: Blocks<'a>,
    cursor: Cursor<'a>,
    locals: Locals<'a>,
    /// Instructions of the current block.
    instructions: Vec<Instruction>,
    terminator: Option<Terminator>,
    /// Instructions that belong to the ends of blocks: constants that phis need.
    late: Vec<(BlockId, Instruction)>,
    /// Where the stack slots are defined: block and instruction.
    slots: HashMap<ValueId, (usize, usize)>,
    /// Parameters that were stored to a stack slot: slot and parameter.
    homes: HashMap<ValueId, usize>,
}

/// Reads the body of a function into `function`, which has its parameters already.
pub(super) fn read<'a>(context: &mut Context<'a>, header: &Header<'a>, function: Function) -> Function {
    let window = header.body.unwrap_or_default();
    let labels = Blocks::scan(context.text, window, unnamed_count(header));
    let cursor = Cursor::new(context.text, window.0, window.1);
    let mut body = Body {
        context,
        name: header.name,
        function,
        labels,
        cursor,
        locals: Locals::new(window.1.saturating_sub(window.0)),
        instructions: Vec::new(),
        terminator: None,
        late: Vec::new(),
        slots: HashMap::new(),
        homes: HashMap::new(),
    };
    body.bind_parameters(header);
    body.read_blocks();
    body.finish()
}

/// How many parameters have a number for a name: the first block may have the next one.
pub(super) fn unnamed_count(header: &Header<'_>) -> usize {
    header.parameters.iter().filter(|parameter| is_unnamed(parameter.name)).count()
}

fn is_unnamed(name: Option<&[u8]>) -> bool {
    name.is_none_or(|name| name.first().is_some_and(u8::is_ascii_digit))
}

impl<'a> Body<'_, 'a> {
    fn bind_parameters(&mut self, header: &Header<'a>) {
        let mut unnamed = 0;
        for (index, parameter) in header.parameters.iter().enumerate() {
            let local = Local::Bound(Operand::Value(Function::parameter_value(index)), self.function.values[index].ty);
            match parameter.name {
                Some(name) => self.locals.set(name, local),
                None => self.locals.set_number(unnamed, local),
            }
            unnamed += usize::from(is_unnamed(parameter.name));
        }
    }

    fn read_blocks(&mut self) {
        for index in 0..self.labels.windows.len() {
            let (start, end) = self.labels.windows[index];
            self.cursor = Cursor::new(self.context.text, start, end);
            let mut location = LocationId(0);
            while self.cursor.token() != Token::End && self.terminator.is_none() {
                location = self.read_statement();
            }
            // What stands behind a terminator is no code: debug records do, and nothing else.
            let terminator = self.terminator.take().unwrap_or(Terminator::Unreachable);
            let instructions = std::mem::take(&mut self.instructions);
            self.function.blocks.push(Block { instructions, terminator, location });
        }
    }

    /// Reads an instruction or a debug record, and says where in the source it stands.
    fn read_statement(&mut self) -> LocationId {
        let start = self.cursor.offset();
        let first = self.instructions.len();
        if let Token::Hash(kind) = self.cursor.token() {
            self.read_debug_record(kind);
            self.cursor.seek(line_end(self.context.text, start));
            return LocationId(0);
        }
        let mut result = None;
        if let Token::Local(name) = self.cursor.token() {
            self.cursor.advance();
            self.cursor.take(b'=');
            result = Some(name);
        }
        let mnemonic = match self.cursor.token() {
            Token::Word(word) => word,
            _ => b"",
        };
        self.cursor.advance();
        if self.read_instruction(mnemonic, result).is_err() {
            self.instructions.truncate(first);
            self.not_understood(start, mnemonic, result);
        }
        let debug = self.finish_line();
        let location = debug.map_or(LocationId(0), |id| self.context.debug.location(id));
        for instruction in self.instructions.iter_mut().skip(first) {
            instruction.location = location;
        }
        location
    }

    fn read_instruction(&mut self, mnemonic: &'a [u8], result: Option<&'a [u8]>) -> Result<(), Failure> {
        match mnemonic {
            b"alloca" => self.read_alloca(result),
            b"load" => self.read_load(result),
            b"store" => self.read_store(),
            b"getelementptr" => self.read_address(result),
            b"call" => self.read_call(result),
            b"tail" | b"musttail" | b"notail" => {
                if !self.cursor.take_word("call") {
                    return Err(Failure::Syntax);
                }
                self.read_call(result)
            }
            b"br" => self.read_br(),
            b"switch" => self.read_switch(),
            b"ret" => self.read_ret(),
            b"invoke" => self.read_invoke(result),
            b"callbr" => self.read_callbr(result),
            b"resume" => self.read_resume(),
            b"unreachable" => {
                self.terminator = Some(Terminator::Unreachable);
                Ok(())
            }
            b"indirectbr" => self.read_indirectbr(),
            b"phi" => self.read_phi(result),
            b"select" => self.read_select(result),
            b"icmp" | b"fcmp" => self.read_compare(mnemonic, result),
            b"extractvalue" => self.read_extractvalue(result),
            b"insertvalue" => self.read_insertvalue(result),
            b"extractelement" => self.read_extractelement(result),
            b"insertelement" => self.read_insertelement(result),
            b"shufflevector" => self.read_shufflevector(result),
            b"landingpad" => self.read_landingpad(result),
            b"catchswitch" | b"catchret" | b"cleanupret" | b"catchpad" | b"cleanuppad" => Err(Failure::Mnemonic),
            b"cmpxchg" => self.read_cmpxchg(result),
            b"atomicrmw" => self.read_atomicrmw(result),
            b"fence" => Ok(()),
            b"va_arg" => self.read_va_arg(result),
            b"freeze" => {
                let (operand, ty) = self.typed()?;
                let ty = self.context.lower_type(ty);
                self.bind(result, operand, ty);
                Ok(())
            }
            b"fneg" => self.read_fneg(result),
            _ if arithmetic::is_cast(mnemonic) => self.read_cast(mnemonic, result),
            _ => self.read_binary(mnemonic, result),
        }
    }

    /// Goes to the end of the line on which the last token stood, and finds its location on the way.
    fn finish_line(&mut self) -> Option<u32> {
        let end = line_end(self.context.text, self.cursor.previous_end().min(self.context.text.len()));
        let mut debug = None;
        while self.cursor.token() != Token::End && self.cursor.offset() < end {
            match self.cursor.token() {
                Token::Metadata(_) => take_debug(&mut self.cursor, &mut debug),
                _ => self.cursor.advance(),
            }
        }
        debug
    }

    /// Lowers what could not be parsed, by the names that stand in it.
    fn not_understood(&mut self, start: usize, mnemonic: &[u8], result: Option<&'a [u8]>) {
        let end = statement_end(self.context.text, start, self.cursor.end());
        let mut cursor = Cursor::new(self.context.text, start, end);
        let (mut operands, mut targets, mut ty) = (Vec::new(), Vec::new(), None);
        if result.is_some() {
            cursor.advance();
        }
        while cursor.token() != Token::End {
            match cursor.token() {
                Token::Word(b"label") => {
                    cursor.advance();
                    if let Token::Local(label) = cursor.token() {
                        targets.extend(self.labels.get(label));
                        cursor.advance();
                    }
                }
                Token::Local(name) => {
                    if let Local::Bound(operand, _) = self.locals.get(name) {
                        operands.push(operand);
                    }
                    cursor.advance();
                }
                Token::Global(name) => {
                    let symbol = self.context.symbols.get(name);
                    operands.extend(symbol.map(|(symbol, offset)| Operand::Address(*symbol, *offset)));
                    cursor.advance();
                }
                Token::Metadata(_) => break,
                _ if ty.is_none() && self.context.types.is_type(&cursor) => {
                    ty = self.context.types.parse(&mut cursor).ok();
                }
                _ => cursor.advance(),
            }
        }
        let mnemonic = String::from_utf8_lossy(&mnemonic[..mnemonic.len().min(40)]).into_owned();
        self.context.complain(Some(&self.function.symbol), start, &mnemonic);
        let ty = match (result, ty) {
            (None, _) => Type::Void,
            (Some(_), Some(ty)) => self.context.lower_type(ty),
            (Some(_), None) => Type::Pointer,
        };
        let ty = if result.is_some() && ty == Type::Void { Type::Pointer } else { ty };
        self.define(result, ty, Op::NotUnderstood { mnemonic, ty, operands });
        if !targets.is_empty() {
            self.terminator = Some(Terminator::IndirectGoto { address: Operand::Unknown, targets });
        }
        self.cursor.seek(end);
    }

    /// Parses a type and an operand.
    fn typed(&mut self) -> Result<(Operand, TypeId), Failure> {
        let typed = parse_typed(&mut self.cursor, &mut self.context.types)?;
        Ok((self.lower(&typed.value, typed.ty), typed.ty))
    }

    /// Parses a type, which must be this one, and an operand.
    fn typed_as(&mut self, wanted: Type) -> Result<Operand, Failure> {
        let typed = parse_typed(&mut self.cursor, &mut self.context.types)?;
        if self.context.lower_type(typed.ty) != wanted {
            return Err(Failure::Layout);
        }
        Ok(self.lower(&typed.value, typed.ty))
    }

    /// Parses an operand of a type.
    fn untyped(&mut self, ty: TypeId) -> Result<Operand, Failure> {
        let value = parse_value(&mut self.cursor, &mut self.context.types, ty)?;
        Ok(self.lower(&value, ty))
    }

    fn comma(&mut self) -> Result<(), Failure> {
        super::types::expect(&mut self.cursor, b',')
    }

    /// The block of `label %x`.
    fn label(&mut self) -> Result<BlockId, Failure> {
        if !self.cursor.take_word("label") {
            return Err(Failure::Syntax);
        }
        let Token::Local(label) = self.cursor.token() else { return Err(Failure::Syntax) };
        self.cursor.advance();
        self.labels.get(label).ok_or(Failure::Syntax)
    }

    /// The operand of what was parsed; instructions that compute it are put here.
    fn lower(&mut self, value: &Value<'a>, ty: TypeId) -> Operand {
        if let Value::Local(name) = value {
            let ty = self.context.lower_type(ty);
            return self.use_local(name, ty);
        }
        let labels = Labels { function: self.name, blocks: &self.labels };
        if let Some(operand) = self.context.fold(value, ty, Some(labels)) {
            return operand;
        }
        match value {
            Value::Expression(expression) => {
                let operand = self.lower_expression(expression, ty);
                let ty = self.context.lower_type(ty);
                self.coerced(operand, ty)
            }
            _ => self.lower_aggregate(value, ty),
        }
    }

    fn lower_typed(&mut self, typed: &Typed<'a>) -> Operand {
        self.lower(&typed.value, typed.ty)
    }

    fn lower_expression(&mut self, expression: &Expression<'a>, ty: TypeId) -> Operand {
        match expression {
            Expression::Address { element, base, indices } => {
                let base = self.lower_typed(base);
                self.address(base, *element, indices).unwrap_or(Operand::Unknown)
            }
            Expression::Cast { op, value, to } => {
                let operand = self.lower_typed(value);
                self.cast(op, operand, value.ty, *to).unwrap_or(Operand::Unknown)
            }
            Expression::Binary { op, left, right } => {
                let (left_operand, right_operand) = (self.lower_typed(left), self.lower_typed(right));
                let ty = self.context.lower_type(ty);
                self.binary(op, ty, left_operand, right_operand).unwrap_or(Operand::Unknown)
            }
            Expression::Compare { predicate, left, right } => {
                let (left_operand, right_operand) = (self.lower_typed(left), self.lower_typed(right));
                let ty = self.context.lower_type(left.ty);
                self.compare(predicate, ty, left_operand, right_operand).unwrap_or(Operand::Unknown)
            }
            Expression::Select { condition, then, otherwise } => {
                let condition = self.lower_typed(condition);
                let (then, otherwise) = (self.lower_typed(then), self.lower_typed(otherwise));
                let ty = self.context.lower_type(ty);
                self.emit(ty, Op::Select { condition, ty, then, otherwise })
            }
        }
    }

    /// A constant array, struct or vector: zeros into which its parts are inserted.
    fn lower_aggregate(&mut self, value: &Value<'a>, ty: TypeId) -> Operand {
        let (function, labels) = (self.name, &self.labels);
        let mut find_block = |name: &[u8], label: &[u8]| {
            let block = (name == function).then(|| labels.get(label)).flatten()?;
            // The symbol is not needed: the block is one of this function.
            Some((Symbol::Function(crate::ir::FunctionId(0)), block))
        };
        let mut content = Content { initial: Initial::default(), find_block: &mut find_block };
        if content.write(self.context, value, ty, 0).is_err() {
            return Operand::Unknown;
        }
        let initial = content.initial;
        let aggregate_ty = self.context.lower_type(ty);
        if !matches!(aggregate_ty, Type::Bytes(size) if fits(&initial, size)) {
            return Operand::Unknown;
        }
        let Initial { bytes, relocations } = initial;
        let mut aggregate = Operand::Zero;
        for (index, chunk) in bytes.chunks(8).enumerate() {
            if chunk.iter().all(|byte| *byte == 0) {
                continue;
            }
            let number = chunk.iter().rev().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
            let part = Type::Int((chunk.len() * 8) as u16);
            let offset = index as u64 * 8;
            let value = Operand::Int(number);
            aggregate = self.emit(aggregate_ty, Op::Insert { aggregate_ty, aggregate, ty: part, value, offset });
        }
        for relocation in relocations {
            let value = match relocation.block {
                Some(block) => Operand::Block(block),
                None => Operand::Address(relocation.symbol, relocation.addend),
            };
            let offset = relocation.offset;
            aggregate =
                self.emit(aggregate_ty, Op::Insert { aggregate_ty, aggregate, ty: Type::Pointer, value, offset });
        }
        aggregate
    }
}

/// Where a statement ends that could not be parsed: before the next line that is not indented further than
/// statements are.
fn statement_end(text: &[u8], start: usize, end: usize) -> usize {
    let mut at = start;
    loop {
        at = line_end(&text[..end], at.min(end));
        match text[..end].get(at + 1..) {
            None | Some([]) => return end,
            Some([b' ', b' ', next, ..]) if !matches!(next, b' ' | b']') => return at,
            Some([b' ' | b'\t', ..]) => at += 1,
            Some(_) => return at,
        }
    }
}
