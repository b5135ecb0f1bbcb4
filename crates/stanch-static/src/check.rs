//! The whole chain: sources to findings.
use crate::engine::{self, Counts, Limits};
use crate::frontend::{self, NotUnderstood};
use crate::ir::{Linkage, Module, link};
use crate::models::Models;
use crate::rules;
use crate::source::{CompilePlan, Program, Sources, Symbols, Unit, compile_all, compile_text, in_parallel, programs};
use stanch_finding::{Finding, Incomplete};
use std::collections::{BTreeMap, BTreeSet};

/// How sources are analysed.
#[derive(Debug)]
pub struct CheckPlan {
    /// How they are compiled.
    pub compile: CompilePlan,
    /// What library functions do.
    pub models: Models,
    /// How much the engine may try.
    pub limits: Limits,
}

/// A part of the work, for whoever shows how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Units are compiled and read.
    Compile,
    /// Programs are analysed.
    Analyse,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Claims, each leak once.
    pub findings: Vec<Finding>,
    /// What could not be seen.
    pub incomplete: Vec<Incomplete>,
    /// Files that were compiled and understood.
    pub analysed_files: usize,
    /// Functions with code in them, each once for a program.
    pub functions: usize,
    /// Programs and libraries that they make.
    pub programs: usize,
}

/// Compiles the sources, links them to programs, and analyses each.
///
/// `tell` is called, from several threads, with how much of a step is done and how much there is.
#[must_use]
pub fn check(sources: &Sources, plan: &CheckPlan, tell: &(dyn Fn(Step, usize, usize) + Sync)) -> Checked {
    let total = sources.units.len();
    let read = |text: String| frontend::read(text.as_bytes(), &|_| false);
    let read = compile_all(&sources.units, &plan.compile, &read, &|done| tell(Step::Compile, done, total));
    let mut checked = Checked::default();
    let mut modules: Vec<Option<Module>> = Vec::with_capacity(total);
    for (unit, result) in sources.units.iter().zip(read) {
        match result {
            Ok(reading) => {
                checked.analysed_files += 1;
                checked.incomplete.extend(of_reading(unit, &reading.not_understood));
                modules.push(Some(reading.module));
            }
            Err(error) => {
                checked.incomplete.push(Incomplete { what: name_of(unit), why: error.to_string() });
                modules.push(None);
            }
        }
    }
    let symbols: Vec<Option<Symbols>> = modules.iter().map(|module| module.as_ref().map(symbols_of)).collect();
    let programs = programs(&sources.units, &symbols, &sources.links);
    let library = library(sources, plan);
    checked.programs = programs.len();
    tell(Step::Analyse, 0, programs.len());
    let analyse = |program: &Program| analyse(&link(parts(program, &modules, &symbols, &library)), plan);
    let done = |done: usize| tell(Step::Analyse, done, programs.len());
    for part in in_parallel(&programs, plan.compile.jobs, &analyse, &done) {
        checked.functions += part.functions;
        checked.findings.extend(part.findings);
        checked.incomplete.extend(part.incomplete);
    }
    checked.findings = each_once(std::mem::take(&mut checked.findings));
    let incomplete: BTreeSet<Incomplete> = std::mem::take(&mut checked.incomplete).into_iter().collect();
    checked.incomplete = incomplete.into_iter().collect();
    checked
}

/// What is found in one program.
fn analyse(program: &Module, plan: &CheckPlan) -> Checked {
    let analysis = engine::run(program, &plan.models, plan.limits);
    let mut checked = Checked {
        findings: rules::findings(program, &plan.models, &analysis),
        incomplete: of_counts(program, &analysis.counts),
        functions: program.functions.iter().filter(|function| function.is_defined()).count(),
        ..Checked::default()
    };
    if analysis.has_failed {
        checked.incomplete.push(Incomplete {
            what: format!("the program of `{}`", program.name),
            why: "Stanch itself failed on it; that is a bug of Stanch, please report it".to_owned(),
        });
    }
    checked
}

/// Where the engine ran out of what it may spend.
fn of_counts(program: &Module, counts: &Counts) -> Vec<Incomplete> {
    let gave_up = counts.gave_up_in.iter().map(|function| Incomplete {
        what: format!("`{}`", program.function(*function).name),
        why: "it has more paths than could be followed".to_owned(),
    });
    gave_up.collect()
}

fn name_of(unit: &Unit) -> String {
    unit.file.display().to_string()
}

/// What of a file was not understood: each sort of instruction once.
fn of_reading(unit: &Unit, not_understood: &[NotUnderstood]) -> Vec<Incomplete> {
    let mut by_mnemonic: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in not_understood {
        by_mnemonic.entry(&one.mnemonic).or_default().push(one.function.as_deref().unwrap_or("the file itself"));
    }
    let gap = |(mnemonic, places): (&str, Vec<&str>)| Incomplete {
        what: name_of(unit),
        why: match places.as_slice() {
            [place] => format!("`{mnemonic}` in `{place}` is not understood"),
            places => format!("`{mnemonic}` is not understood, {} times, first in `{}`", places.len(), places[0]),
        },
    };
    by_mnemonic.into_iter().map(gap).collect()
}

/// What a module offers and lacks.
fn symbols_of(module: &Module) -> Symbols {
    let mut symbols = Symbols::default();
    let functions = module.functions.iter().map(|one| (&one.symbol, one.linkage, one.is_defined()));
    let globals = module.globals.iter().map(|one| (&one.symbol, one.linkage, one.initial.is_some()));
    let aliases = module.aliases.iter().map(|one| (&one.symbol, one.linkage, true));
    for (symbol, linkage, is_defined) in functions.chain(globals).chain(aliases) {
        let set = match (is_defined, linkage) {
            (_, Linkage::Internal) => continue,
            (false, _) => &mut symbols.undefined,
            (true, Linkage::External) => &mut symbols.strong,
            (true, Linkage::Merged | Linkage::Weak) => &mut symbols.weak,
        };
        set.insert(symbol.clone());
    }
    symbols
}

/// What the C++ library does as code, with its symbols; nothing where there is no C++, or where it does not compile.
fn library(sources: &Sources, plan: &CheckPlan) -> Vec<(Module, Symbols)> {
    if !sources.units.iter().any(|unit| unit.language.is_cplusplus()) {
        return Vec::new();
    }
    let compiled = |(language, source)| {
        let text = compile_text(source, language, &plan.compile).ok()?;
        let module = frontend::read(text.as_bytes(), &|_| false).module;
        let symbols = symbols_of(&module);
        Some((module, symbols))
    };
    crate::models::LIBSTDCXX.into_iter().filter_map(compiled).collect()
}

/// The modules of a program, and the library's where the program needs some of it.
fn parts(
    program: &Program,
    modules: &[Option<Module>],
    symbols: &[Option<Symbols>],
    library: &[(Module, Symbols)],
) -> Vec<Module> {
    let mut parts: Vec<Module> = program.units.iter().filter_map(|unit| modules[*unit].clone()).collect();
    let needed = || program.units.iter().filter_map(|unit| symbols[*unit].as_ref()).flat_map(|one| &one.undefined);
    for (module, offered) in library {
        if needed().any(|symbol| offered.strong.contains(symbol) || offered.weak.contains(symbol)) {
            parts.push(module.clone());
        }
    }
    parts
}

/// Programs share files, and so findings. Of equal ones the surest is kept; the surest come first.
fn each_once(findings: Vec<Finding>) -> Vec<Finding> {
    let place = |finding: &Finding| {
        let frame = finding.site.stack.first();
        frame.map(|frame| (frame.file.clone(), frame.line, frame.column))
    };
    let mut kept: BTreeMap<_, Finding> = BTreeMap::new();
    for finding in findings {
        let key = (finding.fingerprint.as_str().to_owned(), finding.kind, place(&finding));
        match kept.get(&key) {
            Some(known) if finding.confidence <= known.confidence => {}
            _ => {
                kept.insert(key, finding);
            }
        }
    }
    let mut findings: Vec<Finding> = kept.into_values().collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.confidence), place(finding)));
    findings
}
