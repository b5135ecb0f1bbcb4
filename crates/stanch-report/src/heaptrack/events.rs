//! Events whose sums are given: a history that could have led to a recording.
use crate::stacks::Amount;
use std::io::{self, Write};

/// What one stack allocated.
pub(super) struct Bundle {
    /// Number of its trace.
    pub(super) trace: u64,
    /// Left at the end.
    pub(super) live: Amount,
    /// Freed before.
    pub(super) freed: Amount,
    /// How many of `freed` were freed at once.
    pub(super) temporary_blocks: u64,
}

/// What the whole history must show.
pub(super) struct Events {
    /// Most bytes at one time.
    pub(super) peak_bytes: u64,
    /// When it ends, in milliseconds.
    pub(super) end_ms: u64,
    /// Of so many blocks of a stack one is written, with the bytes of all.
    pub(super) calls_divisor: u64,
}

/// Blocks of one size.
struct Run {
    bytes_each: u64,
    blocks: u64,
}

/// As many runs as are needed for `amount`'s bytes and blocks: two where the mean is no whole number.
fn runs(amount: Amount) -> impl Iterator<Item = Run> {
    let (mean, larger) = match amount.blocks {
        0 => (0, 0),
        blocks => (amount.bytes / blocks, amount.bytes % blocks),
    };
    let runs = [
        Run { bytes_each: mean.saturating_add(1), blocks: larger },
        Run { bytes_each: mean, blocks: amount.blocks - larger },
    ];
    runs.into_iter().filter(|run| run.blocks != 0)
}

/// Freed blocks of one size, and what becomes of them.
struct Plan {
    info: u64,
    trace: u64,
    bytes_each: u64,
    /// Freed some time after they came.
    lasting: u64,
    /// Freed at once.
    temporary: u64,
    /// Kept until the peak is over.
    held: u64,
    /// Bytes of one more block that is kept in part.
    held_part_bytes: u64,
}

impl Plan {
    /// Takes blocks to be held out of `blocks`; `hold_bytes` is what is still wanted.
    fn hold(&mut self, blocks: fn(&mut Plan) -> &mut u64, hold_bytes: &mut u64) {
        let each = self.bytes_each;
        let available = *blocks(self);
        if each == 0 || available == 0 || self.held_part_bytes != 0 {
            return;
        }
        let whole = (*hold_bytes / each).min(available);
        *hold_bytes -= whole * each;
        let is_part_wanted = whole < available && *hold_bytes != 0;
        self.held += whole;
        if is_part_wanted {
            self.held_part_bytes = std::mem::take(hold_bytes);
        }
        *blocks(self) -= whole + u64::from(is_part_wanted);
    }
}

impl Events {
    /// First what comes and goes, then what is held until the peak, then what stays: that is the peak. Then the held is
    /// freed.
    pub(super) fn write(&self, bundles: &[Bundle], out: &mut impl Write) -> io::Result<()> {
        let Some(first) = bundles.first() else { return Ok(()) };
        let mut writer = Writer { out, infos: 0 };
        let separator = writer.info(0, first.trace)?;
        let mut plans = self.plans(bundles, &mut writer)?;
        let live_bytes = bundles.iter().fold(0, |sum: u64, bundle| sum.saturating_add(bundle.live.bytes));
        let mut hold_bytes = self.peak_bytes.saturating_sub(live_bytes);
        plans.iter_mut().for_each(|plan| plan.hold(|plan| &mut plan.lasting, &mut hold_bytes));
        plans.iter_mut().for_each(|plan| plan.hold(|plan| &mut plan.temporary, &mut hold_bytes));

        writeln!(writer.out, "c 0")?;
        for plan in &plans {
            if self.peak_bytes < plan.bytes_each {
                writer.pass_in_parts(plan, self.peak_bytes)?;
            } else {
                writer.come_and_go(plan.lasting, plan.info, Some(separator))?;
                writer.come_and_go(plan.temporary, plan.info, None)?;
            }
        }
        let mut held = Vec::new();
        for plan in &plans {
            held.push((plan.info, plan.held));
            held.extend(writer.hold(plan)?);
        }
        for bundle in bundles {
            for run in runs(self.written(bundle.live)) {
                let info = writer.info(run.bytes_each, bundle.trace)?;
                writer.repeat("+", run.blocks, info)?;
            }
        }
        writeln!(writer.out, "c {:x}", self.end_ms)?;
        held.into_iter().try_for_each(|(info, blocks)| writer.repeat("-", blocks, info))?;
        writeln!(writer.out, "c {:x}", self.end_ms.saturating_add(1))
    }

    /// Of more blocks than can be written one by one, one stands for several.
    fn written(&self, amount: Amount) -> Amount {
        Amount { blocks: amount.blocks.div_ceil(self.calls_divisor), ..amount }
    }

    /// The freed blocks of all stacks.
    fn plans(&self, bundles: &[Bundle], writer: &mut Writer<'_, impl Write>) -> io::Result<Vec<Plan>> {
        let mut plans = Vec::new();
        for bundle in bundles {
            let mut temporary_blocks = bundle.temporary_blocks / self.calls_divisor;
            for run in runs(self.written(bundle.freed)) {
                let temporary = run.blocks.min(temporary_blocks);
                temporary_blocks -= temporary;
                plans.push(Plan {
                    info: writer.info(run.bytes_each, bundle.trace)?,
                    trace: bundle.trace,
                    bytes_each: run.bytes_each,
                    lasting: run.blocks - temporary,
                    temporary,
                    held: 0,
                    held_part_bytes: 0,
                });
            }
        }
        Ok(plans)
    }
}

struct Writer<'o, W: Write> {
    out: &'o mut W,
    /// How many allocations were described.
    infos: u64,
}

impl<W: Write> Writer<'_, W> {
    /// Describes an allocation.
    fn info(&mut self, bytes: u64, trace: u64) -> io::Result<u64> {
        writeln!(self.out, "a {bytes:x} {trace:x}")?;
        self.infos += 1;
        Ok(self.infos - 1)
    }

    fn repeat(&mut self, event: &str, blocks: u64, info: u64) -> io::Result<()> {
        let line = format!("{event} {info:x}\n");
        (0..blocks).try_for_each(|_| self.out.write_all(line.as_bytes()))
    }

    /// Allocates what is to be held, and says what of the last block is to be freed later. The rest of that block is
    /// freed before it comes: a reader sums up sizes, and no peak comes of it.
    fn hold(&mut self, plan: &Plan) -> io::Result<Option<(u64, u64)>> {
        self.repeat("+", plan.held, plan.info)?;
        if plan.held_part_bytes == 0 {
            return Ok(None);
        }
        let rest = self.info(plan.bytes_each - plan.held_part_bytes, plan.trace)?;
        let part = self.info(plan.held_part_bytes, plan.trace)?;
        self.repeat("-", 1, rest)?;
        self.repeat("+", 1, plan.info)?;
        Ok(Some((part, 1)))
    }

    /// Mappings are no part of a recorded peak, and one may be larger. A part of it is freed before it comes, so that
    /// no peak comes of it.
    fn pass_in_parts(&mut self, plan: &Plan, peak_bytes: u64) -> io::Result<()> {
        let before = self.info(plan.bytes_each - peak_bytes, plan.trace)?;
        let after = self.info(peak_bytes, plan.trace)?;
        let one = format!("- {before:x}\n+ {:x}\n- {after:x}\n", plan.info);
        (0..plan.lasting + plan.temporary).try_for_each(|_| self.out.write_all(one.as_bytes()))
    }

    /// Blocks that are freed before the next one comes. A separator, which frees nothing, keeps a block from counting
    /// as temporary.
    fn come_and_go(&mut self, blocks: u64, info: u64, separator: Option<u64>) -> io::Result<()> {
        let one = match separator {
            Some(separator) => format!("+ {info:x}\n- {separator:x}\n- {info:x}\n"),
            None => format!("+ {info:x}\n- {info:x}\n"),
        };
        (0..blocks).try_for_each(|_| self.out.write_all(one.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// What heaptrack_print sums up.
    #[derive(Debug, Default, PartialEq)]
    struct Sums {
        calls: u64,
        allocated_bytes: u64,
        leaked_bytes: BTreeMap<u64, i64>,
        peak_bytes: i64,
        temporary: u64,
    }

    fn replay(text: &str) -> Sums {
        let (mut sums, mut infos, mut total, mut last) = (Sums::default(), Vec::new(), 0_i64, None);
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').unwrap();
            let numbers: Vec<u64> = rest.split(' ').map(|word| u64::from_str_radix(word, 16).unwrap()).collect();
            let info = |infos: &[(u64, u64)]| infos[numbers[0] as usize];
            match kind {
                "a" => infos.push((numbers[0], numbers[1])),
                "+" => {
                    let (size, trace) = info(&infos);
                    sums.calls += 1;
                    sums.allocated_bytes += size;
                    *sums.leaked_bytes.entry(trace).or_default() += size as i64;
                    total += size as i64;
                    sums.peak_bytes = sums.peak_bytes.max(total);
                    last = Some(numbers[0]);
                }
                "-" => {
                    let (size, trace) = info(&infos);
                    *sums.leaked_bytes.entry(trace).or_default() -= size as i64;
                    total -= size as i64;
                    sums.temporary += u64::from(last.take() == Some(numbers[0]));
                }
                _ => assert_eq!(kind, "c"),
            }
        }
        sums
    }

    #[track_caller]
    fn check(bundles: &[(Amount, Amount, u64)], peak_bytes: u64, temporary: u64) {
        let bundle = |(trace, &(live, freed, temporary_blocks)): (u64, &(Amount, Amount, u64))| Bundle {
            trace,
            live,
            freed,
            temporary_blocks,
        };
        let bundles: Vec<Bundle> = (1..).zip(bundles).map(bundle).collect();
        let mut out = Vec::new();
        Events { peak_bytes, end_ms: 7, calls_divisor: 1 }.write(&bundles, &mut out).unwrap();
        let sums = replay(&String::from_utf8(out).unwrap());
        let all = |of: fn(&Bundle) -> u64| bundles.iter().map(of).sum::<u64>();
        assert_eq!(sums.calls, all(|bundle| bundle.live.blocks + bundle.freed.blocks));
        assert_eq!(sums.allocated_bytes, all(|bundle| bundle.live.bytes + bundle.freed.bytes));
        assert_eq!(sums.peak_bytes as u64, peak_bytes);
        assert_eq!(sums.temporary, temporary);
        for bundle in &bundles {
            assert_eq!(sums.leaked_bytes.get(&bundle.trace).copied().unwrap_or(0) as u64, bundle.live.bytes);
        }
    }

    #[test]
    fn more_blocks_than_can_be_written_keep_their_bytes() {
        let all = Amount { bytes: 1 << 40, blocks: 1 << 60 };
        let bundle = Bundle { trace: 1, live: all, freed: all, temporary_blocks: 1 << 59 };
        let mut out = Vec::new();
        Events { peak_bytes: 1 << 40, end_ms: 7, calls_divisor: 1 << 58 }.write(&[bundle], &mut out).unwrap();
        let sums = replay(&String::from_utf8(out).unwrap());
        assert_eq!((sums.calls, sums.allocated_bytes, sums.temporary), (8, 1 << 41, 2));
        assert_eq!((sums.leaked_bytes[&1], sums.peak_bytes), (1 << 40, 1 << 40));
    }

    #[test]
    fn totals_and_peak_are_exact() {
        let amount = |bytes, blocks| Amount { bytes, blocks };
        // All are temporary, and the peak needs one of them.
        check(&[(amount(100, 3), amount(1001, 10), 10)], 201, 9);
        // Whole blocks and a part of one are held.
        check(&[(amount(50, 1), amount(1000, 10), 0)], 275, 0);
        // Several stacks; the peak needs temporary blocks, too.
        check(&[(amount(10, 1), amount(30, 3), 0), (amount(0, 0), amount(500, 5), 5)], 185, 3);
        // A mapping that is larger than the peak, which needs a part of it or nothing.
        check(&[(amount(10, 2), amount(4096, 1), 1), (amount(0, 0), amount(8, 2), 2)], 12, 2);
        check(&[(amount(10, 2), amount(4096, 1), 1), (amount(0, 0), amount(8, 2), 2)], 10, 2);
        // No sizes at all.
        check(&[(amount(0, 2), amount(0, 2), 1)], 0, 1);
    }
}
