//! Heap profiles as text: jemalloc's `heap_v2`, tcmalloc's, and Go's old one (`debug=1`).
//!
//! ```text
//! heap_v2/524288                            jemalloc; one block in about 524288 bytes was sampled
//!   t*: 13: 6688 [0: 0]                     all threads: blocks, bytes [ever allocated, where that is counted]
//! @ 0x5f86da8 0x5f5a1dc                     a stack, the innermost frame first; its numbers follow
//!   t*: 13: 6688 [0: 0]
//! MAPPED_LIBRARIES:
//! 00400000-00520000 r-xp 00000000 08:01 1    /usr/bin/app
//!
//! heap profile:  3:  300 [ 3:  300] @ heapprofile
//!  3:  300 [ 3:  300] @ 0x5f86da8 0x5f5a1dc
//! #  0x5f86da7  main.parse+0x27  /src/parse.go:12           names, in Go's
//! ```
//!
//! A block of X bytes is sampled with a probability of 1 - exp(-X / rate). So the sums of each stack are divided by
//! that, X being the mean of its blocks: the correction that `jeprof` and `go tool pprof` make.
//! <https://jemalloc.net/jemalloc.3.html#heap_profile_format>
use crate::budget::Budget;
use crate::builder::{Counts, DEPTH_MAX, Live, ProcessBuilder};
use crate::lines::Lines;
use crate::maps::Maps;
use crate::{ImportError, LinkAddress};
use stanch_recording::{Loss, Recording, ResolvedFrame, SnapshotReason};
use std::collections::HashMap;

/// The sums of one stack as they are written.
#[derive(Clone, Copy, Default)]
struct Sums {
    live_blocks: u64,
    live_bytes: u64,
    all_blocks: u64,
    all_bytes: u64,
}

struct Stack {
    /// Innermost first, as written: after the call.
    addresses: Vec<u64>,
    sums: Sums,
}

#[derive(Default)]
struct File {
    stacks: Vec<Stack>,
    /// Names by the address of the call.
    names: HashMap<u64, Vec<ResolvedFrame>>,
    maps: Maps,
    /// Mean bytes between two samples; 0 where everything was recorded.
    rate_bytes: u64,
    /// What could not be read.
    damaged_lines: u64,
    has_end: bool,
    is_cut: bool,
}

pub(crate) fn read(
    lines: &mut Lines<'_>,
    budget: &mut Budget,
    link_address: LinkAddress<'_>,
) -> Result<Recording, ImportError> {
    let mut file = File::default();
    let mut is_mappings = false;
    while let Some(line) = lines.next()? {
        let line = line.trim();
        if line == "# runtime.MemStats" {
            // Go's list of statistics, the last of its parts.
            file.has_end = true;
            break;
        } else if line == "MAPPED_LIBRARIES:" || line == "--- Memory map: ---" {
            (is_mappings, file.has_end) = (true, true);
        } else if is_mappings {
            file.maps.add_line(line, budget);
        } else {
            file.add_line(line, budget);
        }
    }
    file.is_cut = lines.is_cut();
    Ok(file.recording(budget, link_address))
}

impl File {
    fn add_line(&mut self, line: &str, budget: &mut Budget) {
        if let Some(rate) = line.strip_prefix("heap_v2/") {
            self.rate_bytes = rate.trim().parse().unwrap_or(0);
        } else if line.starts_with("heap profile:") {
            self.rate_bytes = line.rsplit_once('@').map_or(0, |(_, kind)| rate(kind.trim()));
        } else if let Some(stack) = line.strip_prefix('@') {
            self.add_stack(stack, Sums::default(), budget);
        } else if let Some(sums) = line.strip_prefix("t*:") {
            // Before the first stack come the sums of all.
            match (sums_of(sums), self.stacks.last_mut()) {
                (Some(sums), Some(stack)) => stack.sums = sums,
                (None, _) => self.damaged_lines += 1,
                (Some(_), None) => {}
            }
        } else if let Some(comment) = line.strip_prefix('#') {
            self.add_name(comment, budget);
        } else if let Some((sums, stack)) = line.split_once('@') {
            match sums_of(sums) {
                Some(sums) => self.add_stack(stack, sums, budget),
                None => self.damaged_lines += 1,
            }
        } else if !line.is_empty() && !line.starts_with('t') {
            self.damaged_lines += 1;
        }
    }

    fn add_stack(&mut self, stack: &str, sums: Sums, budget: &mut Budget) {
        let addresses = stack.split_whitespace().map(|word| {
            let digits = word.strip_prefix("0x").unwrap_or(word);
            u64::from_str_radix(digits, 16).ok()
        });
        let Some(addresses) = addresses.take(DEPTH_MAX).collect::<Option<Vec<u64>>>() else {
            self.damaged_lines += 1;
            return;
        };
        if budget.take(2 * size_of::<Stack>() + 8 * addresses.len()) {
            self.stacks.push(Stack { addresses, sums });
        }
    }

    /// `0x5f86da7  main.parse+0x27  /src/parse.go:12`; a frame that was inlined into the next has the same address.
    fn add_name(&mut self, comment: &str, budget: &mut Budget) {
        let words: Vec<&str> = comment.split('\t').map(str::trim).filter(|word| !word.is_empty()).collect();
        let [address, name, place] = words[..] else { return };
        let address = address.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
        let name = name.rsplit_once("+0x").map_or(name, |(name, _)| name);
        if let Some(address) = address
            && budget.take(size_of::<ResolvedFrame>() + 64 + name.len() + file.len())
        {
            let frame = ResolvedFrame {
                function: Some(name.to_owned()),
                file: Some(file.to_owned()),
                line: line.parse().ok(),
                ..ResolvedFrame::default()
            };
            let frames = self.names.entry(address).or_default();
            // The same stack may be written many times.
            if !frames.contains(&frame) {
                frames.push(frame);
            }
        }
    }

    fn recording(self, budget: &mut Budget, link_address: LinkAddress<'_>) -> Recording {
        budget.open_reserve();
        let mut builder = ProcessBuilder::new();
        let biases = self.maps.biases(link_address);
        for stack in &self.stacks {
            let codes: Option<Vec<_>> = stack
                .addresses
                .iter()
                .map(|&address| {
                    let module = self.maps.module(address, &biases, &mut builder, budget);
                    let names = self.names.get(&address.wrapping_sub(1)).or_else(|| self.names.get(&address));
                    builder.code(module, address, names.cloned().unwrap_or_default(), budget)
                })
                .collect();
            let Some(codes) = codes else { break };
            let node = builder.stack(&codes, budget);
            let Some(site) = builder.site(node, budget) else { break };
            let (live_blocks, live_bytes) = corrected(stack.sums.live_blocks, stack.sums.live_bytes, self.rate_bytes);
            let (blocks, bytes) = corrected(stack.sums.all_blocks, stack.sums.all_bytes, self.rate_bytes);
            let freed_blocks = blocks.saturating_sub(live_blocks);
            builder.add_counts(site, Counts { blocks, bytes, freed_blocks, temporary_blocks: 0 });
            if live_blocks != 0 || live_bytes != 0 {
                builder.add_live(site, Live::undecided(live_blocks, live_bytes), budget);
            }
        }
        if let Some(path) = self.maps.first_path() {
            builder.process.executable = path.to_owned();
            builder.process.command = vec![path.to_owned()];
        }
        let losses = self.losses();
        let process = builder.finish(SnapshotReason::OnDemand);
        Recording { command: process.command.clone(), processes: vec![process], losses, ..Recording::default() }
    }

    fn losses(&self) -> Vec<Loss> {
        let mut losses = Vec::new();
        let mut add = |what: &str, why: String| losses.push(Loss { what: what.to_owned(), why });
        if self.damaged_lines != 0 {
            add("a part of the file", format!("{} of its lines cannot be understood", self.damaged_lines));
        }
        if self.rate_bytes > 1 {
            let why = format!("it was sampled, one block in about {} bytes; sums are estimates", self.rate_bytes);
            add("exact numbers", why);
        }
        if self.is_cut {
            add("the end of the file", "its last line is cut off".to_owned());
        } else if !self.has_end {
            add("what follows the stacks", "the file has no list of mappings: it may be cut off".to_owned());
        }
        losses
    }
}

/// `heapprofile`, `heap_v2/524288`, or Go's `heap/1048576`, which is twice the rate.
fn rate(kind: &str) -> u64 {
    let (name, number) = kind.split_once('/').unwrap_or((kind, ""));
    let number = number.trim().parse().unwrap_or(0);
    if name == "heap" { number / 2 } else { number }
}

/// `3: 300 [ 3: 300]`
fn sums_of(text: &str) -> Option<Sums> {
    let (live, all) = text.split_once('[')?;
    let pair = |text: &str| -> Option<(u64, u64)> {
        let (blocks, bytes) = text.split_once(':')?;
        Some((blocks.trim().parse().ok()?, bytes.trim().parse().ok()?))
    };
    let (live_blocks, live_bytes) = pair(live)?;
    let (all_blocks, all_bytes) = pair(all.trim().trim_end_matches(']'))?;
    Some(Sums { live_blocks, live_bytes, all_blocks, all_bytes })
}

/// What a stack's blocks and bytes stand for where one block in about `rate_bytes` was sampled.
pub(crate) fn corrected(blocks: u64, bytes: u64, rate_bytes: u64) -> (u64, u64) {
    if blocks == 0 || rate_bytes <= 1 {
        return (blocks, bytes);
    }
    let mean = bytes as f64 / blocks as f64;
    let probability = -(-mean / rate_bytes as f64).exp_m1();
    if probability <= 0.0 {
        return (blocks, bytes);
    }
    // `as` saturates.
    ((blocks as f64 / probability).round() as u64, (bytes as f64 / probability).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::corrected;

    #[test]
    fn sums_are_corrected_for_sampling() {
        assert_eq!(corrected(3, 300, 0), (3, 300));
        assert_eq!(corrected(0, 0, 524_288), (0, 0));
        // A block as large as the rate is sampled with a probability of 1 - 1/e.
        assert_eq!(corrected(1000, 524_288_000, 524_288), (1582, 829_411_404));
        assert_eq!(corrected(1, 1 << 40, 524_288), (1, 1 << 40));
        assert_eq!(corrected(u64::MAX, u64::MAX, 1 << 60), (u64::MAX, u64::MAX));
    }
}
