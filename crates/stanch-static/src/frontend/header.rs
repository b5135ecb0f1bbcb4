//! First lines of functions: `define …` up to the brace, `declare …`.

use super::attributes::{Facts, ParameterFacts};
use super::lexer::{Cursor, Token, decimal};
use super::syntax::Failure;
use super::types::{TypeId, Types, expect};
use crate::ir::Linkage;

/// A function without its body.
#[derive(Clone, Debug)]
pub(super) struct Header<'a> {
    /// Its name as it is written.
    pub(super) name: &'a [u8],
    /// Who sees it.
    pub(super) linkage: Linkage,
    /// What it returns.
    pub(super) result: TypeId,
    /// What attributes say of that.
    pub(super) result_facts: ParameterFacts,
    /// Its parameters.
    pub(super) parameters: Vec<ParameterText<'a>>,
    /// True where more arguments may follow.
    pub(super) is_variadic: bool,
    /// What attributes say of it.
    pub(super) facts: Facts<'a>,
    /// Its `DISubprogram`.
    pub(super) debug: Option<u32>,
    /// Where it begins in the text.
    pub(super) offset: usize,
    /// Where its body begins and ends, without the braces.
    pub(super) body: Option<(usize, usize)>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(super) struct ParameterText<'a> {
    /// Its type.
    pub(super) ty: TypeId,
    /// What attributes say of it.
    pub(super) facts: ParameterFacts,
    /// Its name, where it has one.
    pub(super) name: Option<&'a [u8]>,
}

/// Parses a header that begins with `define` or `declare`. The cursor's window ends where the header's line does.
///
/// # Errors
///
/// The line is no header.
pub(super) fn parse<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<Header<'a>, Failure> {
    let offset = cursor.offset();
    cursor.advance();
    let mut header = Header {
        name: b"",
        linkage: Linkage::External,
        result: types.intern(super::types::Type::Void),
        result_facts: ParameterFacts::default(),
        parameters: Vec::new(),
        is_variadic: false,
        facts: Facts::default(),
        debug: None,
        offset,
        body: None,
    };
    parse_before_type(cursor, types, &mut header)?;
    header.result = types.parse(cursor)?;
    let Token::Global(name) = cursor.token() else { return Err(Failure::Syntax) };
    header.name = name;
    cursor.advance();
    parse_parameters(cursor, types, &mut header)?;
    parse_after_parameters(cursor, &mut header);
    Ok(header)
}

/// Linkage, visibility, calling convention, attributes of the result.
fn parse_before_type<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    header: &mut Header<'a>,
) -> Result<(), Failure> {
    loop {
        match cursor.token() {
            Token::Word(b"cc") => {
                cursor.advance();
                cursor.advance();
            }
            Token::Word(word) if !types.is_type(cursor) => {
                if let Some(linkage) = linkage(word) {
                    header.linkage = linkage;
                }
                if !header.result_facts.take(cursor, types)? {
                    return Err(Failure::Syntax);
                }
            }
            Token::Text(_) => drop(header.result_facts.take(cursor, types)?),
            Token::Metadata(_) => take_debug(cursor, &mut header.debug),
            _ => return Ok(()),
        }
    }
}

/// `(i32 %0, ptr noundef %1, ...)`.
fn parse_parameters<'a>(
    cursor: &mut Cursor<'a>,
    types: &mut Types<'a>,
    header: &mut Header<'a>,
) -> Result<(), Failure> {
    expect(cursor, b'(')?;
    while !cursor.take(b')') {
        if cursor.token() == Token::Ellipsis {
            cursor.advance();
            header.is_variadic = true;
        } else {
            let ty = types.parse(cursor)?;
            let mut facts = ParameterFacts::default();
            facts.take_all(cursor, types)?;
            let mut name = None;
            if let Token::Local(local) = cursor.token() {
                name = Some(local);
                cursor.advance();
            }
            header.parameters.push(ParameterText { ty, facts, name });
        }
        if !cursor.take(b',') && cursor.token() != Token::Mark(b')') {
            return Err(Failure::Syntax);
        }
    }
    Ok(())
}

/// Attributes, section, personality, metadata: all in any order, up to the brace.
fn parse_after_parameters<'a>(cursor: &mut Cursor<'a>, header: &mut Header<'a>) {
    loop {
        match cursor.token() {
            Token::End | Token::Mark(b'{') => return,
            Token::Metadata(_) => take_debug(cursor, &mut header.debug),
            _ => {
                if !header.facts.take(cursor) {
                    cursor.advance();
                }
            }
        }
    }
}

/// `!dbg !5`; other metadata is passed over.
pub(super) fn take_debug(cursor: &mut Cursor<'_>, debug: &mut Option<u32>) {
    let is_debug = cursor.token() == Token::Metadata(b"dbg");
    cursor.advance();
    if let (true, Token::Metadata(digits)) = (is_debug, cursor.token()) {
        *debug = decimal(digits).and_then(|id| u32::try_from(id).ok());
        cursor.advance();
    }
}

/// What a word says of linkage, if anything.
pub(super) fn linkage(word: &[u8]) -> Option<Linkage> {
    match word {
        b"private" | b"internal" => Some(Linkage::Internal),
        b"linkonce" | b"linkonce_odr" | b"weak_odr" => Some(Linkage::Merged),
        // What is available externally has its definition elsewhere, equal to this one.
        b"weak" | b"common" | b"available_externally" => Some(Linkage::Weak),
        b"external" | b"extern_weak" | b"appending" => Some(Linkage::External),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Header, Linkage, Types, parse};

    fn header(text: &str) -> Header<'_> {
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        parse(&mut cursor, &mut Types::new()).unwrap_or_else(|failure| panic!("{text}: {failure:?}"))
    }

    #[test]
    fn a_definition_of_clang() {
        let read = header(
            "define linkonce_odr dso_local noundef nonnull align 8 dereferenceable(8) ptr @_ZN1AC2Ev(ptr noundef \
             nonnull align 8 \
             dereferenceable(8) %0, ...) unnamed_addr #4 comdat align 2 personality ptr @__gxx_personality_v0 \
             !dbg !1300 {",
        );
        assert_eq!(read.name, b"_ZN1AC2Ev");
        assert_eq!((read.linkage, read.is_variadic, read.debug), (Linkage::Merged, true, Some(1300)));
        assert_eq!(read.facts.groups, [b"4"]);
        assert_eq!(read.parameters[0].name, Some(&b"0"[..]));
        assert!(read.parameters[0].facts.is_non_null);
    }

    #[test]
    fn other_forms() {
        let read = header("declare !dbg !7 noalias i8* @malloc(i64 noundef) local_unnamed_addr nounwind \"a\"=\"b\"");
        assert_eq!((read.debug, read.result_facts.is_unaliased, read.facts.is_no_unwind), (Some(7), true, true));
        assert_eq!(read.parameters[0].name, None);
        let read = header("define internal fastcc cc 10 void @\"a b\"(%struct.S* byval(%struct.S) align 8 %x) {");
        assert_eq!((read.name, read.linkage), (&b"\"a b\""[..], Linkage::Internal));
        assert!(read.parameters[0].facts.copied.is_some());
        let read = header("define { i64, i64 } @f() prefix i32 5 section \".x\" gc \"y\" {");
        assert_eq!(read.name, b"f");
    }
}
