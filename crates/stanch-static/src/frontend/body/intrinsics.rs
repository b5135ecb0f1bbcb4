//! LLVM's own functions: those that matter become operations, the others values that depend on their arguments.

use super::Body;
use super::calls::{ArgumentText, CallText};
use crate::frontend::syntax::Failure;
use crate::frontend::types::Type as Llvm;
use crate::ir::{BinaryOp, CastOp, Op, Operand, Predicate, Type};

/// What is done with a function of LLVM's.
#[derive(Clone, Copy)]
enum Meaning {
    /// It has no effect that is represented.
    Nothing,
    /// The result is the first argument.
    First,
    /// The result depends on the arguments, and nothing else happens.
    Pure,
    /// The result is this number.
    Number(u128),
    Copy,
    Fill,
    Declare,
    Value,
    LifetimeStart,
    LifetimeEnd,
    Assume,
    VariadicStart,
    VariadicCopy,
    TypeId,
    /// `ptrmask`.
    Mask,
    /// The larger or smaller of two.
    Choose(Predicate),
    /// Arithmetic with a bit that tells overflow.
    Overflow(BinaryOp, Signedness),
    /// The absolute value.
    Absolute,
    /// Unsigned subtraction that stops at zero.
    SaturatingSub,
    /// Unsigned addition that stops at the largest number.
    SaturatingAdd,
    /// `<=>` of two numbers.
    Order(Predicate, Predicate),
}

#[derive(Clone, Copy, PartialEq)]
enum Signedness {
    Signed,
    Unsigned,
}

/// Longest prefixes first where one is the beginning of another.
const MEANINGS: &[(&str, Meaning)] = &[
    ("abs.", Meaning::Absolute),
    ("allow.runtime.check", Meaning::Pure),
    ("allow.ubsan.check", Meaning::Pure),
    ("annotation.", Meaning::First),
    ("arithmetic.fence", Meaning::First),
    ("assume", Meaning::Assume),
    ("codeview.annotation", Meaning::Nothing),
    ("dbg.assign", Meaning::Value),
    ("dbg.declare", Meaning::Declare),
    ("dbg.value", Meaning::Value),
    ("dbg.", Meaning::Nothing),
    ("donothing", Meaning::Nothing),
    ("eh.typeid.for", Meaning::TypeId),
    ("expect", Meaning::First),
    ("experimental.noalias.scope.decl", Meaning::Nothing),
    ("fake.use", Meaning::Nothing),
    ("instrprof.", Meaning::Nothing),
    ("invariant.end", Meaning::Nothing),
    ("invariant.start", Meaning::Pure),
    ("is.constant", Meaning::Number(0)),
    ("launder.invariant.group", Meaning::First),
    ("lifetime.end", Meaning::LifetimeEnd),
    ("lifetime.start", Meaning::LifetimeStart),
    ("memcpy.", Meaning::Copy),
    ("memmove.", Meaning::Copy),
    ("memset.", Meaning::Fill),
    ("objectsize.", Meaning::Pure),
    ("prefetch", Meaning::Nothing),
    ("pseudoprobe", Meaning::Nothing),
    ("ptr.annotation", Meaning::First),
    ("ptrmask.", Meaning::Mask),
    ("sadd.with.overflow.", Meaning::Overflow(BinaryOp::Add, Signedness::Signed)),
    ("scmp.", Meaning::Order(Predicate::SLt, Predicate::SGt)),
    ("sideeffect", Meaning::Nothing),
    ("smax.", Meaning::Choose(Predicate::SGt)),
    ("smin.", Meaning::Choose(Predicate::SLt)),
    ("smul.with.overflow.", Meaning::Overflow(BinaryOp::Mul, Signedness::Signed)),
    ("ssa.copy", Meaning::First),
    ("ssub.with.overflow.", Meaning::Overflow(BinaryOp::Sub, Signedness::Signed)),
    ("stackrestore", Meaning::Nothing),
    ("stacksave", Meaning::Pure),
    ("strip.invariant.group", Meaning::First),
    ("threadlocal.address", Meaning::First),
    ("trap", Meaning::Nothing),
    ("debugtrap", Meaning::Nothing),
    ("ubsantrap", Meaning::Nothing),
    ("type.test", Meaning::Number(1)),
    ("uadd.sat.", Meaning::SaturatingAdd),
    ("uadd.with.overflow.", Meaning::Overflow(BinaryOp::Add, Signedness::Unsigned)),
    ("ucmp.", Meaning::Order(Predicate::ULt, Predicate::UGt)),
    ("umax.", Meaning::Choose(Predicate::UGt)),
    ("umin.", Meaning::Choose(Predicate::ULt)),
    ("umul.with.overflow.", Meaning::Overflow(BinaryOp::Mul, Signedness::Unsigned)),
    ("usub.sat.", Meaning::SaturatingSub),
    ("usub.with.overflow.", Meaning::Overflow(BinaryOp::Sub, Signedness::Unsigned)),
    ("va_copy", Meaning::VariadicCopy),
    ("va_end", Meaning::Nothing),
    ("va_start", Meaning::VariadicStart),
    ("var.annotation", Meaning::Nothing),
    ("write_register", Meaning::Nothing),
];

/// Bytes of a `va_list`: `__va_list_tag` of the System V ABI for x86-64.
const VARIADIC_LIST_BYTES: u128 = 24;

impl<'a> Body<'_, 'a> {
    /// Lowers a call of `llvm.<name>`.
    pub(super) fn read_intrinsic(
        &mut self,
        result: Option<&'a [u8]>,
        name: &'a [u8],
        call: &CallText<'a>,
    ) -> Result<(), Failure> {
        let found = MEANINGS.iter().find(|(prefix, _)| name.starts_with(prefix.as_bytes()));
        let Some((_, meaning)) = found else { return self.other_intrinsic(result, name, call) };
        let ty = self.result_type(call);
        let address = |index| self.argument_of(call, index, Type::Pointer);
        match *meaning {
            Meaning::Nothing => {}
            Meaning::First => {
                let first = self.argument_of(call, 0, ty)?;
                self.bind(result, first, ty);
            }
            Meaning::Copy => {
                let (to, from) = (address(0)?, address(1)?);
                let size = self.size_argument(call)?;
                self.effect(Op::Copy { to, from, size });
            }
            Meaning::Fill => {
                let (to, byte) = (address(0)?, self.argument_of(call, 1, Type::Int(8))?);
                let size = self.size_argument(call)?;
                self.effect(Op::Fill { to, byte, size });
            }
            Meaning::Declare | Meaning::Value => {
                let is_declaration = matches!(meaning, Meaning::Declare);
                if let ([address, ..], Some(variable)) = (&call.arguments[..], call.metadata.first()) {
                    self.name_variable(address.value, *variable, is_declaration);
                }
            }
            // The slot is the last argument: older versions have its size before it.
            Meaning::LifetimeStart | Meaning::LifetimeEnd => {
                let slot = address(usize::from(1 < call.arguments.len()))?;
                self.effect(Op::Lifetime { slot, begins: matches!(meaning, Meaning::LifetimeStart) });
            }
            Meaning::Assume => {
                let condition = self.argument_of(call, 0, Type::Int(1))?;
                self.effect(Op::Assume { condition });
            }
            Meaning::VariadicStart => {
                let list = address(0)?;
                self.effect(Op::VariadicStart { list });
            }
            Meaning::VariadicCopy => {
                let (to, from) = (address(0)?, address(1)?);
                self.effect(Op::Copy { to, from, size: Operand::Int(VARIADIC_LIST_BYTES) });
            }
            Meaning::TypeId => {
                let type_info = address(0)?;
                self.define(result, Type::Int(32), Op::ExceptionTypeId { type_info });
            }
            Meaning::Mask => self.mask(result, call)?,
            Meaning::Overflow(op, signedness) => self.overflow(result, call, op, signedness)?,
            // Results that are vectors are only said to depend on the arguments.
            _ if matches!(ty, Type::Int(_)) => self.read_arithmetic(result, *meaning, call)?,
            _ => self.pure(result, call),
        }
        Ok(())
    }

    /// What yields an integer.
    fn read_arithmetic(
        &mut self,
        result: Option<&'a [u8]>,
        meaning: Meaning,
        call: &CallText<'a>,
    ) -> Result<(), Failure> {
        let ty = self.result_type(call);
        match meaning {
            Meaning::Number(number) => self.bind(result, Operand::Int(number), ty),
            Meaning::Choose(predicate) => {
                let (left, right) = (self.argument_of(call, 0, ty)?, self.argument_of(call, 1, ty)?);
                let chosen = self.choose(predicate, ty, left, right);
                self.bind(result, chosen, ty);
            }
            Meaning::Absolute => {
                let value = self.argument_of(call, 0, ty)?;
                let negative = Op::Binary { op: BinaryOp::Sub, ty, left: Operand::Int(0), right: value };
                let negative = self.emit(ty, negative);
                let compare = Op::Compare { predicate: Predicate::SLt, ty, left: value, right: Operand::Int(0) };
                let condition = self.emit(Type::Int(1), compare);
                self.define(result, ty, Op::Select { condition, ty, then: negative, otherwise: value });
            }
            Meaning::SaturatingSub | Meaning::SaturatingAdd => {
                let operands = (self.argument_of(call, 0, ty)?, self.argument_of(call, 1, ty)?);
                self.saturate(result, ty, operands, matches!(meaning, Meaning::SaturatingAdd));
            }
            Meaning::Order(less, greater) => self.order(result, call, less, greater)?,
            _ => self.pure(result, call),
        }
        Ok(())
    }

    /// An argument, which must be of a type.
    fn argument_of(&self, call: &CallText<'a>, index: usize, wanted: Type) -> Result<Operand, Failure> {
        let argument = call.arguments.get(index).ok_or(Failure::Syntax)?;
        if self.context.lower_type(argument.ty) == wanted { Ok(argument.value) } else { Err(Failure::Layout) }
    }

    /// What is not in the table: its declaration says whether it writes memory.
    fn other_intrinsic(
        &mut self,
        result: Option<&'a [u8]>,
        name: &'a [u8],
        call: &CallText<'a>,
    ) -> Result<(), Failure> {
        let is_pure = self.context.intrinsics.get(name).is_some_and(|facts| facts.writes_nothing);
        if !is_pure {
            return Err(Failure::Mnemonic);
        }
        self.pure(result, call);
        Ok(())
    }

    /// A result that depends on the arguments, and nothing else.
    fn pure(&mut self, result: Option<&'a [u8]>, call: &CallText<'a>) {
        let ty = self.result_type(call);
        if ty != Type::Void {
            let operands = call.arguments.iter().map(|argument| argument.value).collect();
            self.define(result, ty, Op::Computed { ty, operands });
        }
    }

    /// Two arguments of one type.
    fn two_arguments(&self, call: &CallText<'a>) -> Result<(Type, Operand, Operand), Failure> {
        let [left, right, ..] = call.arguments[..] else { return Err(Failure::Syntax) };
        let ty = self.context.lower_type(left.ty);
        if ty != self.context.lower_type(right.ty) {
            return Err(Failure::Layout);
        }
        Ok((ty, left.value, right.value))
    }

    /// The third argument of `memcpy` and its kin, as 64 bits.
    fn size_argument(&mut self, call: &CallText<'a>) -> Result<Operand, Failure> {
        let ArgumentText { value, ty, .. } = *call.arguments.get(2).ok_or(Failure::Syntax)?;
        self.as_index(value, ty)
    }

    /// `ptrmask(pointer, mask)`.
    fn mask(&mut self, result: Option<&'a [u8]>, call: &CallText<'a>) -> Result<(), Failure> {
        let [pointer, mask, ..] = call.arguments[..] else { return Err(Failure::Syntax) };
        if self.context.lower_type(pointer.ty) != Type::Pointer || self.result_type(call) != Type::Pointer {
            return Err(Failure::Layout);
        }
        let mask = self.as_index(mask.value, mask.ty)?;
        let (from, to) = (Type::Pointer, Type::Int(64));
        let number = self.emit(to, Op::Cast { op: CastOp::Bits, from, to, value: pointer.value });
        let masked = self.emit(to, Op::Binary { op: BinaryOp::And, ty: to, left: number, right: mask });
        self.define(result, from, Op::Cast { op: CastOp::Bits, from: to, to: from, value: masked });
        Ok(())
    }

    /// `{ T, i1 }`: the result of the arithmetic, and whether it does not fit.
    fn overflow(
        &mut self,
        result: Option<&'a [u8]>,
        call: &CallText<'a>,
        op: BinaryOp,
        signedness: Signedness,
    ) -> Result<(), Failure> {
        let (ty, left, right) = self.two_arguments(call)?;
        let Type::Int(bits) = ty else {
            self.pure(result, call);
            return Ok(());
        };
        let sum = self.emit(ty, Op::Binary { op, ty, left, right });
        let compare = |predicate, ty, left, right| Op::Compare { predicate, ty, left, right };
        let flag = match (op, signedness) {
            (BinaryOp::Add, Signedness::Unsigned) => self.emit(Type::Int(1), compare(Predicate::ULt, ty, sum, left)),
            (BinaryOp::Sub, Signedness::Unsigned) => self.emit(Type::Int(1), compare(Predicate::ULt, ty, left, right)),
            // Twice as wide, the result is exact; it overflows where the narrow one, widened, differs.
            _ if bits <= 64 => {
                let widen = if signedness == Signedness::Signed { CastOp::SignExtend } else { CastOp::ZeroExtend };
                let wide = Type::Int(bits * 2);
                let mut extend = |value| self.emit(wide, Op::Cast { op: widen, from: ty, to: wide, value });
                let (wide_left, wide_right, wide_sum) = (extend(left), extend(right), extend(sum));
                let exact = self.emit(wide, Op::Binary { op, ty: wide, left: wide_left, right: wide_right });
                self.emit(Type::Int(1), compare(Predicate::Ne, wide, exact, wide_sum))
            }
            _ => self.emit(Type::Int(1), Op::Computed { ty: Type::Int(1), operands: vec![left, right] }),
        };
        self.define_aggregate(result, call.result, &[(sum, ty), (flag, Type::Int(1))])
    }

    fn saturate(&mut self, result: Option<&'a [u8]>, ty: Type, (left, right): (Operand, Operand), adds: bool) {
        let op = if adds { BinaryOp::Add } else { BinaryOp::Sub };
        let wrapped = self.emit(ty, Op::Binary { op, ty, left, right });
        let (compared, limit) = if adds {
            let Type::Int(bits) = ty else { return };
            ((wrapped, left), Operand::Int(crate::frontend::value::truncated(u128::MAX, u32::from(bits))))
        } else {
            ((left, right), Operand::Int(0))
        };
        let compare = Op::Compare { predicate: Predicate::ULt, ty, left: compared.0, right: compared.1 };
        let condition = self.emit(Type::Int(1), compare);
        self.define(result, ty, Op::Select { condition, ty, then: limit, otherwise: wrapped });
    }

    /// -1, 0 or 1.
    fn order(
        &mut self,
        result: Option<&'a [u8]>,
        call: &CallText<'a>,
        less: Predicate,
        greater: Predicate,
    ) -> Result<(), Failure> {
        let (ty, left, right) = self.two_arguments(call)?;
        let to @ Type::Int(bits) = self.result_type(call) else { return Err(Failure::Layout) };
        let mut compare = |predicate| self.emit(Type::Int(1), Op::Compare { predicate, ty, left, right });
        let (is_less, is_greater) = (compare(less), compare(greater));
        let then = Operand::Int(1);
        let not_less = self.emit(to, Op::Select { condition: is_greater, ty: to, then, otherwise: Operand::Int(0) });
        let minus_one = Operand::Int(crate::frontend::value::truncated(u128::MAX, u32::from(bits)));
        self.define(result, to, Op::Select { condition: is_less, ty: to, then: minus_one, otherwise: not_less });
        Ok(())
    }

    /// `va_arg ptr L, T`.
    pub(super) fn read_va_arg(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let list = self.typed_as(Type::Pointer)?;
        self.comma()?;
        let ty = self.context.types.parse(&mut self.cursor)?;
        if *self.context.types.resolve(ty) == Llvm::Void {
            return Err(Failure::Layout);
        }
        let ty = self.context.lower_type(ty);
        self.define(result, ty, Op::VariadicArgument { list, ty });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MEANINGS;

    #[test]
    fn no_prefix_hides_a_longer_one() {
        for (index, (prefix, _)) in MEANINGS.iter().enumerate() {
            let hidden = MEANINGS[index + 1..].iter().find(|(later, _)| later.starts_with(prefix));
            assert!(hidden.is_none(), "`{prefix}` comes before a longer one");
        }
    }
}
