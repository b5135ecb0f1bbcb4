//! Which units make a program. One build makes many: tools, tests with a `main` of their own, libraries.
//!
//! Where links were seen, they say. Elsewhere units are taken as a linker takes members of an archive: a unit with
//! `main` begins a program, and brings in those that define what it lacks, the nearest first. What no program needs
//! are libraries.
use super::unit::{Link, LinkKind, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a unit offers and lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    /// Defined for others, once in a program.
    pub strong: BTreeSet<String>,
    /// Defined for others, perhaps by several.
    pub weak: BTreeSet<String>,
    /// Used, and defined elsewhere.
    pub undefined: BTreeSet<String>,
}

impl Symbols {
    fn has_main(&self) -> bool {
        self.strong.contains("main")
    }
}

/// Units that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Indices of units, those that begin it first.
    pub units: Vec<usize>,
    /// What was linked, where that is known.
    pub output: Option<PathBuf>,
}

/// The programs and libraries of the units. Units without symbols could not be compiled and are in none.
#[must_use]
pub fn programs(units: &[Unit], symbols: &[Option<Symbols>], links: &[Link]) -> Vec<Program> {
    let grouping = Grouping::new(units, symbols, links);
    let mut programs = grouping.of_links();
    programs.extend(grouping.of_mains(&covered(&programs)));
    programs.extend(grouping.of_rest(&covered(&programs)));
    without_parts(programs, symbols)
}

fn covered(programs: &[Program]) -> BTreeSet<usize> {
    programs.iter().flat_map(|program| program.units.iter().copied()).collect()
}

/// Leaves out libraries that are wholly part of others, and programs that are there twice.
fn without_parts(programs: Vec<Program>, symbols: &[Option<Symbols>]) -> Vec<Program> {
    let sets: Vec<BTreeSet<usize>> = programs.iter().map(|program| program.units.iter().copied().collect()).collect();
    let is_program = |at: usize| sets[at].iter().any(|unit| symbols[*unit].as_ref().is_some_and(Symbols::has_main));
    let is_part = |at: usize| {
        (0..sets.len()).any(|other| {
            other != at
                && sets[at].is_subset(&sets[other])
                && (sets[at] != sets[other] || other < at)
                && (sets[at] == sets[other] || (!is_program(at) && !is_program(other)))
        })
    };
    let kept: Vec<bool> = (0..sets.len()).map(|at| !sets[at].is_empty() && !is_part(at)).collect();
    programs.into_iter().zip(kept).filter_map(|(program, is_kept)| is_kept.then_some(program)).collect()
}

struct Grouping<'a> {
    units: &'a [Unit],
    symbols: &'a [Option<Symbols>],
    links: &'a [Link],
    /// Who defines a symbol, strong definitions first.
    definers: BTreeMap<&'a str, Vec<usize>>,
    by_output: BTreeMap<&'a Path, usize>,
    link_of: BTreeMap<&'a Path, usize>,
}

impl<'a> Grouping<'a> {
    fn new(units: &'a [Unit], symbols: &'a [Option<Symbols>], links: &'a [Link]) -> Grouping<'a> {
        let mut definers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for is_strong in [true, false] {
            for (index, symbols) in symbols.iter().enumerate() {
                let Some(symbols) = symbols else { continue };
                for symbol in if is_strong { &symbols.strong } else { &symbols.weak } {
                    definers.entry(symbol).or_default().push(index);
                }
            }
        }
        let by_output =
            units.iter().enumerate().filter_map(|(index, unit)| Some((unit.output.as_deref()?, index))).collect();
        // What is linked twice is what it became last.
        let link_of = links.iter().enumerate().map(|(index, link)| (link.output.as_path(), index)).collect();
        Grouping { units, symbols, links, definers, by_output, link_of }
    }

    fn is_compiled(&self, unit: usize) -> bool {
        self.symbols.get(unit).is_some_and(Option::is_some)
    }

    fn has_main(&self, unit: usize) -> bool {
        self.symbols[unit].as_ref().is_some_and(Symbols::has_main)
    }

    /// One for each program and shared library that was linked, and for each archive that none of those took in whole.
    fn of_links(&self) -> Vec<Program> {
        let made = |is_wanted: &dyn Fn(&Link) -> bool| -> Vec<Program> {
            let wanted = self.link_of.values().map(|index| &self.links[*index]).filter(|link| is_wanted(link));
            wanted.filter_map(|link| self.of_link(link)).collect()
        };
        let mut programs = made(&|link| link.kind != LinkKind::Archive);
        let covered = covered(&programs);
        let archives = made(&|link| link.kind == LinkKind::Archive);
        programs
            .extend(archives.into_iter().filter(|archive| !archive.units.iter().all(|unit| covered.contains(unit))));
        programs
    }

    fn of_link(&self, link: &Link) -> Option<Program> {
        let (mut roots, mut offered) = (Vec::new(), BTreeSet::new());
        let is_whole = link.kind == LinkKind::Archive;
        self.inputs(link, is_whole, 0, &mut roots, &mut offered);
        roots.retain(|unit| self.is_compiled(*unit));
        if roots.is_empty() && link.kind == LinkKind::Executable {
            // `main` may come from an archive.
            roots
                .extend(offered.iter().copied().filter(|unit| self.is_compiled(*unit) && self.has_main(*unit)).take(1));
        }
        if roots.is_empty() && link.kind == LinkKind::Shared {
            roots.extend(offered.iter().copied().filter(|unit| self.is_compiled(*unit)));
        }
        let units = self.closed(roots, &|unit| offered.contains(&unit));
        (!units.is_empty()).then(|| Program { units, output: Some(link.output.clone()) })
    }

    /// The units that a link takes in any case, and those that it takes where they are needed.
    fn inputs(&self, link: &Link, is_whole: bool, depth: u32, roots: &mut Vec<usize>, offered: &mut BTreeSet<usize>) {
        const DEPTH_MAX: u32 = 8;
        let libraries = link.libraries.iter().filter_map(|name| self.library(name));
        let found = link.inputs.iter().map(PathBuf::as_path);
        for input in found.chain(libraries) {
            if let Some(unit) = self.by_output.get(input) {
                roots.push(*unit);
            } else if let Some(inner) = self.link_of.get(input).map(|index| &self.links[*index])
                && depth < DEPTH_MAX
                && inner.output != link.output
            {
                let is_joined = is_whole || input.extension() == Some(OsStr::new("o"));
                let (mut inner_roots, mut inner_offered) = (Vec::new(), BTreeSet::new());
                self.inputs(inner, is_joined, depth + 1, &mut inner_roots, &mut inner_offered);
                if is_joined && inner.kind == LinkKind::Archive {
                    roots.extend(inner_roots);
                } else {
                    offered.extend(inner_roots);
                }
                offered.extend(inner_offered);
            }
        }
    }

    /// What `-lNAME` means among the libraries that the build made.
    fn library(&self, name: &OsStr) -> Option<&'a Path> {
        let is_named = |path: &Path| {
            let file = path.file_name().unwrap_or_default().as_bytes();
            let rest = file.strip_prefix(b"lib").and_then(|file| file.strip_prefix(name.as_bytes()));
            rest.is_some_and(|rest| rest == b".a" || rest.starts_with(b".so"))
        };
        self.link_of.keys().copied().find(|path| is_named(path))
    }

    /// One for each unit with `main` that is in no program yet.
    fn of_mains(&self, covered: &BTreeSet<usize>) -> Vec<Program> {
        let is_new = |unit: &usize| self.is_compiled(*unit) && self.has_main(*unit) && !covered.contains(unit);
        let mains = (0..self.units.len()).filter(is_new);
        mains.map(|main| Program { units: self.closed(vec![main], &|_| true), output: None }).collect()
    }

    /// Libraries of all that is in no program: as few as there can be without two definitions of one symbol in any.
    fn of_rest(&self, covered: &BTreeSet<usize>) -> Vec<Program> {
        let mut groups: Vec<(Vec<usize>, BTreeSet<&str>)> = Vec::new();
        let rest = (0..self.units.len()).filter(|unit| self.is_compiled(*unit) && !covered.contains(unit));
        for unit in rest {
            let Some(symbols) = &self.symbols[unit] else { continue };
            let fits =
                |defined: &BTreeSet<&str>| symbols.strong.iter().all(|symbol| !defined.contains(symbol.as_str()));
            let is_near = |group: &[usize]| group.iter().any(|other| self.distance(unit, *other) == 0);
            let near = groups.iter().position(|(group, defined)| is_near(group) && fits(defined));
            let at = near.or_else(|| groups.iter().position(|(_, defined)| fits(defined)));
            let at = at.unwrap_or_else(|| {
                groups.push(Default::default());
                groups.len() - 1
            });
            groups[at].0.push(unit);
            groups[at].1.extend(symbols.strong.iter().map(String::as_str));
        }
        groups.into_iter().map(|(roots, _)| Program { units: self.closed(roots, &|_| true), output: None }).collect()
    }

    /// The units with those that define what they lack, and so on. Units with a `main` of their own are not taken.
    fn closed(&self, roots: Vec<usize>, is_offered: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let mut taken: BTreeSet<usize> = roots.iter().copied().collect();
        let mut units = Vec::new();
        let mut defined: BTreeSet<&str> = BTreeSet::new();
        for unit in &roots {
            if let Some(symbols) = &self.symbols[*unit] {
                defined.extend(symbols.strong.iter().chain(&symbols.weak).map(String::as_str));
            }
        }
        let mut open: std::collections::VecDeque<usize> = roots.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(unit) = open.pop_front() {
            if seen.insert(unit) {
                units.push(unit);
            }
            let Some(symbols) = &self.symbols[unit] else { continue };
            for symbol in &symbols.undefined {
                if defined.contains(symbol.as_str()) {
                    continue;
                }
                let Some(definers) = self.definers.get(symbol.as_str()) else { continue };
                let candidates = definers.iter().copied().filter(|other| is_offered(*other) && !self.has_main(*other));
                let Some(best) = candidates.min_by_key(|other| self.distance(unit, *other)) else { continue };
                if let Some(found) = &self.symbols[best] {
                    defined.extend(found.strong.iter().chain(&found.weak).map(String::as_str));
                }
                if taken.insert(best) {
                    open.push_back(best);
                }
            }
        }
        units
    }

    /// How far two units are from each other: 0 for one folder of objects or of sources, else folders between.
    fn distance(&self, one: usize, other: usize) -> usize {
        let (one, other) = (&self.units[one], &self.units[other]);
        let of_target = |unit: &Unit| {
            let output = unit.output.clone()?;
            let target = output.ancestors().find(|path| path.extension() == Some(OsStr::new("dir")))?.to_owned();
            Some(target)
        };
        match (of_target(one), of_target(other)) {
            (Some(one), Some(other)) if one == other => return 0,
            _ => {}
        }
        let folders = [one.path(), other.path()].map(|path| {
            let path = super::unit::cleaned(&path);
            path.parent().map(Path::to_owned).unwrap_or_default()
        });
        let common = folders[0].iter().zip(folders[1].iter()).take_while(|(one, other)| one == other).count();
        folders.iter().map(|folder| folder.iter().count() - common).sum()
    }
}

#[cfg(test)]
mod tests;
