//! What library functions do, as data.
//!
//! Models are TOML: the ones in `models/` of this crate are built in, users add files of their own. A model names
//! functions by linker's symbol, or by a pattern of the demangled name or, where it begins with `_Z`, of the symbol,
//! and lists their *outcomes*: what can be observed after a call, one of which is the case. A function that the
//! program defines itself is executed and its
//! model ignored, except where the model says `override = true`.
//!
//! ```toml
//! [[family]]
//! name = "malloc"          # what releases what: the releaser must name the allocation's family
//! releaser = "free"        # for messages
//!
//! [[function]]
//! names = ["malloc", "valloc"]
//! outcomes = [{ returns = "new(malloc, size = arg0, or_null)" }]   # one outcome: decided only where it matters
//!
//! [[function]]
//! names = ["realloc"]
//! outcomes = [
//!   { known = ["arg1 == 0"], returns = "null", effects = ["release(arg0, malloc)"] },
//!   { when = ["arg1 != 0"], returns = "resize(arg0, malloc, size = arg1)" },
//!   { when = ["arg1 != 0"], returns = "null" },
//! ]
//!
//! [[function]]
//! names = ["posix_memalign"]
//! outcomes = [
//!   { returns = "0", effects = ["*arg0 = new(malloc, size = arg2)"] },
//!   { returns = "1.." },
//! ]
//!
//! [[function]]
//! names = ["puts", "printf"]                       # no outcomes: reads its arguments, returns anything
//! patterns = ["std::basic_ostream<*>::operator<<*"]  # `*` stands for anything
//! ```
//!
//! An argument is not kept, and what it points to not written, unless an effect says so. Values: `arg0`, `*arg0`
//! (8 bytes in memory), `arg0 + 8`, `arg1 * arg2`, integers, `null`, `any`, `non_null`, `1..9` (also open-ended),
//! `inside(arg0)` (an address in the same block), `new(family, size = …, zero, or_null)`, `resize(old, family,
//! size = …)`,
//! `call(function, argument, …)`. Effects: `*address = value`, `release(value, family)`, `keep(value)` (outlives
//! the call, held by nobody knows whom), `keep(value, holder)` (held by the block that `holder` points to),
//! `write(address)`, `write(address, size)` (bytes become anything), `zero(address, size)`, `copy(to, from)`,
//! `copy(to, from, size)`, `call(function, argument, …)`; `rest` stands for all variadic arguments in `write` and
//! `keep`. `ends = "exit"` (handlers run, the process ends), `"abort"` or `"throw"`.
mod language;
mod parse;
mod schema;

use crate::source::Language;
use std::collections::HashMap;

pub use language::{Comparison, Condition, Effect, End, Expression, NewBlock, Outcome};
pub use parse::TextError;
pub use schema::ModelError;

/// What one group of functions does.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// One of these is the case after a call; never empty.
    pub outcomes: Vec<Outcome>,
    /// Used even where the program defines the function.
    pub overrides: bool,
}

/// All models, found by symbol or demangled name.
#[derive(Clone, Debug, Default)]
pub struct Models {
    models: Vec<Model>,
    by_symbol: HashMap<String, usize>,
    /// Pattern and model; later ones win.
    patterns: Vec<(String, usize)>,
    /// Family to its releaser's name.
    releasers: HashMap<String, String>,
}

impl Models {
    /// The models that come with Stanch.
    ///
    /// # Errors
    /// Where a built-in file is wrong, which a test rules out.
    pub fn built_in() -> Result<Models, ModelError> {
        let mut models = Models::default();
        for (name, text) in BUILT_IN {
            models.add(name, text)?;
        }
        Ok(models)
    }

    /// Adds a file of models; where it names a function again, it wins.
    ///
    /// # Errors
    /// Where `text` is no TOML of the form above; nothing is added then.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), ModelError> {
        let loaded = schema::read(file, text)?;
        self.releasers.extend(loaded.releasers);
        for (names, patterns, model) in loaded.models {
            let index = self.models.len();
            self.models.push(model);
            self.by_symbol.extend(names.into_iter().map(|name| (name, index)));
            self.patterns.extend(patterns.into_iter().map(|pattern| (pattern, index)));
        }
        Ok(())
    }

    /// The model of a function of this symbol and demangled name.
    #[must_use]
    pub fn find(&self, symbol: &str, name: &str) -> Option<&Model> {
        let by_pattern = || {
            let meant = |pattern: &str| if pattern.starts_with(MANGLED) { symbol } else { name };
            let found = self.patterns.iter().rev().find(|(pattern, _)| matches_pattern(pattern, meant(pattern)));
            found.map(|(_, index)| *index)
        };
        self.by_symbol.get(symbol).copied().or_else(by_pattern).map(|index| &self.models[index])
    }

    /// The name of the function that releases memory of this family.
    #[must_use]
    pub fn releaser(&self, family: &str) -> Option<&str> {
        self.releasers.get(family).map(String::as_str)
    }
}

/// What mangled names of C++ begin with (Itanium C++ ABI, 5.1); a pattern that does is one of symbols.
const MANGLED: &str = "_Z";

/// `*` in `pattern` stands for any text. Greedy matching with one point to fall back to: linear in practice.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What the shared object of libstdc++ does, as code: its language, and its text. What it does to nodes of containers
/// and to threads is in C, under its mangled names; strings are as the library's own headers have them.
pub(crate) const LIBSTDCXX: [(Language, &str); 2] = [
    (Language::C, include_str!("../../models/libstdcxx.c")),
    (Language::Cplusplus, include_str!("../../models/libstdcxx_string.cpp")),
];

/// Name and text of each built-in file.
const BUILT_IN: &[(&str, &str)] = &[
    ("libc.toml", include_str!("../../models/libc.toml")),
    ("libc-strings.toml", include_str!("../../models/libc-strings.toml")),
    ("libc-stdio.toml", include_str!("../../models/libc-stdio.toml")),
    ("libc-system.toml", include_str!("../../models/libc-system.toml")),
    ("cplusplus.toml", include_str!("../../models/cplusplus.toml")),
    ("glib.toml", include_str!("../../models/glib.toml")),
    ("libraries.toml", include_str!("../../models/libraries.toml")),
];

#[cfg(test)]
mod tests;
