//! The small language of models: expressions, conditions, effects, outcomes.

/// One of the things that can be the case after a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Assumed to hold before the call; the outcome is impossible where they are false.
    pub when: Vec<Condition>,
    /// Must be known to hold before the call: an outcome whose `known` holds excludes all that come after it.
    pub known: Vec<Condition>,
    /// What happens, in order.
    pub effects: Vec<Effect>,
    /// What is returned; `None`: anything.
    pub returns: Option<Expression>,
    /// Where control does not come back.
    pub ends: Option<End>,
}

impl Outcome {
    /// True where it may release something, also by what it calls.
    pub(crate) fn may_release(&self) -> bool {
        let calls = |expression: &Expression| matches!(expression, Expression::Call(..));
        let by_effect = self.effects.iter().any(|effect| match effect {
            Effect::Release { .. } | Effect::Call(_) => true,
            Effect::Store { value, .. } | Effect::Keep { value, .. } => calls(value),
            _ => false,
        });
        by_effect || self.returns.as_ref().is_some_and(|value| calls(value) || matches!(value, Expression::Resize(..)))
    }
}

/// How a call does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process ends, after its exit handlers.
    Exit,
    /// The process ends at once.
    Abort,
    /// An exception that the program did not make itself.
    Throw,
}

/// A comparison of two expressions.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Left.
    pub left: Expression,
    /// Which.
    pub comparison: Comparison,
    /// Right.
    pub right: Expression,
}

/// Which comparison; numbers are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Argument of this index, from 0.
    Argument(usize),
    /// All variadic arguments; only in `write` and `keep`.
    Rest,
    /// A number; `null` is 0.
    Int(i64),
    /// Anything.
    Any,
    /// Anything but null.
    NonNull,
    /// Anything from the first to the second, both included.
    Range(i64, i64),
    /// The 8 bytes in memory at an address.
    Content(Box<Expression>),
    /// Sum.
    Sum(Box<Expression>, Box<Expression>),
    /// Product.
    Product(Box<Expression>, Box<Expression>),
    /// An address in the same block as this one.
    Inside(Box<Expression>),
    /// Address of a new block.
    New(NewBlock),
    /// Address of a new block with the content of the old one, which is released; null makes a new one.
    Resize(Box<Expression>, NewBlock),
    /// What a function returns: its address, its arguments.
    Call(Box<Expression>, Vec<Expression>),
}

/// What is allocated.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBlock {
    /// Which releaser it takes.
    pub family: String,
    /// Bytes; `None`: not known.
    pub size: Option<Box<Expression>>,
    /// Its bytes are zero.
    pub is_zero: bool,
    /// The call may fail and give null.
    pub or_null: bool,
}

/// What a call does.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Stores 8 bytes (pointers) at an address.
    Store {
        /// Where.
        address: Expression,
        /// What.
        value: Expression,
    },
    /// Releases a block; null is no block.
    Release {
        /// Its address.
        value: Expression,
        /// The family that this releaser is of.
        family: String,
    },
    /// Keeps a copy of an address.
    Keep {
        /// The address.
        value: Expression,
        /// Who holds it; `None`: something that outlives everything.
        holder: Option<Expression>,
    },
    /// Bytes become anything.
    Write {
        /// Where.
        address: Expression,
        /// How many; `None`: the rest of the block.
        size: Option<Expression>,
    },
    /// Bytes become zero.
    Zero {
        /// Where.
        address: Expression,
        /// How many.
        size: Expression,
    },
    /// Bytes are copied.
    Copy {
        /// To where.
        to: Expression,
        /// From where.
        from: Expression,
        /// How many; `None`: not known.
        size: Option<Expression>,
    },
    /// Something is called, for its effects.
    Call(Expression),
}
