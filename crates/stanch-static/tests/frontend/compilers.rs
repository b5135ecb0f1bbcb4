//! What clang 14, 16, 19 and rustc 1.95 write is understood to the last instruction, and says the same at each version.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use stanch_static::frontend::{Reading, read};
use stanch_static::ir::{Callee, Function, Linkage, Module, Op, Operand, Pass, Symbol, Terminator, Type};

use crate::corpus;
use crate::well_formed::{self, Order};

fn read_file(name: &str) -> Reading {
    read_whole(&corpus::text(name), name)
}

fn read_whole(text: &[u8], name: &str) -> Reading {
    let reading = read(text, &|_| false);
    assert_eq!(reading.not_understood, [], "{name}");
    assert_eq!(well_formed::check(&reading.module, Order::Checked), Ok(()), "{name}");
    reading
}

fn function<'m>(module: &'m Module, symbol: &str) -> &'m Function {
    module.functions.iter().find(|function| function.symbol == symbol).unwrap_or_else(|| panic!("no {symbol}"))
}

fn ops(function: &Function) -> impl Iterator<Item = &Op> {
    function.blocks.iter().flat_map(|block| &block.instructions).map(|instruction| &instruction.op)
}

/// Names of the functions that are called, with how often.
fn calls(module: &Module, function: &Function) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    let plain = ops(function).filter_map(|op| match op {
        Op::Call(call) => Some(call.callee),
        _ => None,
    });
    let invoked = function.blocks.iter().filter_map(|block| match &block.terminator {
        Terminator::Invoke { call, .. } => Some(call.callee),
        _ => None,
    });
    for callee in plain.chain(invoked) {
        let name = match callee {
            Callee::Function(id) => module.function(id).name.clone(),
            Callee::Pointer(_) => "(pointer)".to_owned(),
            Callee::Assembly => "(assembly)".to_owned(),
        };
        *calls.entry(name).or_insert(0) += 1;
    }
    calls
}

#[test]
fn all_files_are_understood() {
    for name in corpus::FILES {
        read_file(name);
    }
}

#[test]
fn versions_of_clang_agree() {
    for language in ["c", "cpp"] {
        let summary = |version: &str| {
            let reading = read_file(&format!("{language}.{version}.O0"));
            let module = reading.module;
            let functions: BTreeMap<String, (BTreeMap<String, usize>, usize)> = module
                .functions
                .iter()
                // Later versions call a helper of their own for failed exceptions.
                .filter(|one| one.is_defined() && !one.symbol.starts_with("__clang"))
                .map(|one| {
                    let stores = ops(one).filter(|op| matches!(op, Op::Store { .. })).count();
                    (one.symbol.clone(), (calls(&module, one), stores))
                })
                .collect();
            functions
        };
        let oldest = summary("14");
        assert_eq!(oldest, summary("16"), "{language}");
        let newest = summary("19");
        for (symbol, facts) in &oldest {
            // The later version makes its constructors and virtual calls a little differently.
            if language == "c" {
                assert_eq!(Some(facts), newest.get(symbol), "{symbol}");
            }
            assert!(newest.contains_key(symbol), "{symbol}");
        }
    }
}

#[test]
fn a_program_in_c_is_lowered() {
    for version in ["14", "16", "19"] {
        let module = read_file(&format!("c.{version}.O0")).module;
        let main = function(&module, "main");
        let called = calls(&module, main);
        for (name, count) in [("malloc", 1), ("calloc", 1), ("free", 2), ("(pointer)", 1), ("(assembly)", 2)] {
            assert_eq!(called.get(name), Some(&count), "{name}");
        }
        let variables: Vec<&str> = main.variables.iter().map(|variable| variable.name.as_str()).collect();
        assert_eq!(variables[..3], ["argc", "argv", "p"]);
        assert_eq!(main.variables[2].type_name.as_deref(), Some("struct point *"));
        assert!(main.variables[2].is_pointer);
        let names: Vec<_> = main.parameters.iter().map(|parameter| parameter.name.as_deref()).collect();
        assert_eq!(names, [Some("argc"), Some("argv")]);
        assert!(ops(main).any(|op| matches!(op, Op::Fill { .. })));
        let jumps = main.blocks.iter().map(|block| &block.terminator);
        assert!(jumps.clone().any(|one| matches!(one, Terminator::IndirectGoto { targets, .. } if targets.len() == 2)));
        assert!(jumps.clone().any(|one| matches!(one, Terminator::Switch { cases, .. } if cases.len() == 6)));
        assert!(function(&module, "_setjmp").returns_twice);
        assert!(function(&module, "abort").is_no_return);
        // By value, and the result by a slot of the caller's.
        let made = ops(main).find_map(|op| match op {
            Op::Call(call) if call.callee == callee_of(&module, "make") => Some(call),
            _ => None,
        });
        assert_eq!(made.expect("it is called").arguments[2].pass, Pass::Copy(40));
        let make = function(&module, "make");
        assert_eq!((make.result, make.parameters[2].copied_bytes), (Type::Bytes(16), Some(40)));
        assert!(make.parameters[3].is_pointer_to_const && make.parameters[3].name.as_deref() == Some("p"));
        assert!(function(&module, "make_big").parameters[0].is_result_slot);
        assert!(ops(function(&module, "sum")).any(|op| matches!(op, Op::VariadicStart { .. })));
    }
}

fn callee_of(module: &Module, symbol: &str) -> Callee {
    let id = module.functions.iter().position(|function| function.symbol == symbol).expect("it is there");
    Callee::Function(stanch_static::ir::FunctionId(id as u32))
}

#[test]
fn globals_of_c_have_their_content() {
    for version in ["14", "16", "19"] {
        let module = read_file(&format!("c.{version}.O0")).module;
        let global = |symbol: &str| {
            module.globals.iter().find(|global| global.symbol == symbol).unwrap_or_else(|| panic!("no {symbol}"))
        };
        let table = global("table");
        let initial = table.initial.as_ref().unwrap();
        assert_eq!((table.size, initial.bytes[0], initial.bytes[24]), (64, b'a', 0x11));
        assert_eq!(initial.relocations.iter().map(|one| one.offset).collect::<Vec<_>>(), [16]);
        let labels = module.globals.iter().find(|global| global.symbol == "main.labels").unwrap();
        assert!(labels.initial.as_ref().unwrap().relocations.iter().all(|one| one.block.is_some()));
        let inside = global("inside").initial.as_ref().unwrap().relocations[0];
        assert_eq!(
            (module.globals.iter().position(|one| one.symbol == "table"), inside.addend),
            (index(inside.symbol), 44)
        );
        assert_eq!(global("packed").initial.as_ref().unwrap().bytes, [1, 2]);
        assert_eq!(global("wide").initial.as_ref().unwrap().bytes.len(), 10);
        assert!(global("counter").is_thread_local && global("outside").initial.is_none());
        assert_eq!(global("table").linkage, Linkage::Internal);
        assert_eq!(module.aliases[0].symbol, "other_name");
        let startups: Vec<_> =
            module.constructors.iter().map(|one| (one.priority, &module.function(one.function).symbol[..])).collect();
        assert_eq!(startups, [(200, "at_start")]);
        assert_eq!(module.destructors.len(), 1);
    }
}

fn index(symbol: Symbol) -> Option<usize> {
    match symbol {
        Symbol::Global(id) => Some(id.index()),
        Symbol::Function(_) => None,
    }
}

#[test]
fn a_program_in_cpp_is_lowered() {
    for version in ["14", "16", "19"] {
        let module = read_file(&format!("cpp.{version}.O0")).module;
        let handlers = module.functions.iter().find(|one| one.name == "handlers").expect("it is there");
        assert_eq!(handlers.symbol, "_Z8handlersi");
        let invokes = handlers.blocks.iter().filter(|block| matches!(block.terminator, Terminator::Invoke { .. }));
        assert!(4 <= invokes.count());
        let types = ops(handlers).filter(|op| matches!(op, Op::ExceptionTypeId { type_info: Operand::Address(..) }));
        assert_eq!(types.count(), 2);
        let clauses = ops(handlers).find_map(|op| match op {
            Op::LandingPad { clauses, .. } if clauses.len() == 3 => Some(clauses.len()),
            _ => None,
        });
        assert_eq!(clauses, Some(3));
        let declared = module.functions.iter().find(|one| one.name == "may_throw").expect("it is there");
        let is_const: Vec<bool> = declared.parameters.iter().map(|one| one.is_pointer_to_const).collect();
        assert_eq!((declared.is_no_unwind, &is_const[..]), (false, &[true, false][..]));
        assert!(module.functions.iter().any(|one| one.name == "never_throws" && one.is_no_unwind));
        // A table of virtual functions: offset to top, type, two destructors, the function.
        let table = module.globals.iter().find(|one| one.symbol == "_ZTVN6shapes4baseE").expect("it is there");
        let relocations = &table.initial.as_ref().unwrap().relocations;
        assert_eq!(relocations.iter().map(|one| one.offset).collect::<Vec<_>>(), [8, 16, 24, 32]);
        assert_eq!(table.linkage, Linkage::Merged);
        assert!(!module.constructors.is_empty());
        assert!(
            module.globals.iter().any(|one| one.name == "global" && one.type_name.as_deref() == Some("shapes::base *"))
        );
    }
}

#[test]
fn allocation_in_rust_is_declared() {
    let module = read_file("rust.95.O0").module;
    let allocates = |function: &&Function| function.allocation.family.as_deref() == Some("__rust_alloc");
    let family: Vec<&Function> = module.functions.iter().filter(allocates).collect();
    assert!(family.iter().any(|one| one.allocation.allocates && one.allocation.size == [0]));
    assert!(family.iter().any(|one| one.allocation.zeroes));
    assert!(family.iter().any(|one| one.allocation.releases == Some(0) && !one.allocation.allocates));
    assert!(module.functions.iter().any(|one| one.name == "constructs::leak" && one.is_defined()));
}

#[test]
fn bodies_that_are_known_are_only_declared() {
    let text = corpus::text("cpp.19.O0");
    let whole = read(&text, &|_| false).module;
    let known: Vec<String> = whole
        .functions
        .iter()
        .filter(|one| one.is_defined() && one.linkage == Linkage::Merged)
        .map(|one| one.symbol.clone())
        .collect();
    assert!(10 < known.len());
    let reading = read(&text, &|symbol| known.iter().any(|one| one == symbol));
    assert_eq!(well_formed::check(&reading.module, Order::Checked), Ok(()));
    for (read, full) in reading.module.functions.iter().zip(&whole.functions) {
        assert_eq!(read.symbol, full.symbol);
        assert_eq!(read.is_defined(), full.is_defined() && full.linkage != Linkage::Merged, "{}", read.symbol);
    }
}

/// The compilers that are here may be newer than those of the corpus.
#[test]
fn what_the_installed_compilers_write_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frontend/corpus");
    for (compiler, source, options) in [
        ("clang", "constructs.c", &["-S", "-emit-llvm", "-g", "-w"][..]),
        ("clang++", "constructs.cpp", &["-S", "-emit-llvm", "-g", "-w", "-std=c++17"]),
        ("rustc", "constructs.rs", &["--edition=2024", "--emit=llvm-ir", "-Cdebuginfo=2", "-Awarnings"]),
    ] {
        for level in [0, 1, 2] {
            let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{source}.{level}.ll"));
            let level = if compiler == "rustc" { format!("-Copt-level={level}") } else { format!("-O{level}") };
            let status = Command::new(compiler)
                .args(options)
                .arg(&level)
                .arg(folder.join(source))
                .arg("-o")
                .arg(&output)
                .status()
                .unwrap_or_else(|error| panic!("cannot start `{compiler}`: {error}"));
            assert!(status.success(), "`{compiler}` {level} {source}");
            let text = std::fs::read(&output).expect("it was written");
            read_whole(&text, &format!("{compiler} {level}"));
        }
    }
}
