//! Terminators, phis and landing pads.

use super::Body;
use crate::frontend::fold::Labels;
use crate::frontend::lexer::Token;
use crate::frontend::syntax::Failure;
use crate::frontend::types::{Type as Llvm, expect};
use crate::frontend::value::{Value, parse_typed, parse_value, skip_words};
use crate::ir::{Clause, Op, Operand, Terminator, Type};

impl<'a> Body<'_, 'a> {
    /// `br label %a`, `br i1 %c, label %a, label %b`.
    pub(super) fn read_br(&mut self) -> Result<(), Failure> {
        if self.cursor.is_word("label") {
            let target = self.label()?;
            self.terminator = Some(Terminator::Goto(target));
            return Ok(());
        }
        let condition = self.typed_as(Type::Int(1))?;
        self.comma()?;
        let then = self.label()?;
        self.comma()?;
        let otherwise = self.label()?;
        self.terminator = Some(Terminator::Branch { condition, then, otherwise });
        Ok(())
    }

    /// `switch T V, label %d [ T C, label %a … ]`.
    pub(super) fn read_switch(&mut self) -> Result<(), Failure> {
        let (value, type_id) = self.typed()?;
        self.comma()?;
        let default = self.label()?;
        expect(&mut self.cursor, b'[')?;
        let mut cases = Vec::new();
        let ty = self.context.lower_type(type_id);
        while !self.cursor.take(b']') {
            let case = self.typed_as(ty)?;
            self.comma()?;
            let target = self.label()?;
            match case {
                Operand::Int(case) => cases.push((case, target)),
                Operand::Zero => cases.push((0, target)),
                _ => return Err(Failure::Syntax),
            }
        }
        self.terminator = Some(Terminator::Switch { ty, value, cases, default });
        Ok(())
    }

    /// `ret void`, `ret T V`.
    pub(super) fn read_ret(&mut self) -> Result<(), Failure> {
        let type_id = self.context.types.parse(&mut self.cursor)?;
        if *self.context.types.resolve(type_id) == Llvm::Void {
            self.terminator = Some(Terminator::Return(None));
            return Ok(());
        }
        let value = self.untyped(type_id)?;
        let ty = self.context.lower_type(type_id);
        self.terminator = Some(Terminator::Return(Some((ty, value))));
        Ok(())
    }

    /// `resume { ptr, i32 } V`.
    pub(super) fn read_resume(&mut self) -> Result<(), Failure> {
        let value = self.typed_as(Type::Bytes(16))?;
        self.terminator = Some(Terminator::Resume(value));
        Ok(())
    }

    /// `indirectbr ptr A, [label %a, label %b]`.
    pub(super) fn read_indirectbr(&mut self) -> Result<(), Failure> {
        let address = self.typed_as(Type::Pointer)?;
        self.comma()?;
        let targets = self.label_list()?;
        self.terminator = Some(Terminator::IndirectGoto { address, targets });
        Ok(())
    }

    /// `[label %a, label %b]`.
    pub(super) fn label_list(&mut self) -> Result<Vec<crate::ir::BlockId>, Failure> {
        expect(&mut self.cursor, b'[')?;
        let mut targets = Vec::new();
        while !self.cursor.take(b']') {
            targets.push(self.label()?);
            self.cursor.take(b',');
        }
        Ok(targets)
    }

    /// `phi [fast] T [ V, %a ], [ W, %b ]`.
    pub(super) fn read_phi(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let type_id = self.context.types.parse(&mut self.cursor)?;
        let ty = self.context.lower_type(type_id);
        let mut incoming = Vec::new();
        loop {
            expect(&mut self.cursor, b'[')?;
            let value = parse_value(&mut self.cursor, &mut self.context.types, type_id)?;
            self.comma()?;
            let Token::Local(label) = self.cursor.token() else { return Err(Failure::Syntax) };
            self.cursor.advance();
            let block = self.labels.get(label).ok_or(Failure::Syntax)?;
            expect(&mut self.cursor, b']')?;
            // Two edges from one block bring one value.
            if incoming.iter().all(|(known, _)| *known != block) {
                incoming.push((block, self.incoming(&value, type_id, block)));
            }
            if self.cursor.token() != Token::Mark(b',') {
                break;
            }
            let before = self.cursor.offset();
            self.cursor.advance();
            if self.cursor.token() != Token::Mark(b'[') {
                self.cursor.seek(before);
                break;
            }
        }
        self.define(result, ty, Op::Phi { ty, incoming });
        Ok(())
    }

    /// An operand at the end of another block: what computes it goes there.
    fn incoming(
        &mut self,
        value: &Value<'a>,
        type_id: crate::frontend::types::TypeId,
        block: crate::ir::BlockId,
    ) -> Operand {
        if let Value::Local(name) = value {
            let ty = self.context.lower_type(type_id);
            return self.use_local_in_place(name, ty);
        }
        let here = std::mem::take(&mut self.instructions);
        let operand = self.lower(value, type_id);
        let there = std::mem::replace(&mut self.instructions, here);
        self.late.extend(there.into_iter().map(|instruction| (block, instruction)));
        operand
    }

    /// `landingpad { ptr, i32 } cleanup catch ptr T filter [1 x ptr] [ptr T]`, the clauses on lines of their own.
    pub(super) fn read_landingpad(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let type_id = self.context.types.parse(&mut self.cursor)?;
        let (mut clauses, mut is_cleanup) = (Vec::new(), false);
        loop {
            if self.cursor.take_word("cleanup") {
                is_cleanup = true;
            } else if self.cursor.take_word("catch") {
                let typed = parse_typed(&mut self.cursor, &mut self.context.types)?;
                clauses.push(Clause::Catch(self.type_info(&typed.value, typed.ty)));
            } else if self.cursor.take_word("filter") {
                let typed = parse_typed(&mut self.cursor, &mut self.context.types)?;
                let types = match &typed.value {
                    Value::Elements(elements) => {
                        elements.iter().map(|element| self.type_info(&element.value, element.ty)).collect()
                    }
                    _ => Vec::new(),
                };
                clauses.push(Clause::Filter(types));
            } else {
                break;
            }
        }
        let ty = self.context.lower_type(type_id);
        if ty != Type::Bytes(16) {
            return Err(Failure::Layout);
        }
        self.define(result, ty, Op::LandingPad { clauses, is_cleanup });
        Ok(())
    }

    fn type_info(&self, value: &Value<'a>, ty: crate::frontend::types::TypeId) -> Operand {
        let labels = Labels { function: self.name, blocks: &self.labels };
        self.context.fold(value, ty, Some(labels)).unwrap_or(Operand::Unknown)
    }
}
