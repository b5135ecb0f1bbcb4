//! Arithmetic, comparisons, conversions, selection. On vectors, results are only said to depend on the operands.

use super::Body;
use crate::frontend::lexer::Token;
use crate::frontend::syntax::Failure;
use crate::frontend::types::TypeId;
use crate::frontend::value::skip_words;
use crate::ir::{BinaryOp, CastOp, FloatBits, Op, Operand, Predicate, Type};

/// True for the names of conversions.
pub(super) fn is_cast(mnemonic: &[u8]) -> bool {
    matches!(mnemonic, b"bitcast" | b"addrspacecast" | b"ptrtoint" | b"ptrtoaddr" | b"inttoptr")
        || cast_op(mnemonic).is_some()
}

fn cast_op(mnemonic: &[u8]) -> Option<CastOp> {
    Some(match mnemonic {
        b"trunc" => CastOp::Truncate,
        b"zext" => CastOp::ZeroExtend,
        b"sext" => CastOp::SignExtend,
        b"fptrunc" | b"fpext" => CastOp::Float,
        b"fptosi" => CastOp::FloatToSigned,
        b"fptoui" => CastOp::FloatToUnsigned,
        b"sitofp" => CastOp::SignedToFloat,
        b"uitofp" => CastOp::UnsignedToFloat,
        _ => return None,
    })
}

fn binary_op(mnemonic: &[u8]) -> Option<BinaryOp> {
    Some(match mnemonic {
        b"add" => BinaryOp::Add,
        b"sub" => BinaryOp::Sub,
        b"mul" => BinaryOp::Mul,
        b"udiv" => BinaryOp::UDiv,
        b"sdiv" => BinaryOp::SDiv,
        b"urem" => BinaryOp::URem,
        b"srem" => BinaryOp::SRem,
        b"shl" => BinaryOp::Shl,
        b"lshr" => BinaryOp::LShr,
        b"ashr" => BinaryOp::AShr,
        b"and" => BinaryOp::And,
        b"or" => BinaryOp::Or,
        b"xor" => BinaryOp::Xor,
        b"fadd" => BinaryOp::FAdd,
        b"fsub" => BinaryOp::FSub,
        b"fmul" => BinaryOp::FMul,
        b"fdiv" => BinaryOp::FDiv,
        b"frem" => BinaryOp::FRem,
        _ => return None,
    })
}

fn predicate(name: &[u8]) -> Option<Predicate> {
    Some(match name {
        b"eq" => Predicate::Eq,
        b"ne" => Predicate::Ne,
        b"ugt" => Predicate::UGt,
        b"uge" => Predicate::UGe,
        b"ult" => Predicate::ULt,
        b"ule" => Predicate::ULe,
        b"sgt" => Predicate::SGt,
        b"sge" => Predicate::SGe,
        b"slt" => Predicate::SLt,
        b"sle" => Predicate::SLe,
        _ => return None,
    })
}

/// `ult` is of integers and of unordered floats alike.
fn float_predicate(name: &[u8]) -> Option<Predicate> {
    Some(match name {
        b"oeq" => Predicate::FOEq,
        b"ogt" => Predicate::FOGt,
        b"oge" => Predicate::FOGe,
        b"olt" => Predicate::FOLt,
        b"ole" => Predicate::FOLe,
        b"one" => Predicate::FONe,
        b"ord" => Predicate::FOrd,
        b"ueq" => Predicate::FUEq,
        b"ugt" => Predicate::FUGt,
        b"uge" => Predicate::FUGe,
        b"ult" => Predicate::FULt,
        b"ule" => Predicate::FULe,
        b"une" => Predicate::FUNe,
        b"uno" => Predicate::FUno,
        b"true" => Predicate::FTrue,
        b"false" => Predicate::FFalse,
        _ => return None,
    })
}

impl<'a> Body<'_, 'a> {
    /// `add [nuw] [nsw] T A, B`, and all like it.
    pub(super) fn read_binary(&mut self, mnemonic: &'a [u8], result: Option<&'a [u8]>) -> Result<(), Failure> {
        let op = binary_op(mnemonic).ok_or(Failure::Mnemonic)?;
        skip_words(&mut self.cursor, &mut self.context.types);
        let type_id = self.context.types.parse(&mut self.cursor)?;
        let left = self.untyped(type_id)?;
        self.comma()?;
        let right = self.untyped(type_id)?;
        let ty = self.context.lower_type(type_id);
        let op = match ty {
            Type::Bytes(_) => Op::Computed { ty, operands: vec![left, right] },
            _ => Op::Binary { op, ty, left, right },
        };
        self.define(result, ty, op);
        Ok(())
    }

    /// Arithmetic of a constant expression.
    pub(super) fn binary(&mut self, op: &[u8], ty: Type, left: Operand, right: Operand) -> Result<Operand, Failure> {
        let op = binary_op(op).ok_or(Failure::Mnemonic)?;
        Ok(self.emit(ty, Op::Binary { op, ty, left, right }))
    }

    /// `fneg T A`: as LLVM defines it, the sign bit changes; subtraction from -0 says the same of all but NaN.
    pub(super) fn read_fneg(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let (right, ty) = self.typed()?;
        let ty = self.context.lower_type(ty);
        let left = Operand::Float(FloatBits((-0.0_f64).to_bits()));
        let op = match ty {
            Type::Float(_) => Op::Binary { op: BinaryOp::FSub, ty, left, right },
            _ => Op::Computed { ty, operands: vec![right] },
        };
        self.define(result, ty, op);
        Ok(())
    }

    /// `icmp [samesign] ult T A, B`, `fcmp [fast] ult T A, B`.
    pub(super) fn read_compare(&mut self, mnemonic: &'a [u8], result: Option<&'a [u8]>) -> Result<(), Failure> {
        let mut name: &[u8] = b"";
        while let Token::Word(word) = self.cursor.token() {
            if self.context.types.is_type(&self.cursor) {
                break;
            }
            name = word;
            self.cursor.advance();
        }
        let type_id = self.context.types.parse(&mut self.cursor)?;
        let left = self.untyped(type_id)?;
        self.comma()?;
        let right = self.untyped(type_id)?;
        let known = if mnemonic == b"fcmp" { float_predicate(name) } else { predicate(name) };
        let predicate = known.ok_or(Failure::Mnemonic)?;
        let ty = self.context.lower_type(type_id);
        if let Type::Bytes(_) = ty {
            return self.compare_lanes(result, type_id, vec![left, right]);
        }
        self.define(result, Type::Int(1), Op::Compare { predicate, ty, left, right });
        Ok(())
    }

    /// A vector of bits that depends on vectors.
    fn compare_lanes(
        &mut self,
        result: Option<&'a [u8]>,
        type_id: TypeId,
        operands: Vec<Operand>,
    ) -> Result<(), Failure> {
        use crate::frontend::types::Type as Llvm;
        let Llvm::Vector(lanes, _) = *self.context.types.resolve(type_id) else { return Err(Failure::Layout) };
        let bit = self.context.types.intern(Llvm::Integer(1));
        let bits = self.context.types.intern(Llvm::Vector(lanes, bit));
        let ty = self.context.lower_type(bits);
        self.define(result, ty, Op::Computed { ty, operands });
        Ok(())
    }

    /// A comparison of a constant expression.
    pub(super) fn compare(&mut self, name: &[u8], ty: Type, left: Operand, right: Operand) -> Result<Operand, Failure> {
        let known = if matches!(ty, Type::Float(_)) { float_predicate(name) } else { predicate(name) };
        let predicate = known.ok_or(Failure::Mnemonic)?;
        Ok(self.emit(Type::Int(1), Op::Compare { predicate, ty, left, right }))
    }

    /// `zext [nneg] T A to U`, and all like it.
    pub(super) fn read_cast(&mut self, mnemonic: &'a [u8], result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let (value, from) = self.typed()?;
        if !self.cursor.take_word("to") {
            return Err(Failure::Syntax);
        }
        let to = self.context.types.parse(&mut self.cursor)?;
        let operand = self.cast(mnemonic, value, from, to)?;
        let ty = self.context.lower_type(to);
        self.bind(result, operand, ty);
        Ok(())
    }

    /// The operand converted; itself where nothing changes.
    pub(super) fn cast(
        &mut self,
        mnemonic: &[u8],
        value: Operand,
        from: TypeId,
        to: TypeId,
    ) -> Result<Operand, Failure> {
        let (from, to) = (self.context.lower_type(from), self.context.lower_type(to));
        if to == Type::Void {
            return Err(Failure::Layout);
        }
        if matches!((from, to), (Type::Bytes(_), _) | (_, Type::Bytes(_))) && from != to {
            return Ok(self.emit(to, Op::Computed { ty: to, operands: vec![value] }));
        }
        let op = cast_op(mnemonic).unwrap_or(CastOp::Bits);
        if op == CastOp::Bits && from == to {
            return Ok(value);
        }
        if let Type::Bytes(_) = to {
            // Lanes of vectors, converted to others of the same size.
            return Ok(self.emit(to, Op::Computed { ty: to, operands: vec![value] }));
        }
        Ok(self.emit(to, Op::Cast { op, from, to, value }))
    }

    /// `select [fast] i1 C, T A, T B`.
    pub(super) fn read_select(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let (condition, condition_ty) = self.typed()?;
        self.comma()?;
        let (then, ty) = self.typed()?;
        let ty = self.context.lower_type(ty);
        self.comma()?;
        let otherwise = self.typed_as(ty)?;
        let op = match self.context.lower_type(condition_ty) {
            Type::Int(1) => Op::Select { condition, ty, then, otherwise },
            _ => Op::Computed { ty, operands: vec![condition, then, otherwise] },
        };
        self.define(result, ty, op);
        Ok(())
    }

    /// A number as 64 bits, unsigned.
    pub(super) fn as_index(&mut self, operand: Operand, ty: TypeId) -> Result<Operand, Failure> {
        let from @ Type::Int(bits) = self.context.lower_type(ty) else { return Err(Failure::Layout) };
        let to = Type::Int(64);
        let op = match operand {
            Operand::Value(_) if bits < 64 => CastOp::ZeroExtend,
            Operand::Value(_) if 64 < bits => CastOp::Truncate,
            _ => return Ok(operand),
        };
        Ok(self.emit(to, Op::Cast { op, from, to, value: operand }))
    }
}
