//! Random programs: `main` and two functions, with numbers from outside, pointers in locals, globals and fields.
//!
//! Every call of `allocate` has a line of its own. Numbers are compared with small constants only, so that a few values
//! of each input stand for all.
use crate::random::Random;
use stanch_static::ir::{
    Argument, BinaryOp, Block, BlockId, Call, Callee, FileId, Function, FunctionId, Global, GlobalId, Initial,
    Instruction, Linkage, Location, LocationId, Module, Op, Operand, Parameter, Pass, Predicate, Symbol, Terminator,
    Type, Value, ValueId,
};

const ALLOCATE: FunctionId = FunctionId(0);
const RELEASE: FunctionId = FunctionId(1);
const INPUT: FunctionId = FunctionId(2);
/// Locals of each function: pointers, then numbers.
const POINTERS: u64 = 3;
const NUMBERS: u64 = 2;
const GLOBALS: u64 = 2;
/// A block has room for so many pointers.
const FIELDS: u64 = 2;
const DEPTH_MAX: u32 = 3;

pub(crate) fn program(random: &mut Random) -> Module {
    let mut module = Module { name: "twin".to_owned(), files: vec!["twin.c".to_owned()], ..Module::default() };
    module.locations.push(Location::UNKNOWN);
    module.functions = vec![
        declaration("allocate", &[Type::Int(64)], Type::Pointer),
        declaration("release", &[Type::Pointer], Type::Void),
        declaration("input", &[], Type::Int(32)),
    ];
    module.globals = (0..GLOBALS).map(|number| global(&format!("global{number}"))).collect();
    for name in ["leaf", "middle", "main"] {
        let function = Builder::new(random, &mut module, name).build();
        module.functions.push(function);
    }
    module
}

fn declaration(symbol: &str, parameters: &[Type], result: Type) -> Function {
    Function {
        parameters: parameters.iter().map(|ty| Parameter::plain(*ty)).collect(),
        values: parameters.iter().map(|ty| Value { ty: *ty }).collect(),
        ..Function::declaration(symbol, result)
    }
}

fn global(name: &str) -> Global {
    Global {
        symbol: name.to_owned(),
        name: name.to_owned(),
        type_name: None,
        linkage: Linkage::External,
        size: 8,
        is_constant: false,
        is_thread_local: false,
        initial: Some(Initial::default()),
        location: LocationId(0),
    }
}

struct Builder<'a> {
    random: &'a mut Random,
    module: &'a mut Module,
    function: Function,
    /// The block that is written.
    current: usize,
    /// Functions that may be called: those before this one.
    callees: Vec<FunctionId>,
}

impl Builder<'_> {
    fn new<'a>(random: &'a mut Random, module: &'a mut Module, name: &str) -> Builder<'a> {
        let parameters: &[Type] = if name == "main" { &[] } else { &[Type::Pointer, Type::Int(32)] };
        let result = if name == "main" { Type::Int(32) } else { Type::Pointer };
        let function = declaration(name, parameters, result);
        let callees = (3..u32::try_from(module.functions.len()).unwrap()).map(FunctionId).collect();
        Builder { random, module, function, current: 0, callees }
    }

    fn build(mut self) -> Function {
        self.block();
        for local in 0..POINTERS + NUMBERS {
            let size = if local < POINTERS { 8 } else { 4 };
            let slot = self.define(Type::Pointer, Op::StackSlot { size, count: Operand::Int(1), variable: None });
            assert_eq!(slot, self.slot(local));
        }
        for local in 0..POINTERS {
            self.store(Type::Pointer, self.slot(local), Operand::Zero);
        }
        for local in POINTERS..POINTERS + NUMBERS {
            self.store(Type::Int(32), self.slot(local), Operand::Int(0));
        }
        if !self.function.parameters.is_empty() {
            self.store(Type::Pointer, self.slot(0), Operand::Value(ValueId(0)));
            self.store(Type::Int(32), self.slot(POINTERS), Operand::Value(ValueId(1)));
        }
        self.statements(0);
        let result = match self.function.result {
            Type::Pointer => (Type::Pointer, self.pointer()),
            ty => (ty, Operand::Int(0)),
        };
        self.end(Terminator::Return(Some(result)));
        self.function
    }

    fn block(&mut self) -> BlockId {
        let id = BlockId(u32::try_from(self.function.blocks.len()).unwrap());
        let empty = Block { instructions: Vec::new(), terminator: Terminator::Unreachable, location: LocationId(0) };
        self.function.blocks.push(empty);
        id
    }

    fn end(&mut self, terminator: Terminator) {
        self.function.blocks[self.current].terminator = terminator;
    }

    fn go_to(&mut self, block: BlockId) {
        self.current = block.index();
    }

    fn push(&mut self, result: Option<ValueId>, op: Op, location: LocationId) {
        self.function.blocks[self.current].instructions.push(Instruction { result, op, location });
    }

    fn define(&mut self, ty: Type, op: Op) -> Operand {
        self.define_at(ty, op, LocationId(0))
    }

    fn define_at(&mut self, ty: Type, op: Op, location: LocationId) -> Operand {
        let id = ValueId(u32::try_from(self.function.values.len()).unwrap());
        self.function.values.push(Value { ty });
        self.push(Some(id), op, location);
        Operand::Value(id)
    }

    fn slot(&self, local: u64) -> Operand {
        Operand::Value(ValueId(u32::try_from(self.function.parameters.len() as u64 + local).unwrap()))
    }

    fn store(&mut self, ty: Type, address: Operand, value: Operand) {
        self.push(None, Op::Store { ty, address, value }, LocationId(0));
    }

    fn load(&mut self, ty: Type, address: Operand) -> Operand {
        self.define(ty, Op::Load { ty, address })
    }

    fn call(
        &mut self,
        callee: FunctionId,
        arguments: &[(Type, Operand)],
        result: Type,
        location: LocationId,
    ) -> Operand {
        let arguments = arguments.iter().map(|(ty, value)| Argument { ty: *ty, value: *value, pass: Pass::Value });
        let call = Op::Call(Box::new(Call {
            callee: Callee::Function(callee),
            arguments: arguments.collect(),
            result,
            may_unwind: false,
            is_no_return: false,
            variadic_from: None,
        }));
        if result == Type::Void {
            self.push(None, call, location);
            return Operand::Zero;
        }
        self.define_at(result, call, location)
    }

    /// A place that holds a pointer: a local, seldom a global.
    fn place(&mut self) -> Operand {
        if self.random.once_in(8) {
            let global = u32::try_from(self.random.below(GLOBALS)).unwrap();
            return Operand::Address(Symbol::Global(GlobalId(global)), 0);
        }
        let local = self.random.below(POINTERS);
        self.slot(local)
    }

    fn pointer(&mut self) -> Operand {
        let place = self.place();
        self.load(Type::Pointer, place)
    }

    fn field(&mut self, base: Operand) -> Operand {
        let offset = (8 * self.random.below(FIELDS)).cast_signed();
        self.define(Type::Pointer, Op::Address { base, offset, scaled: Vec::new() })
    }

    fn new_line(&mut self) -> LocationId {
        let line = u32::try_from(self.module.locations.len()).unwrap();
        self.module.locations.push(Location { file: Some(FileId(0)), line, ..Location::UNKNOWN });
        LocationId(line)
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..2 + self.random.below(4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        match self.random.below(if depth < DEPTH_MAX { 14 } else { 10 }) {
            0..=2 => self.allocation(),
            3 | 4 => {
                let pointer = self.pointer();
                self.call(RELEASE, &[(Type::Pointer, pointer)], Type::Void, LocationId(0));
            }
            5 => {
                let (pointer, place) = (self.pointer(), self.place());
                self.store(Type::Pointer, place, pointer);
            }
            6 => self.guarded_field_access(),
            7 => {
                let number = POINTERS + self.random.below(NUMBERS);
                let value = self.call(INPUT, &[], Type::Int(32), LocationId(0));
                self.store(Type::Int(32), self.slot(number), value);
            }
            8 => {
                let place = self.place();
                self.store(Type::Pointer, place, Operand::Zero);
            }
            9 => self.function_call(),
            10..=12 => self.branch(depth),
            _ => self.counted_loop(depth),
        }
    }

    fn allocation(&mut self) {
        let line = self.new_line();
        let size = (Type::Int(64), Operand::Int(u128::from(8 * FIELDS)));
        let block = self.call(ALLOCATE, &[size], Type::Pointer, line);
        for field in 0..FIELDS {
            let offset = (8 * field).cast_signed();
            let address = self.define(Type::Pointer, Op::Address { base: block, offset, scaled: Vec::new() });
            self.store(Type::Pointer, address, Operand::Zero);
        }
        let place = self.place();
        self.store(Type::Pointer, place, block);
    }

    /// Reads or writes a field of a block, if the pointer to it is not null.
    fn guarded_field_access(&mut self) {
        let pointer = self.pointer();
        let is_null = Op::Compare { predicate: Predicate::Eq, ty: Type::Pointer, left: pointer, right: Operand::Zero };
        let condition = self.define(Type::Int(1), is_null);
        let (inside, after) = (self.block(), self.block());
        self.end(Terminator::Branch { condition, then: after, otherwise: inside });
        self.go_to(inside);
        let field = self.field(pointer);
        if self.random.once_in(2) {
            let value = self.pointer();
            self.store(Type::Pointer, field, value);
        } else {
            let (value, place) = (self.load(Type::Pointer, field), self.place());
            self.store(Type::Pointer, place, value);
        }
        self.end(Terminator::Goto(after));
        self.go_to(after);
    }

    fn function_call(&mut self) {
        if self.callees.is_empty() {
            return self.allocation();
        }
        let callee = self.callees[usize::try_from(self.random.below(self.callees.len() as u64)).unwrap()];
        let (pointer, number) = (self.pointer(), self.number());
        let arguments = [(Type::Pointer, pointer), (Type::Int(32), number)];
        let line = self.new_line();
        let result = self.call(callee, &arguments, Type::Pointer, line);
        let place = self.place();
        self.store(Type::Pointer, place, result);
    }

    fn number(&mut self) -> Operand {
        let slot = POINTERS + self.random.below(NUMBERS);
        let value = self.load(Type::Int(32), self.slot(slot));
        if self.random.once_in(3) {
            let right = Operand::Int(u128::from(self.random.below(2)));
            return self.define(Type::Int(32), Op::Binary { op: BinaryOp::Add, ty: Type::Int(32), left: value, right });
        }
        value
    }

    fn condition(&mut self) -> Operand {
        if self.random.once_in(3) {
            let pointer = self.pointer();
            let predicate = if self.random.once_in(2) { Predicate::Eq } else { Predicate::Ne };
            return self.define(
                Type::Int(1),
                Op::Compare { predicate, ty: Type::Pointer, left: pointer, right: Operand::Zero },
            );
        }
        let predicates = [Predicate::Eq, Predicate::Ne, Predicate::SLt, Predicate::SGe];
        let predicate = predicates[usize::try_from(self.random.below(4)).unwrap()];
        let (left, right) = (self.number(), Operand::Int(u128::from(self.random.below(3))));
        self.define(Type::Int(1), Op::Compare { predicate, ty: Type::Int(32), left, right })
    }

    fn branch(&mut self, depth: u32) {
        let condition = self.condition();
        let (then, otherwise, after) = (self.block(), self.block(), self.block());
        self.end(Terminator::Branch { condition, then, otherwise });
        self.go_to(then);
        self.statements(depth + 1);
        self.end(Terminator::Goto(after));
        self.go_to(otherwise);
        if self.random.once_in(2) {
            self.statements(depth + 1);
        }
        self.end(Terminator::Goto(after));
        self.go_to(after);
    }

    /// Two or three rounds.
    fn counted_loop(&mut self, depth: u32) {
        let counter = self.define(Type::Pointer, Op::StackSlot { size: 4, count: Operand::Int(1), variable: None });
        self.store(Type::Int(32), counter, Operand::Int(0));
        let (head, body, after) = (self.block(), self.block(), self.block());
        let rounds = Operand::Int(u128::from(2 + self.random.below(2)));
        self.end(Terminator::Goto(head));
        self.go_to(head);
        let count = self.load(Type::Int(32), counter);
        let is_less = Op::Compare { predicate: Predicate::SLt, ty: Type::Int(32), left: count, right: rounds };
        let condition = self.define(Type::Int(1), is_less);
        self.end(Terminator::Branch { condition, then: body, otherwise: after });
        self.go_to(body);
        // One more level counts double: what is in a loop happens several times.
        self.statements(depth + 2);
        let count = self.load(Type::Int(32), counter);
        let more = Op::Binary { op: BinaryOp::Add, ty: Type::Int(32), left: count, right: Operand::Int(1) };
        let next = self.define(Type::Int(32), more);
        self.store(Type::Int(32), counter, next);
        self.end(Terminator::Goto(head));
        self.go_to(after);
    }
}
