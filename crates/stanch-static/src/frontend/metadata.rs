//! Nodes of metadata, parsed when somebody asks for them.

use super::lexer::{Cursor, Token, decimal, line_end};

/// All nodes of a text by number.
pub(super) struct Metadata<'a> {
    text: &'a [u8],
    /// Offset behind the number; 0 where there is no such node.
    offsets: Vec<usize>,
}

/// A node with named fields, such as `!DILocation(line: 1, scope: !5)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node<'a> {
    /// `DILocation`, …; empty for a tuple.
    pub(super) kind: &'a [u8],
    fields: Vec<(&'a [u8], Field<'a>)>,
    /// The nodes of a tuple `!{!1, null}`.
    pub(super) elements: Vec<Option<u32>>,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field<'a> {
    Node(u32),
    Number(&'a [u8]),
    Text(&'a [u8]),
    Word(&'a [u8]),
    Other,
}

impl<'a> Metadata<'a> {
    /// Nodes that stand in `text` at these offsets.
    pub(super) fn new(text: &'a [u8], offsets: Vec<usize>) -> Self {
        Metadata { text, offsets }
    }

    /// A node; without kind, fields and elements where there is none.
    pub(super) fn node(&self, id: u32) -> Node<'a> {
        let Some(&offset) = self.offsets.get(id as usize).filter(|offset| 0 < **offset) else {
            return Node::default();
        };
        let mut cursor = Cursor::new(self.text, offset, line_end(self.text, offset));
        cursor.take(b'=');
        cursor.take_word("distinct");
        match cursor.token() {
            Token::Metadata(kind) => {
                cursor.advance();
                Node { kind, fields: fields(&mut cursor), elements: Vec::new() }
            }
            Token::Mark(b'!') => {
                cursor.advance();
                Node { kind: b"", fields: Vec::new(), elements: elements(&mut cursor) }
            }
            _ => Node::default(),
        }
    }
}

impl<'a> Node<'a> {
    /// The node that a field names.
    pub(super) fn reference(&self, name: &str) -> Option<u32> {
        match self.field(name)? {
            Field::Node(id) => Some(id),
            _ => None,
        }
    }

    /// A field's number; absent if it is negative.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.field(name)? {
            Field::Number(digits) => decimal(digits),
            _ => None,
        }
    }

    /// A field's text, escapes not resolved; absent if it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a [u8]> {
        match self.field(name)? {
            Field::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A field's word, such as a tag.
    pub(super) fn word(&self, name: &str) -> Option<&'a [u8]> {
        match self.field(name)? {
            Field::Word(word) => Some(word),
            _ => None,
        }
    }

    fn field(&self, name: &str) -> Option<Field<'a>> {
        self.fields.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, field)| *field)
    }
}

/// `(name: value, …)`.
fn fields<'a>(cursor: &mut Cursor<'a>) -> Vec<(&'a [u8], Field<'a>)> {
    let mut fields = Vec::new();
    cursor.take(b'(');
    while let Token::Word(name) = cursor.token() {
        cursor.advance();
        cursor.take(b':');
        let field = match cursor.token() {
            Token::Metadata(id) => {
                // `expr: !DIExpression()`.
                cursor.advance();
                match decimal(id).and_then(|id| u32::try_from(id).ok()) {
                    Some(id) => Field::Node(id),
                    None => {
                        cursor.skip_group();
                        Field::Other
                    }
                }
            }
            Token::Integer(digits) => {
                cursor.advance();
                Field::Number(digits)
            }
            Token::Text(text) => {
                cursor.advance();
                Field::Text(text)
            }
            Token::Word(word) => {
                cursor.advance();
                Field::Word(word)
            }
            _ => Field::Other,
        };
        fields.push((name, field));
        // What else belongs to the value: `flags: A | B`, `extraData: i64 5`, `!{…}`.
        while !matches!(cursor.token(), Token::End | Token::Mark(b')')) && !cursor.take(b',') {
            cursor.advance();
        }
    }
    fields
}

/// `{!1, null, …}`; what is no node is absent.
fn elements(cursor: &mut Cursor<'_>) -> Vec<Option<u32>> {
    let mut elements = Vec::new();
    cursor.take(b'{');
    while !matches!(cursor.token(), Token::End | Token::Mark(b'}')) {
        elements.push(match cursor.token() {
            Token::Metadata(id) => decimal(id).and_then(|id| u32::try_from(id).ok()),
            _ => None,
        });
        while !matches!(cursor.token(), Token::End | Token::Mark(b'}')) && !cursor.take(b',') {
            cursor.advance();
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::Metadata;
    use crate::frontend::index::index;

    #[test]
    fn nodes_are_read() {
        let text =
            b"!0 = distinct !DISubprogram(name: \"a\\22b\", scope: !1, line: 5, flags: DIFlagA | B, x: !{}, spFlags: 8)
!1 = !{!0, null, i32 5}
!2 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: null, size: 64, extraData: i64 -1)
!3 = !DIGlobalVariableExpression(var: !1, expr: !DIExpression(DW_OP_deref, 5))
";
        let metadata = Metadata::new(text, index(text).metadata);
        let node = metadata.node(0);
        assert_eq!(
            (node.kind, node.text("name"), node.number("line")),
            (&b"DISubprogram"[..], Some(&b"a\\22b"[..]), Some(5))
        );
        assert_eq!((node.reference("scope"), node.number("spFlags")), (Some(1), Some(8)));
        assert_eq!(metadata.node(1).elements, [Some(0), None, None]);
        let node = metadata.node(2);
        assert_eq!((node.reference("baseType"), node.word("tag")), (None, Some(&b"DW_TAG_pointer_type"[..])));
        assert_eq!((metadata.node(3).reference("var"), metadata.node(9).kind), (Some(1), &b""[..]));
    }
}
