//! Debug records: which slot or parameter is which variable of the source.

use super::Body;
use crate::frontend::lexer::{Token, decimal};
use crate::ir::{Op, Operand, VariableId};

impl<'a> Body<'_, 'a> {
    /// `#dbg_declare(ptr %4, !143, !DIExpression(), !144)`, `#dbg_value(…)`, `#dbg_label(…)`.
    pub(super) fn read_debug_record(&mut self, kind: &[u8]) {
        let is_declaration = kind == b"dbg_declare";
        if !is_declaration && !matches!(kind, b"dbg_value" | b"dbg_assign") {
            return;
        }
        self.cursor.advance();
        self.cursor.take(b'(');
        let types = &mut self.context.types;
        if types.parse(&mut self.cursor).is_err() {
            return;
        }
        let Token::Local(name) = self.cursor.token() else { return };
        self.cursor.advance();
        self.cursor.take(b',');
        let Token::Metadata(variable) = self.cursor.token() else { return };
        let Some(variable) = decimal(variable).and_then(|id| u32::try_from(id).ok()) else { return };
        // A record is no use: a value that was not met is not expected because of it.
        if let super::Local::Bound(operand, _) = self.locals.get(name) {
            self.name_variable(operand, variable, is_declaration);
        }
    }

    /// Says that an address, or a value, is that of a variable.
    pub(super) fn name_variable(&mut self, operand: Operand, variable: u32, is_declaration: bool) {
        let Operand::Value(value) = operand else { return };
        let slot = self.slots.get(&value).copied();
        let parameter_count = self.function.parameters.len();
        let parameter = match slot {
            Some(_) => self.homes.get(&value).copied(),
            None => Some(value.index()).filter(|index| *index < parameter_count),
        };
        if slot.is_none() && parameter.is_none() {
            return;
        }
        let Some(source) = self.context.debug.variable(variable) else { return };
        if let Some(parameter) = parameter {
            let parameter = &mut self.function.parameters[parameter];
            if parameter.name.is_none() && source.variable.parameter.is_some() {
                parameter.name = Some(source.variable.name.clone());
                parameter.is_pointer_to_const = source.is_pointer_to_const;
            }
        }
        let Some((block, index)) = slot.filter(|_| is_declaration) else { return };
        let id = VariableId(u32::try_from(self.function.variables.len()).unwrap_or(u32::MAX));
        let instruction = match self.function.blocks.get_mut(block) {
            Some(block) => block.instructions.get_mut(index),
            None => self.instructions.get_mut(index),
        };
        if let Some(Op::StackSlot { variable: variable @ None, .. }) =
            instruction.map(|instruction| &mut instruction.op)
        {
            *variable = Some(id);
            self.function.variables.push(source.variable);
        }
    }
}
