//! Which module holds an address, and the ledger's list of modules.
use crate::control::Ledger;
use crate::sys;
use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering::*};
use stanch_ledger::{MODULE_LIMIT, ModuleEntry, flag};

/// A loaded module as the dynamic linker describes it.
pub(crate) struct Object {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) eh_frame_header: *const u8,
    bias: usize,
    name: *const c_char,
    program_headers: *const libc::Elf64_Phdr,
    program_header_count: usize,
}

/// `struct dl_find_object` of glibc 2.35 and later.
#[repr(C)]
struct FoundObject {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: *const LinkMap,
    eh_frame: *const u8,
    reserved: [u64; 7],
}

/// Start of glibc's `struct link_map`.
#[repr(C)]
struct LinkMap {
    bias: usize,
    name: *const c_char,
}

static FIND_OBJECT: AtomicUsize = AtomicUsize::new(0);
const ABSENT: usize = 1;

type FindObject = unsafe extern "C" fn(*mut c_void, *mut FoundObject) -> c_int;

/// Looks up what the C library offers. Called once, at the start.
pub(crate) fn resolve() {
    // SAFETY: the name is a C string; dlsym only reads it.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) } as usize;
    FIND_OBJECT.store(if address == 0 { ABSENT } else { address }, Relaxed);
}

/// The module that holds this code address. Allocates nothing and, with glibc 2.35 and later, takes no lock.
pub(crate) fn find(pc: usize) -> Option<Object> {
    let address = FIND_OBJECT.load(Relaxed);
    if address <= ABSENT { find_by_iteration(pc) } else { find_directly(pc, address) }
}

fn find_directly(pc: usize, address: usize) -> Option<Object> {
    // SAFETY: the address is that of `_dl_find_object`, whose declaration this is.
    let function = unsafe { core::mem::transmute::<usize, FindObject>(address) };
    // SAFETY: all-zero is a valid value of this plain struct.
    let mut found = unsafe { core::mem::zeroed::<FoundObject>() };
    // SAFETY: the function fills the struct, which is as large as glibc's.
    if unsafe { function(pc as *mut c_void, &raw mut found) } != 0 || found.eh_frame.is_null() {
        return None;
    }
    // SAFETY: the link map of a loaded module starts with these two fields on every glibc.
    let (bias, name) = match unsafe { found.link_map.as_ref() } {
        Some(map) => (map.bias, map.name),
        None => (0, core::ptr::null()),
    };
    // The ELF header is the first thing of the first segment and says where the program headers are.
    let header = found.map_start as *const libc::Elf64_Ehdr;
    // SAFETY: the first page of a loaded module's first segment is mapped and readable.
    let (program_headers, program_header_count) = unsafe {
        let magic = (&raw const (*header).e_ident).cast::<[u8; 4]>().read();
        if magic == *b"\x7fELF" {
            ((found.map_start + (*header).e_phoff as usize) as *const _, (*header).e_phnum as usize)
        } else {
            (core::ptr::null(), 0)
        }
    };
    Some(Object {
        start: found.map_start,
        end: found.map_end,
        eh_frame_header: found.eh_frame,
        bias,
        name,
        program_headers,
        program_header_count,
    })
}

struct Search {
    pc: usize,
    found: Option<Object>,
}

fn find_by_iteration(pc: usize) -> Option<Object> {
    let mut search = Search { pc, found: None };
    // SAFETY: the callback receives the pointer to `search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: the dynamic linker passes a valid description, and `data` is the `Search` of the caller.
    let (info, search) = unsafe { (&*info, &mut *data.cast::<Search>()) };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the description gives the program headers' place and number.
    let headers = unsafe { core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize) };
    let bias = info.dlpi_addr as usize;
    let (mut start, mut end, mut frame_header) = (usize::MAX, 0, core::ptr::null());
    for header in headers {
        let address = bias.wrapping_add(header.p_vaddr as usize);
        if header.p_type == libc::PT_LOAD {
            start = start.min(address & !4095);
            end = end.max(address + header.p_memsz as usize);
        } else if header.p_type == libc::PT_GNU_EH_FRAME {
            frame_header = address as *const u8;
        }
    }
    if !(start..end).contains(&search.pc) || frame_header.is_null() {
        return 0;
    }
    search.found = Some(Object {
        start,
        end,
        eh_frame_header: frame_header,
        bias,
        name: info.dlpi_name,
        program_headers: info.dlpi_phdr,
        program_header_count: info.dlpi_phnum as usize,
    });
    1
}

/// The number (from 1) of a module in the ledger; entered there when it is new. 0 when the table is full.
/// The ledger's slow lock must be held.
pub(crate) fn number(ledger: Ledger, object: &Object, generation: u32) -> u16 {
    let header = ledger.header();
    let count = header.module_count.load(Relaxed) as usize;
    for index in (0..count).rev() {
        let module = ledger.module(index);
        let same = module.start.load(Relaxed) == object.start as u64 && module.end.load(Relaxed) == object.end as u64;
        if same && (module.generation.load(Relaxed) == generation || is_same_file(module, object)) {
            module.generation.store(generation, Relaxed);
            return index as u16 + 1;
        }
    }
    if count == MODULE_LIMIT {
        header.flags.fetch_or(flag::MODULES_FULL, Relaxed);
        return 0;
    }
    fill(ledger.module(count), object, generation);
    header.module_count.store(count as u32 + 1, Release);
    count as u16 + 1
}

pub(crate) fn name_of(object: &Object) -> &[u8] {
    if object.name.is_null() {
        return b"";
    }
    // SAFETY: the dynamic linker keeps a module's name as a C string while it is loaded.
    unsafe { core::ffi::CStr::from_ptr(object.name) }.to_bytes()
}

fn is_same_file(module: &ModuleEntry, object: &Object) -> bool {
    let name = name_of(object);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let length = module.path_len.load(Relaxed) as usize;
    // A relative name was made absolute by putting the folder before it.
    let skipped = if name.first() == Some(&b'/') { 0 } else { length.saturating_sub(name.len()) };
    length - skipped == name.len()
        && (skipped..length).all(|at| (module.path[at / 8].load(Relaxed) >> (at % 8 * 8)) as u8 == name[at - skipped])
}

/// Stores the path; one that is relative is meant from the working folder of the moment.
fn store_path(module: &ModuleEntry, name: &[u8]) {
    let mut path = [0u8; 960];
    let mut length = 0;
    if !name.is_empty() && name[0] != b'/' && !name.starts_with(b"linux-vdso") && !sys::is_restricted() {
        // SAFETY: the kernel writes at most as many bytes as the array holds.
        let result = unsafe { sys::call(libc::SYS_getcwd, path.as_mut_ptr() as usize, path.len(), 0, 0, 0, 0) };
        // The result counts the terminating zero, whose place the separator takes.
        if result > 1 && (result as usize) < path.len() {
            length = result as usize;
            path[length - 1] = b'/';
        }
    }
    let name = if length > 0 { name.strip_prefix(b"./").unwrap_or(name) } else { name };
    let kept = name.len().min(path.len() - length);
    path[length..length + kept].copy_from_slice(&name[..kept]);
    module.path_len.store(crate::text::store(&module.path, &path[..length + kept]) as u32, Relaxed);
}

fn fill(module: &ModuleEntry, object: &Object, generation: u32) {
    module.start.store(object.start as u64, Relaxed);
    module.end.store(object.end as u64, Relaxed);
    module.bias.store(object.bias as u64, Relaxed);
    module.generation.store(generation, Relaxed);
    store_path(module, name_of(object));
    let length = crate::text::store(&module.build_id, build_id(object));
    module.build_id_len.store(length as u32, Relaxed);
    module.ready.store(1, Release);
}

/// The GNU build id in the module's notes; empty where there is none.
fn build_id(object: &Object) -> &[u8] {
    const GNU_BUILD_ID: u32 = 3;
    for index in 0..object.program_header_count {
        // SAFETY: the index is below the number of program headers of a loaded module.
        let header = unsafe { &*object.program_headers.add(index) };
        if header.p_type != libc::PT_NOTE {
            continue;
        }
        let (mut at, end) =
            (object.bias + header.p_vaddr as usize, object.bias + (header.p_vaddr + header.p_memsz) as usize);
        let align = if header.p_align == 8 { 8 } else { 4 };
        while at + 12 <= end && end <= object.end {
            // SAFETY: the note segment is loaded, readable and ends at `end`.
            let [name_bytes, content_bytes, kind] = unsafe { (at as *const [u32; 3]).read_unaligned() };
            let content = at + 12 + (name_bytes as usize).next_multiple_of(align);
            let next = content + (content_bytes as usize).next_multiple_of(align);
            if kind == GNU_BUILD_ID && name_bytes == 4 && content + content_bytes as usize <= end {
                // SAFETY: checked against the segment's end just now.
                return unsafe { core::slice::from_raw_parts(content as *const u8, content_bytes as usize) };
            }
            at = next;
        }
    }
    b""
}
