//! A whole text: symbols first, then functions and contents of globals.

use std::collections::HashMap;

use super::Reading;
use super::body;
use super::context::{Context, FunctionFacts};
use super::debug::Debug;
use super::fold::block_of;
use super::header::Header;
use super::index::{AliasText, GlobalText, Index, index};
use super::initial::{Content, fits};
use super::labels::Blocks;
use super::layout::Layouts;
use super::lexer::unescaped_text;
use super::metadata::Metadata;
use super::names;
use super::syntax::Failure;
use super::value::{Value, parse_typed, parse_value};
use crate::ir::{
    Alias, Function, FunctionId, Global, GlobalId, Initial, Linkage, LocationId, Module, Operand, Parameter, Startup,
    Symbol, Type,
};

/// Aliases of aliases are followed so far.
const ALIAS_DEPTH_MAX: usize = 8;

/// Reads a text; see [`super::read`].
pub(super) fn read(text: &[u8], is_known: &dyn Fn(&str) -> bool) -> Reading {
    let mut index = index(text);
    let types = std::mem::replace(&mut index.types, super::types::Types::new());
    let groups = std::mem::take(&mut index.groups);
    let metadata = Metadata::new(text, std::mem::take(&mut index.metadata));
    let layouts = Layouts::new(index.layout.clone());
    let mut context = Context::new(text, types, layouts, groups, Debug::new(metadata));
    for (offset, word) in std::mem::take(&mut index.problems) {
        context.complain(None, offset, &word);
    }
    if !context.layouts.rules().has_wide_pointers {
        context.complain(None, 0, "pointers of other than 64 bits");
    }
    let mut reader = Reader { context, module: Module::default(), indirect: Vec::new() };
    let headers = reader.declare_functions(&mut index);
    let globals = reader.declare_globals(&index);
    reader.resolve_aliases(&index);
    reader.define_functions(&headers, is_known);
    reader.define_globals(&globals, &headers);
    reader.finish(&index)
}

struct Reader<'a> {
    context: Context<'a>,
    module: Module,
    /// The ifuncs: declared behind all other functions.
    indirect: Vec<&'a [u8]>,
}

impl<'a> Reader<'a> {
    /// Gives each function an index, and the calls what they need to know of it.
    fn declare_functions(&mut self, index: &mut Index<'a>) -> Vec<Header<'a>> {
        let mut headers = Vec::new();
        for mut header in std::mem::take(&mut index.functions) {
            header.facts = self.context.complete(header.facts);
            if let Some(name) = header.name.strip_prefix(b"llvm.") {
                self.context.intrinsics.insert(name, header.facts);
                continue;
            }
            let id = FunctionId(u32::try_from(headers.len()).unwrap_or(u32::MAX));
            if self.context.symbols.contains_key(header.name) {
                self.context.complain(None, header.offset, "a second function of the same name");
                continue;
            }
            self.context.symbols.insert(header.name, (Symbol::Function(id), 0));
            let facts = &header.facts;
            let facts = FunctionFacts { is_no_unwind: facts.is_no_unwind, is_no_return: facts.is_no_return };
            self.context.functions.push(facts);
            headers.push(header);
        }
        headers
    }

    /// Gives each global an index.
    fn declare_globals(&mut self, index: &Index<'a>) -> Vec<GlobalText<'a>> {
        let mut globals = Vec::new();
        for global in &index.globals {
            if let Some(name) = global.name.strip_prefix(b"llvm.") {
                match name {
                    b"global_ctors" => self.module.constructors = self.startups(global),
                    b"global_dtors" => self.module.destructors = self.startups(global),
                    // `used`, `compiler.used`: for linkers.
                    _ => {}
                }
                continue;
            }
            let id = GlobalId(u32::try_from(globals.len()).unwrap_or(u32::MAX));
            if self.context.symbols.contains_key(global.name) {
                self.context.complain(None, global.initial, "a second global of the same name");
                continue;
            }
            self.context.symbols.insert(global.name, (Symbol::Global(id), 0));
            globals.push(*global);
        }
        globals
    }

    /// `[{ i32 65535, ptr @f, ptr null }, …]`.
    fn startups(&mut self, global: &GlobalText<'a>) -> Vec<Startup> {
        let mut cursor = super::lexer::Cursor::new(
            self.context.text,
            global.initial,
            super::lexer::line_end(self.context.text, global.initial),
        );
        let Ok(value) = parse_value(&mut cursor, &mut self.context.types, global.ty) else {
            self.context.complain(None, global.initial, "initial value");
            return Vec::new();
        };
        let Value::Elements(entries) = value else { return Vec::new() };
        let startup = |entry: &super::value::Typed<'a>| {
            let Value::Elements(fields) = &entry.value else { return None };
            let [priority, function, ..] = &fields[..] else { return None };
            let Value::Integer(priority) = priority.value else { return None };
            match self.context.fold(&function.value, function.ty, None) {
                Some(Operand::Address(Symbol::Function(function), 0)) => {
                    Some(Startup { priority: u32::try_from(priority).unwrap_or(u32::MAX), function })
                }
                _ => None,
            }
        };
        entries.iter().filter_map(startup).collect()
    }

    /// Aliases stand for what they name, also in all operands.
    fn resolve_aliases(&mut self, index: &Index<'a>) {
        let mut open: Vec<&AliasText<'a>> = index.aliases.iter().collect();
        for _ in 0..ALIAS_DEPTH_MAX {
            open.retain(|alias| !self.resolve_alias(alias));
        }
        for alias in open {
            self.context.complain(None, alias.target, "alias");
        }
    }

    fn resolve_alias(&mut self, alias: &AliasText<'a>) -> bool {
        // What an ifunc stands for is decided when the program starts.
        if alias.is_indirect {
            let id = FunctionId(u32::try_from(self.context.functions.len()).unwrap_or(u32::MAX));
            self.context.functions.push(FunctionFacts::default());
            self.indirect.push(alias.name);
            self.context.symbols.insert(alias.name, (Symbol::Function(id), 0));
            return true;
        }
        let end = super::lexer::line_end(self.context.text, alias.target);
        let mut cursor = super::lexer::Cursor::new(self.context.text, alias.target, end);
        let Ok(target) = parse_typed(&mut cursor, &mut self.context.types) else { return false };
        let Some(Operand::Address(symbol, offset)) = self.context.fold(&target.value, target.ty, None) else {
            return false;
        };
        self.context.symbols.insert(alias.name, (symbol, offset));
        // An alias of the middle of something has no place in the representation, and needs none: operands have it.
        if offset == 0 {
            let alias = Alias { symbol: unescaped_text(alias.name), linkage: alias.linkage, target: symbol };
            self.module.aliases.push(alias);
        }
        true
    }

    fn define_functions(&mut self, headers: &[Header<'a>], is_known: &dyn Fn(&str) -> bool) {
        for header in headers {
            let mut function = Function::declaration(&unescaped_text(header.name), Type::Void);
            let is_skipped = header.body.is_some() && header.linkage == Linkage::Merged && is_known(&function.symbol);
            self.describe(&mut function, header);
            if is_skipped {
                function.linkage = Linkage::External;
            } else {
                self.name_function(&mut function, header);
                if header.body.is_some() {
                    function = body::read(&mut self.context, header, function);
                }
            }
            self.module.functions.push(function);
        }
        for name in std::mem::take(&mut self.indirect) {
            let mut function = Function::declaration(&unescaped_text(name), Type::Void);
            function.name = names::readable(&function.symbol);
            self.module.functions.push(function);
        }
    }

    /// What the header says of a function.
    fn describe(&mut self, function: &mut Function, header: &Header<'a>) {
        function.linkage = header.linkage;
        function.result = self.context.lower_type(header.result);
        function.is_variadic = header.is_variadic;
        function.is_no_return = header.facts.is_no_return;
        function.is_no_unwind = header.facts.is_no_unwind;
        function.returns_twice = header.facts.returns_twice;
        function.allocation = header.facts.allocation.clone();
        function.allocation.is_result_unaliased = header.result_facts.is_unaliased;
        for text in &header.parameters {
            let copied = text.facts.copied.map(|ty| self.context.extent(ty).map_or(0, |extent| extent.bytes));
            let ty = self.context.lower_type(text.ty);
            function.values.push(crate::ir::Value { ty });
            function.parameters.push(Parameter {
                copied_bytes: copied,
                is_result_slot: text.facts.is_result_slot,
                is_read_only: text.facts.is_read_only,
                is_not_captured: text.facts.is_not_captured,
                is_non_null: text.facts.is_non_null,
                is_returned: text.facts.is_returned,
                ..Parameter::plain(ty)
            });
        }
        if header.facts.is_release {
            let released = header.parameters.iter().position(|parameter| parameter.facts.is_released);
            function.allocation.releases = u32::try_from(released.unwrap_or(0)).ok();
        }
    }

    /// What the source calls a function, and what it says of its parameters.
    fn name_function(&mut self, function: &mut Function, header: &Header<'a>) {
        function.name = names::readable(&function.symbol);
        let source = header.debug.map(|id| self.context.debug.function(id));
        if let Some(source) = &source {
            function.location = source.location;
            function.returns_const = source.returns_const;
        }
        // The variables of a body say more.
        if header.body.is_some() {
            return;
        }
        match source {
            Some(source) => set_const_parameters(function, &source.const_parameters, None),
            None => {
                if let Some((parameters, is_const_method)) = names::const_parameters(&function.symbol) {
                    set_const_parameters(function, &parameters, Some(is_const_method));
                }
            }
        }
    }

    fn define_globals(&mut self, globals: &[GlobalText<'a>], headers: &[Header<'a>]) {
        let mut blocks = BlocksOfFunctions::new(self.context.text, headers, &self.context.symbols);
        for text in globals {
            let symbol = unescaped_text(text.name);
            let described = text.debug.and_then(|id| self.context.debug.global(id));
            let (name, type_name, location) =
                described.unwrap_or_else(|| (names::readable(&symbol), None, LocationId(0)));
            let size = self.context.extent(text.ty).map_or(0, |extent| extent.bytes);
            let initial = if text.is_external { None } else { self.initial(text, &symbol, &mut blocks) };
            self.module.globals.push(Global {
                symbol,
                name,
                type_name,
                linkage: text.linkage,
                size,
                is_constant: text.is_constant,
                is_thread_local: text.is_thread_local,
                initial,
                location,
            });
        }
    }

    /// The content of a global; absent where it is not understood, so that it may be anything.
    fn initial(
        &mut self,
        text: &GlobalText<'a>,
        symbol: &str,
        blocks: &mut BlocksOfFunctions<'_, 'a>,
    ) -> Option<Initial> {
        let end = super::lexer::line_end(self.context.text, text.initial);
        let mut cursor = super::lexer::Cursor::new(self.context.text, text.initial, end);
        let value = parse_value(&mut cursor, &mut self.context.types, text.ty);
        let mut find_block = |function: &[u8], label: &[u8]| blocks.find(function, label);
        let mut content = Content { initial: Initial::default(), find_block: &mut find_block };
        let written = value.and_then(|value| content.write(&mut self.context, &value, text.ty, 0));
        let mut initial = content.initial;
        if written == Err(Failure::Link) {
            return None;
        }
        if written.is_err() || !fits(&initial, self.context.extent(text.ty).map_or(0, |extent| extent.bytes)) {
            self.context.complain(None, text.initial, &format!("initial value of {symbol}"));
            return None;
        }
        initial.relocations.sort_by_key(|relocation| relocation.offset);
        Some(initial)
    }

    fn finish(mut self, index: &Index<'a>) -> Reading {
        self.module.name.clone_from(&index.source);
        self.module.files = std::mem::take(&mut self.context.debug.files);
        self.module.locations = std::mem::take(&mut self.context.debug.locations);
        Reading { not_understood: self.context.complaints(), module: self.module }
    }
}

/// Says which parameters are pointers to constant data, where those of the source can be told among those of the ABI:
/// a result slot comes before them, and the implicit object, if the list does not count it.
fn set_const_parameters(function: &mut Function, is_const: &[bool], implicit_object: Option<bool>) {
    let own: Vec<&mut Parameter> =
        function.parameters.iter_mut().filter(|parameter| !parameter.is_result_slot).collect();
    let is_method = own.len() == is_const.len() + 1;
    let object = implicit_object.filter(|_| is_method);
    if own.len() != is_const.len() && object.is_none() {
        return;
    }
    for (parameter, is_const) in own.into_iter().zip(object.iter().chain(is_const)) {
        parameter.is_pointer_to_const = *is_const && parameter.ty == Type::Pointer;
    }
}

/// Blocks of functions whose addresses stand in globals, found when they are asked for.
struct BlocksOfFunctions<'h, 'a> {
    text: &'a [u8],
    headers: HashMap<&'a [u8], (&'h Header<'a>, Symbol)>,
    known: HashMap<&'a [u8], Blocks<'a>>,
}

impl<'h, 'a> BlocksOfFunctions<'h, 'a> {
    fn new(text: &'a [u8], headers: &'h [Header<'a>], symbols: &HashMap<&'a [u8], (Symbol, i64)>) -> Self {
        let headers = headers
            .iter()
            .filter(|header| header.body.is_some())
            .filter_map(|header| Some((header.name, (header, symbols.get(header.name)?.0))))
            .collect();
        BlocksOfFunctions { text, headers, known: HashMap::new() }
    }

    fn find(&mut self, function: &[u8], label: &[u8]) -> Option<(Symbol, crate::ir::BlockId)> {
        let (header, symbol) = *self.headers.get(function)?;
        let blocks = self
            .known
            .entry(header.name)
            .or_insert_with(|| Blocks::scan(self.text, header.body.unwrap_or_default(), body::unnamed_count(header)));
        Some((symbol, block_of(blocks, label)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::frontend::read;
    use crate::ir::Symbol;

    #[test]
    fn globals_are_bytes_and_addresses() {
        let text = br#"%S = type { i8, ptr }
@s = private unnamed_addr constant [4 x i8] c"ab\0A\00"
@a = global [2 x %S] [%S { i8 1, ptr @s }, %S { i8 -1, ptr getelementptr (i8, ptr @s, i64 2) }]
@z = internal global [4096 x i64] zeroinitializer
@w = global <{ i32, i16 }> <{ i32 258, i16 3 }>
@e = external global i32
@al = alias i8, ptr getelementptr (i8, ptr @s, i64 1)
"#;
        let reading = read(text, &|_| false);
        assert_eq!(reading.not_understood, []);
        let [s, a, z, w, e] = &reading.module.globals[..] else { panic!("five globals") };
        assert_eq!(s.initial.as_ref().unwrap().bytes, b"ab\n");
        let a = a.initial.as_ref().unwrap();
        assert_eq!((a.bytes[0], a.bytes[16], a.bytes.len()), (1, 255, 17));
        let relocations: Vec<_> = a.relocations.iter().map(|one| (one.offset, one.symbol, one.addend)).collect();
        let s = Symbol::Global(crate::ir::GlobalId(0));
        assert_eq!(relocations, [(8, s, 0), (24, s, 2)]);
        assert_eq!((z.size, z.initial.as_ref().unwrap().bytes.len()), (32768, 0));
        assert_eq!((w.size, &w.initial.as_ref().unwrap().bytes[..]), (6, &[2, 1, 0, 0, 3][..]));
        assert_eq!(e.initial, None);
    }
}
