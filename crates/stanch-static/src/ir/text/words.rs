//! Words that the text form has for enumerations: one table for both directions.
use crate::ir::{BinaryOp, CastOp, Linkage, Predicate};

/// The value of a word.
pub(super) fn value<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The word of a value.
pub(super) fn word<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, known)| *known == value).map_or("?", |(word, _)| word)
}

pub(super) const BINARY: &[(&str, BinaryOp)] = &[
    ("add", BinaryOp::Add),
    ("sub", BinaryOp::Sub),
    ("mul", BinaryOp::Mul),
    ("udiv", BinaryOp::UDiv),
    ("sdiv", BinaryOp::SDiv),
    ("urem", BinaryOp::URem),
    ("srem", BinaryOp::SRem),
    ("shl", BinaryOp::Shl),
    ("lshr", BinaryOp::LShr),
    ("ashr", BinaryOp::AShr),
    ("and", BinaryOp::And),
    ("or", BinaryOp::Or),
    ("xor", BinaryOp::Xor),
    ("fadd", BinaryOp::FAdd),
    ("fsub", BinaryOp::FSub),
    ("fmul", BinaryOp::FMul),
    ("fdiv", BinaryOp::FDiv),
    ("frem", BinaryOp::FRem),
];

pub(super) const PREDICATES: &[(&str, Predicate)] = &[
    ("eq", Predicate::Eq),
    ("ne", Predicate::Ne),
    ("ult", Predicate::ULt),
    ("ule", Predicate::ULe),
    ("ugt", Predicate::UGt),
    ("uge", Predicate::UGe),
    ("slt", Predicate::SLt),
    ("sle", Predicate::SLe),
    ("sgt", Predicate::SGt),
    ("sge", Predicate::SGe),
    ("ford", Predicate::FOrd),
    ("funo", Predicate::FUno),
    ("foeq", Predicate::FOEq),
    ("fone", Predicate::FONe),
    ("folt", Predicate::FOLt),
    ("fole", Predicate::FOLe),
    ("fogt", Predicate::FOGt),
    ("foge", Predicate::FOGe),
    ("fueq", Predicate::FUEq),
    ("fune", Predicate::FUNe),
    ("fult", Predicate::FULt),
    ("fule", Predicate::FULe),
    ("fugt", Predicate::FUGt),
    ("fuge", Predicate::FUGe),
    ("ftrue", Predicate::FTrue),
    ("ffalse", Predicate::FFalse),
];

pub(super) const CASTS: &[(&str, CastOp)] = &[
    ("truncate", CastOp::Truncate),
    ("zero_extend", CastOp::ZeroExtend),
    ("sign_extend", CastOp::SignExtend),
    ("bits", CastOp::Bits),
    ("float", CastOp::Float),
    ("to_signed", CastOp::FloatToSigned),
    ("to_unsigned", CastOp::FloatToUnsigned),
    ("from_signed", CastOp::SignedToFloat),
    ("from_unsigned", CastOp::UnsignedToFloat),
];

pub(super) const LINKAGES: &[(&str, Linkage)] = &[
    ("external", Linkage::External),
    ("internal", Linkage::Internal),
    ("merged", Linkage::Merged),
    ("weak", Linkage::Weak),
];
