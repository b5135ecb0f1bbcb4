//! Reads another process's memory.
use crate::Pid;
use std::io;

/// Fills `into` from the other process's memory at `start`. Gives the number of bytes read, which is smaller
/// where the memory ends.
///
/// # Errors
/// Where the process is gone, may not be read, or has nothing at `start`.
pub fn read(pid: Pid, start: u64, into: &mut [u8]) -> io::Result<usize> {
    // The kernel reads at most 2 GiB at a time.
    const PIECE_BYTES: usize = 1 << 30;
    let mut done = 0;
    while done < into.len() {
        let piece = &mut into[done..];
        let length = piece.len().min(PIECE_BYTES);
        let local = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: length };
        let remote = libc::iovec { iov_base: (start as usize + done) as *mut _, iov_len: length };
        // SAFETY: the local vector describes a part of `into`; the remote one is checked by the kernel.
        let result = unsafe { libc::process_vm_readv(pid.0 as i32, &local, 1, &remote, 1, 0) };
        match result {
            -1 if done > 0 => break,
            -1 => return Err(io::Error::last_os_error()),
            0 => break,
            count => done += count as usize,
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there() {
        let text = *b"what is there";
        let mut copy = [0; 13];
        let count = read(Pid(std::process::id()), text.as_ptr() as u64, &mut copy).expect("own memory");
        assert_eq!((count, copy), (13, text));
        assert!(read(Pid(std::process::id()), 8, &mut copy).is_err());
    }
}
