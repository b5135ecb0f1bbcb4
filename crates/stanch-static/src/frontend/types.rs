//! LLVM types: a table without duplicates, and the parser of types.
//!
//! What a pointer points to is not kept: no instruction needs it, and newer LLVM does not write it.

use std::collections::HashMap;

use super::lexer::{Cursor, Token, decimal};
use super::syntax::{Failure, NESTING_MAX};

/// A type in the [`Types`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TypeId(u32);

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Type<'a> {
    /// No value.
    Void,
    /// An integer of so many bits.
    Integer(u32),
    /// A floating point number.
    Float(Float),
    /// A pointer into an address space.
    Pointer(u32),
    /// `[count x element]`.
    Array(u64, TypeId),
    /// `<count x element>`; of a scalable vector the least count.
    Vector(u64, TypeId),
    /// `{ … }`, or packed `<{ … }>`.
    Struct {
        /// The types of the fields.
        fields: Box<[TypeId]>,
        /// True where fields follow each other without padding.
        is_packed: bool,
    },
    /// `%name`, defined elsewhere in the text or nowhere.
    Named(&'a [u8]),
    /// A function.
    Function {
        /// What it returns.
        result: TypeId,
        /// Types of the parameters.
        parameters: Box<[TypeId]>,
        /// True where more arguments may follow.
        is_variadic: bool,
    },
    /// Labels, tokens, metadata, target types: what has no bytes that a program sees.
    Other,
}

/// Formats of floating point numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Float {
    /// 16 bits, IEEE or `bfloat`.
    Half,
    /// 32 bits.
    Single,
    /// 64 bits.
    Double,
    /// The 80 bits of x87.
    Extended,
    /// 128 bits, IEEE or PowerPC's pair of doubles.
    Quad,
}

/// All types of a text.
pub(super) struct Types<'a> {
    types: Vec<Type<'a>>,
    ids: HashMap<Type<'a>, TypeId>,
    /// What the names stand for; absent for an opaque type.
    definitions: HashMap<&'a [u8], TypeId>,
    /// Those that are met most: the pointer, and integers by their bits.
    pointer: Option<TypeId>,
    integers: [Option<TypeId>; 129],
}

impl<'a> Types<'a> {
    /// An empty table.
    pub(super) fn new() -> Self {
        Types {
            types: Vec::new(),
            ids: HashMap::new(),
            definitions: HashMap::new(),
            pointer: None,
            integers: [None; 129],
        }
    }

    /// The type of an id.
    pub(super) fn get(&self, id: TypeId) -> &Type<'a> {
        &self.types[id.0 as usize]
    }

    /// The type of an id, names replaced by what they stand for; [`Type::Named`] if that is opaque.
    pub(super) fn resolve(&self, id: TypeId) -> &Type<'a> {
        self.get(self.resolve_id(id))
    }

    /// The id behind a name.
    pub(super) fn resolve_id(&self, mut id: TypeId) -> TypeId {
        // A name may stand for a name in broken text only, and then perhaps for itself.
        for _ in 0..NESTING_MAX {
            match self.get(id) {
                Type::Named(name) => match self.definitions.get(name) {
                    Some(definition) => id = *definition,
                    None => return id,
                },
                _ => return id,
            }
        }
        id
    }

    /// The id of a type, the same for equal types.
    pub(super) fn intern(&mut self, ty: Type<'a>) -> TypeId {
        if let Some(id) = self.ids.get(&ty) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(ty.clone());
        self.ids.insert(ty, id);
        id
    }

    /// Says what a name stands for.
    pub(super) fn define(&mut self, name: &'a [u8], id: TypeId) {
        self.definitions.insert(name, id);
    }

    /// The definition of a name.
    pub(super) fn definition(&self, name: &[u8]) -> Option<TypeId> {
        self.definitions.get(name).copied()
    }

    /// How many types there are.
    pub(super) fn count(&self) -> usize {
        self.types.len()
    }

    /// The place of a type in tables beside this one.
    pub(super) fn index(id: TypeId) -> usize {
        id.0 as usize
    }

    /// True where a type begins here.
    pub(super) fn is_type(&self, cursor: &Cursor<'a>) -> bool {
        match cursor.token() {
            Token::Word(word) => word_type(word).is_some() || word == b"target",
            Token::Local(_) | Token::Mark(b'{' | b'[' | b'<') => true,
            _ => false,
        }
    }

    /// Parses a type.
    ///
    /// # Errors
    ///
    /// What stands there is no type, or one that is nested too deeply.
    pub(super) fn parse(&mut self, cursor: &mut Cursor<'a>) -> Result<TypeId, Failure> {
        self.parse_nested(cursor, 0)
    }

    fn parse_nested(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Result<TypeId, Failure> {
        if NESTING_MAX < depth {
            return Err(Failure::TooDeep);
        }
        let mut id = self.parse_base(cursor, depth)?;
        loop {
            match cursor.token() {
                Token::Mark(b'*') => {
                    cursor.advance();
                    id = self.intern(Type::Pointer(0));
                }
                Token::Word(b"addrspace") if cursor.byte_after() == b'(' => {
                    let space = address_space(cursor)?;
                    // In `i8 addrspace(1)*` the star follows, in `ptr addrspace(1)` it does not.
                    cursor.take(b'*');
                    id = self.intern(Type::Pointer(space));
                }
                Token::Mark(b'(') => id = self.parse_function(cursor, id, depth)?,
                _ => return Ok(id),
            }
        }
    }

    fn parse_base(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Result<TypeId, Failure> {
        match cursor.token() {
            Token::Word(b"target") => {
                cursor.advance();
                cursor.skip_group();
                Ok(self.intern(Type::Other))
            }
            Token::Word(word) => {
                let id = self.word(word).ok_or(Failure::Syntax)?;
                cursor.advance();
                Ok(id)
            }
            Token::Local(name) => {
                cursor.advance();
                Ok(self.intern(Type::Named(name)))
            }
            Token::Mark(b'[') => {
                cursor.advance();
                let (count, element) = self.parse_sequence(cursor, depth)?;
                expect(cursor, b']')?;
                Ok(self.intern(Type::Array(count, element)))
            }
            Token::Mark(b'<') => {
                cursor.advance();
                if cursor.token() == Token::Mark(b'{') {
                    let fields = self.parse_fields(cursor, depth)?;
                    expect(cursor, b'>')?;
                    return Ok(self.intern(Type::Struct { fields, is_packed: true }));
                }
                if cursor.take_word("vscale") {
                    cursor.take_word("x");
                }
                let (count, element) = self.parse_sequence(cursor, depth)?;
                expect(cursor, b'>')?;
                Ok(self.intern(Type::Vector(count, element)))
            }
            Token::Mark(b'{') => {
                let fields = self.parse_fields(cursor, depth)?;
                Ok(self.intern(Type::Struct { fields, is_packed: false }))
            }
            _ => Err(Failure::Syntax),
        }
    }

    /// `4 x i32`.
    fn parse_sequence(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Result<(u64, TypeId), Failure> {
        let Token::Integer(digits) = cursor.token() else { return Err(Failure::Syntax) };
        let count = decimal(digits).ok_or(Failure::Syntax)?;
        cursor.advance();
        if !cursor.take_word("x") {
            return Err(Failure::Syntax);
        }
        Ok((count, self.parse_nested(cursor, depth + 1)?))
    }

    fn parse_fields(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Result<Box<[TypeId]>, Failure> {
        expect(cursor, b'{')?;
        let mut fields = Vec::new();
        while !cursor.take(b'}') {
            fields.push(self.parse_nested(cursor, depth + 1)?);
            if !cursor.take(b',') && cursor.token() != Token::Mark(b'}') {
                return Err(Failure::Syntax);
            }
        }
        Ok(fields.into())
    }

    fn parse_function(&mut self, cursor: &mut Cursor<'a>, result: TypeId, depth: usize) -> Result<TypeId, Failure> {
        expect(cursor, b'(')?;
        let (mut parameters, mut is_variadic) = (Vec::new(), false);
        while !cursor.take(b')') {
            if cursor.token() == Token::Ellipsis {
                cursor.advance();
                is_variadic = true;
            } else {
                parameters.push(self.parse_nested(cursor, depth + 1)?);
            }
            if !cursor.take(b',') && cursor.token() != Token::Mark(b')') {
                return Err(Failure::Syntax);
            }
        }
        Ok(self.intern(Type::Function { result, parameters: parameters.into(), is_variadic }))
    }

    fn word(&mut self, word: &[u8]) -> Option<TypeId> {
        let ty = word_type(word)?;
        let known = match ty {
            Type::Pointer(0) => self.pointer,
            Type::Integer(bits) => self.integers.get(bits as usize).copied().flatten(),
            _ => None,
        };
        if known.is_some() {
            return known;
        }
        let id = self.intern(ty.clone());
        match ty {
            Type::Pointer(0) => self.pointer = Some(id),
            Type::Integer(bits) if (bits as usize) < self.integers.len() => self.integers[bits as usize] = Some(id),
            _ => {}
        }
        Some(id)
    }
}

/// The type that a word is.
fn word_type(word: &[u8]) -> Option<Type<'static>> {
    Some(match word {
        b"ptr" => Type::Pointer(0),
        b"void" => Type::Void,
        b"half" | b"bfloat" => Type::Float(Float::Half),
        b"float" => Type::Float(Float::Single),
        b"double" => Type::Float(Float::Double),
        b"x86_fp80" => Type::Float(Float::Extended),
        b"fp128" | b"ppc_fp128" => Type::Float(Float::Quad),
        b"x86_mmx" => Type::Integer(64),
        b"x86_amx" => Type::Integer(8192),
        b"label" | b"metadata" | b"token" | b"opaque" => Type::Other,
        [b'i' | b'b', digits @ ..] => Type::Integer(decimal(digits).and_then(|bits| u32::try_from(bits).ok())?),
        _ => return None,
    })
}

/// Goes past a mark that must be there.
pub(super) fn expect(cursor: &mut Cursor<'_>, mark: u8) -> Result<(), Failure> {
    if cursor.take(mark) { Ok(()) } else { Err(Failure::Syntax) }
}

/// `addrspace(1)`; named spaces (`addrspace("G")`) count as the first.
fn address_space(cursor: &mut Cursor<'_>) -> Result<u32, Failure> {
    cursor.advance();
    expect(cursor, b'(')?;
    let space = match cursor.token() {
        Token::Integer(digits) => decimal(digits).and_then(|space| u32::try_from(space).ok()).unwrap_or(0),
        _ => 0,
    };
    cursor.advance();
    expect(cursor, b')')?;
    Ok(space)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Type, Types};

    fn parse(text: &str) -> String {
        let mut types = Types::new();
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        match types.parse(&mut cursor) {
            Ok(id) => show(&types, id),
            Err(failure) => format!("{failure:?}"),
        }
    }

    fn show(types: &Types<'_>, id: super::TypeId) -> String {
        let list = |ids: &[super::TypeId]| ids.iter().map(|id| show(types, *id)).collect::<Vec<_>>().join(" ");
        match types.get(id) {
            Type::Struct { fields, is_packed } => {
                format!("{{{}{}}}", if *is_packed { "packed " } else { "" }, list(fields))
            }
            Type::Function { result, parameters, is_variadic } => {
                format!("{}({}{})", show(types, *result), list(parameters), if *is_variadic { " ..." } else { "" })
            }
            Type::Array(count, element) => format!("[{count} {}]", show(types, *element)),
            Type::Vector(count, element) => format!("<{count} {}>", show(types, *element)),
            Type::Named(name) => format!("%{}", String::from_utf8_lossy(name)),
            Type::Integer(bits) => format!("i{bits}"),
            Type::Pointer(space) => format!("ptr{space}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn types_of_each_form_are_read() {
        assert_eq!(parse("i32"), "i32");
        assert_eq!(parse("%struct.A addrspace(3)**"), "ptr0");
        assert_eq!(parse("ptr addrspace(271)"), "ptr271");
        assert_eq!(parse("{ i8, [4 x <{ i1, %\"a b\" }>] }"), "{i8 [4 {packed i1 %\"a b\"}]}");
        assert_eq!(parse("<vscale x 4 x i16>"), "<4 i16>");
        assert_eq!(parse("i32 (i8*, ...)"), "i32(ptr0 ...)");
        assert_eq!(parse("void ()* ()*"), "ptr0");
        assert_eq!(parse("target(\"aarch64.svcount\")"), "Other");
        assert_eq!(parse("{}"), "{}");
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in ["", "nonsense", "[x i8]", "[4 i8]", "{ i8", "i99999999999", "[4 x i8", "i8 (", "<{ i8 }"] {
            assert_eq!(parse(text), "Syntax", "{text}");
        }
        assert_eq!(parse(&"[1 x ".repeat(100_000)), "TooDeep");
        assert_eq!(parse(&"{".repeat(100_000)), "TooDeep");
    }
}
