//! The address space: `/proc/PID/maps`.
use crate::Pid;
use std::io;

/// One mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
    /// May be read.
    pub readable: bool,
    /// May be written.
    pub writable: bool,
    /// May be executed.
    pub executable: bool,
    /// Shared with others rather than private.
    pub shared: bool,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Inode of the file; 0 for anonymous memory.
    pub inode: u64,
    /// Path or the kernel's name in brackets; empty for anonymous memory.
    pub name: String,
}

/// The mappings of a process in the order of their addresses.
///
/// # Errors
/// Where the process is gone or not ours.
pub fn maps(pid: Pid) -> io::Result<Vec<Mapping>> {
    let bytes = std::fs::read(format!("/proc/{}/maps", pid.0))?;
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_start();
        let end = rest.find(' ').unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after;
        field
    };
    let (range, flags, offset, _device, inode) = (field(), field(), field(), field(), field());
    let (start, end) = range.split_once('-')?;
    let flags = flags.as_bytes();
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        readable: flags.first() == Some(&b'r'),
        writable: flags.get(1) == Some(&b'w'),
        executable: flags.get(2) == Some(&b'x'),
        shared: flags.get(3) == Some(&b's'),
        offset: u64::from_str_radix(offset, 16).ok()?,
        inode: inode.parse().ok()?,
        name: rest.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_spaces_and_none() {
        let file = parse("7f10-7f20 r-xp 00001000 fe:00 1234     /tmp/a b (deleted)").expect("a mapping");
        assert_eq!((file.start, file.end, file.offset, file.inode), (0x7f10, 0x7f20, 0x1000, 1234));
        assert_eq!(file.name, "/tmp/a b (deleted)");
        assert!(file.readable && !file.writable && file.executable && !file.shared);
        let anonymous = parse("7f10-7f20 rw-s 00000000 00:00 0 ").expect("a mapping");
        assert!(anonymous.name.is_empty() && anonymous.shared);
        assert!(parse("nonsense").is_none());
    }

    #[test]
    fn sees_its_own_code() {
        let here = sees_its_own_code as *const () as u64;
        let maps = maps(Pid(std::process::id())).expect("own maps");
        assert!(maps.iter().any(|map| map.executable && (map.start..map.end).contains(&here)));
    }
}
