//! Debug information as findings need it: where code stands, and what variables are called.
//!
//! Nothing that code means depends on it. What is missing or broken yields "unknown".

use std::collections::HashMap;

use super::lexer::unescaped_text;
use super::metadata::{Metadata, Node};
use super::names;
use super::source_types::SourceTypes;
use crate::ir::{FileId, Location, LocationId, Variable};

/// Chains of scopes and of inlining are followed so far.
const CHAIN_MAX: usize = 100;

/// What was asked of the debug information so far.
pub(super) struct Debug<'a> {
    metadata: Metadata<'a>,
    /// Files that locations name.
    pub(super) files: Vec<String>,
    /// Locations; the first is "unknown".
    pub(super) locations: Vec<Location>,
    known_files: HashMap<u32, Option<FileId>>,
    known_paths: HashMap<String, FileId>,
    known_locations: HashMap<u32, LocationId>,
    known_scopes: HashMap<u32, Scope>,
    /// Names of functions by their `DISubprogram`: demangling is what takes longest.
    known_names: HashMap<u32, Option<String>>,
    types: SourceTypes,
}

/// What a scope says of the code in it.
#[derive(Clone, Copy, Default)]
struct Scope {
    file: Option<FileId>,
    subprogram: Option<u32>,
}

/// A variable of the source.
pub(super) struct SourceVariable {
    /// As the representation has it.
    pub(super) variable: Variable,
    /// It is a pointer or reference to constant data.
    pub(super) is_pointer_to_const: bool,
}

/// What the source says of a function.
pub(super) struct SourceFunction {
    /// Where it begins.
    pub(super) location: LocationId,
    /// It returns a pointer or reference to constant data.
    pub(super) returns_const: bool,
    /// For each parameter of the source, the implicit object counted: it is a pointer or reference to constant data.
    pub(super) const_parameters: Vec<bool>,
}

impl<'a> Debug<'a> {
    /// Nothing asked yet.
    pub(super) fn new(metadata: Metadata<'a>) -> Self {
        Debug {
            metadata,
            files: Vec::new(),
            locations: vec![Location::UNKNOWN],
            known_files: HashMap::new(),
            known_paths: HashMap::new(),
            known_locations: HashMap::new(),
            known_scopes: HashMap::new(),
            known_names: HashMap::new(),
            types: SourceTypes::new(),
        }
    }

    /// The location of a `DILocation`.
    pub(super) fn location(&mut self, id: u32) -> LocationId {
        if let Some(known) = self.known_locations.get(&id) {
            return *known;
        }
        // The chain of inlining, from the inner end to the outer; built from the outer end.
        let mut chain = Vec::new();
        let mut next = Some(id);
        let mut outer = LocationId(0);
        while let Some(id) = next {
            if let Some(known) = self.known_locations.get(&id) {
                outer = *known;
                break;
            }
            if chain.len() == CHAIN_MAX {
                break;
            }
            let node = self.metadata.node(id);
            next = node.reference("inlinedAt");
            chain.push((id, node));
        }
        for (id, node) in chain.iter().rev() {
            outer = self.add_location(*id, node, outer);
        }
        outer
    }

    /// The source's view of a `DISubprogram`.
    pub(super) fn function(&mut self, id: u32) -> SourceFunction {
        let node = self.metadata.node(id);
        let location = self.location_of_declaration(&node);
        let types = node.reference("type").map(|ty| self.metadata.node(ty));
        let list = types.and_then(|ty| ty.reference("types")).map(|list| self.metadata.node(list).elements);
        let mut is_const = list
            .unwrap_or_default()
            .into_iter()
            .map(|ty| ty.is_some_and(|ty| self.types.facts(&self.metadata, ty).is_pointer_to_const));
        SourceFunction {
            location,
            returns_const: is_const.next().unwrap_or(false),
            const_parameters: is_const.collect(),
        }
    }

    /// The variable of a `DILocalVariable`.
    pub(super) fn variable(&mut self, id: u32) -> Option<SourceVariable> {
        let node = self.metadata.node(id);
        let name = unescaped_text(node.text("name")?);
        let facts = node.reference("type").map(|ty| self.types.facts(&self.metadata, ty)).unwrap_or_default();
        let argument = node.number("arg").and_then(|number| u32::try_from(number).ok());
        Some(SourceVariable {
            variable: Variable {
                name,
                type_name: facts.name.map(|name| name.to_string()),
                is_pointer: facts.is_pointer,
                is_reference: facts.is_reference,
                parameter: argument.and_then(|number| number.checked_sub(1)),
                location: self.location_of_declaration(&node),
            },
            is_pointer_to_const: facts.is_pointer_to_const,
        })
    }

    /// Name, type and place of the variable of a `DIGlobalVariableExpression`.
    pub(super) fn global(&mut self, id: u32) -> Option<(String, Option<String>, LocationId)> {
        let expression = self.metadata.node(id);
        let node = self.metadata.node(expression.reference("var").unwrap_or(id));
        let name = unescaped_text(node.text("linkageName").or_else(|| node.text("name"))?);
        let facts = node.reference("type").map(|ty| self.types.facts(&self.metadata, ty)).unwrap_or_default();
        let location = self.location_of_declaration(&node);
        Some((names::readable(&name), facts.name.map(|name| name.to_string()), location))
    }

    fn add_location(&mut self, id: u32, node: &Node<'a>, inlined_at: LocationId) -> LocationId {
        let scope = node.reference("scope").map(|scope| self.scope(scope)).unwrap_or_default();
        let is_inlined = inlined_at != LocationId(0);
        let location = Location {
            file: scope.file,
            line: small(node.number("line")),
            column: small(node.number("column")),
            inlined_function: if is_inlined { scope.subprogram.and_then(|id| self.function_name(id)) } else { None },
            inlined_at: is_inlined.then_some(inlined_at),
        };
        let added = self.push_location(location);
        self.known_locations.insert(id, added);
        added
    }

    fn push_location(&mut self, location: Location) -> LocationId {
        let id = LocationId(u32::try_from(self.locations.len()).unwrap_or(0));
        self.locations.push(location);
        id
    }

    fn location_of_declaration(&mut self, node: &Node<'a>) -> LocationId {
        let line = small(node.number("line"));
        let file = node.reference("file").and_then(|file| self.file(file));
        if line == 0 && file.is_none() {
            return LocationId(0);
        }
        self.push_location(Location { file, line, ..Location::UNKNOWN })
    }

    fn function_name(&mut self, id: u32) -> Option<String> {
        if let Some(known) = self.known_names.get(&id) {
            return known.clone();
        }
        let node = self.metadata.node(id);
        let name = node.text("linkageName").or_else(|| node.text("name"));
        let name = name.map(|name| names::readable(&unescaped_text(name)));
        self.known_names.insert(id, name.clone());
        name
    }

    /// File and function of a scope: those of the scope around it where it does not say.
    fn scope(&mut self, id: u32) -> Scope {
        if let Some(known) = self.known_scopes.get(&id) {
            return *known;
        }
        let mut scope = Scope::default();
        let mut next = Some(id);
        for _ in 0..CHAIN_MAX {
            let Some(outer) = next else { break };
            let node = self.metadata.node(outer);
            if scope.file.is_none() {
                scope.file = node.reference("file").and_then(|file| self.file(file));
            }
            if node.kind == b"DISubprogram" {
                scope.subprogram = Some(outer);
                break;
            }
            next = node.reference("scope");
        }
        self.known_scopes.insert(id, scope);
        scope
    }

    fn file(&mut self, id: u32) -> Option<FileId> {
        if let Some(known) = self.known_files.get(&id) {
            return *known;
        }
        let node = self.metadata.node(id);
        let file = node.text("filename").map(|name| {
            let name = unescaped_text(name);
            let directory = node.text("directory").map(unescaped_text).unwrap_or_default();
            self.add_file(joined(&directory, name))
        });
        self.known_files.insert(id, file);
        file
    }

    fn add_file(&mut self, path: String) -> FileId {
        let next = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let id = *self.known_paths.entry(path.clone()).or_insert(next);
        if id == next {
            self.files.push(path);
        }
        id
    }
}

fn joined(directory: &str, name: String) -> String {
    if name.starts_with('/') || directory.is_empty() {
        return name;
    }
    format!("{}/{}", directory.trim_end_matches('/'), name.trim_start_matches("./"))
}

fn small(number: Option<u64>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}
