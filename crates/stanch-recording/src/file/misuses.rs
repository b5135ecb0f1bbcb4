//! The section of wrong frees.
//!
//! ```text
//! unsigned count, then each: unsigned kind, site (0 unknown, else 1 + index), allocator,
//! text freed by, unsigned freed at (node), count, bytes
//! ```

use super::budget::Budget;
use super::snapshots::decode_allocator;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{Misuse, MisuseKind, NodeIndex, SiteIndex};

pub(super) fn encode(misuses: &[Misuse]) -> Vec<u8> {
    let mut payload = Encoder::new();
    payload.length(misuses.len());
    for misuse in misuses {
        payload.unsigned(misuse.kind as u64);
        payload.unsigned(misuse.site.map_or(0, |site| u64::from(site.0) + 1));
        payload.unsigned(misuse.allocator as u64);
        payload.text(&misuse.freed_by);
        payload.unsigned(u64::from(misuse.freed_at.0));
        payload.unsigned(misuse.count);
        payload.unsigned(misuse.bytes);
    }
    payload.finish()
}

pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<Vec<Misuse>, Malformed> {
    let mut payload = Decoder::new(payload);
    let count = payload.count()?;
    budget.entries::<Misuse>(count)?;
    (0..count).map(|_| decode_misuse(&mut payload, budget)).collect()
}

fn decode_misuse(payload: &mut Decoder, budget: &mut Budget) -> Result<Misuse, Malformed> {
    let kind = match payload.unsigned()? {
        1 => MisuseKind::MismatchedFree,
        2 => MisuseKind::DoubleFree,
        _ => return Err(Malformed::Unknown("a wrong free")),
    };
    let site = match payload.unsigned()? {
        0 => None,
        position => Some(SiteIndex(u32::try_from(position - 1).map_err(|_| Malformed::TooLarge)?)),
    };
    Ok(Misuse {
        kind,
        site,
        allocator: decode_allocator(payload.unsigned()?)?,
        freed_by: payload.text(budget)?,
        freed_at: NodeIndex(payload.u32()?),
        count: payload.unsigned()?,
        bytes: payload.unsigned()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{AllocatorFunction, Misuse, MisuseKind, NodeIndex, SiteIndex};

    #[test]
    fn round_trip() {
        let misuse = Misuse {
            kind: MisuseKind::DoubleFree,
            site: Some(SiteIndex(0)),
            allocator: AllocatorFunction::NewArray,
            freed_by: "operator delete".to_owned(),
            freed_at: NodeIndex(12),
            count: 3,
            bytes: u64::MAX,
        };
        let other = Misuse { kind: MisuseKind::MismatchedFree, site: None, ..misuse.clone() };
        let misuses = vec![misuse, other];
        assert_eq!(decode(&encode(&misuses), &mut Budget::of_file(0)), Ok(misuses));
    }
}
