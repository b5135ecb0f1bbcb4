//! Reads call frame information of the loaded modules: what `.eh_frame` says of one address.
//!
//! Follows the LSB's description of `.eh_frame` and `.eh_frame_hdr` and DWARF 5 section 6.4. Only what a
//! walk on x86-64 needs is kept: the CFA, where rbp was saved, and whether there is a caller at all.
//! Nothing is prepared in advance: a table is searched and interpreted once per return address, then
//! the rule is remembered (`rules`).
use crate::rule::{Cfa, Rbp, Rule};

const RBP: u64 = 6;
const RSP: u64 = 7;
const RETURN_ADDRESS: u64 = 16;

/// Cursor over memory of a loaded module.
#[derive(Clone, Copy)]
struct Reader {
    at: *const u8,
    end: *const u8,
}

impl Reader {
    fn take<T: Copy>(&mut self) -> Option<T> {
        if (self.end as usize).saturating_sub(self.at as usize) < size_of::<T>() {
            return None;
        }
        // SAFETY: `at..end` lies in one mapped, readable segment of a module (the constructor's callers take
        // it from the module's own tables), and the size was just checked; T is a plain integer.
        let value = unsafe { self.at.cast::<T>().read_unaligned() };
        self.skip(size_of::<T>());
        Some(value)
    }

    fn skip(&mut self, bytes: usize) {
        self.at = ((self.at as usize).saturating_add(bytes).min(self.end as usize)) as *const u8;
    }

    fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte: u8 = self.take()?;
            if shift < 64 {
                value |= ((byte & 0x7f) as u64) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let (mut value, mut shift) = (0i64, 0u32);
        loop {
            let byte: u8 = self.take()?;
            if shift < 64 {
                value |= ((byte & 0x7f) as i64) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1 << shift;
                }
                return Some(value);
            }
        }
    }

    /// A pointer in one of the DW_EH_PE encodings; `data_base` is what datarel values count from.
    fn encoded(&mut self, encoding: u8, data_base: u64) -> Option<u64> {
        let here = self.at as u64;
        let value = match encoding & 0x0f {
            0x00 | 0x04 | 0x0c => self.take::<u64>()?,
            0x01 => self.unsigned()?,
            0x02 => self.take::<u16>()? as u64,
            0x03 => self.take::<u32>()? as u64,
            0x09 => self.signed()? as u64,
            0x0a => self.take::<i16>()? as i64 as u64,
            0x0b => self.take::<i32>()? as i64 as u64,
            _ => return None,
        };
        Some(match encoding & 0x70 {
            0x00 => value,
            0x10 => here.wrapping_add(value),
            0x30 => data_base.wrapping_add(value),
            _ => return None,
        })
    }
}

/// The unwind rule at `pc`, an address inside the calling instruction, from the `.eh_frame_hdr` at
/// `header`. `None` where the module says nothing of it or says it in a way that is not understood.
///
/// # Safety
/// `header` must be the `.eh_frame_hdr` of a module that stays loaded during the call, and that module's
/// read-only part, which holds `.eh_frame` too, must end at or before `end`.
pub(crate) unsafe fn rule_at(header: *const u8, end: *const u8, pc: u64) -> Option<Rule> {
    let entry = find_entry(header, end, pc)?;
    let (description, instructions) = parse_entry(entry, end, pc)?;
    if description.is_signal_frame {
        return Some(Rule { cfa: Cfa::SignalFrame, rbp: Rbp::Same });
    }
    interpret(&description, instructions, pc)
}

/// Binary search in the table of `.eh_frame_hdr`.
fn find_entry(header: *const u8, end: *const u8, pc: u64) -> Option<*const u8> {
    let base = header as u64;
    let mut reader = Reader { at: header, end };
    let version: u8 = reader.take()?;
    let frame_encoding: u8 = reader.take()?;
    let count_encoding: u8 = reader.take()?;
    let table_encoding: u8 = reader.take()?;
    if version != 1 || table_encoding != 0x3b {
        return None;
    }
    reader.encoded(frame_encoding, base)?;
    let count = reader.encoded(count_encoding, base)? as usize;
    let table = reader.at;
    let read = |index: usize| {
        let mut row = Reader { at: (table as usize + index * 8) as *const u8, end };
        Some((base.wrapping_add(row.take::<i32>()? as i64 as u64), row.take::<i32>()?))
    };
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if read(middle)?.0 <= pc { low = middle + 1 } else { high = middle }
    }
    let (_, offset) = read(low.checked_sub(1)?)?;
    Some(base.wrapping_add(offset as i64 as u64) as *const u8)
}

/// What a CIE and its FDE say before any instruction.
struct Description {
    start: u64,
    code_alignment: u64,
    data_alignment: i64,
    is_signal_frame: bool,
    initial: Reader,
}

fn parse_entry(entry: *const u8, end: *const u8, pc: u64) -> Option<(Description, Reader)> {
    let mut fde = record(entry, end)?;
    let id_at = fde.at as u64;
    let offset: u32 = fde.take()?;
    let mut cie = record(id_at.wrapping_sub(offset as u64) as *const u8, end)?;
    let _id: u32 = cie.take()?;
    let version: u8 = cie.take()?;
    let augmentation = cie;
    while cie.take::<u8>()? != 0 {}
    if version == 4 {
        cie.skip(2);
    }
    let code_alignment = cie.unsigned()?;
    let data_alignment = cie.signed()?;
    if version == 1 {
        cie.skip(1)
    } else {
        cie.unsigned().map(drop)?
    }
    let (mut pointer_encoding, mut is_signal_frame, mut has_data) = (0u8, false, false);
    let mut letters = augmentation;
    let mut instructions = cie;
    loop {
        match letters.take::<u8>()? {
            0 => break,
            b'z' => {
                has_data = true;
                let bytes = cie.unsigned()? as usize;
                instructions = cie;
                instructions.skip(bytes);
            }
            b'R' => pointer_encoding = cie.take()?,
            b'L' => cie.skip(1),
            b'P' => {
                let encoding = cie.take()?;
                cie.encoded(encoding, 0)?;
            }
            b'S' => is_signal_frame = true,
            _ => return None,
        }
    }
    let start = fde.encoded(pointer_encoding, 0)?;
    let bytes = fde.encoded(pointer_encoding & 0x0f, 0)?;
    if pc.wrapping_sub(start) >= bytes {
        return None;
    }
    if has_data {
        let bytes = fde.unsigned()? as usize;
        fde.skip(bytes);
    }
    Some((Description { start, code_alignment, data_alignment, is_signal_frame, initial: instructions }, fde))
}

/// The content of the length-prefixed record at `at`.
fn record(at: *const u8, end: *const u8) -> Option<Reader> {
    let mut reader = Reader { at, end };
    let length = match reader.take::<u32>()? {
        0 => return None,
        0xffff_ffff => reader.take::<u64>()? as usize,
        length => length as usize,
    };
    let stop = (reader.at as usize).checked_add(length)?;
    (stop <= end as usize).then_some(Reader { at: reader.at, end: stop as *const u8 })
}

/// One row of the table that the instructions describe.
#[derive(Clone, Copy)]
struct Row {
    cfa: Option<Cfa>,
    rbp: Option<Rbp>,
    has_caller: bool,
}

fn interpret(description: &Description, instructions: Reader, pc: u64) -> Option<Rule> {
    let start = Row { cfa: None, rbp: Some(Rbp::Same), has_caller: true };
    let initial = run(description, description.initial, start, start, pc)?;
    let row = run(description, instructions, initial, initial, pc)?;
    if !row.has_caller {
        return Some(Rule { cfa: Cfa::End, rbp: Rbp::Same });
    }
    Some(Rule { cfa: row.cfa?, rbp: row.rbp? })
}

/// The state of the machine that the instructions drive.
struct Machine<'a> {
    description: &'a Description,
    code: Reader,
    row: Row,
    /// The row after the CIE's instructions, which `restore` goes back to.
    initial: Row,
    saved: [Row; 8],
    saved_count: usize,
    location: u64,
    pc: u64,
}

/// Runs instructions until the location passes `pc`.
fn run(description: &Description, code: Reader, row: Row, initial: Row, pc: u64) -> Option<Row> {
    let location = description.start;
    let mut machine = Machine { description, code, row, initial, saved: [row; 8], saved_count: 0, location, pc };
    while !machine.code.is_empty() && machine.location <= pc {
        machine.step()?;
    }
    Some(machine.row)
}

impl Machine<'_> {
    /// One instruction (DWARF 5, 7.24).
    fn step(&mut self) -> Option<()> {
        let opcode: u8 = self.code.take()?;
        let low = (opcode & 0x3f) as u64;
        match opcode >> 6 {
            1 => self.advance(low),
            2 => {
                let offset = self.code.unsigned()? as i64 * self.description.data_alignment;
                save_at(&mut self.row, low, offset)?;
            }
            3 => restore(&mut self.row, &self.initial, low),
            _ => match opcode {
                0x00 => {}
                0x01 => self.location = self.code.take::<u64>()?,
                0x02 => {
                    let delta = self.code.take::<u8>()?;
                    self.advance(delta as u64);
                }
                0x03 => {
                    let delta = self.code.take::<u16>()?;
                    self.advance(delta as u64);
                }
                0x04 => {
                    let delta = self.code.take::<u32>()?;
                    self.advance(delta as u64);
                }
                0x0a => {
                    *self.saved.get_mut(self.saved_count)? = self.row;
                    self.saved_count += 1;
                }
                0x0b => {
                    self.saved_count = self.saved_count.checked_sub(1)?;
                    self.row = *self.saved.get(self.saved_count)?;
                }
                0x0c..=0x0f | 0x12 | 0x13 => self.define_cfa(opcode)?,
                0x2e => drop(self.code.unsigned()?),
                _ => self.define_register(opcode)?,
            },
        }
        Some(())
    }

    fn advance(&mut self, delta: u64) {
        self.location = self.location.wrapping_add(delta.wrapping_mul(self.description.code_alignment));
    }

    fn define_cfa(&mut self, opcode: u8) -> Option<()> {
        let (code, alignment) = (&mut self.code, self.description.data_alignment);
        self.row.cfa = match opcode {
            0x0c => {
                let register = code.unsigned()?;
                cfa(register, code.unsigned()? as i64)
            }
            0x0d => cfa(code.unsigned()?, cfa_offset(&self.row)?),
            0x0e => with_offset(&self.row, code.unsigned()? as i64),
            0x0f => cfa_expression(block(code)?, self.pc),
            0x12 => {
                let register = code.unsigned()?;
                cfa(register, code.signed()? * alignment)
            }
            _ => with_offset(&self.row, code.signed()? * alignment),
        };
        Some(())
    }

    fn define_register(&mut self, opcode: u8) -> Option<()> {
        let (code, alignment) = (&mut self.code, self.description.data_alignment);
        let register = code.unsigned()?;
        match opcode {
            0x05 => save_at(&mut self.row, register, code.unsigned()? as i64 * alignment)?,
            0x06 => restore(&mut self.row, &self.initial, register),
            0x07 => set_undefined(&mut self.row, register),
            0x08 => set_same(&mut self.row, register),
            0x09 | 0x14 | 0x15 => {
                code.unsigned()?;
                forget(&mut self.row, register)?;
            }
            0x10 => save_expression(&mut self.row, register, block(code)?)?,
            0x11 => save_at(&mut self.row, register, code.signed()? * alignment)?,
            0x16 => {
                block(code)?;
                forget(&mut self.row, register)?;
            }
            0x2f => save_at(&mut self.row, register, -(code.unsigned()? as i64) * alignment)?,
            _ => return None,
        }
        Some(())
    }
}

fn block(code: &mut Reader) -> Option<Reader> {
    let bytes = code.unsigned()? as usize;
    let content =
        Reader { at: code.at, end: ((code.at as usize).checked_add(bytes)?.min(code.end as usize)) as *const u8 };
    code.skip(bytes);
    Some(content)
}

fn cfa(register: u64, offset: i64) -> Option<Cfa> {
    let offset = i32::try_from(offset).ok()?;
    match register {
        RSP => Some(Cfa::Rsp(offset)),
        RBP => Some(Cfa::Rbp(offset)),
        _ => None,
    }
}

fn cfa_offset(row: &Row) -> Option<i64> {
    match row.cfa? {
        Cfa::Rsp(offset) | Cfa::Rbp(offset) => Some(offset as i64),
        _ => None,
    }
}

fn with_offset(row: &Row, offset: i64) -> Option<Cfa> {
    match row.cfa? {
        Cfa::Rsp(_) => cfa(RSP, offset),
        Cfa::Rbp(_) => cfa(RBP, offset),
        _ => None,
    }
}

/// A register was saved at CFA + `offset`.
fn save_at(row: &mut Row, register: u64, offset: i64) -> Option<()> {
    match register {
        RBP => row.rbp = i32::try_from(offset).ok().map(Rbp::InFrame),
        // The return address stands just below the CFA on x86-64; anything else is not understood.
        RETURN_ADDRESS if offset != -8 => return None,
        RETURN_ADDRESS => row.has_caller = true,
        _ => {}
    }
    Some(())
}

fn save_expression(row: &mut Row, register: u64, mut expression: Reader) -> Option<()> {
    match register {
        // DW_OP_breg6 n: saved at rbp + n (stack realigned by GCC).
        RBP if expression.take::<u8>()? == 0x76 => {
            let offset = expression.signed()?;
            row.rbp = expression.is_empty().then(|| i32::try_from(offset).ok().map(Rbp::Beside)).flatten();
        }
        RBP => row.rbp = None,
        RETURN_ADDRESS => return None,
        _ => {}
    }
    Some(())
}

fn restore(row: &mut Row, initial: &Row, register: u64) {
    match register {
        RBP => row.rbp = initial.rbp,
        RETURN_ADDRESS => row.has_caller = initial.has_caller,
        _ => {}
    }
}

fn set_undefined(row: &mut Row, register: u64) {
    match register {
        RBP => row.rbp = Some(Rbp::Same),
        RETURN_ADDRESS => row.has_caller = false,
        _ => {}
    }
}

fn set_same(row: &mut Row, register: u64) {
    if register == RBP {
        row.rbp = Some(Rbp::Same);
    }
}

/// A register's rule is one that is not followed here.
fn forget(row: &mut Row, register: u64) -> Option<()> {
    match register {
        RBP => row.rbp = None,
        RETURN_ADDRESS => return None,
        _ => {}
    }
    Some(())
}

/// The three CFA expressions that compilers and glibc write.
fn cfa_expression(mut code: Reader, pc: u64) -> Option<Cfa> {
    match code.take::<u8>()? {
        // DW_OP_breg6 n, DW_OP_deref: GCC's realigned stacks.
        0x76 => {
            let offset = i32::try_from(code.signed()?).ok()?;
            (code.take::<u8>()? == 0x06 && code.is_empty()).then_some(Cfa::AtRbp(offset))
        }
        // DW_OP_breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus: a PLT entry, which has pushed
        // the relocation index from byte N on.
        0x77 => {
            let offset = code.signed()?;
            let expected: [u8; 5] = [0x80, 0x00, 0x3f, 0x1a, 0x00];
            let mut pushed_from = 0;
            for (index, byte) in expected.into_iter().enumerate() {
                let found: u8 = code.take()?;
                if index == 4 {
                    pushed_from = found.checked_sub(0x30).filter(|from| *from < 16)?;
                } else if found != byte {
                    return None;
                }
            }
            // `pc` lies one byte before the address that the expression means.
            let pushed = (pc + 1) & 15 >= pushed_from as u64;
            Some(Cfa::Rsp(i32::try_from(offset).ok()? + if pushed { 8 } else { 0 }))
        }
        _ => None,
    }
}
