//! Calls: `call`, `invoke`, `callbr`, with what the ABI says of arguments and what attributes say of control.

use super::Body;
use crate::frontend::attributes::{Facts, ParameterFacts};
use crate::frontend::lexer::{Token, line_end};
use crate::frontend::syntax::Failure;
use crate::frontend::types::{Type as Llvm, TypeId, expect};
use crate::frontend::value::{Value, parse_value};
use crate::ir::{Argument, Call, Callee, Op, Operand, Pass, Symbol, Terminator, Type};

/// A call as it is written.
pub(super) struct CallText<'a> {
    /// Whom; absent for assembly.
    pub(super) callee: Option<Value<'a>>,
    /// Type of the result.
    pub(super) result: TypeId,
    /// With what.
    pub(super) arguments: Vec<ArgumentText>,
    /// Metadata among the arguments, in order.
    pub(super) metadata: Vec<u32>,
    facts: Facts<'a>,
    variadic_from: Option<u32>,
    is_unwinding_assembly: bool,
}

/// An argument as it is written.
#[derive(Clone, Copy)]
pub(super) struct ArgumentText {
    /// Its value.
    pub(super) value: Operand,
    /// Its type.
    pub(super) ty: TypeId,
    facts: ParameterFacts,
}

impl<'a> Body<'_, 'a> {
    /// `call T @f(…)`.
    pub(super) fn read_call(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let call = self.parse_call()?;
        if let Some(name) = intrinsic_name(&call) {
            return self.read_intrinsic(result, name, &call);
        }
        let call = self.lower_call(&call, !self.function.is_no_unwind);
        self.define(result, call.result, Op::Call(Box::new(call)));
        Ok(())
    }

    /// `invoke T @f(…) to label %a unwind label %b`.
    pub(super) fn read_invoke(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let text = self.parse_call()?;
        if !self.cursor.take_word("to") {
            return Err(Failure::Syntax);
        }
        let normal = self.label()?;
        if !self.cursor.take_word("unwind") {
            return Err(Failure::Syntax);
        }
        let unwind = self.label()?;
        if let Some(name) = intrinsic_name(&text) {
            self.read_intrinsic(result, name, &text)?;
            self.terminator = Some(Terminator::Goto(normal));
            return Ok(());
        }
        let call = Box::new(self.lower_call(&text, true));
        let result = self.define_later(result, call.result);
        self.terminator = Some(Terminator::Invoke { call, result, normal, unwind });
        Ok(())
    }

    /// `callbr T asm … to label %a [label %b]`: assembly that may jump.
    pub(super) fn read_callbr(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let text = self.parse_call()?;
        if !self.cursor.take_word("to") {
            return Err(Failure::Syntax);
        }
        let mut targets = vec![self.label()?];
        targets.extend(self.label_list()?);
        let call = self.lower_call(&text, false);
        self.define(result, call.result, Op::Call(Box::new(call)));
        self.terminator = Some(Terminator::IndirectGoto { address: Operand::Unknown, targets });
        Ok(())
    }

    fn parse_call(&mut self) -> Result<CallText<'a>, Failure> {
        let mut result_facts = ParameterFacts::default();
        loop {
            match self.cursor.token() {
                Token::Word(b"cc") => {
                    self.cursor.advance();
                    self.cursor.advance();
                }
                Token::Word(_) if self.context.types.is_type(&self.cursor) => break,
                _ if result_facts.take(&mut self.cursor, &mut self.context.types)? => {}
                _ => break,
            }
        }
        let ty = self.context.types.parse(&mut self.cursor)?;
        let (result, variadic_from) = match self.context.types.resolve(ty) {
            Llvm::Function { result, parameters, is_variadic } => {
                (*result, is_variadic.then(|| u32::try_from(parameters.len()).unwrap_or(u32::MAX)))
            }
            _ => (ty, None),
        };
        let mut is_unwinding_assembly = false;
        let callee = if self.cursor.is_word("asm") {
            is_unwinding_assembly = self.skip_assembly();
            None
        } else {
            // The type of a callee is a pointer, which is not written.
            let pointer = self.context.types.intern(Llvm::Pointer(0));
            Some(parse_value(&mut self.cursor, &mut self.context.types, pointer)?)
        };
        let mut call = CallText {
            callee,
            result,
            arguments: Vec::new(),
            metadata: Vec::new(),
            facts: Facts::default(),
            variadic_from,
            is_unwinding_assembly,
        };
        self.parse_arguments(&mut call)?;
        self.parse_call_attributes(&mut call);
        call.facts = self.context.complete(std::mem::take(&mut call.facts));
        Ok(call)
    }

    /// `asm sideeffect unwind "code", "constraints"`; true where it may throw.
    fn skip_assembly(&mut self) -> bool {
        let mut unwinds = false;
        while let Token::Word(word) = self.cursor.token() {
            unwinds |= word == b"unwind";
            self.cursor.advance();
        }
        while matches!(self.cursor.token(), Token::Text(_) | Token::Mark(b',')) {
            self.cursor.advance();
        }
        unwinds
    }

    fn parse_arguments(&mut self, call: &mut CallText<'a>) -> Result<(), Failure> {
        expect(&mut self.cursor, b'(')?;
        while !self.cursor.take(b')') {
            if self.cursor.token() == Token::Ellipsis {
                // `musttail` passes on what this function got.
                self.cursor.advance();
            } else if self.cursor.take_word("metadata") {
                self.parse_metadata_argument(call);
            } else {
                let ty = self.context.types.parse(&mut self.cursor)?;
                let mut facts = ParameterFacts::default();
                facts.take_all(&mut self.cursor, &mut self.context.types)?;
                let value = self.untyped(ty)?;
                call.arguments.push(ArgumentText { value, ty, facts });
            }
            if !self.cursor.take(b',') && self.cursor.token() != Token::Mark(b')') {
                return Err(Failure::Syntax);
            }
        }
        Ok(())
    }

    /// `metadata ptr %4`, `metadata !5`, `metadata !DIExpression()`, `metadata !"text"`.
    fn parse_metadata_argument(&mut self, call: &mut CallText<'a>) {
        if let Token::Metadata(id) = self.cursor.token() {
            call.metadata.extend(crate::frontend::lexer::decimal(id).and_then(|id| u32::try_from(id).ok()));
        } else if self.context.types.is_type(&self.cursor)
            && let Ok((value, ty)) = self.typed()
        {
            call.arguments.push(ArgumentText { value, ty, facts: ParameterFacts::default() });
        }
        while !matches!(self.cursor.token(), Token::End | Token::Mark(b',' | b')')) {
            if self.cursor.token() == Token::Mark(b'(') {
                self.cursor.skip_group();
            } else {
                self.cursor.advance();
            }
        }
    }

    /// Attributes and operand bundles behind the arguments, on the same line.
    fn parse_call_attributes(&mut self, call: &mut CallText<'a>) {
        let end = line_end(self.context.text, self.cursor.previous_end().min(self.context.text.len()));
        while self.cursor.offset() < end {
            match self.cursor.token() {
                Token::Word(b"to") | Token::Mark(b',') => return,
                Token::Mark(b'[') => self.cursor.skip_group(),
                _ if call.facts.take(&mut self.cursor) => {}
                _ => return,
            }
        }
    }

    fn lower_call(&mut self, text: &CallText<'a>, may_unwind: bool) -> Call {
        let callee = match &text.callee {
            None => Callee::Assembly,
            Some(value) => {
                let pointer = self.context.types.intern(Llvm::Pointer(0));
                match self.lower(value, pointer) {
                    Operand::Address(Symbol::Function(function), 0) => Callee::Function(function),
                    operand => Callee::Pointer(operand),
                }
            }
        };
        let known = match callee {
            Callee::Function(function) => self.context.functions.get(function.index()).copied().unwrap_or_default(),
            _ => Default::default(),
        };
        let is_quiet_assembly = callee == Callee::Assembly && !text.is_unwinding_assembly;
        let arguments = text.arguments.iter().map(|argument| self.argument(argument)).collect();
        Call {
            callee,
            arguments,
            result: self.context.lower_type(text.result),
            may_unwind: may_unwind && !text.facts.is_no_unwind && !known.is_no_unwind && !is_quiet_assembly,
            is_no_return: text.facts.is_no_return || known.is_no_return,
            variadic_from: text.variadic_from,
        }
    }

    fn argument(&self, text: &ArgumentText) -> Argument {
        let bytes = |ty: TypeId| self.context.extent(ty).map_or(0, |extent| extent.bytes);
        let pass = match text.facts {
            ParameterFacts { copied: Some(ty), .. } => Pass::Copy(bytes(ty)),
            ParameterFacts { is_result_slot: true, result, .. } => Pass::ResultSlot(result.map_or(0, bytes)),
            _ => Pass::Value,
        };
        Argument { ty: self.context.lower_type(text.ty), value: text.value, pass }
    }

    /// True where the result of a call is a value.
    pub(super) fn result_type(&self, call: &CallText<'a>) -> Type {
        self.context.lower_type(call.result)
    }
}

/// The name behind `llvm.`, if the callee is one of LLVM's own functions.
fn intrinsic_name<'a>(call: &CallText<'a>) -> Option<&'a [u8]> {
    match &call.callee {
        Some(Value::Global(name)) => name.strip_prefix(b"llvm."),
        _ => None,
    }
}
