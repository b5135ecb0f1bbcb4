//! Many modules to one program: symbols resolved, tables joined.
//!
//! A definition that others see wins over merged and weak ones, and these over declarations; of equals the first wins.
//! Internal symbols stay apart. Nothing is lost by a wrong declaration: calls go by symbol.
use super::visit::{operands_mut, terminator_operands_mut};
use super::{
    Alias, Callee, FileId, Function, FunctionId, Global, GlobalId, Instruction, Linkage, Location, LocationId, Module,
    Op, Operand, Symbol, Terminator, Variable,
};
use std::collections::HashMap;

/// Links modules, given in the order in which a linker would take them.
#[must_use]
pub fn link(modules: Vec<Module>) -> Module {
    let mut linker = Linker::default();
    let maps: Vec<Map> = modules.iter().map(|module| linker.place(module)).collect();
    for (module, map) in modules.into_iter().zip(maps) {
        linker.take(module, map);
    }
    linker.follow_aliases();
    linker.program
}

/// Where the parts of a module went.
struct Map {
    functions: Vec<FunctionId>,
    globals: Vec<GlobalId>,
    /// Functions and globals of this module that are the ones taken.
    takes_function: Vec<bool>,
    takes_global: Vec<bool>,
}

#[derive(Default)]
struct Linker {
    program: Module,
    functions: HashMap<String, FunctionId>,
    globals: HashMap<String, GlobalId>,
    /// How good the definition taken so far is, and which module and index it is.
    best_function: Vec<(u8, usize, usize)>,
    best_global: Vec<(u8, usize, usize)>,
    placed: usize,
    taken: usize,
    files: HashMap<String, FileId>,
}

/// The better definition of two has the higher rank.
fn rank(linkage: Linkage, is_defined: bool) -> u8 {
    match linkage {
        _ if !is_defined => 0,
        Linkage::Weak => 1,
        Linkage::Merged => 2,
        Linkage::External | Linkage::Internal => 3,
    }
}

impl Linker {
    /// Gives every symbol of a module its place in the program.
    fn place(&mut self, module: &Module) -> Map {
        let number = self.placed;
        self.placed += 1;
        let functions: Vec<FunctionId> = module
            .functions
            .iter()
            .enumerate()
            .map(|(index, function)| {
                let rank = rank(function.linkage, function.is_defined());
                self.place_function(function, (rank, number, index))
            })
            .collect();
        let globals: Vec<GlobalId> = module
            .globals
            .iter()
            .enumerate()
            .map(|(index, global)| {
                let rank = rank(global.linkage, global.initial.is_some());
                self.place_global(global, (rank, number, index))
            })
            .collect();
        Map { functions, globals, takes_function: Vec::new(), takes_global: Vec::new() }
    }

    fn place_function(&mut self, function: &Function, candidate: (u8, usize, usize)) -> FunctionId {
        if function.linkage != Linkage::Internal
            && let Some(&known) = self.functions.get(&function.symbol)
        {
            let best = &mut self.best_function[known.index()];
            if best.0 < candidate.0 {
                *best = candidate;
            }
            return known;
        }
        let id = FunctionId(u32::try_from(self.best_function.len()).unwrap_or(u32::MAX));
        self.best_function.push(candidate);
        self.program.functions.push(Function::declaration("", super::Type::Void));
        if function.linkage != Linkage::Internal {
            self.functions.insert(function.symbol.clone(), id);
        }
        id
    }

    fn place_global(&mut self, global: &Global, candidate: (u8, usize, usize)) -> GlobalId {
        if global.linkage != Linkage::Internal
            && let Some(&known) = self.globals.get(&global.symbol)
        {
            let best = &mut self.best_global[known.index()];
            if best.0 < candidate.0 {
                *best = candidate;
            }
            return known;
        }
        let id = GlobalId(u32::try_from(self.best_global.len()).unwrap_or(u32::MAX));
        self.best_global.push(candidate);
        self.program.globals.push(Global {
            symbol: String::new(),
            name: String::new(),
            type_name: None,
            linkage: global.linkage,
            size: 0,
            is_constant: false,
            is_thread_local: false,
            initial: None,
            location: LocationId(0),
        });
        if global.linkage != Linkage::Internal {
            self.globals.insert(global.symbol.clone(), id);
        }
        id
    }

    /// Moves what was chosen of a module into the program.
    fn take(&mut self, module: Module, mut map: Map) {
        let number = self.taken;
        self.taken += 1;
        map.takes_function = (map.functions.iter().enumerate())
            .map(|(index, id)| self.best_function[id.index()] == (self.best_function[id.index()].0, number, index))
            .collect();
        map.takes_global = (map.globals.iter().enumerate())
            .map(|(index, id)| self.best_global[id.index()] == (self.best_global[id.index()].0, number, index))
            .collect();
        let locations = self.take_locations(&module);
        let rename = Rename { map: &map, locations };
        if self.program.name.is_empty() {
            self.program.name = module.name;
        }
        for (index, mut function) in module.functions.into_iter().enumerate() {
            if map.takes_function[index] {
                rename.function(&mut function);
                self.program.functions[map.functions[index].index()] = function;
            }
        }
        for (index, mut global) in module.globals.into_iter().enumerate() {
            if map.takes_global[index] {
                rename.global(&mut global);
                self.program.globals[map.globals[index].index()] = global;
            }
        }
        self.program
            .aliases
            .extend(module.aliases.into_iter().map(|alias| Alias { target: rename.symbol(alias.target), ..alias }));
        for (startups, all) in
            [(module.constructors, &mut self.program.constructors), (module.destructors, &mut self.program.destructors)]
        {
            all.extend(startups.into_iter().map(|mut startup| {
                startup.function = rename.map.functions[startup.function.index()];
                startup
            }));
        }
    }

    /// Appends a module's locations and files; gives what is added to their numbers. Location 0 stays "unknown".
    fn take_locations(&mut self, module: &Module) -> u32 {
        let program = &mut self.program;
        if program.locations.is_empty() {
            program.locations.push(Location::UNKNOWN);
        }
        let base = u32::try_from(program.locations.len() - 1).unwrap_or(u32::MAX);
        let files: Vec<FileId> = module
            .files
            .iter()
            .map(|file| {
                *self.files.entry(file.clone()).or_insert_with(|| {
                    program.files.push(file.clone());
                    FileId(u32::try_from(program.files.len() - 1).unwrap_or(u32::MAX))
                })
            })
            .collect();
        program.locations.extend(module.locations.iter().skip(1).map(|location| Location {
            file: location.file.map(|file| files[file.index()]),
            inlined_at: location.inlined_at.map(|at| shifted(at, base)),
            ..location.clone()
        }));
        base
    }

    /// References to a symbol that only an alias defines go to what it names.
    fn follow_aliases(&mut self) {
        let program = &mut self.program;
        let mut functions: Vec<FunctionId> =
            (0..u32::try_from(program.functions.len()).unwrap_or(u32::MAX)).map(FunctionId).collect();
        let mut is_changed = false;
        for alias in &program.aliases {
            let Symbol::Function(target) = alias.target else { continue };
            if let Some(&id) = self.functions.get(&alias.symbol)
                && !program.functions[id.index()].is_defined()
                && id != target
            {
                functions[id.index()] = target;
                is_changed = true;
            }
        }
        if !is_changed {
            return;
        }
        let globals = (0..u32::try_from(program.globals.len()).unwrap_or(u32::MAX)).map(GlobalId).collect();
        let map = Map { functions, globals, takes_function: Vec::new(), takes_global: Vec::new() };
        let rename = Rename { map: &map, locations: 0 };
        program.functions.iter_mut().for_each(|function| rename.function(function));
        program.globals.iter_mut().for_each(|global| rename.global(global));
    }
}

fn shifted(location: LocationId, base: u32) -> LocationId {
    if location.0 == 0 { location } else { LocationId(location.0 + base) }
}

/// Rewrites indices of a module to those of the program.
struct Rename<'a> {
    map: &'a Map,
    /// Added to locations.
    locations: u32,
}

impl Rename<'_> {
    fn symbol(&self, symbol: Symbol) -> Symbol {
        match symbol {
            Symbol::Function(id) => Symbol::Function(self.map.functions[id.index()]),
            Symbol::Global(id) => Symbol::Global(self.map.globals[id.index()]),
        }
    }

    fn location(&self, location: &mut LocationId) {
        *location = shifted(*location, self.locations);
    }

    fn global(&self, global: &mut Global) {
        self.location(&mut global.location);
        for relocation in global.initial.iter_mut().flat_map(|initial| &mut initial.relocations) {
            relocation.symbol = self.symbol(relocation.symbol);
        }
    }

    fn function(&self, function: &mut Function) {
        self.location(&mut function.location);
        function.variables.iter_mut().for_each(|variable: &mut Variable| self.location(&mut variable.location));
        for block in &mut function.blocks {
            self.location(&mut block.location);
            block.instructions.iter_mut().for_each(|instruction| self.instruction(instruction));
            self.terminator(&mut block.terminator);
        }
    }

    fn instruction(&self, instruction: &mut Instruction) {
        self.location(&mut instruction.location);
        if let Op::Call(call) = &mut instruction.op
            && let Callee::Function(id) = &mut call.callee
        {
            *id = self.map.functions[id.index()];
        }
        operands_mut(&mut instruction.op, &mut |operand| self.operand(operand));
    }

    fn terminator(&self, terminator: &mut Terminator) {
        if let Terminator::Invoke { call, .. } = terminator
            && let Callee::Function(id) = &mut call.callee
        {
            *id = self.map.functions[id.index()];
        }
        terminator_operands_mut(terminator, &mut |operand| self.operand(operand));
    }

    fn operand(&self, operand: &mut Operand) {
        if let Operand::Address(symbol, _) = operand {
            *symbol = self.symbol(*symbol);
        }
    }
}
