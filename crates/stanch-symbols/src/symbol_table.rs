//! Function names from symbol tables: sorted once, then a binary search for each address.
use crate::elf::Elf;
use crate::guard::guarded;
use crate::image::Image;
use object::elf::{SHF_EXECINSTR, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE};
use object::read::elf::{ElfFile, FileHeader, SectionHeader, Sym, SymbolTable as ElfSymbols};
use std::ops::Range;

/// How many symbols below an address are asked whether they cover it. Functions hardly overlap: the nearest one does,
/// or one that has smaller ones within it.
const SYMBOLS_TRIED: usize = 32;

/// The functions of one module.
#[derive(Debug, Default)]
pub(crate) struct SymbolTable {
    /// By address, then by preference.
    symbols: Vec<Symbol>,
    /// Where the names are.
    strings: Vec<Strings>,
}

#[derive(Clone, Copy, Debug)]
struct Symbol {
    start: u64,
    /// Its end where its size is known, else the end of its section.
    end: u64,
    /// Offset of its name.
    name: u32,
    /// Index into [`SymbolTable::strings`].
    strings: u8,
    rank: Rank,
}

/// Which of several symbols for one address to prefer; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    unsized_: bool,
    no_function: bool,
    local: bool,
    weak: bool,
}

#[derive(Debug)]
struct Strings {
    image: Image,
    range: Range<usize>,
}

impl SymbolTable {
    /// The best there is in `files`, of which all have the same addresses: `.symtab` of the first that has one,
    /// else everything from `.dynsym` and `mini_debug_info`.
    pub(crate) fn read<'a>(
        files: impl IntoIterator<Item = &'a Elf>,
        mini_debug_info: impl FnOnce() -> Option<Elf>,
    ) -> Self {
        let mut table = Self::default();
        let mut last = None;
        for elf in files {
            table.add(elf, Which::Static);
            if !table.symbols.is_empty() {
                return table.sorted();
            }
            last = Some(elf);
        }
        if let Some(elf) = last {
            table.add(elf, Which::Dynamic);
        }
        if let Some(elf) = mini_debug_info() {
            table.add(&elf, Which::Static);
        }
        table.sorted()
    }

    /// True where no function has a name.
    pub(crate) fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The raw name of the function that holds the instruction at `address`.
    pub(crate) fn find(&self, address: u64) -> Option<String> {
        let after = self.symbols.partition_point(|symbol| symbol.start <= address);
        let nearest = self.symbols[..after].last()?.start;
        let tried = &self.symbols[after.saturating_sub(SYMBOLS_TRIED)..after];
        let holder = |address| tried.iter().rev().find(move |symbol| !symbol.rank.unsized_ && address < symbol.end);
        let start = match holder(address) {
            Some(symbol) => symbol.start,
            // A label within a function ends with it, and others reach to the next symbol.
            None if holder(nearest).is_some() => return None,
            None => nearest,
        };
        self.best_name(start, address)
    }

    /// Of the aliases at `start` the one that its users know: exported, without underscores, short.
    fn best_name(&self, start: u64, address: u64) -> Option<String> {
        let first = self.symbols.partition_point(|symbol| symbol.start < start);
        let aliases = self.symbols[first..].iter().take_while(|symbol| symbol.start == start).take(SYMBOLS_TRIED);
        aliases
            .filter(|symbol| address < symbol.end)
            .map(|symbol| (symbol, self.name(symbol)))
            .filter(|(_, name)| !name.is_empty())
            .min_by_key(|(symbol, name)| {
                let underscores = name.bytes().take_while(|byte| *byte == b'_').count();
                let Rank { unsized_, no_function, local, weak } = symbol.rank;
                (unsized_, no_function, local, underscores, weak, name.len(), name.clone())
            })
            .map(|(_, name)| name)
    }

    fn name(&self, symbol: &Symbol) -> String {
        let strings = &self.strings[usize::from(symbol.strings)];
        let all = strings.image.get(strings.range.clone()).unwrap_or_default();
        let rest = all.get(symbol.name as usize..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..length]).into_owned()
    }

    fn add(&mut self, elf: &Elf, which: Which) {
        let kept = self.symbols.len();
        let added = guarded(|| match elf.file().ok()? {
            object::File::Elf32(file) => self.add_from(&file, &elf.image, which),
            object::File::Elf64(file) => self.add_from(&file, &elf.image, which),
            _ => None,
        });
        if added.flatten().is_none() {
            self.symbols.truncate(kept);
        }
    }

    fn add_from<Header: FileHeader>(&mut self, file: &ElfFile<'_, Header>, image: &Image, which: Which) -> Option<()> {
        let (endian, sections) = (file.endian(), file.elf_section_table());
        let table = match which {
            Which::Static => file.elf_symbol_table(),
            Which::Dynamic => file.elf_dynamic_symbol_table(),
        };
        // Names are looked up in the file when they are wanted; the parser checked that the range lies in it.
        let (start, size) = sections.section(table.string_section()).ok()?.file_range(endian)?;
        let range = usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?;
        let index = u8::try_from(self.strings.len()).ok()?;
        self.strings.push(Strings { image: image.clone(), range });
        let code = code_sections(file);
        self.symbols.reserve(table.len().min(image.len() / size_of::<Header::Sym>().max(1)));
        for (at, symbol) in table.enumerate() {
            if let Some(section) = section_of(table, endian, at, symbol).and_then(|section| code.get(section)?.as_ref())
            {
                self.symbols.extend(Symbol::new::<Header>(symbol, endian, section, index));
            }
        }
        Some(())
    }

    fn sorted(mut self) -> Self {
        self.symbols.sort_unstable_by_key(|symbol| (symbol.start, symbol.rank));
        self
    }
}

#[derive(Clone, Copy)]
enum Which {
    Static,
    Dynamic,
}

impl Symbol {
    fn new<Header: FileHeader>(
        symbol: &Header::Sym,
        endian: Header::Endian,
        section: &Range<u64>,
        strings: u8,
    ) -> Option<Self> {
        let kind = symbol.st_type();
        if ![STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE].contains(&kind) {
            return None;
        }
        let (start, size): (u64, u64) = (symbol.st_value(endian).into(), symbol.st_size(endian).into());
        let name = symbol.st_name(endian);
        // Labels such as `_etext` stand at the end of a section and name nothing in it.
        if !section.contains(&start) || name == 0 {
            return None;
        }
        let rank = Rank {
            unsized_: size == 0,
            no_function: kind == STT_NOTYPE,
            local: symbol.st_bind() == STB_LOCAL,
            weak: symbol.st_bind() != STB_GLOBAL,
        };
        let end = if size == 0 { section.end } else { start.saturating_add(size) };
        Some(Self { start, end, name, strings, rank })
    }
}

/// The address ranges of sections with code, by section index. Debug files keep them, without contents.
fn code_sections<Header: FileHeader>(file: &ElfFile<'_, Header>) -> Vec<Option<Range<u64>>> {
    let endian = file.endian();
    let sections = file.elf_section_table().iter();
    sections
        .map(|section| {
            let (start, size): (u64, u64) = (section.sh_addr(endian).into(), section.sh_size(endian).into());
            section.sh_flags(endian).contains(SHF_EXECINSTR).then(|| start..start.saturating_add(size))
        })
        .collect()
}

/// Index of the section that a symbol is in.
fn section_of<Header: FileHeader>(
    table: &ElfSymbols<'_, Header>,
    endian: Header::Endian,
    at: object::SymbolIndex,
    symbol: &Header::Sym,
) -> Option<usize> {
    table.symbol_section(endian, symbol, at).ok().flatten().map(|section| section.0)
}
