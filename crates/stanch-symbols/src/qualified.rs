//! The full name of a function that the debug information has only a bare name for.
//!
//! GCC gives no linkage name to what has no linkage: functions of anonymous namespaces, lambdas, methods of local
//! classes. Their scopes are the entries around their declaration.
use crate::name::readable;
use gimli::{AttributeValue, DebuggingInformationEntry, DwAt, Reader, UnitOffset, UnitRef};

/// How many references from an instance to its declaration are followed, and how many functions within functions.
const DEEPEST: usize = 8;

type Entry<R> = DebuggingInformationEntry<R>;

/// `ns::(anonymous namespace)::f` for the entry of a function or of an inlined call; `None` where its bare name is
/// its whole name or nothing better is known.
pub(crate) fn full_name<R: Reader<Offset = usize>>(unit: UnitRef<'_, R>, at: UnitOffset<usize>) -> Option<String> {
    full_name_within(unit, at, DEEPEST)
}

fn full_name_within<R: Reader<Offset = usize>>(
    unit: UnitRef<'_, R>,
    at: UnitOffset<usize>,
    deepest: usize,
) -> Option<String> {
    let deepest = deepest.checked_sub(1)?;
    let declaration = match declaration(unit, at)? {
        Declaration::Linkage(name) => return Some(readable(&name)),
        Declaration::At(entry) => entry,
    };
    let mut name = text(unit, &declaration, gimli::DW_AT_name)?;
    // With external linkage and no linkage name it is `main` or `extern "C"`.
    if matches!(declaration.attr_value(gimli::DW_AT_external), Some(AttributeValue::Flag(true))) {
        return None;
    }
    for scope in scopes(unit, declaration.offset())?.iter().rev() {
        let entry = unit.entry(*scope).ok()?;
        match entry.tag() {
            gimli::DW_TAG_namespace => {
                let scope = text(unit, &entry, gimli::DW_AT_name).unwrap_or_else(|| "(anonymous namespace)".to_owned());
                name = format!("{scope}::{name}");
            }
            gimli::DW_TAG_class_type | gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
                let unnamed = if name == "operator()" { "{lambda}" } else { "{unnamed}" };
                let scope = text(unit, &entry, gimli::DW_AT_name).unwrap_or_else(|| unnamed.to_owned());
                name = format!("{scope}::{name}");
            }
            gimli::DW_TAG_subprogram => {
                let scope =
                    full_name_within(unit, *scope, deepest).or_else(|| text(unit, &entry, gimli::DW_AT_name))?;
                return Some(format!("{scope}::{name}"));
            }
            _ => {}
        }
    }
    Some(name)
}

enum Declaration<R: Reader<Offset = usize>> {
    /// It has a linkage name after all.
    Linkage(String),
    At(Entry<R>),
}

/// Follows an instance to what it is an instance of.
fn declaration<R: Reader<Offset = usize>>(unit: UnitRef<'_, R>, mut at: UnitOffset<usize>) -> Option<Declaration<R>> {
    for _ in 0..DEEPEST {
        let entry = unit.entry(at).ok()?;
        if let Some(name) = text(unit, &entry, gimli::DW_AT_linkage_name) {
            return Some(Declaration::Linkage(name));
        }
        let origin =
            entry.attr_value(gimli::DW_AT_abstract_origin).or_else(|| entry.attr_value(gimli::DW_AT_specification));
        match origin {
            Some(AttributeValue::UnitRef(origin)) => at = origin,
            // In another unit, whose scopes are not looked at.
            Some(_) => return None,
            None => return Some(Declaration::At(entry)),
        }
    }
    None
}

/// The entries around the one at `target`, outermost first, without the unit's.
fn scopes<R: Reader<Offset = usize>>(
    unit: UnitRef<'_, R>,
    target: UnitOffset<usize>,
) -> Option<Vec<UnitOffset<usize>>> {
    let mut around: Vec<(isize, UnitOffset<usize>)> = Vec::new();
    let mut entries = unit.entries();
    let mut more = entries.next_dfs().ok()?.is_some();
    while more {
        let entry = entries.current()?;
        let (depth, offset) = (entry.depth(), entry.offset());
        around.retain(|(other, _)| *other < depth);
        if target.0 <= offset.0 {
            return (offset == target).then(|| around.into_iter().skip(1).map(|(_, offset)| offset).collect());
        }
        let sibling = entry.attr_value(gimli::DW_AT_sibling);
        // Nothing before the sibling can be it: skip the children.
        if matches!(sibling, Some(AttributeValue::UnitRef(sibling)) if offset.0 < sibling.0 && sibling.0 <= target.0) {
            more = entries.next_sibling().ok()?.is_some();
            if more {
                continue;
            }
        }
        around.push((depth, offset));
        more = entries.next_dfs().ok()?.is_some();
    }
    None
}

fn text<R: Reader<Offset = usize>>(unit: UnitRef<'_, R>, entry: &Entry<R>, attribute: DwAt) -> Option<String> {
    let value = entry.attr_value(attribute)?;
    Some(unit.attr_string(value).ok()?.to_string_lossy().ok()?.into_owned())
}
