//! Types of the source by their debug information: what they are called, and whether they are pointers.

use std::collections::HashMap;
use std::rc::Rc;

use super::lexer::unescaped_text;
use super::metadata::{Metadata, Node};

/// Types of types are followed so far.
const DEPTH_MAX: usize = 30;
/// Names are cut here.
const NAME_BYTES_MAX: usize = 300;

/// What is known of a type.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeFacts {
    /// How the source writes it.
    pub(super) name: Option<Rc<str>>,
    /// A pointer, typedefs looked through.
    pub(super) is_pointer: bool,
    /// A reference, typedefs looked through.
    pub(super) is_reference: bool,
    /// A pointer or reference to something constant.
    pub(super) is_pointer_to_const: bool,
    /// Constant itself.
    is_const: bool,
}

/// Types that were asked for.
pub(super) struct SourceTypes {
    known: HashMap<u32, TypeFacts>,
}

impl SourceTypes {
    /// Nothing asked yet.
    pub(super) fn new() -> Self {
        SourceTypes { known: HashMap::new() }
    }

    /// What is known of the type of a node.
    pub(super) fn facts(&mut self, metadata: &Metadata<'_>, id: u32) -> TypeFacts {
        self.nested(metadata, id, 0)
    }

    fn nested(&mut self, metadata: &Metadata<'_>, id: u32, depth: usize) -> TypeFacts {
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        if DEPTH_MAX < depth {
            return TypeFacts::default();
        }
        let mut facts = self.compute(metadata, &metadata.node(id), depth + 1);
        facts.name = facts.name.map(|name| bounded(&name));
        self.known.insert(id, facts.clone());
        facts
    }

    fn compute(&mut self, metadata: &Metadata<'_>, node: &Node<'_>, depth: usize) -> TypeFacts {
        let own_name = node.text("name").map(unescaped_text);
        match node.kind {
            b"DIDerivedType" => self.derived(metadata, node, own_name, depth),
            b"DICompositeType" => match node.word("tag") {
                Some(b"DW_TAG_array_type") => {
                    let element = self.base(metadata, node, depth);
                    named(format!("{}[]", name_of(&element)))
                }
                tag => named(composite_name(metadata, node, tag, own_name)),
            },
            b"DISubroutineType" => self.subroutine(metadata, node, depth),
            _ => TypeFacts { name: own_name.map(Into::into), ..TypeFacts::default() },
        }
    }

    fn derived(
        &mut self,
        metadata: &Metadata<'_>,
        node: &Node<'_>,
        own_name: Option<String>,
        depth: usize,
    ) -> TypeFacts {
        let base = self.base(metadata, node, depth);
        let base_name = name_of(&base);
        let pointer = |suffix: &str, is_reference: bool| TypeFacts {
            name: Some(with_suffix(base_name, suffix).into()),
            is_pointer: !is_reference,
            is_reference,
            is_pointer_to_const: base.is_const,
            is_const: false,
        };
        match node.word("tag").unwrap_or_default() {
            // Rust names its pointers itself: `&mut T`, `*const T`.
            b"DW_TAG_pointer_type" if own_name.is_some() => {
                let name = own_name.unwrap_or_default();
                let is_const = name.starts_with("*const ") || (name.starts_with('&') && !name.starts_with("&mut "));
                TypeFacts {
                    is_pointer_to_const: is_const,
                    is_reference: name.starts_with('&'),
                    is_pointer: !name.starts_with('&'),
                    ..named(name)
                }
            }
            b"DW_TAG_pointer_type" | b"DW_TAG_ptr_to_member_type" => pointer("*", false),
            b"DW_TAG_reference_type" => pointer("&", true),
            b"DW_TAG_rvalue_reference_type" => pointer("&&", true),
            b"DW_TAG_const_type" => {
                // Of a pointer, the constness stands behind the star.
                let name = match (base.is_pointer, &base.name) {
                    (true, Some(name)) => format!("{name} const"),
                    _ => format!("const {base_name}"),
                };
                TypeFacts { name: Some(name.into()), is_const: true, ..base }
            }
            b"DW_TAG_typedef" | b"DW_TAG_template_alias" => {
                TypeFacts { name: own_name.map(Into::into).or_else(|| base.name.clone()), ..base }
            }
            // volatile, restrict, atomic: no word of theirs matters to a reader of findings.
            _ => base,
        }
    }

    fn subroutine(&mut self, metadata: &Metadata<'_>, node: &Node<'_>, depth: usize) -> TypeFacts {
        let list = node.reference("types").map(|list| metadata.node(list).elements).unwrap_or_default();
        let mut names = list
            .into_iter()
            .map(|ty| ty.map_or_else(|| "void".to_owned(), |ty| name_of(&self.nested(metadata, ty, depth)).to_owned()));
        let result = names.next().unwrap_or_else(|| "void".to_owned());
        let parameters: Vec<String> = names.take(20).collect();
        named(format!("{result} ({})", parameters.join(", ")))
    }

    fn base(&mut self, metadata: &Metadata<'_>, node: &Node<'_>, depth: usize) -> TypeFacts {
        match node.reference("baseType") {
            Some(base) => self.nested(metadata, base, depth),
            None => named("void".to_owned()),
        }
    }
}

/// `ns::Class`, `struct c_struct`: only C's types have no identifier.
fn composite_name(metadata: &Metadata<'_>, node: &Node<'_>, tag: Option<&[u8]>, own_name: Option<String>) -> String {
    let keyword = match tag {
        Some(b"DW_TAG_union_type") => "union",
        Some(b"DW_TAG_enumeration_type") => "enum",
        _ => "struct",
    };
    let Some(mut name) = own_name else { return format!("{keyword} (unnamed)") };
    let mut scope = node.reference("scope");
    let is_c = node.text("identifier").is_none() && scope.is_none();
    for _ in 0..DEPTH_MAX {
        let Some(outer) = scope.map(|scope| metadata.node(scope)) else { break };
        if !matches!(outer.kind, b"DINamespace" | b"DICompositeType") {
            break;
        }
        if let Some(outer_name) = outer.text("name") {
            // An inline namespace is not written.
            if outer.word("exportSymbols") != Some(b"true") {
                name = format!("{}::{name}", unescaped_text(outer_name));
            }
        }
        scope = outer.reference("scope");
    }
    if is_c { format!("{keyword} {name}") } else { name }
}

fn named(name: String) -> TypeFacts {
    TypeFacts { name: Some(name.into()), ..TypeFacts::default() }
}

fn name_of(facts: &TypeFacts) -> &str {
    facts.name.as_deref().unwrap_or("?")
}

/// `int *`, `int **`, `void (*)(int)`.
fn with_suffix(base: &str, suffix: &str) -> String {
    match base.split_once(" (") {
        Some((result, parameters)) if parameters.ends_with(')') && !base.starts_with("struct ") => {
            format!("{result} ({suffix})({parameters}")
        }
        _ if base.ends_with(['*', '&']) => format!("{base}{suffix}"),
        _ => format!("{base} {suffix}"),
    }
}

/// The name, cut between characters where it is long.
fn bounded(name: &Rc<str>) -> Rc<str> {
    if name.len() <= NAME_BYTES_MAX {
        return name.clone();
    }
    let end = (0..=NAME_BYTES_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &name[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::SourceTypes;
    use crate::frontend::index::index;
    use crate::frontend::metadata::Metadata;

    #[test]
    fn types_are_named_as_in_the_source() {
        let text = br#"!0 = !DIBasicType(name: "char", size: 8)
!1 = !DIDerivedType(tag: DW_TAG_const_type, baseType: !0)
!2 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !1, size: 64)
!3 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !2)
!4 = distinct !DICompositeType(tag: DW_TAG_structure_type, name: "node", elements: !{})
!5 = !DIDerivedType(tag: DW_TAG_typedef, name: "node_t", baseType: !6)
!6 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !4)
!7 = !DISubroutineType(types: !8)
!8 = !{null, !2, !5}
!9 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !7)
!10 = !DINamespace(name: "ns", scope: !11)
!11 = !DINamespace(name: "v1", exportSymbols: true)
!12 = !DICompositeType(tag: DW_TAG_class_type, name: "C<int>", scope: !10, identifier: "_ZTS")
!13 = !DIDerivedType(tag: DW_TAG_reference_type, baseType: !14)
!14 = !DIDerivedType(tag: DW_TAG_const_type, baseType: !12)
!15 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !15)
!16 = !DIDerivedType(tag: DW_TAG_pointer_type, name: "&mut u8", baseType: !0)
!17 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: null)
!18 = !DIDerivedType(tag: DW_TAG_const_type, baseType: !17)
"#;
        let metadata = Metadata::new(text, index(text).metadata);
        let mut types = SourceTypes::new();
        for (id, name, is_pointer, is_pointer_to_const) in [
            (2, "const char *", true, true),
            (3, "const char **", true, false),
            (5, "node_t", true, false),
            (6, "struct node *", true, false),
            (9, "void (*)(const char *, node_t)", true, false),
            (13, "const ns::C<int> &", false, true),
            (16, "&mut u8", false, false),
            (18, "void * const", true, false),
        ] {
            let facts = types.facts(&metadata, id);
            assert_eq!(facts.name.as_deref(), Some(name));
            assert_eq!((facts.is_pointer, facts.is_pointer_to_const), (is_pointer, is_pointer_to_const), "{name}");
        }
        assert!(types.facts(&metadata, 15).name.is_some());
    }
}
