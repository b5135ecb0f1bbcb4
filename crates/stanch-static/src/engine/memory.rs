//! Reading and writing memory on a path.
//!
//! Every operation decides all that it depends on before it changes anything, so that it can be done again after a
//! split.
use super::cells::{Cell, Cells};
use super::facts::Infeasible;
use super::region::{Background, Region, RegionKind, Scattered, Status};
use super::state::{Cause, State, Stop, Value};
use super::term::{RegionId, SymbolFacts, Term, TermId, Terms, bits_of};
use crate::ir::{Module, Symbol, Type};
use std::rc::Rc;

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A known offset of a region.
    At(RegionId, i64),
    /// An unknown offset of a region.
    Somewhere(RegionId, TermId),
    /// Null, or close to it.
    Null,
    /// Nothing that can be followed.
    Wild,
}

/// More writes at unknown offsets than this make the whole region unknown.
const SCATTERED_MAX: usize = 48;
/// A read at an unknown offset is tried at up to so many known ones.
const SPREAD_MAX: usize = 20;
/// What lies below written bytes is copied up to this length.
const COPY_MAX: u64 = 1024;
/// Addresses below this are null with an offset.
const NULL_PAGE: u64 = 4096;

/// What memory operations need beside the path.
pub(super) struct World<'a> {
    pub(super) terms: Terms,
    pub(super) program: &'a Module,
    /// Region of each global, by index.
    pub(super) globals: Vec<RegionId>,
    next_region: u32,
    /// Number of the next activation.
    pub(super) next_activation: u32,
}

impl<'a> World<'a> {
    pub(super) fn new(program: &'a Module) -> World<'a> {
        let count = u32::try_from(program.globals.len()).unwrap_or(u32::MAX);
        World {
            terms: Terms::new(),
            program,
            globals: (0..count).map(RegionId).collect(),
            next_region: count,
            next_activation: 0,
        }
    }

    /// The region that will be made next.
    pub(super) fn next_region(&self) -> RegionId {
        RegionId(self.next_region)
    }

    /// A region that is not used yet.
    pub(super) fn new_region(&mut self, state: &mut State, region: Region) -> RegionId {
        let id = RegionId(self.next_region);
        self.next_region += 1;
        state.memory.insert(id, Rc::new(region));
        id
    }

    /// The address of a symbol.
    pub(super) fn symbol_address(&mut self, symbol: Symbol, addend: i64) -> TermId {
        let base = match symbol {
            Symbol::Function(function) => self.terms.intern(Term::Code(function)),
            Symbol::Global(global) => self.terms.region(self.globals[global.index()]),
        };
        self.terms.offset(base, addend)
    }

    /// Where an address points. Memory behind an unknown pointer comes into being here; such a pointer is not null
    /// from now on.
    ///
    /// # Errors
    /// Where the address cannot be used.
    pub(super) fn place(&mut self, state: &mut State, address: TermId) -> Result<Place, Stop> {
        let address = state.facts.normalise(&mut self.terms, address);
        if let Some(value) = state.facts.interval(&self.terms, address).value() {
            return Ok(if value < NULL_PAGE { Place::Null } else { Place::Wild });
        }
        let Some((base, offset)) = self.base(address) else { return Ok(Place::Wild) };
        let region = match *self.terms.get(base) {
            Term::Region(region) => {
                state.facts.make_non_null(base);
                region
            }
            Term::Code(_) | Term::Label(..) => return Ok(Place::Wild),
            _ => match self.behind(state, base)? {
                Some(region) => region,
                None => return Ok(Place::Wild),
            },
        };
        if state.region(region).is_none() {
            return Ok(Place::Wild);
        }
        let range = state.facts.interval(&self.terms, offset);
        Ok(match range.value() {
            Some(value) => Place::At(region, value.cast_signed()),
            None => Place::Somewhere(region, offset),
        })
    }

    /// The part of an address that tells the region, and the rest.
    fn base(&mut self, address: TermId) -> Option<(TermId, TermId)> {
        let Term::Sum { terms, .. } = self.terms.get(address) else {
            let held = self.terms.regions(address);
            if let ([only], false) = (held, matches!(self.terms.get(address), Term::Region(_))) {
                // Bits of an address of one region: somewhere in it.
                let base = self.terms.region(*only);
                let offset = self.terms.subtract(address, base);
                return Some((base, offset));
            }
            let zero = self.terms.int64(0);
            return Some((address, zero));
        };
        let terms = terms.clone();
        let known = &self.terms;
        let is_region = |term: TermId| matches!(known.get(term), Term::Region(_));
        let is_pointer = |term: TermId| known.symbol_facts(term).is_some_and(|facts| facts.is_pointer);
        let with_one = || terms.iter().filter(|(_, factor)| *factor == 1).map(|(term, _)| *term);
        let base = with_one()
            .find(|term| is_region(*term))
            .or_else(|| with_one().find(|term| is_pointer(*term)))
            .or_else(|| with_one().next())?;
        let is_block = is_region(base);
        let offset = self.terms.subtract(address, base);
        // The difference of two blocks is no offset.
        if is_block && !self.terms.regions(offset).is_empty() { None } else { Some((base, offset)) }
    }

    /// The memory behind an unknown pointer.
    fn behind(&mut self, state: &mut State, base: TermId) -> Result<Option<RegionId>, Stop> {
        if let Some(region) = state.behind.get(&base) {
            return Ok(Some(*region));
        }
        if self.terms.symbol_facts(base).is_some_and(|facts| facts.is_undefined) {
            return Ok(None);
        }
        let null = self.terms.null();
        let is_null = self.terms.equal(base, null);
        state.facts.assume(&mut self.terms, is_null, false)?;
        let region = self.new_region(state, Region::new(RegionKind::Behind(base), None, Background::Unknown));
        state.behind.insert(base, region);
        Ok(Some(region))
    }

    /// The value at a place.
    ///
    /// # Errors
    /// A split where it depends on which of several writes it reads.
    pub(super) fn load(&mut self, state: &mut State, place: Place, ty: Type) -> Result<Value, Stop> {
        let size = ty.size();
        let (region, offset) = match place {
            Place::Null => return Err(Stop::Dead),
            Place::Wild => return Ok(self.unknown_value(ty)),
            Place::At(region, offset) => (region, offset),
            Place::Somewhere(region, offset) => return self.load_somewhere(state, region, offset, ty),
        };
        if let Some(term) = self.load_scattered(state, region, offset, size)? {
            return Ok(self.as_type(term, ty));
        }
        if let Type::Bytes(size) = ty {
            let cells = self.gather(state, region, offset, size);
            return Ok(Value::Bytes(Rc::new(cells)));
        }
        let term = self.load_bytes(state, region, offset, size, ty == Type::Pointer);
        Ok(self.as_type(term, ty))
    }

    fn as_type(&mut self, term: TermId, ty: Type) -> Value {
        match ty {
            Type::Bytes(size) => Value::Bytes(Rc::new(Cells::of(0, Cell { size, value: term }))),
            _ => Value::Term(self.terms.extract(term, 0, bits_of(ty))),
        }
    }

    pub(super) fn unknown_value(&mut self, ty: Type) -> Value {
        match ty {
            Type::Bytes(size) => {
                let mut cells = Cells::new();
                for offset in (0..size.min(COPY_MAX)).step_by(8) {
                    let value = self.terms.unknown(Type::Pointer);
                    let part = (size - offset).min(8);
                    let value = self.terms.extract(value, 0, u16::try_from(part * 8).unwrap_or(64));
                    cells.insert(offset.cast_signed(), Cell { size: part, value });
                }
                Value::Bytes(Rc::new(cells))
            }
            _ => Value::Term(self.terms.unknown(ty)),
        }
    }

    /// A value that nobody gave.
    pub(super) fn undefined_value(&mut self, ty: Type) -> Value {
        match ty {
            Type::Bytes(_) => Value::Bytes(Rc::new(Cells::new())),
            _ => Value::Term(self.terms.undefined(ty)),
        }
    }

    /// The latest write at an unknown offset that this read meets.
    fn load_scattered(
        &mut self,
        state: &State,
        region: RegionId,
        offset: i64,
        size: u64,
    ) -> Result<Option<TermId>, Stop> {
        let Some(content) = state.region(region) else { return Ok(None) };
        if content.scattered.is_empty() {
            return Ok(None);
        }
        let wanted = self.terms.int64(offset);
        for write in content.scattered.iter().rev() {
            if write.cell.size != size {
                continue;
            }
            let is_same = self.terms.equal(write.offset, wanted);
            if state.decide(&mut self.terms, is_same)? {
                return Ok(Some(write.cell.value));
            }
        }
        Ok(None)
    }

    fn load_somewhere(&mut self, state: &mut State, region: RegionId, offset: TermId, ty: Type) -> Result<Value, Stop> {
        let size = ty.size();
        let Some(content) = state.region(region) else { return Ok(self.unknown_value(ty)) };
        for write in content.scattered.iter().rev().filter(|write| write.cell.size == size) {
            let is_same = self.terms.equal(write.offset, offset);
            let is_known = state.facts.decide(&mut self.terms, is_same);
            let has_address = !self.terms.regions(write.cell.value).is_empty();
            match is_known {
                Some(true) => return Ok(self.as_type(write.cell.value, ty)),
                Some(false) => {}
                None if has_address && ty == Type::Pointer => {
                    return Err(Stop::Split(state.facts.normalise(&mut self.terms, is_same)));
                }
                None => {}
            }
        }
        if ty == Type::Pointer {
            for known in self.known_offsets(state, region) {
                let known = self.terms.int64(known);
                let is_same = self.terms.equal(known, offset);
                if state.decide(&mut self.terms, is_same)? {
                    let known = self.terms.as_signed(known).unwrap_or(0);
                    let term = self.load_bytes(state, region, known, size, true);
                    return Ok(self.as_type(term, ty));
                }
            }
        }
        let value = match content_background(state, region) {
            Some(Background::Zero) if ty == Type::Pointer => self.terms.null(),
            Some(Background::Undefined) if ty == Type::Pointer => self.terms.undefined(ty),
            _ => {
                let bits = u16::try_from(size * 8).unwrap_or(u16::MAX);
                let facts = SymbolFacts { is_pointer: ty == Type::Pointer, is_undefined: false, is_input: false };
                self.terms.symbol(bits, facts)
            }
        };
        // The next read there gives the same.
        if let Some(content) = state.region_mut(region)
            && content.scattered.len() < SCATTERED_MAX
        {
            content.scattered.push(Scattered { offset, cell: Cell { size, value } });
        }
        Ok(self.as_type(value, ty))
    }

    /// Offsets of addresses in a region, for a read at an unknown one.
    fn known_offsets(&self, state: &State, region: RegionId) -> Vec<i64> {
        let Some(content) = state.region(region) else { return Vec::new() };
        let written = content.cells.iter().filter(|(_, cell)| cell.size == 8).map(|(offset, _)| offset);
        let mut all: Vec<i64> = match content.background {
            Background::Initial(global) => {
                let initial = self.program.global(global).initial.iter();
                let addresses = initial.flat_map(|initial| &initial.relocations);
                addresses.map(|relocation| relocation.offset.cast_signed()).chain(written).collect()
            }
            _ => written.collect(),
        };
        all.sort_unstable();
        all.dedup();
        if all.len() > SPREAD_MAX { Vec::new() } else { all }
    }

    /// Bytes at a known offset as one term of 8 × `size` bits.
    pub(super) fn load_bytes(
        &mut self,
        state: &mut State,
        region: RegionId,
        offset: i64,
        size: u64,
        is_pointer: bool,
    ) -> TermId {
        let bits = u16::try_from(size * 8).unwrap_or(u16::MAX);
        if let Some(cell) = state.region(region).and_then(|content| content.cells.get(offset))
            && cell.size == size
            && self.terms.bits(cell.value) == bits
        {
            return cell.value;
        }
        let mut parts = Vec::new();
        let mut at = offset;
        let end = offset.saturating_add_unsigned(size);
        for (start, cell) in self.overlapping(state, region, offset, size) {
            if at < start {
                parts.push(self.below(state, region, at, start.abs_diff(at), is_pointer));
            }
            let from = at.max(start);
            let to = end.min(start.saturating_add_unsigned(cell.size));
            parts.push(self.piece(cell, from.abs_diff(start), to.abs_diff(from)));
            at = to;
        }
        if at < end {
            parts.push(self.below(state, region, at, end.abs_diff(at), is_pointer));
        }
        self.terms.concat(&parts)
    }

    /// Bytes of a cell.
    fn piece(&mut self, cell: Cell, skip: u64, size: u64) -> TermId {
        let (low, bits) = (skip * 8, u16::try_from(size * 8).unwrap_or(u16::MAX));
        let known = u64::from(self.terms.bits(cell.value));
        if known <= low {
            return self.terms.zeros(bits);
        }
        let low = u16::try_from(low).unwrap_or(u16::MAX);
        let there = u16::try_from(known).unwrap_or(u16::MAX) - low;
        let part = self.terms.extract(cell.value, low, bits.min(there));
        self.terms.resize(part, bits, false)
    }

    /// Cells that overlap the bytes, by offset.
    fn overlapping(&self, state: &State, region: RegionId, offset: i64, size: u64) -> Vec<(i64, Cell)> {
        let Some(content) = state.region(region) else { return Vec::new() };
        content.cells.overlapping(offset, offset.saturating_add_unsigned(size))
    }

    /// Bytes that no cell covers. Unknown ones are remembered, so that they are the same next time.
    fn below(&mut self, state: &mut State, region: RegionId, offset: i64, size: u64, is_pointer: bool) -> TermId {
        let bits = u16::try_from(size * 8).unwrap_or(u16::MAX);
        let is_pointer = is_pointer && size == 8;
        let is_input = matches!(
            state.region(region).map(|content| &content.kind),
            Some(RegionKind::Behind(_) | RegionKind::Global(_))
        );
        let value = match content_background(state, region) {
            Some(Background::Zero) => return self.terms.zeros(bits),
            Some(Background::Initial(global)) => return self.initial(global.index(), offset, size),
            Some(Background::Unknown) => {
                self.terms.symbol(bits, SymbolFacts { is_pointer, is_undefined: false, is_input })
            }
            _ => self.terms.symbol(bits, SymbolFacts { is_pointer, is_undefined: true, is_input: false }),
        };
        if let Some(content) = state.region_mut(region) {
            content.cells.insert(offset, Cell { size, value });
        }
        value
    }

    /// Bytes of a global's initial content.
    fn initial(&mut self, global: usize, offset: i64, size: u64) -> TermId {
        let program = self.program;
        let Some(initial) = &program.globals[global].initial else {
            return self.terms.zeros(u16::try_from(size * 8).unwrap_or(u16::MAX));
        };
        let mut parts = Vec::new();
        let mut at = u64::try_from(offset).unwrap_or(u64::MAX);
        let end = at.saturating_add(size);
        while at < end {
            let address = initial.relocations.iter().find(|one| one.offset <= at && at < one.offset + 8);
            if let Some(address) = address {
                let term = match (address.block, address.symbol) {
                    (Some(block), Symbol::Function(function)) => self.terms.intern(Term::Label(function, block)),
                    _ => self.symbol_address(address.symbol, address.addend),
                };
                let to = end.min(address.offset + 8);
                parts.push(self.piece(Cell { size: 8, value: term }, at - address.offset, to - at));
                at = to;
                continue;
            }
            let byte = usize::try_from(at).ok().and_then(|at| initial.bytes.get(at)).copied().unwrap_or(0);
            parts.push(self.terms.int(8, byte.into()));
            at += 1;
        }
        self.terms.concat(&parts)
    }

    /// All bytes of a range as cells from offset 0.
    fn gather(&mut self, state: &mut State, region: RegionId, offset: i64, size: u64) -> Cells {
        let mut cells = Cells::new();
        let mut at = offset;
        let end = offset.saturating_add_unsigned(size);
        let found = self.overlapping(state, region, offset, size);
        for (start, cell) in found.into_iter().map(Some).chain([None]).map(|cell| cell.unwrap_or((end, NO_CELL))) {
            self.gather_below(state, region, (at, start.min(end)), offset, &mut cells);
            if start < end {
                let from = at.max(start);
                let to = end.min(start.saturating_add_unsigned(cell.size));
                let is_whole = from == start && to == start.saturating_add_unsigned(cell.size);
                let size = to.abs_diff(from);
                let value = if is_whole { cell.value } else { self.cut(cell, from.abs_diff(start), size) };
                cells.insert(from - offset, Cell { size, value });
                at = to;
            }
        }
        cells
    }

    /// Bytes of a cell; zeros may stay short.
    pub(super) fn cut(&mut self, cell: Cell, skip: u64, size: u64) -> TermId {
        if self.terms.is_zero(cell.value) { cell.value } else { self.piece(cell, skip, size) }
    }

    fn gather_below(
        &mut self,
        state: &mut State,
        region: RegionId,
        (from, to): (i64, i64),
        origin: i64,
        cells: &mut Cells,
    ) {
        if to <= from {
            return;
        }
        let size = to.abs_diff(from);
        match content_background(state, region) {
            Some(Background::Zero) => {
                let value = self.terms.int(8, 0);
                cells.insert(from - origin, Cell { size, value });
            }
            Some(Background::Initial(_) | Background::Unknown) if size <= COPY_MAX => {
                let mut at = from;
                while at < to {
                    let step = (8 - at.rem_euclid(8)).min(to - at);
                    let value = self.load_bytes(state, region, at, step.unsigned_abs(), true);
                    cells.insert(at - origin, Cell { size: step.unsigned_abs(), value });
                    at += step;
                }
            }
            _ => {}
        }
    }

    /// Writes a value at a place. What it overwrites becomes suspect.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub(super) fn store(&mut self, state: &mut State, place: Place, ty: Type, value: &Value) -> Result<(), Stop> {
        let size = ty.size();
        match place {
            Place::Null => Err(Stop::Dead),
            Place::Wild => {
                let terms: Vec<TermId> = match value {
                    Value::Term(term) => vec![*term],
                    Value::Bytes(cells) => cells.values().map(|cell| cell.value).collect(),
                };
                terms.into_iter().for_each(|term| state.escape(&mut self.terms, term));
                Ok(())
            }
            Place::At(region, offset) => {
                match value {
                    Value::Term(term) => {
                        let bits = u16::try_from(size * 8).unwrap_or(u16::MAX);
                        let value = self.terms.resize(*term, bits, false);
                        self.write(state, region, offset, Cell { size, value });
                    }
                    Value::Bytes(cells) => self.write_cells(state, region, offset, cells, size),
                }
                Ok(())
            }
            Place::Somewhere(region, offset) => {
                if let Value::Term(term) = value {
                    let bits = u16::try_from(size * 8).unwrap_or(u16::MAX);
                    let value = self.terms.resize(*term, bits, false);
                    self.scatter(state, region, Scattered { offset, cell: Cell { size, value } });
                } else {
                    self.blur(state, region);
                }
                Ok(())
            }
        }
    }

    /// Writes one cell.
    pub(super) fn write(&mut self, state: &mut State, region: RegionId, offset: i64, cell: Cell) {
        self.erase(state, region, offset, cell.size, Cause::Overwritten);
        for held in self.terms.regions(cell.value).to_vec() {
            if let Some(block) = state.region_mut(held) {
                block.holders = [Some((region, offset)), block.holders[0]];
            }
        }
        let is_scattered = state.region(region).is_some_and(|content| !content.scattered.is_empty());
        if is_scattered {
            let offset = self.terms.int64(offset);
            self.scatter(state, region, Scattered { offset, cell });
        }
        if let Some(content) = state.region_mut(region) {
            content.cells.insert(offset, cell);
        }
    }

    fn scatter(&mut self, state: &mut State, region: RegionId, write: Scattered) {
        let Some(content) = state.region_mut(region) else { return };
        content.scattered.retain(|old| old.offset != write.offset || old.cell.size != write.cell.size);
        if content.scattered.len() >= SCATTERED_MAX {
            self.blur(state, region);
            let held = self.terms.regions(write.cell.value).to_vec();
            if let Some(content) = state.region_mut(region) {
                content.held.extend(held);
            }
        } else {
            content.scattered.push(write);
        }
    }

    /// Forgets what a region contains, but not what it holds.
    pub(super) fn blur(&mut self, state: &mut State, region: RegionId) {
        let mut held = state.referred(&mut self.terms, region);
        held.sort_unstable();
        held.dedup();
        if let Some(content) = state.region_mut(region) {
            content.cells.clear();
            content.scattered.clear();
            content.background = Background::Unknown;
            content.held = held;
        }
    }

    /// Takes bytes out; references in them end.
    pub(super) fn erase(&mut self, state: &mut State, region: RegionId, offset: i64, size: u64, cause: Cause) {
        let end = offset.saturating_add_unsigned(size);
        let found = self.overlapping(state, region, offset, size);
        if found.is_empty() {
            return;
        }
        let mut ended = Vec::new();
        for (start, cell) in found {
            state.regions_in(&mut self.terms, cell.value, &mut ended);
            let stop = start.saturating_add_unsigned(cell.size);
            let before = (start < offset).then(|| (start, 0, offset.abs_diff(start)));
            let after = (end < stop).then(|| (end, end.abs_diff(start), stop.abs_diff(end)));
            let kept: Vec<(i64, Cell)> = [before, after]
                .into_iter()
                .flatten()
                .map(|(at, skip, size)| (at, Cell { size, value: self.cut(cell, skip, size) }))
                .collect();
            if let Some(content) = state.region_mut(region) {
                content.cells.remove(start);
                content.cells.extend(kept);
            }
        }
        let is_elsewhere = matches!(state.region(region).map(|content| &content.kind), Some(RegionKind::Behind(_)));
        let cause = if is_elsewhere && cause == Cause::Overwritten { Cause::OverwrittenElsewhere } else { cause };
        state.suspect(&ended, cause);
    }

    /// Writes cells gathered from elsewhere; bytes without a cell become undefined.
    fn write_cells(&mut self, state: &mut State, region: RegionId, offset: i64, cells: &Cells, size: u64) {
        self.erase(state, region, offset, size, Cause::Overwritten);
        for (at, cell) in cells.iter() {
            self.write(state, region, offset.saturating_add(at), cell);
        }
        let is_defined_below = content_background(state, region).is_some_and(|below| below != Background::Undefined);
        if is_defined_below {
            let mut at = 0;
            let gaps = cells.iter().map(|(start, cell)| (start, cell.size)).chain([(size.cast_signed(), 0)]);
            for (start, length) in gaps.collect::<Vec<_>>() {
                if at < start {
                    let gap = start.abs_diff(at);
                    let value = self.terms.undefined(Type::Int(u16::try_from(gap * 8).unwrap_or(u16::MAX)));
                    self.write(state, region, offset.saturating_add(at), Cell { size: gap, value });
                }
                at = start.saturating_add_unsigned(length);
            }
        }
    }

    /// Copies bytes; `None`: as many as there are.
    ///
    /// # Errors
    /// Where there is nothing to read or write.
    pub(super) fn copy(&mut self, state: &mut State, to: Place, from: Place, size: Option<u64>) -> Result<(), Stop> {
        if size == Some(0) {
            return Ok(());
        }
        match (to, from) {
            (Place::Null, _) | (_, Place::Null) => Err(Stop::Dead),
            (Place::At(to, to_offset), Place::At(from, from_offset)) => {
                let has_scattered = state.region(from).is_some_and(|content| !content.scattered.is_empty());
                if has_scattered || size.is_none_or(|size| size > i64::MAX.unsigned_abs()) {
                    self.copy_rest(state, (to, to_offset), (from, from_offset));
                } else {
                    let size = size.unwrap_or(0);
                    let cells = self.gather(state, from, from_offset, size);
                    self.write_cells(state, to, to_offset, &cells, size);
                }
                Ok(())
            }
            (Place::At(to, _) | Place::Somewhere(to, _), Place::At(from, _) | Place::Somewhere(from, _)) => {
                let held = state.referred(&mut self.terms, from);
                self.blur(state, to);
                if let Some(content) = state.region_mut(to) {
                    content.held.extend(held);
                }
                Ok(())
            }
            (Place::Wild, Place::At(from, _) | Place::Somewhere(from, _)) => {
                for held in state.referred(&mut self.terms, from) {
                    let address = self.terms.region(held);
                    state.escape(&mut self.terms, address);
                }
                Ok(())
            }
            (Place::At(to, _) | Place::Somewhere(to, _), Place::Wild) => {
                self.blur(state, to);
                Ok(())
            }
            (Place::Wild, Place::Wild) => Ok(()),
        }
    }

    /// Copies everything from an offset on, for a length that is not known.
    fn copy_rest(&mut self, state: &mut State, (to, to_offset): (RegionId, i64), (from, from_offset): (RegionId, i64)) {
        let Some(source) = state.region(from).cloned() else { return };
        if to == from {
            return self.blur(state, to);
        }
        for (at, cell) in source.cells.from(from_offset) {
            let at = at.saturating_sub(from_offset).saturating_add(to_offset);
            self.write(state, to, at, cell);
        }
        let shift = to_offset.saturating_sub(from_offset);
        for write in &source.scattered {
            let offset = self.terms.offset(write.offset, shift);
            self.scatter(state, to, Scattered { offset, cell: write.cell });
        }
        if let Some(content) = state.region_mut(to) {
            content.held.extend(&source.held);
            if content.cells.is_empty() && content.background == Background::Undefined {
                content.background = Background::Unknown;
            }
        }
    }

    /// Sets bytes; `None`: to the end of the region.
    ///
    /// # Errors
    /// Where there is nothing to write.
    pub(super) fn fill(&mut self, state: &mut State, to: Place, byte: TermId, size: Option<u64>) -> Result<(), Stop> {
        match to {
            _ if size == Some(0) => Ok(()),
            Place::Null => Err(Stop::Dead),
            Place::Wild => Ok(()),
            Place::Somewhere(region, _) => {
                self.blur(state, region);
                Ok(())
            }
            Place::At(region, offset) => {
                let is_zero = self.terms.is_zero(byte);
                let whole = state.region(region).and_then(|content| content.size);
                let whole = whole.and_then(|size| self.terms.as_int(size));
                let size = size.unwrap_or(u64::MAX >> 2);
                self.erase(state, region, offset, size, Cause::Overwritten);
                let value = match self.terms.as_int(byte) {
                    Some(value) if !is_zero && size <= 8 => {
                        let repeated = (value & 0xff).wrapping_mul(0x0101_0101_0101_0101);
                        self.terms.int(u16::try_from(size * 8).unwrap_or(64), repeated)
                    }
                    _ if is_zero => self.terms.int(8, 0),
                    _ if size <= COPY_MAX => self.terms.unknown(Type::Int(u16::try_from(size * 8).unwrap_or(8))),
                    _ => {
                        self.blur(state, region);
                        return Ok(());
                    }
                };
                if let Some(content) = state.region_mut(region) {
                    content.scattered.clear();
                    if is_zero && offset == 0 && (content.cells.is_empty() || whole.is_some_and(|whole| whole <= size))
                    {
                        content.cells.clear();
                        content.background = Background::Zero;
                    } else {
                        content.cells.insert(offset, Cell { size, value });
                    }
                }
                Ok(())
            }
        }
    }

    /// True where the region is there to be read and written.
    pub(super) fn is_usable(&self, state: &State, place: Place) -> bool {
        match place {
            Place::At(region, _) | Place::Somewhere(region, _) => {
                state.region(region).is_none_or(|content| content.status != Status::Released)
            }
            Place::Null | Place::Wild => true,
        }
    }

    /// Learns the range of a term from its birth.
    ///
    /// # Errors
    /// Where it has no such values.
    pub(super) fn limit(&mut self, state: &mut State, term: TermId, low: i64, high: i64) -> Result<(), Infeasible> {
        let bits = self.terms.bits(term);
        let range = super::interval::Interval::with_sign(bits, low.into(), high.into());
        state.facts.refine(&mut self.terms, term, range, 0)
    }
}

const NO_CELL: Cell = Cell { size: 0, value: TermId(0) };

fn content_background(state: &State, region: RegionId) -> Option<Background> {
    state.region(region).map(|content| content.background)
}
