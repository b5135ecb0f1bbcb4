//! The session's socket: processes hand their ledgers over, `stanch snapshot` asks for one.
use crate::CaptureError;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, accept_with, bind, connect, listen, recvmsg, send, socket_with, sockopt,
};
use stanch_process::Pid;
use stanch_recording::Recording;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Environment variable with the socket's name.
pub(crate) const SESSION_VARIABLE: &str = "STANCH_SESSION";
const SNAPSHOT_REQUEST: &[u8; 8] = b"STANCHSN";
const PACKET_BYTES: usize = 64 << 10;
const BACKLOG: i32 = 4096;

/// Listens under an abstract name: no file, so neither chroot nor permissions stand in the way.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: OwnedFd,
}

/// What arrived.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A process and its ledger.
    Ledger(Pid, File),
    /// A wish for a snapshot of a process, and where to send it.
    Snapshot(Pid, Answer),
}

/// The way back to whoever asked for a snapshot.
#[derive(Debug)]
pub(crate) struct Answer(OwnedFd);

impl Listener {
    pub(crate) fn bind(name: &str) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        listen(&socket, BACKLOG)?;
        Ok(Self { socket })
    }

    /// Waits so long for the next arrival; `None` where none came, or one that was not understood.
    pub(crate) fn next(&self, patience: Duration) -> Option<Arrival> {
        if !self.is_pending(patience) {
            return None;
        }
        let connection = accept_with(&self.socket, SocketFlags::CLOEXEC).ok()?;
        let peer = sockopt::socket_peercred(&connection).ok()?;
        sockopt::set_socket_timeout(&connection, sockopt::Timeout::Recv, Some(Duration::from_secs(2))).ok()?;
        let (content, descriptor) = receive(&connection).ok()?;
        match (content.get(..8), descriptor) {
            (Some(hello), Some(descriptor)) if hello == stanch_ledger::MAGIC.to_le_bytes() => {
                let pid = Pid(peer.pid.as_raw_nonzero().get() as u32);
                Some(Arrival::Ledger(pid, File::from(descriptor)))
            }
            (Some(hello), None) if hello == SNAPSHOT_REQUEST => {
                let pid = u32::from_le_bytes(*content.get(8..)?.first_chunk()?);
                Some(Arrival::Snapshot(Pid(pid), Answer(connection)))
            }
            _ => None,
        }
    }

    /// True where somebody has connected whom `next` has not received yet.
    pub(crate) fn is_pending(&self, patience: Duration) -> bool {
        let mut poll = [rustix::event::PollFd::new(&self.socket, rustix::event::PollFlags::IN)];
        let time =
            rustix::event::Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
        rustix::event::poll(&mut poll, Some(&time)).is_ok_and(|count| count > 0)
    }
}

fn receive(connection: &OwnedFd) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = vec![0; 64];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(connection, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    bytes.truncate(received.bytes);
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((bytes, descriptor))
}

impl Answer {
    /// Sends a recording, or why there is none.
    pub(crate) fn send(self, result: Result<&Recording, &str>) {
        let mut bytes = Vec::new();
        match result {
            Ok(recording) => {
                bytes.push(0);
                if let Err(error) = stanch_recording::write(recording, &mut bytes) {
                    bytes = [b"\x01", error.to_string().as_bytes()].concat();
                }
            }
            Err(why) => bytes = [b"\x01", why.as_bytes()].concat(),
        }
        for packet in bytes.chunks(PACKET_BYTES) {
            // Whoever asked has gone: nobody to tell.
            if send(&self.0, packet, SendFlags::NOSIGNAL).is_err() {
                return;
            }
        }
    }
}

/// Asks the session that records a process for a snapshot of it.
///
/// # Errors
/// Where there is no such process, nobody records it, or the session does not answer.
pub fn request_snapshot(pid: u32) -> Result<Recording, CaptureError> {
    if stanch_process::state(Pid(pid)).is_err() {
        return Err(CaptureError::NoProcess(pid));
    }
    let session = stanch_process::environment_variable(Pid(pid), SESSION_VARIABLE);
    let session = session.ok().flatten().ok_or(CaptureError::NotRecorded(pid))?;
    // Behind the name stands how the process is sampled.
    let session = session.split(',').next().unwrap_or_default();
    let no_answer = |why: String| CaptureError::NoAnswer { pid, why };
    let bytes = ask(session, pid).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => CaptureError::NotRecorded(pid),
        _ => no_answer(error.to_string()),
    })?;
    match bytes.split_first() {
        Some((0, recording)) => {
            let (recording, _) =
                stanch_recording::read(io::Cursor::new(recording)).map_err(|error| no_answer(error.to_string()))?;
            Ok(recording)
        }
        Some((_, why)) => Err(no_answer(String::from_utf8_lossy(why).into_owned())),
        None => Err(no_answer("it closed the connection".to_owned())),
    }
}

/// Makes the listener look up.
pub(crate) fn knock(session: &str) {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    if let (Ok(socket), Ok(address)) = (socket, SocketAddrUnix::new_abstract_name(session.as_bytes())) {
        // If it cannot be reached, it looks up by itself a little later.
        let _ = connect(&socket, &address);
    }
}

fn ask(session: &str, pid: u32) -> io::Result<Vec<u8>> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new_abstract_name(session.as_bytes())?)?;
    send(&socket, &[SNAPSHOT_REQUEST.as_slice(), &pid.to_le_bytes()].concat(), SendFlags::NOSIGNAL)?;
    let (mut bytes, mut packet) = (Vec::new(), vec![0; PACKET_BYTES]);
    loop {
        let (count, _) = rustix::net::recv(&socket, packet.as_mut_slice(), RecvFlags::empty())?;
        if count == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&packet[..count]);
    }
}
