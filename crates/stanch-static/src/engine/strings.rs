//! Library functions on strings whose bytes are known: their result is computed, not guessed.
//!
//! What is not known is left to the models. Functions that only read are functions of what they read: asked twice
//! about the same unchanging strings, they say the same.
use super::call::Called;
use super::cells::Cell;
use super::memory::Place;
use super::region::RegionKind;
use super::run::{Engine, Exit};
use super::state::{State, Value};
use super::term::{TermId, bits_of};
use crate::ir::{FunctionId, Type};

/// Longer strings are not followed.
const LENGTH_MAX: u64 = 1024;

#[derive(Clone, Copy)]
pub(super) enum StringFunction {
    Length,
    Compare {
        is_bounded: bool,
        ignores_case: bool,
    },
    CompareBytes,
    Find {
        is_last: bool,
    },
    ToNumber,
    Copy,
    Append,
    Duplicate,
    Print {
        is_bounded: bool,
    },
    /// `isdigit` and its kin, by what they ask.
    Class(fn(u8) -> bool),
    /// `toupper`, `tolower`.
    Case(fn(&u8) -> u8),
}

impl StringFunction {
    pub(super) fn of(symbol: &str) -> Option<StringFunction> {
        use StringFunction as F;
        let compare = |is_bounded, ignores_case| F::Compare { is_bounded, ignores_case };
        Some(match symbol {
            "strlen" => F::Length,
            "strcmp" | "strcoll" => compare(false, false),
            "strncmp" => compare(true, false),
            "strcasecmp" => compare(false, true),
            "strncasecmp" => compare(true, true),
            "memcmp" | "bcmp" => F::CompareBytes,
            "strchr" | "index" => F::Find { is_last: false },
            "strrchr" | "rindex" => F::Find { is_last: true },
            "atoi" | "atol" | "atoll" => F::ToNumber,
            "strcpy" | "__strcpy_chk" => F::Copy,
            "strcat" | "__strcat_chk" => F::Append,
            "strdup" | "__strdup" => F::Duplicate,
            "sprintf" => F::Print { is_bounded: false },
            "snprintf" => F::Print { is_bounded: true },
            "isdigit" => F::Class(|byte| byte.is_ascii_digit()),
            "isalpha" => F::Class(|byte| byte.is_ascii_alphabetic()),
            "isalnum" => F::Class(|byte| byte.is_ascii_alphanumeric()),
            "isspace" => F::Class(|byte| byte.is_ascii_whitespace() || byte == 0x0b),
            "isupper" => F::Class(|byte| byte.is_ascii_uppercase()),
            "islower" => F::Class(|byte| byte.is_ascii_lowercase()),
            "toupper" => F::Case(u8::to_ascii_uppercase),
            "tolower" => F::Case(u8::to_ascii_lowercase),
            _ => return None,
        })
    }
}

impl Engine<'_> {
    /// The string function that a modelled function is.
    pub(super) fn string_function(&self, function: FunctionId) -> Option<StringFunction> {
        StringFunction::of(&self.program.function(function).symbol)
    }

    /// The result of a function that only reads; `None` where it is not known.
    pub(super) fn read_string(&mut self, state: &mut State, which: StringFunction, called: &Called) -> Option<TermId> {
        let bits = bits_of(called.result);
        match which {
            StringFunction::Length => {
                let text = self.text_argument(state, called, 0);
                let length = text.map(|text| self.world.terms.int(bits, text.len() as u64));
                let length = length.or_else(|| self.same_again(state, "strlen", called, 1));
                length.or_else(|| {
                    let unknown = self.world.terms.unknown(called.result);
                    self.world.limit(state, unknown, 0, i64::from(i32::MAX)).ok()?;
                    Some(unknown)
                })
            }
            StringFunction::Compare { is_bounded, ignores_case } => {
                let compared = self.compare_texts(state, called, is_bounded, ignores_case);
                let found = compared.map(|order| self.world.terms.int(bits, order.cast_unsigned()));
                found.or_else(|| self.same_again(state, "strcmp", called, if is_bounded { 3 } else { 2 }))
            }
            StringFunction::CompareBytes => {
                let size = self.number_argument(state, called, 2)?;
                let one = self.bytes_argument(state, called, 0, size)?;
                let other = self.bytes_argument(state, called, 1, size)?;
                let order = one.cmp(&other) as i64;
                Some(self.world.terms.int(bits, order.cast_unsigned()))
            }
            StringFunction::Find { is_last } => self.find_byte(state, called, is_last),
            StringFunction::ToNumber => {
                let text = self.text_argument(state, called, 0);
                let Some(text) = text else { return self.same_again(state, "atoi", called, 1) };
                Some(self.world.terms.int(bits, leading_number(&text).cast_unsigned()))
            }
            StringFunction::Class(is_it) => {
                let byte = u8::try_from(self.number_argument(state, called, 0)?).ok()?;
                Some(self.world.terms.int(bits, u64::from(is_it(byte))))
            }
            StringFunction::Case(turned) => {
                let byte = u8::try_from(self.number_argument(state, called, 0)?).ok()?;
                Some(self.world.terms.int(bits, u64::from(turned(&byte))))
            }
            _ => None,
        }
    }

    /// The bytes that a function which writes will have written, before it is executed.
    pub(super) fn text_to_write(
        &mut self,
        state: &mut State,
        which: StringFunction,
        called: &Called,
    ) -> Option<Vec<u8>> {
        match which {
            StringFunction::Copy => self.text_argument(state, called, 1),
            StringFunction::Duplicate => self.text_argument(state, called, 0),
            StringFunction::Append => {
                let mut text = self.text_argument(state, called, 0)?;
                text.extend(self.text_argument(state, called, 1)?);
                Some(text)
            }
            StringFunction::Print { is_bounded } => {
                let format = self.text_argument(state, called, if is_bounded { 2 } else { 1 })?;
                self.formatted(state, &format, called)
            }
            _ => None,
        }
    }

    /// Writes the bytes after the model did what it says.
    pub(super) fn write_text(&mut self, exit: &mut Exit, which: StringFunction, called: &Called, text: &[u8]) {
        let Exit::Return(state, value) = exit else { return };
        let target = match (which, &value) {
            (StringFunction::Duplicate, Some(Value::Term(term))) => *term,
            _ => match called.arguments.first() {
                Some(Value::Term(term)) => *term,
                _ => return,
            },
        };
        let mut written = text.to_vec();
        if let StringFunction::Print { is_bounded: true } = which {
            let size = self.number_argument(state, called, 1).unwrap_or(0);
            written.truncate(usize::try_from(size.saturating_sub(1)).unwrap_or(0));
            if size == 0 {
                written.clear();
            }
        }
        if let StringFunction::Print { .. } = which {
            *value = Some(Value::Term(self.world.terms.int(bits_of(called.result), text.len() as u64)));
        }
        written.push(0);
        // A new block may still be null; its bytes are written as if it were not.
        let target = state.facts.normalise(&mut self.world.terms, target);
        let Some(region) = self.world.terms.regions(target).first().copied() else { return };
        let base = self.world.terms.region(region);
        let offset = self.world.terms.subtract(target, base);
        let (Some(offset), true) = (self.world.terms.as_signed(offset), state.region(region).is_some()) else { return };
        for (at, byte) in (offset..).zip(written) {
            let value = self.world.terms.int(8, byte.into());
            self.world.write(state, region, at, Cell { size: 1, value });
        }
    }

    /// The same unknown for the same question about strings that nobody changes.
    fn same_again(&mut self, state: &mut State, name: &str, called: &Called, count: usize) -> Option<TermId> {
        let mut operands = Vec::new();
        for argument in called.arguments.iter().take(count) {
            let Value::Term(term) = argument else { return None };
            let term = state.facts.normalise(&mut self.world.terms, *term);
            let is_number = self.world.terms.as_int(term).is_some();
            let is_lasting = match self.world.place(state, term).ok()? {
                Place::At(region, _) | Place::Somewhere(region, _) => match state.region(region)?.kind {
                    RegionKind::Global(global) => self.program.global(global).is_constant,
                    RegionKind::Behind(base) => self.world.terms.symbol_facts(base).is_some_and(|facts| facts.is_input),
                    _ => false,
                },
                _ => false,
            };
            if !is_number && !is_lasting {
                return None;
            }
            operands.push(term);
        }
        let term = self.world.terms.apply(name, bits_of(called.result), &operands);
        if name == "strlen" {
            self.world.limit(state, term, 0, i64::from(i32::MAX)).ok()?;
        }
        Some(term)
    }

    fn number_argument(&mut self, state: &mut State, called: &Called, index: usize) -> Option<u64> {
        let Some(Value::Term(term)) = called.arguments.get(index) else { return None };
        let term = state.facts.normalise(&mut self.world.terms, *term);
        state.facts.interval(&self.world.terms, term).value()
    }

    fn place_argument(&mut self, state: &mut State, called: &Called, index: usize) -> Option<Place> {
        let Some(Value::Term(term)) = called.arguments.get(index) else { return None };
        let is_own = !self.world.terms.regions(*term).is_empty() || state.facts.is_bound(&self.world.terms, *term);
        if !is_own {
            return None;
        }
        let place = self.world.place(state, *term).ok()?;
        self.world.is_usable(state, place).then_some(place)
    }

    fn byte_at(&mut self, state: &mut State, place: Place, index: i64) -> Option<u8> {
        let Place::At(region, offset) = place else { return None };
        let at = offset.checked_add(index)?;
        let is_written = state.region(region)?.scattered.is_empty();
        if !is_written {
            return None;
        }
        let term = self.world.load_bytes(state, region, at, 1, false);
        let term = state.facts.normalise(&mut self.world.terms, term);
        let value = state.facts.interval(&self.world.terms, term).value()?;
        u8::try_from(value).ok()
    }

    /// The bytes of a string argument, without the zero that ends it.
    fn text_argument(&mut self, state: &mut State, called: &Called, index: usize) -> Option<Vec<u8>> {
        let place = self.place_argument(state, called, index)?;
        self.text_at(state, place)
    }

    fn text_at(&mut self, state: &mut State, place: Place) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for index in 0..LENGTH_MAX.cast_signed() {
            match self.byte_at(state, place, index)? {
                0 => return Some(text),
                byte => text.push(byte),
            }
        }
        None
    }

    fn bytes_argument(&mut self, state: &mut State, called: &Called, index: usize, size: u64) -> Option<Vec<u8>> {
        let place = self.place_argument(state, called, index)?;
        (0..size.min(LENGTH_MAX + 1).cast_signed())
            .map(|at| if at < LENGTH_MAX.cast_signed() { self.byte_at(state, place, at) } else { None })
            .collect()
    }

    fn compare_texts(
        &mut self,
        state: &mut State,
        called: &Called,
        is_bounded: bool,
        ignores_case: bool,
    ) -> Option<i64> {
        let mut one = self.text_argument(state, called, 0)?;
        let mut other = self.text_argument(state, called, 1)?;
        if is_bounded {
            let size = usize::try_from(self.number_argument(state, called, 2)?).ok()?;
            one.truncate(size);
            other.truncate(size);
        }
        if ignores_case {
            one.make_ascii_lowercase();
            other.make_ascii_lowercase();
        }
        Some(one.cmp(&other) as i64)
    }

    fn find_byte(&mut self, state: &mut State, called: &Called, is_last: bool) -> Option<TermId> {
        let text = self.text_argument(state, called, 0)?;
        let wanted = u8::try_from(self.number_argument(state, called, 1)? & 0xff).ok()?;
        let Some(Value::Term(start)) = called.arguments.first() else { return None };
        let with_end: Vec<u8> = text.into_iter().chain([0]).collect();
        let found = if is_last {
            with_end.iter().rposition(|byte| *byte == wanted)
        } else {
            with_end.iter().position(|byte| *byte == wanted)
        };
        Some(match found {
            Some(at) => self.world.terms.offset(*start, i64::try_from(at).ok()?),
            None => self.world.terms.null(),
        })
    }

    /// What `printf` makes of arguments that are known; plain conversions only.
    fn formatted(&mut self, state: &mut State, format: &[u8], called: &Called) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut index = called.variadic_from;
        let mut rest = format.iter().copied();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                text.push(byte);
                continue;
            }
            let mut kind = rest.next()?;
            let mut is_long = false;
            while matches!(kind, b'l' | b'z' | b'j') {
                is_long = true;
                kind = rest.next()?;
            }
            match kind {
                b'%' => {
                    text.push(b'%');
                    continue;
                }
                b's' => text.extend(self.text_argument(state, called, index)?),
                b'd' | b'i' => {
                    let value = self.number_argument(state, called, index)?;
                    let value = if is_long { value.cast_signed() } else { super::term::signed(32, value) };
                    text.extend(value.to_string().bytes());
                }
                b'u' => {
                    let value = self.number_argument(state, called, index)?;
                    let value = if is_long { value } else { value & 0xffff_ffff };
                    text.extend(value.to_string().bytes());
                }
                b'c' => text.push(u8::try_from(self.number_argument(state, called, index)? & 0xff).ok()?),
                _ => return None,
            }
            index += 1;
        }
        Some(text)
    }

    /// A modelled string function: computed where all is known, by its model otherwise.
    pub(super) fn string_call(
        &mut self,
        mut state: State,
        which: StringFunction,
        model: &crate::models::Model,
        called: &Called,
    ) -> Result<Vec<Exit>, super::state::Stop> {
        if called.result != Type::Void
            && let Some(term) = self.read_string(&mut state, which, called)
        {
            return Ok(vec![Exit::Return(state, Some(Value::Term(term)))]);
        }
        let text = self.text_to_write(&mut state, which, called);
        let mut exits = self.model(state, model, called)?;
        if let Some(text) = text {
            exits.iter_mut().for_each(|exit| self.write_text(exit, which, called, &text));
        }
        Ok(exits)
    }
}

/// What `atoi` makes of a text.
fn leading_number(text: &[u8]) -> i64 {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let (is_negative, digits) = match &text[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let value = digits.fold(0_i64, |value, byte| value.wrapping_mul(10).wrapping_add(i64::from(byte - b'0')));
    if is_negative { value.wrapping_neg() } else { value }
}
