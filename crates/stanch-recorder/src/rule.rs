//! How to get from one frame to its caller, as a value that fits one word.

/// Where the caller's frame begins (the canonical frame address).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cfa {
    /// No caller.
    End,
    /// rsp + n
    Rsp(i32),
    /// rbp + n
    Rbp(i32),
    /// the word at rbp + n
    AtRbp(i32),
    /// The kernel's signal frame: registers stand in a `ucontext`.
    SignalFrame,
    /// Nothing is known of this code (JIT, assembly): follow the frame pointer if it looks like one.
    FramePointer,
}

/// Where the caller's rbp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rbp {
    /// Still in rbp.
    Same,
    /// At CFA + n.
    InFrame(i32),
    /// At rbp + n.
    Beside(i32),
}

/// An unwind rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) cfa: Cfa,
    pub(crate) rbp: Rbp,
}

/// A rule and the number of the module whose code it is about.
///
/// ```text
/// bit 63     48 47       46 45          24 23     20 19      16 15      0
///     rbp n/8    unused      CFA n (22)      rbp      CFA kind   module
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedRule(pub(crate) u64);

impl Rule {
    /// Packs the rule; one whose offsets do not fit (frames over 2 MiB) becomes a frame-pointer rule.
    pub(crate) fn pack(self, module: u16) -> PackedRule {
        let (kind, offset) = match self.cfa {
            Cfa::End => (1, 0),
            Cfa::Rsp(offset) => (2, offset),
            Cfa::Rbp(offset) => (3, offset),
            Cfa::AtRbp(offset) => (4, offset),
            Cfa::SignalFrame => (5, 0),
            Cfa::FramePointer => (6, 0),
        };
        let (rbp, rbp_offset) = match self.rbp {
            Rbp::Same => (0, 0),
            Rbp::InFrame(offset) => (1, offset),
            Rbp::Beside(offset) => (2, offset),
        };
        let fits = (-(1 << 21)..1 << 21).contains(&offset)
            && rbp_offset % 8 == 0
            && (-(1 << 15)..1 << 15).contains(&(rbp_offset / 8));
        if !fits {
            return Rule { cfa: Cfa::FramePointer, rbp: Rbp::Same }.pack(module);
        }
        PackedRule(
            ((rbp_offset / 8) as u16 as u64) << 48
                | ((offset as u64) & 0x3f_ffff) << 24
                | rbp << 20
                | kind << 16
                | module as u64,
        )
    }
}

impl PackedRule {
    #[inline(always)]
    pub(crate) fn module(self) -> u16 {
        self.0 as u16
    }

    /// Number of the CFA kind: 1 end, 2 rsp, 3 rbp, 4 at rbp, 5 signal frame, 6 frame pointer.
    #[inline(always)]
    pub(crate) fn cfa_kind(self) -> u8 {
        (self.0 >> 16 & 15) as u8
    }

    #[inline(always)]
    pub(crate) fn cfa_offset(self) -> isize {
        ((self.0 << 18) as i64 >> 42) as isize
    }

    /// Number of the rbp rule: 0 same, 1 at CFA, 2 at rbp.
    #[inline(always)]
    pub(crate) fn rbp_kind(self) -> u8 {
        (self.0 >> 20 & 15) as u8
    }

    #[inline(always)]
    pub(crate) fn rbp_offset(self) -> isize {
        (self.0 as i64 >> 48) as isize * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_signed_offsets() {
        let packed = Rule { cfa: Cfa::Rbp(-123_456), rbp: Rbp::InFrame(-16) }.pack(77);
        assert_eq!((packed.module(), packed.cfa_kind(), packed.cfa_offset()), (77, 3, -123_456));
        assert_eq!((packed.rbp_kind(), packed.rbp_offset()), (1, -16));
        let packed = Rule { cfa: Cfa::Rsp(2_000_000), rbp: Rbp::Beside(40) }.pack(0);
        assert_eq!((packed.cfa_kind(), packed.cfa_offset(), packed.rbp_offset()), (2, 2_000_000, 40));
        assert_eq!(Rule { cfa: Cfa::Rsp(3_000_000), rbp: Rbp::Same }.pack(1).cfa_kind(), 6);
    }
}
