//! A new ledger: at the start, and for a child before a fork.
use crate::control::Ledger;
use crate::map::{self, BATCH};
use crate::sys;
use core::sync::atomic::{AtomicU64, Ordering::*};
use stanch_ledger::{
    BirthCode, BlockKind, EXTENT_BYTES, EXTENTS, FILE_BYTES, FIRST_SITE, FIXED_BYTES, GRANULE_BYTES, INHERITED_SITE,
    LARGE_BYTES, LEAF_BYTES, LEAF_SPAN, LEAF_STRIDE, LEAVES, MAGIC, Slot, flag,
};

const SLOTS_PER_PAGE: usize = 4096 / 8;
/// Above this many pages of slots (2 GiB of heap) a fork does not copy.
const INHERIT_PAGES: usize = 1 << 17;

/// A fresh ledger and the descriptor of its file.
pub(crate) fn create() -> Option<(Ledger, i32)> {
    let name = c"stanch-ledger".as_ptr() as usize;
    // SAFETY: the name is a C string.
    let fd = unsafe { sys::call(libc::SYS_memfd_create, name, libc::MFD_CLOEXEC as usize, 0, 0, 0, 0) };
    if fd < 0 {
        return None;
    }
    let fd = fd as i32;
    let ledger = lay_out(fd);
    if ledger.is_none() {
        sys::close(fd);
    }
    Some((ledger?, fd))
}

fn lay_out(fd: i32) -> Option<Ledger> {
    set_length(fd)?;
    let fixed = map_file(fd, FIXED_BYTES, 0)?;
    // SAFETY: the fixed part was mapped by the line above and stays until `discard`.
    let ledger = unsafe { Ledger::at(fixed) };
    let header = ledger.header();
    let (Some(batch), Some(leaf)) = (map_file(fd, BATCH * EXTENT_BYTES, EXTENTS), map_file(fd, LEAF_STRIDE, LEAVES))
    else {
        discard(ledger);
        return None;
    };
    header.extent_seed.store(batch as u64, Relaxed);
    header.leaf_seed.store(leaf as u64, Relaxed);
    header.node_count.store(1, Relaxed);
    header.site_count.store(FIRST_SITE + 1, Relaxed);
    map::map_node(ledger, 0)?;
    // The first site is that of blocks whose stack could not be written down: its node is the root, 0.
    map::map_site(ledger, FIRST_SITE)?;
    header.magic.store(MAGIC, Release);
    Some(ledger)
}

/// The file is sparse, but a limit on file sizes would apply to its length; it is lifted for the moment.
fn set_length(fd: i32) -> Option<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let resource = libc::RLIMIT_FSIZE as usize;
    // SAFETY: the structures outlive the calls.
    unsafe {
        sys::call(libc::SYS_getrlimit, resource, &raw mut limit as usize, 0, 0, 0, 0);
        if limit.rlim_cur >= FILE_BYTES {
            return (sys::call(libc::SYS_ftruncate, fd as usize, FILE_BYTES as usize, 0, 0, 0, 0) == 0).then_some(());
        }
        if limit.rlim_max < FILE_BYTES {
            return None;
        }
        let lifted = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        sys::call(libc::SYS_setrlimit, resource, &raw const lifted as usize, 0, 0, 0, 0);
        let result = sys::call(libc::SYS_ftruncate, fd as usize, FILE_BYTES as usize, 0, 0, 0, 0);
        sys::call(libc::SYS_setrlimit, resource, &raw const limit as usize, 0, 0, 0, 0);
        (result == 0).then_some(())
    }
}

fn map_file(fd: i32, bytes: usize, offset: u64) -> Option<*mut u8> {
    let flags = libc::MAP_SHARED | libc::MAP_NORESERVE | libc::MAP_FIXED;
    let place = sys::reserve(bytes)?;
    // SAFETY: the range was just reserved, and nobody has seen it.
    let Some(mapping) = (unsafe { sys::mmap(place as usize, bytes, flags, fd, offset) }) else {
        // SAFETY: as above.
        unsafe { sys::munmap(place, bytes) };
        return None;
    };
    sys::madvise(mapping, bytes, libc::MADV_DONTDUMP);
    Some(mapping)
}

/// Unmaps a ledger that nobody uses.
pub(crate) fn discard(ledger: Ledger) {
    let header = ledger.header();
    let unmap = |address: u64, bytes| {
        if address != 0 {
            // SAFETY: the mappings are the ledger's own, and the caller says that nobody uses it.
            unsafe { sys::munmap(address as *mut u8, bytes) };
        }
    };
    // Of the extents only the last batch is known by address; there is one unless very much was inherited.
    unmap(header.extent_seed.load(Relaxed), BATCH * EXTENT_BYTES);
    discard_leaves(ledger);
    unmap(header.leaf_seed.load(Relaxed), LEAF_STRIDE);
    unmap(ledger.base() as u64, FIXED_BYTES);
}

fn discard_leaves(ledger: Ledger) {
    for index in 0..ledger.header().leaf_count.load(Relaxed) as usize {
        let prefix = ledger.leaf_entry(index).load(Relaxed) as usize - 1;
        // SAFETY: the leaf is this ledger's own mapping, and the caller says that nobody uses it.
        unsafe { sys::munmap(ledger.leaf_pointer(prefix).load(Relaxed).cast(), LEAF_STRIDE) };
    }
}

/// In a child: lets go of the parent's ledger, which is the parent's. It goes on changing meanwhile, so only what
/// was mapped for certain is unmapped.
pub(crate) fn discard_of_parent(parent: Ledger) {
    // SAFETY: the child has its own ledger by now and its one thread has forgotten the parent's.
    unsafe { sys::munmap(parent.base(), FIXED_BYTES) };
}

/// Copies what is live in `from` to `to`, as blocks that a child inherits.
pub(crate) fn inherit(from: Ledger, to: Ledger) {
    let mut budget = INHERIT_PAGES;
    let mut residency = [0u8; 1024];
    for index in 0..from.header().leaf_count.load(Acquire) as usize {
        let prefix = from.leaf_entry(index).load(Relaxed) as usize - 1;
        let leaf = from.leaf_pointer(prefix).load(Acquire);
        let pages = LEAF_BYTES / 4096;
        for chunk in (0..pages).step_by(residency.len()) {
            // SAFETY: the chunk lies inside the leaf's mapping.
            let start = unsafe { leaf.cast::<u8>().add(chunk * 4096) };
            if !sys::residency(start, &mut residency) {
                to.header().flags.fetch_or(flag::NOT_INHERITED, Relaxed);
                continue;
            }
            for page in (0..residency.len()).filter(|page| residency[*page] & 1 != 0) {
                if budget == 0 {
                    to.header().flags.fetch_or(flag::NOT_INHERITED, Relaxed);
                    return;
                }
                budget -= 1;
                let slot = (chunk + page) * SLOTS_PER_PAGE;
                let address = prefix as u64 * LEAF_SPAN + slot as u64 * GRANULE_BYTES;
                // SAFETY: the page lies inside the leaf.
                inherit_page(from, unsafe { core::slice::from_raw_parts(leaf.add(slot), SLOTS_PER_PAGE) }, address, to);
            }
        }
    }
}

fn inherit_page(from: Ledger, slots: &[AtomicU64], first_address: u64, to: Ledger) {
    let mut size_follows = false;
    // A page may begin with the size of a block whose slot ends the page before.
    if first_address >= GRANULE_BYTES
        && let Some(before) = from.slot(first_address - GRANULE_BYTES)
    {
        let before = Slot(before.load(Relaxed));
        size_follows = before.is_live() && before.bytes() == LARGE_BYTES;
    }
    for (index, slot) in slots.iter().enumerate() {
        let (slot, is_size) = (Slot(slot.load(Relaxed)), core::mem::take(&mut size_follows));
        if slot.is_empty() || (!slot.is_live() && !is_size) {
            continue;
        }
        let address = first_address + index as u64 * GRANULE_BYTES;
        let Some(target) = to.slot(address).or_else(|| map::map_slot(to, address)) else { return };
        if is_size {
            target.store(slot.0, Relaxed);
            continue;
        }
        size_follows = slot.bytes() == LARGE_BYTES;
        let block = slot.address(address);
        let inherited = Slot::new(block, slot.bytes(), BlockKind::Inherited, BirthCode(0), INHERITED_SITE);
        target.store(inherited.0, Relaxed);
    }
}
