//! One pass over the text: where everything is. Bodies, initial values and metadata are read when they are needed.

use std::collections::HashMap;

use super::attributes::Facts;
use super::header::{self, Header};
use super::layout::DataLayout;
use super::lexer::{Cursor, Token, decimal, line_end, unescaped_text};
use super::syntax::Failure;
use super::types::{TypeId, Types, expect};
use crate::ir::Linkage;

/// The places of a text.
pub(super) struct Index<'a> {
    /// The whole text.
    pub(super) text: &'a [u8],
    /// What `source_filename` says.
    pub(super) source: String,
    /// What `target datalayout` says.
    pub(super) layout: DataLayout,
    /// Types that were met so far.
    pub(super) types: Types<'a>,
    /// Functions, defined and declared, in the order of the text.
    pub(super) functions: Vec<Header<'a>>,
    /// Globals.
    pub(super) globals: Vec<GlobalText<'a>>,
    /// Aliases and ifuncs.
    pub(super) aliases: Vec<AliasText<'a>>,
    /// Groups of attributes by their number.
    pub(super) groups: HashMap<&'a [u8], Facts<'a>>,
    /// Offsets of the nodes of metadata by their number; 0 where there is none.
    pub(super) metadata: Vec<usize>,
    /// What was not understood: offset and first word.
    pub(super) problems: Vec<(usize, String)>,
}

/// A global.
#[derive(Clone, Copy, Debug)]
pub(super) struct GlobalText<'a> {
    /// Its name as it is written.
    pub(super) name: &'a [u8],
    /// Who sees it.
    pub(super) linkage: Linkage,
    /// Its type.
    pub(super) ty: TypeId,
    /// No code may write it.
    pub(super) is_constant: bool,
    /// Each thread has its own.
    pub(super) is_thread_local: bool,
    /// It is defined elsewhere.
    pub(super) is_external: bool,
    /// Its `DIGlobalVariableExpression`.
    pub(super) debug: Option<u32>,
    /// Where its initial value begins, which ends with the line at the latest.
    pub(super) initial: usize,
}

/// A second name.
#[derive(Clone, Copy, Debug)]
pub(super) struct AliasText<'a> {
    /// The name as it is written.
    pub(super) name: &'a [u8],
    /// Who sees it.
    pub(super) linkage: Linkage,
    /// The target is found by calling a function when the program starts.
    pub(super) is_indirect: bool,
    /// Where the target begins, with its type.
    pub(super) target: usize,
}

/// Indexes a text. Whatever is in it, an index comes of it; what is not understood is in its `problems`.
pub(super) fn index(text: &[u8]) -> Index<'_> {
    let mut index = Index {
        text,
        source: String::new(),
        layout: DataLayout::parse(""),
        types: Types::new(),
        functions: Vec::new(),
        globals: Vec::new(),
        aliases: Vec::new(),
        groups: HashMap::new(),
        metadata: Vec::new(),
        problems: Vec::new(),
    };
    let mut at = 0;
    while at < text.len() {
        let end = line_end(text, at);
        at = match index.line(at, end) {
            Ok(next) => next,
            Err(_) => {
                index.problem(at, end);
                end
            }
        } + 1;
    }
    index
}

impl<'a> Index<'a> {
    /// A cursor on the line that `offset` is in.
    pub(super) fn line_cursor(&self, offset: usize) -> Cursor<'a> {
        Cursor::new(self.text, offset, line_end(self.text, offset.min(self.text.len())))
    }

    /// Reads what begins at `at`, and says where it ends.
    fn line(&mut self, at: usize, end: usize) -> Result<usize, Failure> {
        match self.text[at..end].first() {
            Some(b'!') => self.metadata_line(at),
            Some(b'@') => self.global_line(at)?,
            Some(b'%') => self.type_line(at)?,
            Some(b'd') => return self.function_line(at, end),
            Some(b'a') => self.attributes_line(at)?,
            Some(b's' | b't') => self.setting_line(at)?,
            // Comments, comdats, summaries, blank lines, and what stands between items.
            Some(b';' | b'$' | b'^' | b' ' | b'\t' | b'\r' | b'}') | None => {}
            Some(b'm') if self.text[at..end].starts_with(b"module asm") => {}
            Some(b'u') if self.text[at..end].starts_with(b"uselistorder") => {}
            Some(_) => return Err(Failure::Syntax),
        }
        Ok(end)
    }

    /// `!5 = …`. Named metadata says nothing that is needed.
    fn metadata_line(&mut self, at: usize) {
        let digits = self.text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = decimal(&self.text[at + 1..at + 1 + digits]).and_then(|number| usize::try_from(number).ok());
        // Nodes are numbered in order, so a number beyond the text's length is damage.
        let Some(number) = number.filter(|number| *number < self.text.len() / 4) else { return };
        if self.metadata.len() <= number {
            self.metadata.resize(number + 1, 0);
        }
        self.metadata[number] = at + 1 + digits;
    }

    /// `%name = type …`.
    fn type_line(&mut self, at: usize) -> Result<(), Failure> {
        let mut cursor = self.line_cursor(at);
        let Token::Local(name) = cursor.token() else { return Err(Failure::Syntax) };
        cursor.advance();
        expect(&mut cursor, b'=')?;
        if !cursor.take_word("type") {
            return Err(Failure::Syntax);
        }
        if !cursor.is_word("opaque") {
            let ty = self.types.parse(&mut cursor)?;
            self.types.define(name, ty);
        }
        Ok(())
    }

    /// `attributes #5 = { … }`.
    fn attributes_line(&mut self, at: usize) -> Result<(), Failure> {
        let mut cursor = self.line_cursor(at);
        if !cursor.take_word("attributes") {
            return Err(Failure::Syntax);
        }
        let Token::Hash(number) = cursor.token() else { return Err(Failure::Syntax) };
        cursor.advance();
        expect(&mut cursor, b'=')?;
        expect(&mut cursor, b'{')?;
        let mut facts = Facts::default();
        while facts.take(&mut cursor) || cursor.take(b'=') || cursor.take(b',') {}
        self.groups.insert(number, facts);
        Ok(())
    }

    /// `source_filename = "…"`, `target datalayout = "…"`.
    fn setting_line(&mut self, at: usize) -> Result<(), Failure> {
        let mut cursor = self.line_cursor(at);
        let Token::Word(word) = cursor.token() else { return Err(Failure::Syntax) };
        cursor.advance();
        let is_layout = word == b"target" && cursor.take_word("datalayout");
        if !is_layout && word == b"target" {
            return Ok(());
        }
        expect(&mut cursor, b'=')?;
        let Token::Text(value) = cursor.token() else { return Err(Failure::Syntax) };
        match (word, is_layout) {
            (_, true) => self.layout = DataLayout::parse(&unescaped_text(value)),
            (b"source_filename", _) => self.source = unescaped_text(value),
            _ => return Err(Failure::Syntax),
        }
        Ok(())
    }

    /// `define … {`, its body and the closing brace, or `declare …`.
    fn function_line(&mut self, at: usize, end: usize) -> Result<usize, Failure> {
        let is_definition = self.text[at..end].starts_with(b"define ");
        if !is_definition && !self.text[at..end].starts_with(b"declare ") {
            return Err(Failure::Syntax);
        }
        let body_end = if is_definition { body_end(self.text, end) } else { end };
        let mut cursor = self.line_cursor(at);
        match header::parse(&mut cursor, &mut self.types) {
            Ok(mut header) => {
                header.body = is_definition.then_some((end, body_end));
                self.functions.push(header);
            }
            Err(_) => self.problem(at, end),
        }
        Ok(if is_definition { line_end(self.text, (body_end + 1).min(self.text.len())) } else { end })
    }

    /// `@name = … global …`, `… constant …`, `… alias …`, `… ifunc …`.
    fn global_line(&mut self, at: usize) -> Result<(), Failure> {
        let mut cursor = self.line_cursor(at);
        let Token::Global(name) = cursor.token() else { return Err(Failure::Syntax) };
        cursor.advance();
        expect(&mut cursor, b'=')?;
        let (mut linkage, mut is_external, mut is_thread_local) = (Linkage::External, false, false);
        loop {
            let Token::Word(word) = cursor.token() else { return Err(Failure::Syntax) };
            cursor.advance();
            if cursor.token() == Token::Mark(b'(') {
                cursor.skip_group();
            }
            match word {
                b"global" | b"constant" => {
                    let is_constant = word == b"constant";
                    let ty = self.types.parse(&mut cursor)?;
                    let (initial, debug) = (cursor.offset(), self.debug_of_line(&cursor));
                    let global =
                        GlobalText { name, linkage, ty, is_constant, is_thread_local, is_external, debug, initial };
                    self.globals.push(global);
                    return Ok(());
                }
                b"alias" | b"ifunc" => {
                    self.types.parse(&mut cursor)?;
                    expect(&mut cursor, b',')?;
                    let is_indirect = word == b"ifunc";
                    self.aliases.push(AliasText { name, linkage, is_indirect, target: cursor.offset() });
                    return Ok(());
                }
                b"thread_local" => is_thread_local = true,
                _ => {
                    linkage = header::linkage(word).unwrap_or(linkage);
                    is_external |= matches!(word, b"external" | b"extern_weak");
                }
            }
        }
    }

    /// The number behind the last `!dbg` of the line: initial values have none.
    fn debug_of_line(&self, cursor: &Cursor<'a>) -> Option<u32> {
        let line = &self.text[cursor.offset()..line_end(self.text, cursor.offset())];
        let at = memchr::memmem::rfind(line, b", !dbg !")?;
        let digits = line[at + 8..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        decimal(&line[at + 8..at + 8 + digits]).and_then(|number| u32::try_from(number).ok())
    }

    fn problem(&mut self, at: usize, end: usize) {
        let word = self.text[at..end].split(|byte| *byte == b' ').next().unwrap_or_default();
        let word = &word[..word.len().min(40)];
        self.problems.push((at, String::from_utf8_lossy(word).into_owned()));
    }
}

/// Where the line of the closing brace begins: the body's last byte is its newline.
fn body_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memmem::find(&text[at..], b"\n}") {
        at += found;
        if matches!(text.get(at + 2), None | Some(b'\n' | b'\r' | b' ')) {
            return at;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Linkage, index};

    #[test]
    fn everything_is_found() {
        let text = b"; ModuleID = 'a'
source_filename = \"dir/a\\22.c\"
target datalayout = \"E-p:64:64\"
target triple = \"x\"
%struct.A = type { i8, ptr }
%struct.B = type opaque
$c = comdat any
@a = internal thread_local(initialexec) unnamed_addr global %struct.A { i8 1, ptr @f }, align 8, !dbg !1
@b = external dso_local constant i32, align 4
@c = weak_odr unnamed_addr alias void (), ptr @f
declare i32 @g(ptr)
define void @f() #0 {
  ret void
}
attributes #0 = { nounwind }
!llvm.module.flags = !{!0}
!0 = !{i32 1}
!1 = !{}
";
        let read = index(text);
        assert_eq!(read.problems, []);
        assert_eq!(read.source, "dir/a\".c");
        assert!(!read.layout.is_little_endian);
        assert_eq!(read.functions.len(), 2);
        let (start, end) = read.functions[1].body.unwrap();
        assert_eq!(&text[start..end], b"\n  ret void");
        let [a, b] = &read.globals[..] else { panic!("two globals") };
        assert_eq!((a.linkage, a.is_thread_local, a.debug), (Linkage::Internal, true, Some(1)));
        assert!(b.is_external && b.is_constant);
        assert_eq!(read.aliases[0].linkage, Linkage::Merged);
        assert_eq!(read.metadata.iter().filter(|offset| 0 < **offset).count(), 2);
        assert!(read.groups[&b"0"[..]].is_no_unwind);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let read =
            index(b"nonsense here\n@a = 5\ndefine garbage {\n}\n%x = type\n\xff\xfe\nattributes\ndefine void @f() {");
        let words: Vec<&str> = read.problems.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words[..4], ["nonsense", "@a", "define", "%x"]);
        assert_eq!(read.problems.len(), 6);
        assert_eq!(read.functions.len(), 1);
    }
}
