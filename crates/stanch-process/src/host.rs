//! What `/proc` tells of the whole host's memory.
use std::io;
use std::path::Path;

/// The text of the kernel's tables of memory.
#[derive(Clone, Debug)]
pub struct HostTables {
    /// proc_meminfo(5).
    pub meminfo: String,
    /// `zoneinfo` of proc(5); empty where it cannot be read.
    pub zoneinfo: String,
    /// slabinfo(5); `None` for those who may not read it: it is root's.
    pub slabinfo: Option<String>,
}

/// Reads them.
///
/// # Errors
/// Where `meminfo` cannot be read, as where `/proc` is not mounted.
pub fn host_tables() -> io::Result<HostTables> {
    tables_below(Path::new("/proc"))
}

fn tables_below(folder: &Path) -> io::Result<HostTables> {
    let meminfo = std::fs::read_to_string(folder.join("meminfo"))?;
    let optional = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    Ok(HostTables { meminfo, zoneinfo: optional("zoneinfo").unwrap_or_default(), slabinfo: optional("slabinfo") })
}
