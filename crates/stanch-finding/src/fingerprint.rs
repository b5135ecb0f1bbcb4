//! One leak, one identity: a name for a leak that survives rebuilds, moves and ASLR.
//!
//! The identity is three words: the *acquisition function* that the owning frame called, the *owning function*, and the
//! name of the *owning file*. [`owning_frame`] says which frame that is. Inlined frames count as frames, so builds of
//! different optimisation levels agree where there is debug info.
//!
//! What is left out moves without the leak changing: addresses, line numbers, directories (of the file only its name
//! is used, since the directory above it may be the checkout's), frames above the owner, clone suffixes, parameters.
//! The price: functions of one name in files of one name that call the same function share an identity.
//!
//! A frame without a name is known by its module's file name and its offset there. That is weaker: it lasts only until
//! the module is rebuilt.
use crate::name::normal_name;
use crate::owning::{FrameRole, file_name, owner_so_far, owning_frame};
use crate::{Frame, Site};
use std::fmt;

/// The identity of a leak: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

/// Text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a fingerprint: it takes 16 hexadecimal digits, as a report prints them")]
pub struct FingerprintError(String);

impl Fingerprint {
    /// The identity of what `site` allocates.
    #[must_use]
    pub fn of(site: &Site) -> Fingerprint {
        Self::with_owner(site, owning_frame(site))
    }

    /// The identity of what a site allocates of whose stack these are the innermost frames; `None` where frames further
    /// out could change it.
    #[must_use]
    pub fn of_innermost(site: &Site) -> Option<Fingerprint> {
        let (owner, is_settled) = owner_so_far(&site.stack);
        is_settled.then(|| Self::with_owner(site, owner))
    }

    fn with_owner(site: &Site, owner: Option<usize>) -> Fingerprint {
        let callee = owner.and_then(|owner| owner.checked_sub(1)).and_then(|inner| site.stack.get(inner));
        let frame = site.stack.get(owner.unwrap_or(0));

        let acquisition = callee.map_or_else(|| normal_name(&site.allocator), callee_name);
        let function = frame.map(owner_name).unwrap_or_default();
        let file = frame.and_then(|frame| frame.file.as_deref()).map(file_name).unwrap_or_default();
        Fingerprint(format!("{:016x}", hash_words([VERSION, &acquisition, &function, file])))
    }

    /// Reads a fingerprint as it is printed; upper case is accepted.
    ///
    /// # Errors
    /// Where the text is not 16 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Fingerprint, FingerprintError> {
        let is_fingerprint = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_fingerprint { Ok(Fingerprint(text.to_ascii_lowercase())) } else { Err(FingerprintError(text.to_owned())) }
    }

    /// The 16 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Changes when the definition of identity does, so that old and new fingerprints never agree by chance.
const VERSION: &str = "stanch/v1";

/// The function that the owner called. Runtime libraries export one function under several names (`__strdup`,
/// `__GI_strdup`), and which of them a build shows is chance.
fn callee_name(frame: &Frame) -> String {
    let Some(function) = &frame.function else {
        return frame.module.as_deref().map(file_name).unwrap_or_default().to_owned();
    };
    let name = normal_name(function);
    if FrameRole::of(frame) != FrameRole::Runtime || name.contains("::") {
        return name;
    }
    name.trim_start_matches("__GI_").trim_start_matches('_').to_owned()
}

fn owner_name(frame: &Frame) -> String {
    match &frame.function {
        Some(function) => normal_name(function),
        None => {
            let module = frame.module.as_deref().map(file_name).unwrap_or_default();
            frame.module_offset.map_or_else(|| module.to_owned(), |offset| format!("{module}+{offset:#x}"))
        }
    }
}

/// One number for the words, with a separator that no word contains.
fn hash_words<const N: usize>(words: [&str; N]) -> u64 {
    const SEPARATOR: u8 = 0xff;
    fnv_1a(words.iter().flat_map(|word| word.bytes().chain([SEPARATOR])))
}

/// FNV-1a, 64 bits. Written out because it is a promise: the standard library's hasher may change.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests;
