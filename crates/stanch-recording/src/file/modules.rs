//! The section of modules.
//!
//! ```text
//! unsigned count, then each: text path, blob build id, unsigned load bias,
//! unsigned flags (1 unloaded, 2 package follows), [text package name, text package version]
//! ```

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{Module, Package};

const UNLOADED: u64 = 1;
const HAS_PACKAGE: u64 = 2;

pub(super) fn encode(modules: &[Module]) -> Vec<u8> {
    let mut payload = Encoder::new();
    payload.length(modules.len());
    for module in modules {
        payload.text(&module.path);
        payload.blob(&module.build_id);
        payload.unsigned(module.load_bias);
        let package_flag = if module.package.is_some() { HAS_PACKAGE } else { 0 };
        payload.unsigned(if module.unloaded { UNLOADED } else { 0 } | package_flag);
        if let Some(package) = &module.package {
            payload.text(&package.name);
            payload.text(&package.version);
        }
    }
    payload.finish()
}

pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<Vec<Module>, Malformed> {
    let mut payload = Decoder::new(payload);
    let count = payload.count()?;
    if count > usize::from(u16::MAX) {
        return Err(Malformed::TooLarge);
    }
    budget.entries::<Module>(count)?;
    (0..count).map(|_| decode_module(&mut payload, budget)).collect()
}

fn decode_module(payload: &mut Decoder, budget: &mut Budget) -> Result<Module, Malformed> {
    let path = payload.text(budget)?;
    let build_id = payload.blob()?;
    budget.bytes(build_id.len())?;
    let load_bias = payload.unsigned()?;
    let flags = payload.unsigned()?;
    let package = if flags & HAS_PACKAGE == 0 {
        None
    } else {
        Some(Package { name: payload.text(budget)?, version: payload.text(budget)? })
    };
    Ok(Module { path, build_id: build_id.to_vec(), load_bias, unloaded: flags & UNLOADED != 0, package })
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{Module, Package};

    #[test]
    fn round_trip() {
        let package = Some(Package { name: "libc6".to_owned(), version: "2.36-9".to_owned() });
        let modules = vec![
            Module {
                path: "/usr/bin/app".to_owned(),
                build_id: vec![1, 2, 255],
                load_bias: 1 << 46,
                ..Module::default()
            },
            Module { path: "/lib/libc.so.6".to_owned(), unloaded: true, package, ..Module::default() },
        ];
        assert_eq!(decode(&encode(&modules), &mut Budget::of_file(0)), Ok(modules));
    }
}
