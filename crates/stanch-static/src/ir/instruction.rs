//! What code does: instructions, and the terminators by which blocks end.
use super::{BlockId, FunctionId, LocationId, Operand, Type, ValueId, VariableId};

/// One operation, the value it defines, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The value it defines.
    pub result: Option<ValueId>,
    /// What it does.
    pub op: Op,
    /// Where in the source.
    pub location: LocationId,
}

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `count` × `size` bytes that live until the function ends. Result: address. Executed again, it is a new one.
    StackSlot {
        /// Bytes of one element.
        size: u64,
        /// How many.
        count: Operand,
        /// The variable that lives there.
        variable: Option<VariableId>,
    },
    /// Reads memory.
    Load {
        /// What is read.
        ty: Type,
        /// From where.
        address: Operand,
    },
    /// Writes memory.
    Store {
        /// What is written.
        ty: Type,
        /// To where.
        address: Operand,
        /// The value.
        value: Operand,
    },
    /// `base + offset + Σ index × scale`, in bytes, modulo 2⁶⁴.
    Address {
        /// Pointer.
        base: Operand,
        /// Bytes.
        offset: i64,
        /// Indices; each is taken as signed number of its own type.
        scaled: Vec<Scaled>,
    },
    /// Arithmetic on integers or floating-point numbers.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Type of both operands and the result.
        ty: Type,
        /// First operand.
        left: Operand,
        /// Second operand.
        right: Operand,
    },
    /// Comparison. Result: `Int(1)`.
    Compare {
        /// Which.
        predicate: Predicate,
        /// Type of both operands.
        ty: Type,
        /// First operand.
        left: Operand,
        /// Second operand.
        right: Operand,
    },
    /// Conversion. Between pointers there is none: `Cast` of equal sizes keeps all bits.
    Cast {
        /// Which.
        op: CastOp,
        /// Type of the operand.
        from: Type,
        /// Type of the result.
        to: Type,
        /// The operand.
        value: Operand,
    },
    /// `condition` ? `then` : `otherwise`.
    Select {
        /// `Int(1)`.
        condition: Operand,
        /// Type of both and of the result.
        ty: Type,
        /// Where true.
        then: Operand,
        /// Where false.
        otherwise: Operand,
    },
    /// The operand of the block that control came from.
    Phi {
        /// Type of all.
        ty: Type,
        /// One for each predecessor.
        incoming: Vec<(BlockId, Operand)>,
    },
    /// A call that control comes back from, or that leaves this function by exception.
    Call(Box<Call>),
    /// `aggregate` with the bytes at `offset` replaced.
    Insert {
        /// Type of aggregate and result: `Type::Bytes`.
        aggregate_ty: Type,
        /// The aggregate.
        aggregate: Operand,
        /// Type of `value`.
        ty: Type,
        /// The new part.
        value: Operand,
        /// Bytes from the start.
        offset: u64,
    },
    /// The part of `aggregate` at `offset`.
    Extract {
        /// Type of the aggregate: `Type::Bytes`.
        aggregate_ty: Type,
        /// The aggregate.
        aggregate: Operand,
        /// Type of the part.
        ty: Type,
        /// Bytes from the start.
        offset: u64,
    },
    /// Copies bytes; the two areas may overlap.
    Copy {
        /// Address written.
        to: Operand,
        /// Address read.
        from: Operand,
        /// Bytes: `Int(64)`.
        size: Operand,
    },
    /// Sets bytes.
    Fill {
        /// Address written.
        to: Operand,
        /// `Int(8)`.
        byte: Operand,
        /// Bytes: `Int(64)`.
        size: Operand,
    },
    /// Makes the `va_list` at `list` begin with the first variadic argument of this function (`va_start`).
    VariadicStart {
        /// Address of the `va_list`.
        list: Operand,
    },
    /// Takes the next variadic argument (`va_arg`). Clang writes it out as loads on x86-64; others do not.
    VariadicArgument {
        /// Address of the `va_list`.
        list: Operand,
        /// Type of the argument.
        ty: Type,
    },
    /// What an exception handler begins with. Result: `Type::Bytes(16)`, exception's address at 0, selector
    /// (`Int(32)`, see [`Op::ExceptionTypeId`]) at 8.
    LandingPad {
        /// In order.
        clauses: Vec<Clause>,
        /// Control comes here also where no clause matches.
        is_cleanup: bool,
    },
    /// The selector that a landing pad gives for the exception type of this `type_info`. Result: `Int(32)`.
    ExceptionTypeId {
        /// Address of the `type_info`.
        type_info: Operand,
    },
    /// A stack slot's life begins or ends (`llvm.lifetime`): its content is undefined from here.
    Lifetime {
        /// Address of the slot.
        slot: Operand,
        /// True where it begins.
        begins: bool,
    },
    /// What is assumed by the compiler to hold: `Int(1)`.
    Assume {
        /// The condition.
        condition: Operand,
    },
    /// A value that the operands determine in a way not modelled (vector arithmetic, `fabs`, …). No effect on memory.
    Computed {
        /// Type of the result.
        ty: Type,
        /// What it depends on.
        operands: Vec<Operand>,
    },
    /// An instruction that the front end does not understand: anything may happen to what its operands reach.
    NotUnderstood {
        /// The instruction's name.
        mnemonic: String,
        /// Type of the result; `Void` where it has none.
        ty: Type,
        /// The operands that were understood.
        operands: Vec<Operand>,
    },
}

/// An index of an address computation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// The index.
    pub index: Operand,
    /// Its type.
    pub ty: Type,
    /// Bytes of one step.
    pub scale: i64,
}

/// What a landing pad asks of the exception.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// Catches the type of this `type_info`; `Zero` catches everything.
    Catch(Operand),
    /// Control comes here if the exception is of none of these types (exception specifications).
    Filter(Vec<Operand>),
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Whom.
    pub callee: Callee,
    /// With what.
    pub arguments: Vec<Argument>,
    /// Type of the result.
    pub result: Type,
    /// False where no exception leaves the call, by what the call or the callee's declaration says.
    pub may_unwind: bool,
    /// Control does not come back by return.
    pub is_no_return: bool,
    /// `arguments` from this index on are variadic; `None` where the called signature is not variadic.
    pub variadic_from: Option<u32>,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Callee {
    /// A known function.
    Function(FunctionId),
    /// Whatever the operand is the address of.
    Pointer(Operand),
    /// Inline assembly.
    Assembly,
}

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Argument {
    /// Its type.
    pub ty: Type,
    /// Its value.
    pub value: Operand,
    /// How it is passed.
    pub pass: Pass,
}

/// How an argument is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// As it is.
    Value,
    /// The callee gets the address of a copy of so many bytes that the pointer points to.
    Copy(u64),
    /// The address of memory for the returned structure, of so many bytes (0: not known).
    ResultSlot(u64),
}

/// Binary operations. `F…` are on floating-point numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of LLVM's instructions")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    UDiv,
    SDiv,
    URem,
    SRem,
    Shl,
    LShr,
    AShr,
    And,
    Or,
    Xor,
    FAdd,
    FSub,
    FMul,
    FDiv,
    FRem,
}

/// Comparisons. `U…` unsigned, `S…` signed, `FO…` ordered (false with NaN), `FU…` unordered (true with NaN).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of LLVM's predicates")]
pub enum Predicate {
    Eq,
    Ne,
    ULt,
    ULe,
    UGt,
    UGe,
    SLt,
    SLe,
    SGt,
    SGe,
    FOrd,
    FUno,
    FOEq,
    FONe,
    FOLt,
    FOLe,
    FOGt,
    FOGe,
    FUEq,
    FUNe,
    FULt,
    FULe,
    FUGt,
    FUGe,
    FTrue,
    FFalse,
}

/// Conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CastOp {
    /// To a narrower integer: low bits.
    Truncate,
    /// To a wider integer, with zeros.
    ZeroExtend,
    /// To a wider integer, with the sign.
    SignExtend,
    /// The same bits as another type of the same size: pointers, integers, bit casts. Between pointer and integer of
    /// another width it truncates or zero-extends.
    Bits,
    /// Between floating-point widths.
    Float,
    /// Floating-point number to signed integer.
    FloatToSigned,
    /// Floating-point number to unsigned integer.
    FloatToUnsigned,
    /// Signed integer to floating-point number.
    SignedToFloat,
    /// Unsigned integer to floating-point number.
    UnsignedToFloat,
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Terminator {
    /// To a block.
    Goto(BlockId),
    /// To one of two.
    Branch {
        /// `Int(1)`.
        condition: Operand,
        /// Where true.
        then: BlockId,
        /// Where false.
        otherwise: BlockId,
    },
    /// To the block of the first case that is equal.
    Switch {
        /// Type of the value and the cases.
        ty: Type,
        /// The value.
        value: Operand,
        /// Value and block.
        cases: Vec<(u128, BlockId)>,
        /// Where no case is equal.
        default: BlockId,
    },
    /// To the block whose address the operand is, one of `targets`.
    IndirectGoto {
        /// Address.
        address: Operand,
        /// All possible ones.
        targets: Vec<BlockId>,
    },
    /// Back to the caller.
    Return(Option<(Type, Operand)>),
    /// A call that goes on in one block, or by exception in another.
    Invoke {
        /// The call.
        call: Box<Call>,
        /// The value it defines, only in `normal` and beyond.
        result: Option<ValueId>,
        /// Where it goes on.
        normal: BlockId,
        /// A block that begins with `Op::LandingPad`.
        unwind: BlockId,
    },
    /// An exception goes on to the caller; the operand is what a landing pad gave.
    Resume(Operand),
    /// Control does not come here.
    Unreachable,
}

impl Terminator {
    /// Where control may go, each block once.
    #[must_use]
    pub fn targets(&self) -> Vec<BlockId> {
        match self {
            Terminator::Goto(next) => vec![*next],
            Terminator::Branch { then, otherwise, .. } => vec![*then, *otherwise],
            Terminator::Switch { cases, default, .. } => {
                let mut all: Vec<BlockId> = cases.iter().map(|(_, block)| *block).chain([*default]).collect();
                all.sort_unstable();
                all.dedup();
                all
            }
            Terminator::IndirectGoto { targets, .. } => targets.clone(),
            Terminator::Invoke { normal, unwind, .. } => vec![*normal, *unwind],
            Terminator::Return(_) | Terminator::Resume(_) | Terminator::Unreachable => Vec::new(),
        }
    }
}
