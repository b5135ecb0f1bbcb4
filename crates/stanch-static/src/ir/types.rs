//! Types of values, and the indices by which the parts of a module name each other.

/// How many bits a value has and how it is passed. All that is left of a source type in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// No value.
    Void,
    /// Integer of so many bits, 1 and more. In memory it takes `bits` rounded up to bytes.
    Int(u16),
    /// Floating-point number of so many bits: 16, 32, 64, 80 (10 bytes in memory), 128.
    Float(u16),
    /// Address, 64 bits.
    Pointer,
    /// Structure, array or vector held in a value: so many bytes, addressed by byte offset, padding included.
    Bytes(u64),
}

impl Type {
    /// Bytes that a load or store of this type touches.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Type::Void => 0,
            Type::Int(bits) | Type::Float(bits) => (bits as u64).div_ceil(8),
            Type::Pointer => 8,
            Type::Bytes(size) => size,
        }
    }
}

macro_rules! index {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A function of a module: position in `Module::functions`.
    FunctionId
    /// A global of a module: position in `Module::globals`.
    GlobalId
    /// A value of a function: position in `Function::values`. Parameters come first.
    ValueId
    /// A block of a function: position in `Function::blocks`. Execution starts in block 0.
    BlockId
    /// A local variable of a function: position in `Function::variables`.
    VariableId
    /// A source file of a module: position in `Module::files`.
    FileId
    /// A source location of a module: position in `Module::locations`. Location 0 is "unknown".
    LocationId
}
