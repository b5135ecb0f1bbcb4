//! Attributes of functions, parameters and results: those that say something of memory or control.
//!
//! Any other attribute is passed over, whatever its form: a word, a word with parentheses or a number, a string.

use super::lexer::{Cursor, Token, decimal, unescaped_text};
use super::syntax::Failure;
use super::types::{TypeId, Types, expect};
use crate::ir::Allocation;

/// What attributes say of a function or a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts<'a> {
    /// It does not return.
    pub(super) is_no_return: bool,
    /// No exception leaves it.
    pub(super) is_no_unwind: bool,
    /// `setjmp` and its kin.
    pub(super) returns_twice: bool,
    /// It writes no memory that the program sees.
    pub(super) writes_nothing: bool,
    /// What it says of allocating. `allocsize` alone is no allocation.
    pub(super) allocation: Allocation,
    /// `allockind` has `free` or `realloc`.
    pub(super) is_release: bool,
    /// Groups (`#5`) that say more.
    pub(super) groups: Vec<&'a [u8]>,
}

impl<'a> Facts<'a> {
    /// Adds what others say.
    pub(super) fn merge(&mut self, other: &Facts<'a>) {
        self.is_no_return |= other.is_no_return;
        self.is_no_unwind |= other.is_no_unwind;
        self.returns_twice |= other.returns_twice;
        self.writes_nothing |= other.writes_nothing;
        self.is_release |= other.is_release;
        let (ours, theirs) = (&mut self.allocation, &other.allocation);
        ours.allocates |= theirs.allocates;
        ours.reallocates |= theirs.reallocates;
        ours.zeroes |= theirs.zeroes;
        if ours.size.is_empty() {
            ours.size.clone_from(&theirs.size);
        }
        if ours.family.is_none() {
            ours.family.clone_from(&theirs.family);
        }
    }

    /// Takes one attribute. False where the token begins none.
    pub(super) fn take(&mut self, cursor: &mut Cursor<'a>) -> bool {
        match cursor.token() {
            Token::Word(word) => {
                cursor.advance();
                self.word(word, cursor);
            }
            Token::Hash(group) => {
                self.groups.push(group);
                cursor.advance();
            }
            Token::Text(key) => {
                cursor.advance();
                if cursor.take(b'=') {
                    if let (Token::Text(value), b"alloc-family") = (cursor.token(), key) {
                        self.allocation.family = Some(unescaped_text(value));
                    }
                    cursor.advance();
                }
            }
            _ => return false,
        }
        true
    }

    fn word(&mut self, word: &[u8], cursor: &mut Cursor<'a>) {
        let from = cursor.offset();
        let group = if cursor.token() == Token::Mark(b'(') {
            cursor.skip_group();
            cursor.since(from)
        } else {
            b""
        };
        match word {
            b"noreturn" => self.is_no_return = true,
            b"nounwind" => self.is_no_unwind = true,
            b"returns_twice" => self.returns_twice = true,
            b"readnone" | b"readonly" | b"speculatable" => self.writes_nothing = true,
            b"memory" => self.writes_nothing |= !writes(group),
            b"allockind" => self.allocation_kind(group),
            b"allocsize" => {
                let numbers = group.split(|byte| !byte.is_ascii_digit()).filter_map(decimal);
                self.allocation.size = numbers.filter_map(|index| u32::try_from(index).ok()).collect();
            }
            _ => {}
        }
    }

    /// `("alloc,zeroed,aligned")`.
    fn allocation_kind(&mut self, group: &[u8]) {
        let words = || group.split(|byte| !byte.is_ascii_alphanumeric());
        let has = |wanted: &[u8]| words().any(|word| word == wanted);
        self.allocation.allocates |= has(b"alloc") || has(b"realloc");
        self.allocation.reallocates |= has(b"realloc");
        self.allocation.zeroes |= has(b"zeroed");
        self.is_release |= has(b"free") || has(b"realloc");
    }
}

/// True where `memory(…)` lets something be written that the program sees.
fn writes(group: &[u8]) -> bool {
    let unseen: [&[u8]; 3] = [b"inaccessiblemem", b"errnomem", b"target_mem"];
    group.split(|byte| *byte == b',').any(|part| {
        let writes = part.windows(5).any(|window| window == b"write");
        writes && !unseen.iter().any(|kind| part.windows(kind.len()).any(|window| window == *kind))
    })
}

/// What attributes say of a parameter, an argument or a result.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ParameterFacts {
    /// `byval`: the callee gets a copy of a value of this type.
    pub(super) copied: Option<TypeId>,
    /// `sret`: memory for the result.
    pub(super) is_result_slot: bool,
    /// The type of that result.
    pub(super) result: Option<TypeId>,
    /// Nothing is written through it.
    pub(super) is_read_only: bool,
    /// No copy of the pointer is kept.
    pub(super) is_not_captured: bool,
    /// Never null.
    pub(super) is_non_null: bool,
    /// It is what the function returns.
    pub(super) is_returned: bool,
    /// `allocptr`: the memory that is released.
    pub(super) is_released: bool,
    /// `noalias`.
    pub(super) is_unaliased: bool,
}

impl ParameterFacts {
    /// Takes all attributes up to something that is none: the name, the value, a comma.
    pub(super) fn take_all<'a>(&mut self, cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<(), Failure> {
        while self.take(cursor, types)? {}
        Ok(())
    }

    /// Takes one attribute. False where the token begins none.
    pub(super) fn take<'a>(&mut self, cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<bool, Failure> {
        match cursor.token() {
            Token::Word(word) if !is_value_word(word) => {
                cursor.advance();
                self.word(word, cursor, types)?;
                Ok(true)
            }
            Token::Text(_) => {
                cursor.advance();
                if cursor.take(b'=') {
                    cursor.advance();
                }
                Ok(true)
            }
            Token::Hash(_) => {
                cursor.advance();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn word<'a>(&mut self, word: &[u8], cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<(), Failure> {
        let has_group = cursor.token() == Token::Mark(b'(');
        match word {
            b"byval" if has_group => self.copied = Some(parse_type_group(cursor, types)?),
            b"sret" => {
                self.is_result_slot = true;
                if has_group {
                    self.result = Some(parse_type_group(cursor, types)?);
                }
            }
            b"captures" if has_group => {
                let from = cursor.offset();
                cursor.skip_group();
                // What may be captured is the address alone, or nothing, unless the group says otherwise.
                let group = cursor.since(from);
                self.is_not_captured = !group.windows(10).any(|window| window == b"provenance");
            }
            b"align" => {
                if matches!(cursor.token(), Token::Integer(_)) {
                    cursor.advance();
                } else {
                    cursor.skip_group();
                }
            }
            b"readonly" | b"readnone" => self.is_read_only = true,
            b"nocapture" => self.is_not_captured = true,
            b"nonnull" => self.is_non_null = true,
            b"returned" => self.is_returned = true,
            b"allocptr" => self.is_released = true,
            b"noalias" => self.is_unaliased = true,
            _ if has_group => {
                let from = cursor.offset();
                cursor.skip_group();
                // `dereferenceable(8)` of a reference.
                self.is_non_null |= word == b"dereferenceable" && cursor.since(from) != b"(0)";
            }
            _ => {}
        }
        Ok(())
    }
}

fn parse_type_group<'a>(cursor: &mut Cursor<'a>, types: &mut Types<'a>) -> Result<TypeId, Failure> {
    expect(cursor, b'(')?;
    let ty = types.parse(cursor)?;
    expect(cursor, b')')?;
    Ok(ty)
}

/// True for words that begin an operand, so that they are no attribute.
fn is_value_word(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 47] = [
        b"add",
        b"addrspacecast",
        b"and",
        b"ashr",
        b"asm",
        b"bitcast",
        b"blockaddress",
        b"dso_local_equivalent",
        b"extractelement",
        b"extractvalue",
        b"false",
        b"fcmp",
        b"fneg",
        b"fpext",
        b"fptosi",
        b"fptoui",
        b"fptrunc",
        b"getelementptr",
        b"icmp",
        b"insertelement",
        b"insertvalue",
        b"inttoptr",
        b"lshr",
        b"mul",
        b"no_cfi",
        b"none",
        b"null",
        b"or",
        b"poison",
        b"ptrauth",
        b"ptrtoaddr",
        b"ptrtoint",
        b"sdiv",
        b"select",
        b"sext",
        b"shl",
        b"shufflevector",
        b"sitofp",
        b"splat",
        b"sub",
        b"true",
        b"trunc",
        b"udiv",
        b"uitofp",
        b"undef",
        b"xor",
        b"zeroinitializer",
    ];
    WORDS.binary_search(&word).is_ok() || word == b"zext"
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Facts, ParameterFacts, Token, Types};

    fn facts(text: &str) -> Facts<'_> {
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        let mut facts = Facts::default();
        while facts.take(&mut cursor) {}
        assert_eq!(cursor.token(), Token::End, "{text}");
        facts
    }

    #[test]
    fn memory_and_control_are_understood() {
        let rust =
            facts("nounwind allockind(\"alloc,zeroed,aligned\") allocsize(0) \"alloc-family\"=\"__rust_alloc\" \"x\"");
        assert!(rust.is_no_unwind && rust.allocation.allocates && rust.allocation.zeroes && !rust.is_release);
        assert_eq!(rust.allocation.size, [0]);
        assert_eq!(rust.allocation.family.as_deref(), Some("__rust_alloc"));
        assert_eq!(facts("allocsize(1,2)").allocation.size, [1, 2]);
        assert!(facts("cold noreturn something_new(a, (b)) vscale_range(1,16)").is_no_return);
        for (text, writes_nothing) in [
            ("memory(none)", true),
            ("memory(read)", true),
            ("memory(argmem: readwrite)", false),
            ("memory(read, inaccessiblemem: readwrite)", true),
            ("memory(write)", false),
            ("readnone", true),
            ("nofree", false),
        ] {
            assert_eq!(facts(text).writes_nothing, writes_nothing, "{text}");
        }
    }

    #[test]
    fn parameters_are_understood() {
        let check = |text: &str| {
            let mut types = Types::new();
            let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
            let mut facts = ParameterFacts::default();
            facts.take_all(&mut cursor, &mut types).expect(text);
            assert_eq!(cursor.token(), Token::Integer(b"5"), "{text}");
            facts
        };
        assert!(check("noundef byval(%struct.Big) align 8 5").copied.is_some());
        assert!(check("sret({ i8 }) align 8 5").result.is_some());
        assert!(check("nocapture readonly 5").is_not_captured);
        assert!(check("captures(none) 5").is_not_captured);
        assert!(check("captures(address, read_provenance) 5") == ParameterFacts::default());
        assert!(check("dereferenceable(8) align(4) \"k\"=\"v\" range(i32 0, 5) 5").is_non_null);
    }
}
