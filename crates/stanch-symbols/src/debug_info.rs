//! DWARF of one module: address to frames, inlined ones included.
use crate::compressed::Section;
use crate::elf::Elf;
use crate::guard::guarded;
use crate::name::is_mangled;
use crate::qualified::full_name;
use gimli::{DwLang, DwarfSections, EndianSlice, RunTimeEndian, SectionId};
use object::Object;
use self_cell::self_cell;

type Reader<'data> = EndianSlice<'data, RunTimeEndian>;
type Context<'data> = addr2line::Context<Reader<'data>>;

/// The sections that lead from an address to a name; the others (locations, macros, types) are not even decompressed.
const SECTIONS: &[SectionId] = &[
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// Languages whose functions have one name.
const PLAIN_LANGUAGES: &[DwLang] = &[
    gimli::DW_LANG_C,
    gimli::DW_LANG_C89,
    gimli::DW_LANG_C99,
    gimli::DW_LANG_C11,
    gimli::DW_LANG_C17,
    gimli::DW_LANG_Mips_Assembler,
];

/// A frame as the debug information has it.
#[derive(Debug, Default)]
pub(crate) struct DebugFrame {
    /// Linkage name where there is one, else the bare name.
    pub(crate) raw_name: Option<String>,
    /// The full name where `raw_name` is only the end of it.
    pub(crate) full_name: Option<String>,
    /// Source file.
    pub(crate) file: Option<String>,
    /// Line from 1.
    pub(crate) line: Option<u32>,
    /// Column from 1.
    pub(crate) column: Option<u32>,
}

/// The parsed debug information of one module.
pub(crate) struct DebugInfo(Parsed);

struct Sections {
    own: DwarfSections<Section>,
    shared: Option<DwarfSections<Section>>,
    endian: RunTimeEndian,
}

self_cell!(
    struct Parsed {
        owner: Sections,

        #[not_covariant]
        dependent: Context,
    }
);

impl DebugInfo {
    /// Reads the debug information of `elf` and of the file that it shares with others; what is wrong with it
    /// otherwise. Units are parsed when an address in them is asked for.
    pub(crate) fn read(elf: &Elf, shared: Option<&Elf>) -> Result<Self, String> {
        guarded(|| Self::read_unguarded(elf, shared)).unwrap_or_else(|| Err("it cannot be parsed".to_owned()))
    }

    fn read_unguarded(elf: &Elf, shared: Option<&Elf>) -> Result<Self, String> {
        let endian = match elf.file()?.endianness() {
            object::Endianness::Little => RunTimeEndian::Little,
            object::Endianness::Big => RunTimeEndian::Big,
        };
        let sections = Sections { own: sections(elf)?, shared: shared.map(sections).transpose()?, endian };
        let parsed = Parsed::try_new(sections, |sections| {
            let borrow = |section| EndianSlice::new(bytes(section), sections.endian);
            Context::from_dwarf(sections.own.borrow_with_sup(sections.shared.as_ref(), borrow))
        });
        parsed.map(Self).map_err(|error| error.to_string())
    }

    /// The frames at the instruction `address`, innermost first; none where nothing is known of it.
    pub(crate) fn frames(&self, address: u64) -> Result<Vec<DebugFrame>, String> {
        let found = guarded(|| self.0.with_dependent(|_, context| frames(context, address)));
        found.unwrap_or_else(|| Err("it cannot be parsed".to_owned()))
    }
}

fn bytes(section: &Section) -> &[u8] {
    section
}

fn sections(elf: &Elf) -> Result<DwarfSections<Section>, String> {
    let file = elf.file()?;
    DwarfSections::load(|id| {
        if SECTIONS.contains(&id) { Section::read(&elf.image, &file, id.name()) } else { Ok(Section::Empty) }
    })
}

fn frames(context: &Context<'_>, address: u64) -> Result<Vec<DebugFrame>, String> {
    // The parser looks at the range from here to the next byte.
    if address == u64::MAX {
        return Ok(Vec::new());
    }
    let mut found = context.find_frames(address).skip_all_loads().map_err(|error| error.to_string())?;
    let mut frames = Vec::new();
    while let Some(frame) = found.next().map_err(|error| error.to_string())? {
        let mut frame_out = DebugFrame::default();
        if let Some(function) = frame.function {
            frame_out.raw_name = function.raw_name().ok().map(|name| name.into_owned());
            let is_plain = function.language.is_some_and(|language| PLAIN_LANGUAGES.contains(&language));
            if !is_plain && !frame_out.raw_name.as_deref().is_some_and(is_mangled) {
                let unit = context.find_dwarf_and_unit(address).skip_all_loads();
                frame_out.full_name = unit.zip(frame.dw_die_offset).and_then(|(unit, at)| full_name(unit, at));
            }
        }
        if let Some(location) = frame.location {
            frame_out.file = location.file.map(str::to_owned);
            frame_out.line = location.line.filter(|line| 0 < *line);
            frame_out.column = location.column.filter(|column| 0 < *column);
        }
        frames.push(frame_out);
    }
    Ok(frames)
}
