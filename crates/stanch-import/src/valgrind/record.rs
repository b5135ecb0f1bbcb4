//! One `<error>` of valgrind's XML.
use crate::budget::Budget;
use crate::builder::{CodeIndex, Counts, DEPTH_MAX, Live, ProcessBuilder, UNKNOWN_BIAS};
use crate::settle::allocation_function;
use stanch_recording::{AllocatorFunction, Class, Misuse, MisuseKind, ResolvedFrame, SiteIndex};

/// A frame as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordFrame {
    address: u64,
    object: String,
    function: Option<String>,
    directory: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl RecordFrame {
    pub(super) fn set(&mut self, name: &str, text: String) {
        match name {
            "ip" => {
                let digits = text.strip_prefix("0x").unwrap_or(&text);
                self.address = u64::from_str_radix(digits, 16).unwrap_or(0);
            }
            "obj" => self.object = text,
            "fn" => self.function = Some(text),
            "dir" => self.directory = Some(text),
            "file" => self.file = Some(text),
            "line" => self.line = text.parse().ok(),
            _ => {}
        }
    }

    fn weight_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_deref().map_or(0, str::len);
        size_of::<Self>() + self.object.len() + text(&self.function) + text(&self.directory) + text(&self.file)
    }

    fn code(&self, builder: &mut ProcessBuilder, budget: &mut Budget) -> Option<CodeIndex> {
        let module = builder.module(&self.object, UNKNOWN_BIAS, &[], budget);
        let file = match (&self.directory, &self.file) {
            (Some(directory), Some(file)) => Some(format!("{directory}/{file}")),
            (_, file) => file.clone(),
        };
        let frame = ResolvedFrame { function: self.function.clone(), file, line: self.line, ..Default::default() };
        let frames = if frame == ResolvedFrame::default() { Vec::new() } else { vec![frame] };
        builder.code(module, self.address.saturating_add(1), frames, budget)
    }
}

/// An error as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) unique: String,
    kind: String,
    text: String,
    what: String,
    auxiliary: String,
    leaked_bytes: u64,
    leaked_blocks: u64,
    /// The frame that is being read.
    pub(super) frame: RecordFrame,
    /// Innermost frame first.
    pub(super) stacks: Vec<Vec<RecordFrame>>,
}

impl Record {
    pub(super) fn set(&mut self, name: &str, text: String) {
        match name {
            "unique" => self.unique = text,
            "kind" => self.kind = text,
            "what" => self.what = text,
            "text" => self.text = text,
            "auxwhat" => self.auxiliary = text,
            "leakedbytes" => self.leaked_bytes = text.parse().unwrap_or(0),
            "leakedblocks" => self.leaked_blocks = text.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Puts the frame that was read on the last stack.
    pub(super) fn add_frame(&mut self, budget: &mut Budget) {
        let frame = std::mem::take(&mut self.frame);
        if let Some(stack) = self.stacks.last_mut()
            && stack.len() < DEPTH_MAX
            && budget.take(frame.weight_bytes())
        {
            stack.push(frame);
        }
    }

    pub(super) fn is_leak(&self) -> bool {
        self.class().is_some()
    }

    pub(super) fn is_indirect(&self) -> bool {
        self.class() == Some(Class::IndirectlyLost)
    }

    pub(super) fn is_misuse(&self) -> bool {
        self.misuse_kind().is_some()
    }

    fn class(&self) -> Option<Class> {
        match self.kind.as_str() {
            "Leak_DefinitelyLost" => Some(Class::DefinitelyLost),
            "Leak_IndirectlyLost" => Some(Class::IndirectlyLost),
            "Leak_PossiblyLost" => Some(Class::PossiblyLost),
            "Leak_StillReachable" => Some(Class::StillReachable),
            _ => None,
        }
    }

    fn misuse_kind(&self) -> Option<MisuseKind> {
        match self.kind.as_str() {
            "MismatchedFree" => Some(MisuseKind::MismatchedFree),
            "InvalidFree" if self.auxiliary.contains("free'd") => Some(MisuseKind::DoubleFree),
            _ => None,
        }
    }

    /// What only this record's blocks hold; `leakedbytes` includes it.
    pub(super) fn indirect_bytes(&self) -> u64 {
        number_before(&self.text, " indirect)").unwrap_or(0).min(self.leaked_bytes)
    }

    pub(super) fn add_leak(&self, builder: &mut ProcessBuilder, budget: &mut Budget) {
        let (Some(class), Some(site)) = (self.class(), self.site(0, builder, budget)) else { return };
        let indirect_bytes = self.indirect_bytes();
        let live = Live {
            allocator: AllocatorFunction::Malloc,
            class,
            blocks: self.leaked_blocks,
            bytes: self.leaked_bytes - indirect_bytes,
            indirect_bytes,
        };
        builder.add_live(site, live, budget);
        self.give_back(budget);
    }

    pub(super) fn add_misuse(&self, count: u64, builder: &mut ProcessBuilder, budget: &mut Budget) {
        let Some(kind) = self.misuse_kind() else { return };
        let Some(freed) = self.stacks.first() else { return };
        let is_release = |frame: &&RecordFrame| {
            frame.object.contains("vgpreload") && frame.function.as_deref().and_then(allocation_function).is_none()
        };
        let release = freed.iter().find(is_release).and_then(|frame| frame.function.as_deref()).unwrap_or("free");
        let release = release.split('(').next().unwrap_or(release).to_owned();
        let frames = freed.iter().filter(|frame| !frame.object.contains("vgpreload"));
        let codes: Option<Vec<_>> = frames.map(|frame| frame.code(builder, budget)).collect();
        let Some(codes) = codes else { return };
        let freed_at = builder.stack(&codes, budget);
        let site = self.allocation_stack(kind).and_then(|stack| self.site(stack, builder, budget));
        let bytes = number_after(&self.auxiliary, "block of size ").unwrap_or(0);
        let allocator = if site.is_some() { AllocatorFunction::Malloc } else { AllocatorFunction::Inherited };
        builder.add_misuse(Misuse { kind, site, allocator, freed_by: release, freed_at, count, bytes }, budget);
    }

    /// After the stack that freed wrongly comes the one that allocated; of a double free, first the one that freed
    /// before.
    fn allocation_stack(&self, kind: MisuseKind) -> Option<usize> {
        let index = if kind == MisuseKind::DoubleFree { 2 } else { 1 };
        (index < self.stacks.len()).then_some(index)
    }

    fn site(&self, stack: usize, builder: &mut ProcessBuilder, budget: &mut Budget) -> Option<SiteIndex> {
        let frames = self.stacks.get(stack)?;
        let codes: Option<Vec<_>> = frames.iter().map(|frame| frame.code(builder, budget)).collect();
        let node = builder.stack(&codes?, budget);
        let site = builder.site(node, budget)?;
        builder.add_counts(site, Counts::default());
        Some(site)
    }

    /// The frames are in the builder now.
    fn give_back(&self, budget: &mut Budget) {
        budget.give_back(self.stacks.iter().flatten().map(RecordFrame::weight_bytes).sum());
    }
}

/// The number, with its commas, that ends where `end` begins.
fn number_before(text: &str, end: &str) -> Option<u64> {
    let (front, _) = text.split_once(end)?;
    front.rsplit(|letter: char| !letter.is_ascii_digit() && letter != ',').next()?.replace(',', "").parse().ok()
}

/// The number, with its commas, that follows `start`.
fn number_after(text: &str, start: &str) -> Option<u64> {
    let (_, rest) = text.split_once(start)?;
    rest.split(|letter: char| !letter.is_ascii_digit() && letter != ',').next()?.replace(',', "").parse().ok()
}
