//! Operands as they are written: names of values, constants, constant expressions.

use super::lexer::{Cursor, Token, decimal};
use super::syntax::{Failure, NESTING_MAX};
use super::types::{Float, Type, TypeId, Types, expect};

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// A value of the function, or a label.
    Local(&'a [u8]),
    /// A function or global.
    Global(&'a [u8]),
    /// An integer, cut to the bits of its type. Wider ones than 128 bits are [`Value::Unknown`].
    Integer(u128),
    /// A floating point number.
    Float(f64),
    /// `null`, `zeroinitializer`, `none`: zero in every byte.
    Zero,
    /// `undef`, `poison`.
    Undefined,
    /// `c"…"`, escapes not resolved.
    Bytes(&'a [u8]),
    /// The elements of an array, struct or vector.
    Elements(Vec<Typed<'a>>),
    /// A vector of equal elements.
    Splat(Box<Typed<'a>>),
    /// Address of a block of a function.
    BlockAddress {
        /// The function.
        function: &'a [u8],
        /// The label.
        label: &'a [u8],
    },
    /// Computed from constants.
    Expression(Box<Expression<'a>>),
    /// Something else.
    Unknown,
}

/// An operand with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Typed<'a> {
    /// The type.
    pub(super) ty: TypeId,
    /// The operand.
    pub(super) value: Value<'a>,
}

/// A constant expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression<'a> {
    /// `getelementptr`.
    Address {
        /// The type that the first index counts in.
        element: TypeId,
        /// Base pointer.
        base: Typed<'a>,
        /// The indices.
        indices: Vec<Typed<'a>>,
    },
    /// A conversion, by the name of its instruction.
    Cast {
        /// `bitcast`, `ptrtoint`, …
        op: &'a [u8],
        /// The operand.
        value: Typed<'a>,
        /// To this type.
        to: TypeId,
    },
    /// Arithmetic, by the name of its instruction.
    Binary {
        /// `add`, `sub`, …
        op: &'a [u8],
        /// First operand.
        left: Typed<'a>,
        /// Second operand.
        right: Typed<'a>,
    },
    /// `icmp` or `fcmp`.
    Compare {
        /// `eq`, …
        predicate: &'a [u8],
        /// First operand.
        left: Typed<'a>,
        /// Second operand.
        right: Typed<'a>,
    },
    /// `select`.
    Select {
        /// An `i1`.
        condition: Typed<'a>,
        /// Where it is true.
        then: Typed<'a>,
        /// Where not.
        otherwise: Typed<'a>,
    },
}

/// Parses a type and an operand of it, with whatever attributes stand between them.
pub(super) fn parse_typed<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<Typed<'a>, Failure> {
    parse_typed_nested(cursor, types, 0)
}

/// Parses an operand of a known type.
pub(super) fn parse_value<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    ty: TypeId,
) -> Result<Value<'a>, Failure> {
    parse_nested(cursor, types, ty, 0)
}

/// Goes past words, such as flags, up to a type; what stands in parentheses behind a word goes with it.
pub(super) fn skip_words<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>) {
    while matches!(cursor.token(), Token::Word(_)) && !types.is_type(cursor) {
        cursor.advance();
        if cursor.token() == Token::Mark(b'(') {
            cursor.skip_group();
        }
    }
}

fn parse_typed_nested<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>, depth: usize) -> Result<Typed<'a>, Failure> {
    let ty = types.parse(cursor)?;
    let value = parse_nested(cursor, types, ty, depth)?;
    Ok(Typed { ty, value })
}

fn parse_nested<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    ty: TypeId,
    depth: usize,
) -> Result<Value<'a>, Failure> {
    if NESTING_MAX < depth {
        return Err(Failure::TooDeep);
    }
    match cursor.token() {
        Token::Local(name) => simple(cursor, Value::Local(name)),
        Token::Global(name) => simple(cursor, Value::Global(name)),
        Token::Integer(digits) => {
            let value = match types.resolve(ty) {
                Type::Integer(bits) => integer(digits, *bits),
                // Plain integers are no floats, but broken text may say so.
                _ => Value::Unknown,
            };
            simple(cursor, value)
        }
        Token::Number(text) => {
            let value = match types.resolve(ty) {
                Type::Float(float) => float_value(text, *float),
                Type::Integer(bits) => hex_integer(text, *bits),
                _ => Value::Unknown,
            };
            simple(cursor, value)
        }
        Token::Bytes(bytes) => simple(cursor, Value::Bytes(bytes)),
        Token::Mark(b'[') => list(cursor, types, b'[', b']', depth),
        Token::Mark(b'{') => list(cursor, types, b'{', b'}', depth),
        Token::Mark(b'<') => {
            cursor.advance();
            if cursor.token() == Token::Mark(b'{') {
                let elements = list(cursor, types, b'{', b'}', depth)?;
                expect(cursor, b'>')?;
                return Ok(elements);
            }
            elements(cursor, types, b'>', depth)
        }
        Token::Word(word) => {
            cursor.advance();
            word_value(cursor, types, word, depth)
        }
        // An attribute in quotes, a group of attributes, metadata as a value.
        Token::Mark(b'!') | Token::Metadata(_) => {
            cursor.advance();
            cursor.skip_group();
            Ok(Value::Unknown)
        }
        _ => Err(Failure::Syntax),
    }
}

fn simple<'a>(cursor: &mut Cursor<'a>, value: Value<'a>) -> Result<Value<'a>, Failure> {
    cursor.advance();
    Ok(value)
}

fn list<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    open: u8,
    close: u8,
    depth: usize,
) -> Result<Value<'a>, Failure> {
    expect(cursor, open)?;
    elements(cursor, types, close, depth)
}

fn elements<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>, close: u8, depth: usize) -> Result<Value<'a>, Failure> {
    let mut elements = Vec::new();
    while !cursor.take(close) {
        elements.push(parse_typed_nested(cursor, types, depth + 1)?);
        if !cursor.take(b',') && cursor.token() != Token::Mark(close) {
            return Err(Failure::Syntax);
        }
    }
    Ok(Value::Elements(elements))
}

/// What begins with a word; the word is taken already.
fn word_value<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    word: &'a [u8],
    depth: usize,
) -> Result<Value<'a>, Failure> {
    match word {
        b"true" => Ok(Value::Integer(1)),
        b"false" => Ok(Value::Integer(0)),
        b"null" | b"zeroinitializer" | b"none" => Ok(Value::Zero),
        b"undef" | b"poison" => Ok(Value::Undefined),
        b"dso_local_equivalent" | b"no_cfi" => parse_global(cursor),
        b"blockaddress" => {
            expect(cursor, b'(')?;
            let Token::Global(function) = cursor.token() else { return Err(Failure::Syntax) };
            cursor.advance();
            expect(cursor, b',')?;
            let Token::Local(label) = cursor.token() else { return Err(Failure::Syntax) };
            cursor.advance();
            expect(cursor, b')')?;
            Ok(Value::BlockAddress { function, label })
        }
        b"splat" => {
            expect(cursor, b'(')?;
            let element = parse_typed_nested(cursor, types, depth + 1)?;
            expect(cursor, b')')?;
            Ok(Value::Splat(Box::new(element)))
        }
        b"asm" => Err(Failure::Syntax),
        _ => parse_expression(cursor, types, word, depth + 1),
    }
}

fn parse_global<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, Failure> {
    let Token::Global(name) = cursor.token() else { return Err(Failure::Syntax) };
    simple(cursor, Value::Global(name))
}

/// A constant expression; the name of its operation is taken already.
fn parse_expression<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    op: &'a [u8],
    depth: usize,
) -> Result<Value<'a>, Failure> {
    // Flags (`inbounds`, `nuw`), and the predicate of a comparison, which is the last of them.
    let mut last_word: &'a [u8] = b"";
    while let Token::Word(word) = cursor.token() {
        last_word = word;
        cursor.advance();
        // `inrange(-16, 24)`.
        if word == b"inrange" && cursor.token() == Token::Mark(b'(') {
            cursor.skip_group();
        }
    }
    if cursor.token() != Token::Mark(b'(') {
        return Err(Failure::Syntax);
    }
    let group = cursor.clone();
    cursor.advance();
    let expression = match op {
        b"getelementptr" => parse_address(cursor, types, depth)?,
        b"icmp" | b"fcmp" => {
            let [left, right] = operands(cursor, types, depth)?;
            Expression::Compare { predicate: last_word, left, right }
        }
        b"select" => {
            let [condition, then, otherwise] = operands(cursor, types, depth)?;
            Expression::Select { condition, then, otherwise }
        }
        b"add" | b"sub" | b"mul" | b"and" | b"or" | b"xor" | b"shl" | b"lshr" | b"ashr" | b"udiv" | b"sdiv"
        | b"urem" | b"srem" => {
            let [left, right] = operands(cursor, types, depth)?;
            Expression::Binary { op, left, right }
        }
        b"bitcast" | b"addrspacecast" | b"ptrtoint" | b"ptrtoaddr" | b"inttoptr" | b"trunc" | b"zext" | b"sext" => {
            let value = parse_typed_nested(cursor, types, depth)?;
            if !cursor.take_word("to") {
                return Err(Failure::Syntax);
            }
            let to = types.parse(cursor)?;
            Expression::Cast { op, value, to }
        }
        // Anything else, `extractelement` or `ptrauth`, is passed over as a whole.
        _ => {
            *cursor = group;
            cursor.skip_group();
            return Ok(Value::Unknown);
        }
    };
    expect(cursor, b')')?;
    Ok(Value::Expression(Box::new(expression)))
}

/// `([inrange] type, base, index, …`.
fn parse_address<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>, depth: usize) -> Result<Expression<'a>, Failure> {
    let element = types.parse(cursor)?;
    expect(cursor, b',')?;
    let base = parse_typed_nested(cursor, types, depth)?;
    let mut indices = Vec::new();
    while cursor.take(b',') {
        cursor.take_word("inrange");
        indices.push(parse_typed_nested(cursor, types, depth)?);
    }
    Ok(Expression::Address { element, base, indices })
}

fn operands<'a, const COUNT: usize>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    depth: usize,
) -> Result<[Typed<'a>; COUNT], Failure> {
    let mut operands = Vec::with_capacity(COUNT);
    for index in 0..COUNT {
        if 0 < index {
            expect(cursor, b',')?;
        }
        operands.push(parse_typed_nested(cursor, types, depth)?);
    }
    operands.try_into().map_err(|_| Failure::Syntax)
}

fn integer<'a>(digits: &[u8], bits: u32) -> Value<'a> {
    if 128 < bits {
        return match decimal(digits) {
            Some(0) => Value::Zero,
            _ => Value::Unknown,
        };
    }
    let (is_negative, digits) = digits.strip_prefix(b"-").map_or((false, digits), |digits| (true, digits));
    let Some(magnitude) = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u128>().ok()) else {
        return Value::Unknown;
    };
    let value = if is_negative { magnitude.wrapping_neg() } else { magnitude };
    Value::Integer(truncated(value, bits))
}

/// The low bits of a number, of 128 at most.
pub(super) fn truncated(value: u128, bits: u32) -> u128 {
    if 128 <= bits { value } else { value & ((1 << bits) - 1) }
}

/// `u0x1F`, `s0x1F`.
fn hex_integer<'a>(text: &[u8], bits: u32) -> Value<'a> {
    let (is_signed, digits) = match text {
        [sign @ (b'u' | b's'), b'0', b'x', digits @ ..] => (*sign == b's', digits),
        _ => return Value::Unknown,
    };
    let Some(value) = hex(digits).filter(|_| bits <= 128) else { return Value::Unknown };
    // The highest of the digits' bits is the sign.
    let width = u32::try_from(digits.len() * 4).unwrap_or(128);
    let is_negative = is_signed && 0 < width && width < 128 && value >> (width - 1) & 1 == 1;
    let value = if is_negative { value | u128::MAX << width } else { value };
    Value::Integer(truncated(value, bits))
}

fn hex(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The notations of the Language Reference, "Simple Constants": decimal, the bits of a double for all IEEE types up to
/// it, and a letter behind `0x` for the others.
fn float_value<'a>(text: &[u8], float: Float) -> Value<'a> {
    let value = match text {
        [b'0', b'x', b'K', digits @ ..] => hex(digits).map(extended_to_double),
        [b'0', b'x', b'L', digits @ ..] => hex(digits).map(quad_to_double),
        [b'0', b'x', b'H' | b'R' | b'M', ..] => return Value::Unknown,
        [b'0', b'x', digits @ ..] => hex(digits).and_then(|bits| u64::try_from(bits).ok()).map(f64::from_bits),
        _ => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
    };
    match (value, float) {
        (Some(value), Float::Single) => Value::Float(f64::from(value as f32)),
        (Some(value), _) => Value::Float(value),
        (None, _) => Value::Unknown,
    }
}

/// x87's format: sign and exponent in 16 bits, an explicit leading one in 64.
fn extended_to_double(bits: u128) -> f64 {
    let exponent = (bits >> 64) as u16;
    let mantissa = bits as u64;
    let sign = if exponent >> 15 == 1 { -1.0 } else { 1.0 };
    match exponent & 0x7fff {
        0x7fff if mantissa << 1 == 0 => sign * f64::INFINITY,
        0x7fff => f64::NAN,
        exponent => sign * (mantissa as f64) * 2_f64.powi(i32::from(exponent) - 16383 - 63),
    }
}

/// LLVM writes the low half of an IEEE quad first.
fn quad_to_double(written: u128) -> f64 {
    let bits = written.rotate_left(64);
    let sign = if bits >> 127 == 1 { -1.0 } else { 1.0 };
    let mantissa = (bits & ((1 << 112) - 1)) as f64 / 2_f64.powi(112);
    match (bits >> 112 & 0x7fff) as i32 {
        0x7fff if mantissa == 0.0 => sign * f64::INFINITY,
        0x7fff => f64::NAN,
        0 => sign * mantissa * 2_f64.powi(-16382),
        exponent => sign * (1.0 + mantissa) * 2_f64.powi(exponent - 16383),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Expression, Failure, Token, Types, Value, parse_typed};

    fn check(text: &str, expected: &Value<'_>) {
        let mut types = Types::new();
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        let typed = parse_typed(&mut cursor, &mut types).unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
        assert_eq!(&typed.value, expected, "{text}");
        assert_eq!(cursor.token(), Token::End, "{text}");
    }

    #[test]
    fn numbers_are_cut_to_their_type() {
        check("i8 -1", &Value::Integer(255));
        check("i1 true", &Value::Integer(1));
        check("i128 170141183460469231731687303715884105728", &Value::Integer(1 << 127));
        check("i16 s0xFF", &Value::Integer(0xffff));
        check("i16 u0xFF", &Value::Integer(0xff));
        check("i256 1", &Value::Unknown);
        check("double 2.5e+00", &Value::Float(2.5));
        check("float 0x3FB99999A0000000", &Value::Float(f64::from(0.1_f32)));
        check("double 0x7FF0000000000000", &Value::Float(f64::INFINITY));
        check("x86_fp80 0xK3FFF8000000000000000", &Value::Float(1.0));
        check("x86_fp80 0xKC000C000000000000000", &Value::Float(-3.0));
        check("fp128 0xL00000000000000003FFF800000000000", &Value::Float(1.5));
    }

    #[test]
    fn constants_of_each_form_are_read() {
        check("ptr null", &Value::Zero);
        check("[2 x i8] c\"a\\00\"", &Value::Bytes(b"a\\00"));
        check("i8* undef", &Value::Undefined);
        check("ptr blockaddress(@f, %5)", &Value::BlockAddress { function: b"f", label: b"5" });
        check("ptr dso_local_equivalent @f", &Value::Global(b"f"));
        for text in [
            "ptr getelementptr inbounds nuw ({ i8, i32 }, ptr @a, i64 0, i32 1)",
            "ptr getelementptr inbounds inrange(-16, 24) ({ i8, i32 }, ptr @a, i64 0, i32 1)",
            "i8* getelementptr inbounds ({ i8, i32 }, { i8, i32 }* @a, i64 0, inrange i32 1)",
        ] {
            let mut types = Types::new();
            let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
            let typed = parse_typed(&mut cursor, &mut types).expect(text);
            let Value::Expression(expression) = typed.value else { panic!("{text}") };
            assert!(matches!(*expression, Expression::Address { ref indices, .. } if indices.len() == 2), "{text}");
        }
    }

    #[test]
    fn unknown_expressions_are_passed_over() {
        check("ptr ptrauth (ptr @f, i32 0)", &Value::Unknown);
        check("i32 extractelement (<2 x i32> <i32 1, i32 2>, i32 0)", &Value::Unknown);
    }

    #[test]
    fn nesting_is_bounded() {
        let text = format!("i8* {}", "bitcast (i8* ".repeat(50_000));
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        assert_eq!(parse_typed(&mut cursor, &mut Types::new()), Err(Failure::TooDeep));
    }
}
