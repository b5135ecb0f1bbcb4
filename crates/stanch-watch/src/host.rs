//! The memory of a host, accounted in full: every byte has a name, or is in *unaccounted*.
//!
//! Pure functions over the text of `meminfo` (proc_meminfo(5)), `zoneinfo` and `slabinfo` (slabinfo(5)). What grows
//! in slab, vmalloc, kernel stacks, per-CPU memory or the unaccounted rest is the kernel's or a driver's, whatever
//! processes do.
use crate::text::bytes;
use serde::Serialize;
use std::io::{self, Write};

/// A part of the host's memory that no other part holds, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How much.
    pub bytes: u64,
}

/// A cache of the kernel's slab allocator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlabCache {
    /// Its name in the kernel.
    pub name: String,
    /// The pages that it holds, in bytes.
    pub bytes: u64,
    /// How many of its objects are in use.
    pub active_objects: u64,
}

/// Where a host's memory is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostMemory {
    /// All memory that the kernel manages.
    pub total_bytes: u64,
    /// What could be had without swapping, as the kernel estimates.
    pub available_bytes: u64,
    /// Parts that do not overlap.
    pub parts: Vec<Part>,
    /// The total without all parts; below 0 where the counters, which are not read at one instant, say more than there
    /// is.
    pub unaccounted_bytes: i64,
    /// Swap in use.
    pub swap_used_bytes: u64,
    /// Pages that the hardware corrupted.
    pub hardware_corrupted_bytes: u64,
    /// The largest slab caches, the largest first; empty where they may not be read.
    pub slab_caches: Vec<SlabCache>,
}

/// Why a host's memory is not known.
#[derive(Debug, thiserror::Error)]
#[error("it has no `{0}`")]
pub struct Missing(&'static str);

/// Accounts for all memory. `slabinfo` is `None` for those who may not read it.
///
/// # Errors
/// Where `meminfo` lacks what every kernel since Linux 3.14 says.
pub fn account(meminfo: &str, zoneinfo: &str, slabinfo: Option<&str>) -> Result<HostMemory, Missing> {
    let of = |name: &'static str| field_bytes(meminfo, name);
    let or_none = |name: &'static str| of(name).unwrap_or(0);
    let required = |name: &'static str| of(name).ok_or(Missing(name));
    let total_bytes = required("MemTotal")?;
    let shmem = or_none("Shmem");
    let stacks = or_none("KernelStack");
    let slab = of("Slab").unwrap_or_else(|| or_none("SReclaimable").saturating_add(or_none("SUnreclaim")));
    let reclaimable = or_none("SReclaimable");
    let part = |name, bytes| Part { name, bytes };
    let parts = vec![
        part("free", required("MemFree")?),
        // Free pages that each processor keeps at hand; newer kernels let them grow to hundreds of megabytes.
        part("free_per_cpu", free_per_cpu(zoneinfo)),
        part("anonymous", required("AnonPages")?),
        // The page cache holds tmpfs and shared memory, too; swapped pages that are still in memory are counted apart.
        part("file", required("Cached")?.saturating_add(or_none("Buffers")).saturating_sub(shmem)),
        part("shmem", shmem),
        part("swap_cached", or_none("SwapCached")),
        part("slab_reclaimable", reclaimable),
        part("slab_unreclaimable", slab.saturating_sub(reclaimable)),
        part("page_tables", or_none("PageTables").saturating_add(or_none("SecPageTables"))),
        part("kernel_stacks", stacks),
        part("percpu", or_none("Percpu")),
        // Stacks are allocated by vmalloc.
        part("vmalloc", or_none("VmallocUsed").saturating_sub(stacks)),
        part(
            "hugetlb",
            of("Hugetlb").unwrap_or_else(|| count(meminfo, "HugePages_Total").saturating_mul(or_none("Hugepagesize"))),
        ),
        part("zswap", or_none("Zswap")),
        part("bounce", or_none("Bounce")),
        part("balloon", or_none("Balloon")),
    ];
    let named: i128 = parts.iter().map(|part| i128::from(part.bytes)).sum();
    let unaccounted = (i128::from(total_bytes) - named).clamp(i64::MIN.into(), i64::MAX.into());
    Ok(HostMemory {
        total_bytes,
        available_bytes: or_none("MemAvailable"),
        parts,
        unaccounted_bytes: unaccounted as i64,
        swap_used_bytes: or_none("SwapTotal").saturating_sub(or_none("SwapFree")),
        hardware_corrupted_bytes: or_none("HardwareCorrupted"),
        slab_caches: slabinfo.map(slab_caches).unwrap_or_default(),
    })
}

impl HostMemory {
    /// Writes one object.
    ///
    /// # Errors
    /// Where `out` cannot be written to.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Writes a line for each part that there is, the largest first.
    ///
    /// # Errors
    /// Where `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let share = |amount: f64| 100.0 * amount / (self.total_bytes as f64).max(1.0);
        let (total, available) = (self.total_bytes as f64, self.available_bytes as f64);
        writeln!(out, "{} in all, {} available\n", bytes(total), bytes(available))?;
        let mut parts: Vec<&Part> = self.parts.iter().filter(|part| 0 < part.bytes).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        for part in parts {
            let amount = part.bytes as f64;
            writeln!(out, "{:>10}  {:5.1} %  {}", bytes(amount), share(amount), part.name.replace('_', " "))?;
        }
        let rest = self.unaccounted_bytes as f64;
        let sign = if rest < 0.0 { "-" } else { "" };
        writeln!(out, "{:>10}  {:5.1} %  unaccounted", format!("{sign}{}", bytes(rest.abs())), share(rest))?;
        if !self.slab_caches.is_empty() {
            writeln!(out, "\nlargest slab caches:")?;
        }
        for cache in self.slab_caches.iter().take(5) {
            writeln!(out, "{:>10}  {}, {} objects", bytes(cache.bytes as f64), cache.name, cache.active_objects)?;
        }
        Ok(())
    }
}

/// A line such as `MemFree:  123 kB`, in bytes.
fn field_bytes(meminfo: &str, name: &str) -> Option<u64> {
    let value = value(meminfo, name)?;
    let kibibytes: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A line such as `HugePages_Total:  4`.
fn count(meminfo: &str, name: &str) -> u64 {
    value(meminfo, name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn value<'a>(meminfo: &'a str, name: &str) -> Option<&'a str> {
    meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Lines such as `count: 12` below each processor of each zone, in pages.
fn free_per_cpu(zoneinfo: &str) -> u64 {
    let counts = zoneinfo.lines().filter_map(|line| line.trim_start().strip_prefix("count:")?.trim().parse().ok());
    counts.fold(0u64, |sum, count: u64| sum.saturating_add(count)).saturating_mul(PAGE_BYTES)
}

/// Size of a page on x86-64.
const PAGE_BYTES: u64 = 4096;

/// The caches with their pages: columns are name, active objects, objects, size, objects a slab, pages a slab, then
/// after `slabdata` active slabs and slabs.
fn slab_caches(slabinfo: &str) -> Vec<SlabCache> {
    const SHOWN: usize = 20;
    let mut caches: Vec<SlabCache> = slabinfo.lines().filter_map(slab_cache).collect();
    caches.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    caches.truncate(SHOWN);
    caches
}

fn slab_cache(line: &str) -> Option<SlabCache> {
    let (sizes, slabs) = line.split_once(": slabdata")?;
    let mut sizes = sizes.split_whitespace();
    let name = sizes.next()?.to_owned();
    let active_objects = sizes.next()?.parse().ok()?;
    let pages: u64 = sizes.nth(3)?.parse().ok()?;
    let slabs: u64 = slabs.split_whitespace().nth(1)?.parse().ok()?;
    Some(SlabCache { name, bytes: slabs.checked_mul(pages)?.checked_mul(PAGE_BYTES)?, active_objects })
}

#[cfg(test)]
mod tests {
    use super::{SlabCache, account};

    const MEMINFO: &str = "\
MemTotal:       1000 kB
MemFree:         100 kB
MemAvailable:    700 kB
Buffers:          10 kB
Cached:          300 kB
SwapCached:        5 kB
AnonPages:       400 kB
Shmem:            50 kB
SReclaimable:     30 kB
SUnreclaim:       20 kB
Slab:             50 kB
KernelStack:       4 kB
PageTables:        6 kB
VmallocUsed:      14 kB
Percpu:            2 kB
HugePages_Total:   1
Hugepagesize:     40 kB
";

    #[test]
    fn parts_do_not_overlap_and_the_rest_is_unaccounted() {
        let host = account(MEMINFO, "", None).unwrap();
        let of = |name: &str| host.parts.iter().find(|part| part.name == name).unwrap().bytes / 1024;
        assert_eq!((of("file"), of("shmem"), of("vmalloc"), of("hugetlb")), (260, 50, 10, 40));
        let named = 100 + 400 + 260 + 50 + 5 + 30 + 20 + 6 + 4 + 2 + 10 + 40;
        assert_eq!(host.unaccounted_bytes, (1000 - named) * 1024);
    }

    #[test]
    fn free_pages_at_processors_are_free() {
        let zoneinfo =
            "Node 0, zone Normal\n  pages free 7\n    cpu: 0\n              count:    12\n    cpu: 1\n  count: 3\n";
        let without = account(MEMINFO, "", None).unwrap().unaccounted_bytes;
        assert_eq!(account(MEMINFO, zoneinfo, None).unwrap().unaccounted_bytes, without - 15 * 4096);
    }

    #[test]
    fn counters_that_say_too_much_or_nothing_are_no_reason_to_panic() {
        let too_much = MEMINFO.replace("AnonPages:       400", "AnonPages:       900");
        assert_eq!(account(&too_much, "", None).unwrap().unaccounted_bytes, (73 - 500) * 1024);
        assert_eq!(account("MemTotal: 5 kB\n", "", None).unwrap_err().to_string(), "it has no `MemFree`");
        let most = MEMINFO
            .replace("AnonPages:       400", "AnonPages: 18014398509481983")
            .replace(" 300 kB", " 18014398509481983 kB");
        assert_eq!(account(&most, "", None).unwrap().unaccounted_bytes, i64::MIN);
        let huge = MEMINFO.replace("MemFree:         100", "MemFree: 99999999999999999999");
        assert!(account(&huge, "", None).is_err());
    }

    #[test]
    fn slab_caches_are_weighed_by_their_pages() {
        let slabinfo = "\
slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit>
dentry             100    210    192   21    1 : tunables    0    0    0 : slabdata     10     10      0
kmalloc-8k          4      8   8192    4    8 : tunables    0    0    0 : slabdata      2      2      0
cut                 4      8
";
        let caches = account(MEMINFO, "", Some(slabinfo)).unwrap().slab_caches;
        let cache = |name: &str, bytes, active_objects| SlabCache { name: name.to_owned(), bytes, active_objects };
        assert_eq!(caches, [cache("kmalloc-8k", 65_536, 4), cache("dentry", 40_960, 100)]);
    }
}
