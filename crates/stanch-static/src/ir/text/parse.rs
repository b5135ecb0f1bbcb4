//! The text form, read.
use super::words::{BINARY, CASTS, LINKAGES, PREDICATES, value};
use crate::ir::{
    Alias, Argument, Block, BlockId, Call, Callee, Clause, FileId, FloatBits, Function, FunctionId, Global, GlobalId,
    Initial, Instruction, Linkage, Location, LocationId, Module, Op, Operand, Parameter, Pass, Relocation, Scaled,
    Startup, Symbol, Terminator, Type, Value, ValueId, Variable, VariableId,
};

/// Why a text is not of the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected} at `{rest}`")]
pub struct TextError {
    /// From 1.
    line: usize,
    expected: &'static str,
    rest: String,
}

type Parsed<T> = Result<T, TextError>;

/// Reads a module.
pub(super) fn module(text: &str) -> Parsed<Module> {
    let mut module = Module { locations: vec![Location::UNKNOWN], ..Module::default() };
    let mut open: Option<Function> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let mut line = Line { number, rest: line.trim_start() };
        if line.rest.is_empty() || line.rest.starts_with('#') {
            continue;
        }
        match &mut open {
            Some(function) if line.rest.trim_end() != "}" => line.in_function(function)?,
            Some(_) => module.functions.extend(open.take()),
            None => open = line.item(&mut module)?,
        }
    }
    match open {
        None => Ok(module),
        Some(_) => Err(TextError { line: text.lines().count(), expected: "`}`", rest: String::new() }),
    }
}

struct Line<'a> {
    number: usize,
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn error<T>(&self, expected: &'static str) -> Parsed<T> {
        let rest = self.rest.chars().take(60).collect();
        Err(TextError { line: self.number, expected, rest })
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        let ends_word = !token.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            || !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        if ends_word {
            self.rest = rest.trim_start();
        }
        ends_word
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { self.error(expected) }
    }

    fn word(&mut self) -> &'a str {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = self.rest.find(|letter| !is_word(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        word
    }

    fn number<T: std::str::FromStr>(&mut self) -> Parsed<T> {
        let sign = usize::from(self.rest.starts_with(['-', '+']));
        let digits = self.rest[sign..].find(|letter: char| !letter.is_ascii_digit());
        let length = digits.map_or(self.rest.len(), |digits| sign + digits);
        let (text, rest) = self.rest.split_at(length);
        match text.parse() {
            Ok(number) => {
                self.rest = rest.trim_start();
                Ok(number)
            }
            Err(_) => self.error("a number"),
        }
    }

    fn quoted(&mut self) -> Parsed<String> {
        let mut text = String::new();
        let Some(mut letters) = self.rest.strip_prefix('"').map(str::chars) else { return self.error("a quoted text") };
        loop {
            match letters.next() {
                Some('"') => break,
                Some('\\') => match letters.next() {
                    Some('n') => text.push('\n'),
                    Some(letter) => text.push(letter),
                    None => return self.error("`\"`"),
                },
                Some(letter) => text.push(letter),
                None => return self.error("`\"`"),
            }
        }
        self.rest = letters.as_str().trim_start();
        Ok(text)
    }

    fn maybe_quoted(&mut self) -> Parsed<Option<String>> {
        if self.rest.starts_with('"') { self.quoted().map(Some) } else { Ok(None) }
    }

    fn at(&mut self) -> Parsed<LocationId> {
        if self.take("!") { self.number().map(LocationId) } else { Ok(LocationId(0)) }
    }

    fn end(&self) -> Parsed<()> {
        let rest = self.rest.trim_end();
        if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { self.error("the end of the line") }
    }

    fn ty(&mut self) -> Parsed<Type> {
        let before = self.rest;
        let word = self.word();
        let ty = match word.split_at_checked(1) {
            _ if word == "void" => Some(Type::Void),
            _ if word == "ptr" => Some(Type::Pointer),
            Some(("i", bits)) => bits.parse().ok().filter(|bits| *bits > 0).map(Type::Int),
            Some(("f", bits)) => bits.parse().ok().map(Type::Float),
            Some(("b", size)) => size.parse().ok().map(Type::Bytes),
            _ => None,
        };
        if ty.is_none() {
            self.rest = before;
        }
        ty.map_or_else(|| self.error("a type"), Ok)
    }

    fn symbol(&mut self) -> Parsed<Symbol> {
        if let Some(rest) = self.rest.strip_prefix('f') {
            self.rest = rest;
            return self.number().map(FunctionId).map(Symbol::Function);
        }
        match self.rest.strip_prefix('g') {
            Some(rest) => {
                self.rest = rest;
                self.number().map(GlobalId).map(Symbol::Global)
            }
            None => self.error("`f` or `g` and a number"),
        }
    }

    fn block_id(&mut self) -> Parsed<BlockId> {
        self.number().map(BlockId)
    }

    fn operand(&mut self) -> Parsed<Operand> {
        if self.take("%") {
            return self.number().map(ValueId).map(Operand::Value);
        }
        if self.rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            return self.number().map(Operand::Int);
        }
        for (word, operand) in
            [("zero", Operand::Zero), ("undefined", Operand::Undefined), ("unknown", Operand::Unknown)]
        {
            if self.take(word) {
                return Ok(operand);
            }
        }
        if self.take("float:") {
            let before = self.rest;
            let bits = u64::from_str_radix(self.word(), 16);
            self.rest = if bits.is_ok() { self.rest } else { before };
            return bits.map_or_else(|_| self.error("hexadecimal digits"), |bits| Ok(Operand::Float(FloatBits(bits))));
        }
        if self.take("block:") {
            return self.block_id().map(Operand::Block);
        }
        let target = self.symbol()?;
        let addend = if self.rest.starts_with(['+', '-']) { self.number()? } else { 0 };
        Ok(Operand::Address(target, addend))
    }

    fn comma(&mut self) -> Parsed<()> {
        self.expect(",", "`,`")
    }

    /// A line outside of functions; a function whose body follows is given back.
    fn item(&mut self, module: &mut Module) -> Parsed<Option<Function>> {
        match self.word() {
            "module" => module.name = self.quoted()?,
            "file" => module.files.push(self.quoted()?),
            "location" => module.locations.push(self.location()?),
            "global" => module.globals.push(self.global()?),
            "alias" => {
                let symbol = self.quoted()?;
                let linkage = self.linkage()?.unwrap_or(Linkage::External);
                module.aliases.push(Alias { symbol, linkage, target: self.symbol()? });
            }
            "constructor" => module.constructors.push(self.startup()?),
            "destructor" => module.destructors.push(self.startup()?),
            "function" => {
                let function = self.function()?;
                if self.take("{") {
                    self.end()?;
                    return Ok(Some(function));
                }
                module.functions.push(function);
            }
            _ => return self.error("`file`, `location`, `global`, `function`, … before this"),
        }
        self.end()?;
        Ok(None)
    }

    fn startup(&mut self) -> Parsed<Startup> {
        let Symbol::Function(function) = self.symbol()? else { return self.error("a function before this") };
        Ok(Startup { function, priority: self.number()? })
    }

    fn location(&mut self) -> Parsed<Location> {
        let file = if self.take("?") { None } else { Some(FileId(self.number()?)) };
        self.expect(":", "`:`")?;
        let line = self.number()?;
        self.expect(":", "`:`")?;
        let column = self.number()?;
        let inlined_function = if self.take("in") { Some(self.quoted()?) } else { None };
        let inlined_at = if self.take("at") { Some(self.at()?) } else { None };
        Ok(Location { file, line, column, inlined_function, inlined_at })
    }

    /// A linkage, if one stands here.
    fn linkage(&mut self) -> Parsed<Option<Linkage>> {
        let before = self.rest;
        let found = value(LINKAGES, self.word());
        if found.is_none() {
            self.rest = before;
        }
        Ok(found)
    }

    fn global(&mut self) -> Parsed<Global> {
        let symbol = self.quoted()?;
        self.expect("size", "`size`")?;
        let size = self.number()?;
        let name = if self.take("name") { self.quoted()? } else { symbol.clone() };
        let type_name = if self.take("type") { Some(self.quoted()?) } else { None };
        let linkage = self.linkage()?.unwrap_or(Linkage::External);
        let is_constant = self.take("constant");
        let is_thread_local = self.take("thread_local");
        let location = self.at()?;
        let initial = if self.take("{") { Some(self.initial()?) } else { None };
        Ok(Global { symbol, name, type_name, linkage, size, is_constant, is_thread_local, initial, location })
    }

    fn initial(&mut self) -> Parsed<Initial> {
        let mut initial = Initial::default();
        if self.take("bytes") {
            let digits = self.word();
            let pairs = digits.as_bytes().chunks(2);
            let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("?"), 16).ok());
            match bytes.collect::<Option<Vec<u8>>>() {
                Some(bytes) => initial.bytes = bytes,
                None => return self.error("hexadecimal digits before this"),
            }
        }
        while !self.take("}") {
            let offset = self.number()?;
            self.expect(":", "`:`")?;
            let symbol = self.symbol()?;
            let addend = if self.rest.starts_with(['+', '-']) { self.number()? } else { 0 };
            let block = if self.take("block") { Some(self.block_id()?) } else { None };
            initial.relocations.push(Relocation { offset, symbol, addend, block });
        }
        Ok(initial)
    }

    fn function(&mut self) -> Parsed<Function> {
        let symbol = self.quoted()?;
        let mut function = Function::declaration(&symbol, Type::Void);
        self.expect("(", "`(`")?;
        while !self.take(")") {
            if self.take("...") {
                function.is_variadic = true;
                continue;
            }
            let parameter = self.parameter()?;
            function.values.push(Value { ty: parameter.ty });
            function.parameters.push(parameter);
            if !self.rest.starts_with(')') {
                self.comma()?;
            }
        }
        self.expect("->", "`->`")?;
        function.result = self.ty()?;
        if self.take("name") {
            function.name = self.quoted()?;
        }
        function.linkage = self.linkage()?.unwrap_or(Linkage::External);
        function.is_no_return = self.take("no_return");
        function.is_no_unwind = self.take("no_unwind");
        function.returns_twice = self.take("returns_twice");
        function.returns_const = self.take("returns_const");
        let allocation = &mut function.allocation;
        allocation.allocates = self.take("allocates");
        allocation.reallocates = self.take("reallocates");
        allocation.zeroes = self.take("zeroes");
        allocation.is_result_unaliased = self.take("unaliased");
        allocation.releases = if self.take("releases") { Some(self.number()?) } else { None };
        while self.take("sized") {
            allocation.size.push(self.number()?);
        }
        allocation.family = if self.take("family") { Some(self.quoted()?) } else { None };
        function.location = self.at()?;
        Ok(function)
    }

    fn parameter(&mut self) -> Parsed<Parameter> {
        Ok(Parameter {
            ty: self.ty()?,
            name: self.maybe_quoted()?,
            copied_bytes: if self.take("copied") { Some(self.number()?) } else { None },
            is_result_slot: self.take("result_slot"),
            is_pointer_to_const: self.take("to_const"),
            is_read_only: self.take("read_only"),
            is_not_captured: self.take("not_captured"),
            is_non_null: self.take("non_null"),
            is_returned: self.take("returned"),
        })
    }

    /// A line of a function's body.
    fn in_function(&mut self, function: &mut Function) -> Parsed<()> {
        if self.take("variable") {
            function.variables.push(self.variable()?);
            return self.end();
        }
        if self.take("block") {
            let terminator = Terminator::Unreachable;
            function.blocks.push(Block { instructions: Vec::new(), terminator, location: LocationId(0) });
            return self.end();
        }
        let Some(terminator) = self.terminator(function)? else { return self.instruction(function) };
        let location = self.at()?;
        self.end()?;
        let Some(block) = function.blocks.last_mut() else { return self.error("`block` before this line") };
        (block.terminator, block.location) = (terminator, location);
        Ok(())
    }

    fn instruction(&mut self, function: &mut Function) -> Parsed<()> {
        let result = self.result(function)?;
        let op = self.op()?;
        let location = self.at()?;
        self.end()?;
        let Some(block) = function.blocks.last_mut() else { return self.error("`block` before this line") };
        block.instructions.push(Instruction { result, op, location });
        Ok(())
    }

    fn variable(&mut self) -> Parsed<Variable> {
        Ok(Variable {
            name: self.quoted()?,
            type_name: self.maybe_quoted()?,
            is_pointer: self.take("pointer"),
            is_reference: self.take("reference"),
            parameter: if self.take("parameter") { Some(self.number()?) } else { None },
            location: self.at()?,
        })
    }

    /// `%3: i32 =`, if it stands here. Numbers that were left out are values without type.
    fn result(&mut self, function: &mut Function) -> Parsed<Option<ValueId>> {
        /// More values than this are no function but a mistake.
        const VALUES_MAX: u32 = 1 << 24;
        if !self.take("%") {
            return Ok(None);
        }
        let id = ValueId(self.number()?);
        self.expect(":", "`:`")?;
        let ty = self.ty()?;
        self.expect("=", "`=`")?;
        if id.0 >= VALUES_MAX {
            return self.error("a smaller number of a value before this");
        }
        if function.values.len() <= id.index() {
            function.values.resize(id.index() + 1, Value { ty: Type::Void });
        }
        function.values[id.index()].ty = ty;
        Ok(Some(id))
    }

    fn terminator(&mut self, function: &mut Function) -> Parsed<Option<Terminator>> {
        let before = self.rest;
        Ok(Some(match self.word() {
            "goto" => Terminator::Goto(self.block_id()?),
            "branch" => {
                Terminator::Branch { condition: self.operand()?, then: self.block_id()?, otherwise: self.block_id()? }
            }
            "switch" => {
                let (ty, value) = (self.ty()?, self.operand()?);
                self.expect("default", "`default`")?;
                let default = self.block_id()?;
                let mut cases = Vec::new();
                while self.take(",") {
                    cases.push((self.number()?, self.block_id()?));
                }
                Terminator::Switch { ty, value, cases, default }
            }
            "indirect" => {
                let address = self.operand()?;
                let mut targets = Vec::new();
                while self.take(",") {
                    targets.push(self.block_id()?);
                }
                Terminator::IndirectGoto { address, targets }
            }
            "return" if self.end().is_ok() || self.rest.starts_with('!') => Terminator::Return(None),
            "return" => Terminator::Return(Some((self.ty()?, self.operand()?))),
            "invoke" => {
                let result = self.result(function)?;
                self.expect("call", "`call`")?;
                let call = Box::new(self.call()?);
                self.expect("to", "`to`")?;
                let normal = self.block_id()?;
                self.expect("unwind", "`unwind`")?;
                Terminator::Invoke { call, result, normal, unwind: self.block_id()? }
            }
            "resume" => Terminator::Resume(self.operand()?),
            "unreachable" => Terminator::Unreachable,
            _ => {
                self.rest = before;
                return Ok(None);
            }
        }))
    }

    fn operands(&mut self) -> Parsed<Vec<Operand>> {
        let mut all = Vec::new();
        while self.take(",") {
            all.push(self.operand()?);
        }
        Ok(all)
    }

    fn pair(&mut self) -> Parsed<(Type, Operand, Operand)> {
        let (ty, left) = (self.ty()?, self.operand()?);
        self.comma()?;
        Ok((ty, left, self.operand()?))
    }

    fn three(&mut self) -> Parsed<[Operand; 3]> {
        let first = self.operand()?;
        self.comma()?;
        let second = self.operand()?;
        self.comma()?;
        Ok([first, second, self.operand()?])
    }

    fn op(&mut self) -> Parsed<Op> {
        let before = self.rest;
        let word = self.word();
        if let Some(op) = value(BINARY, word) {
            let (ty, left, right) = self.pair()?;
            return Ok(Op::Binary { op, ty, left, right });
        }
        if let Some(predicate) = value(PREDICATES, word) {
            let (ty, left, right) = self.pair()?;
            return Ok(Op::Compare { predicate, ty, left, right });
        }
        match word {
            "slot" | "load" | "store" | "address" | "copy" | "fill" => self.memory_op(word),
            "call" => Ok(Op::Call(Box::new(self.call()?))),
            "cast" | "select" | "phi" | "insert" | "extract" => self.value_op(word),
            "variadic_start" => Ok(Op::VariadicStart { list: self.operand()? }),
            "variadic_argument" => Ok(Op::VariadicArgument { ty: self.ty()?, list: self.operand()? }),
            "landing_pad" => self.landing_pad(),
            "type_id" => Ok(Op::ExceptionTypeId { type_info: self.operand()? }),
            "lifetime" => {
                let slot = self.operand()?;
                let begins = self.take("begins");
                if !begins {
                    self.expect("ends", "`begins` or `ends`")?;
                }
                Ok(Op::Lifetime { slot, begins })
            }
            "assume" => Ok(Op::Assume { condition: self.operand()? }),
            "computed" => Ok(Op::Computed { ty: self.ty()?, operands: self.operands()? }),
            "not_understood" => {
                Ok(Op::NotUnderstood { mnemonic: self.quoted()?, ty: self.ty()?, operands: self.operands()? })
            }
            _ => {
                self.rest = before;
                self.error("an operation")
            }
        }
    }

    fn memory_op(&mut self, word: &str) -> Parsed<Op> {
        Ok(match word {
            "slot" => {
                let size = self.number()?;
                self.expect("x", "`x`")?;
                let count = self.operand()?;
                let variable = if self.take("variable") { Some(VariableId(self.number()?)) } else { None };
                Op::StackSlot { size, count, variable }
            }
            "load" => Op::Load { ty: self.ty()?, address: self.operand()? },
            "store" => {
                let (ty, value) = (self.ty()?, self.operand()?);
                self.expect("to", "`to`")?;
                Op::Store { ty, address: self.operand()?, value }
            }
            "address" => {
                let (base, offset) = (self.operand()?, self.number()?);
                let mut scaled = Vec::new();
                while self.take(",") {
                    let (ty, index) = (self.ty()?, self.operand()?);
                    self.expect("x", "`x`")?;
                    scaled.push(Scaled { index, ty, scale: self.number()? });
                }
                Op::Address { base, offset, scaled }
            }
            "copy" => {
                let [to, from, size] = self.three()?;
                Op::Copy { to, from, size }
            }
            _ => {
                let [to, byte, size] = self.three()?;
                Op::Fill { to, byte, size }
            }
        })
    }

    fn value_op(&mut self, word: &str) -> Parsed<Op> {
        Ok(match word {
            "cast" => {
                let Some(op) = value(CASTS, self.word()) else { return self.error("a conversion before this") };
                let (from, value) = (self.ty()?, self.operand()?);
                self.expect("to", "`to`")?;
                Op::Cast { op, from, to: self.ty()?, value }
            }
            "select" => {
                let condition = self.operand()?;
                let (ty, then, otherwise) = self.pair()?;
                Op::Select { condition, ty, then, otherwise }
            }
            "phi" => {
                let ty = self.ty()?;
                let mut incoming = Vec::new();
                while self.take(",") {
                    incoming.push((self.block_id()?, self.operand()?));
                }
                Op::Phi { ty, incoming }
            }
            "insert" => {
                let (aggregate_ty, aggregate) = (self.ty()?, self.operand()?);
                self.comma()?;
                let (ty, value) = (self.ty()?, self.operand()?);
                self.comma()?;
                Op::Insert { aggregate_ty, aggregate, ty, value, offset: self.number()? }
            }
            _ => {
                let (aggregate_ty, aggregate) = (self.ty()?, self.operand()?);
                self.comma()?;
                Op::Extract { aggregate_ty, aggregate, ty: self.ty()?, offset: self.number()? }
            }
        })
    }

    fn landing_pad(&mut self) -> Parsed<Op> {
        let is_cleanup = self.take("cleanup");
        let mut clauses = Vec::new();
        loop {
            if self.take("catch") {
                clauses.push(Clause::Catch(self.operand()?));
            } else if self.take("filter") {
                let count: usize = self.number()?;
                let mut all = Vec::new();
                for _ in 0..count {
                    all.push(self.operand()?);
                }
                clauses.push(Clause::Filter(all));
            } else {
                return Ok(Op::LandingPad { clauses, is_cleanup });
            }
        }
    }

    /// A call; `call` was taken.
    fn call(&mut self) -> Parsed<Call> {
        let callee = if self.take("assembly") {
            Callee::Assembly
        } else if self.take("*") {
            Callee::Pointer(self.operand()?)
        } else {
            let Symbol::Function(function) = self.symbol()? else { return self.error("a function before this") };
            Callee::Function(function)
        };
        self.expect("(", "`(`")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            let (ty, value) = (self.ty()?, self.operand()?);
            let pass = if self.take("copy") {
                Pass::Copy(self.number()?)
            } else if self.take("result_slot") {
                Pass::ResultSlot(self.number()?)
            } else {
                Pass::Value
            };
            arguments.push(Argument { ty, value, pass });
            if !self.rest.starts_with(')') {
                self.comma()?;
            }
        }
        self.expect("->", "`->`")?;
        let result = self.ty()?;
        let may_unwind = self.take("may_unwind");
        let is_no_return = self.take("no_return");
        let variadic_from = if self.take("variadic") { Some(self.number()?) } else { None };
        Ok(Call { callee, arguments, result, may_unwind, is_no_return, variadic_from })
    }
}
