//! One session: start the command, follow every process of its tree, make a recording of it.
use crate::ledger::Ledger;
use crate::preload::Preload;
use crate::socket::{Answer, Arrival, Listener, SESSION_VARIABLE};
use crate::watch::{Followed, NOT_LOADED, Orders, Watch};
use crate::{CaptureError, program};
use stanch_ledger::attention;
use stanch_process::{Pid, PidFd};
use stanch_recording::{Ending, Loss, Process, Recording};
use std::collections::HashSet;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU64;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Program and arguments; never empty.
    pub command: Vec<OsString>,
    /// The recorder's shared object: that for sampled recordings where `sampling` is given.
    pub recorder: &'static [u8],
    /// Look at a sample of the blocks only.
    pub sampling: Option<SamplePlan>,
    /// Where a folder for the recorder's file may be made.
    pub temporary_folder: PathBuf,
    /// `PATH`.
    pub search_path: String,
    /// `LD_PRELOAD` as it is now.
    pub preload: Option<OsString>,
    /// Record descendants too.
    pub follow_children: bool,
    /// How long to wait for descendants once the command itself has ended. Daemons are waited for without end.
    pub linger: Duration,
    /// Version of the tool, for the recording.
    pub tool_version: String,
}

/// How blocks are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplePlan {
    /// Mean distance between two samples, in bytes.
    pub mean_bytes: NonZeroU64,
    /// Where random numbers begin; of their own in each process where nothing is given.
    pub seed: Option<u64>,
}

impl RunPlan {
    /// The program as it was named, for messages.
    fn name(&self) -> String {
        self.command[0].to_string_lossy().into_owned()
    }
}

/// What the caller may want to tell people meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The command has ended, but so many processes of its tree have not: they are being waited for.
    WaitingForChildren(usize),
    /// All that is left to wait for are checks of so many processes that have ended: what is lost is being worked out.
    Checking(usize),
    /// The command became a daemon; it is followed to its end, or to an interrupt.
    WaitingForDaemon(u32),
}

/// A finished session.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was learned; names are not resolved yet.
    pub recording: Recording,
    /// How the command ended.
    pub status: ExitStatus,
}

/// Runs a command and records its process tree.
///
/// # Errors
/// Where the command cannot be started or cannot be recorded.
pub fn run(plan: &RunPlan, mut events: impl FnMut(Event)) -> Result<Outcome, CaptureError> {
    let program = program::check(&plan.command[0], &plan.search_path)?;
    let token = token();
    let preload = Preload::write(plan.recorder, &plan.temporary_folder, &token)
        .map_err(|source| CaptureError::Preload { folder: plan.temporary_folder.display().to_string(), source })?;
    let session = format!("stanch-{token}");
    let listener = Listener::bind(&session).map_err(CaptureError::Listen)?;
    let recorder = preload.path().display().to_string();
    let tree = Tree::new(recorder.clone(), plan.follow_children);
    let signals = Signals::install().map_err(CaptureError::Listen)?;
    let started_unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);

    let is_over = AtomicBool::new(false);
    let (status, main_pid) = std::thread::scope(|scope| {
        let accepting = scope.spawn(|| {
            while !is_over.load(Acquire) {
                if let Some(arrival) = listener.next(Duration::from_secs(10)) {
                    tree.receive(arrival);
                }
            }
        });
        let result = start(plan, &program, &recorder, &entry(plan, &session)).and_then(|mut child| {
            let pid = Pid(child.id());
            let status = wait_for_command(&mut child, &signals)
                .map_err(|source| CaptureError::Start { program: plan.name(), source })?;
            tree.wait_for_descendants(&listener, plan.linger, &signals, &mut events);
            Ok((status, pid))
        });
        is_over.store(true, Release);
        crate::socket::knock(&session);
        // The accepting thread never panics; if it did, its panic is ours.
        if let Err(panic) = accepting.join() {
            std::panic::resume_unwind(panic);
        }
        result
    })?;

    let mut recording = Recording {
        tool_version: plan.tool_version.clone(),
        command: plan.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        started_unix_ms,
        processes: tree.finish(),
        losses: Vec::new(),
    };
    set_status(&mut recording, main_pid, status);
    if recording.processes.is_empty() {
        recording.losses.push(Loss {
            what: format!("`{}`", plan.name()),
            why:
                "the recorder was not loaded into it: it is privileged (setuid), or ended before its first instruction"
                    .to_owned(),
        });
    }
    Ok(Outcome { recording, status })
}

/// A name that no other session has.
fn token() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}

/// What the recorder is told: the session's name, and how to sample (see the recorder's `session.rs`).
fn entry(plan: &RunPlan, session: &str) -> String {
    let mut entry = session.to_owned();
    if let Some(sampling) = plan.sampling {
        entry += &format!(",{}", sampling.mean_bytes);
        entry.extend(sampling.seed.map(|seed| format!(",{seed}")));
    }
    entry
}

fn start(plan: &RunPlan, program: &std::path::Path, recorder: &str, session: &str) -> Result<Child, CaptureError> {
    let mut command = Command::new(program);
    let mut preload = OsString::from(recorder);
    if let Some(others) = plan.preload.as_deref().filter(|list| !list.is_empty()) {
        preload.push(":");
        preload.push(others);
    }
    std::os::unix::process::CommandExt::arg0(&mut command, &plan.command[0]);
    command.args(&plan.command[1..]).env("LD_PRELOAD", preload).env(SESSION_VARIABLE, session);
    command.spawn().map_err(|source| CaptureError::Start { program: plan.name(), source })
}

/// Interrupts from the terminal reach the command by themselves, so they are only counted here; a request to end is
/// passed on.
struct Signals {
    interrupts: Arc<AtomicUsize>,
    to_forward: [(i32, Arc<AtomicBool>); 2],
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        let signals = Self {
            interrupts: Arc::new(AtomicUsize::new(0)),
            to_forward: [libc::SIGTERM, libc::SIGHUP].map(|signal| (signal, Arc::default())),
        };
        for signal in [libc::SIGINT, libc::SIGQUIT] {
            signal_hook::flag::register_usize(signal, Arc::clone(&signals.interrupts), 1)?;
        }
        for (signal, flag) in &signals.to_forward {
            signal_hook::flag::register(*signal, Arc::clone(flag))?;
        }
        Ok(signals)
    }

    fn forward(&self, pid: Pid) {
        for (signal, flag) in &self.to_forward {
            if flag.swap(false, AcqRel)
                && let Some(pid) = rustix::process::Pid::from_raw(pid.0 as i32)
                && let Some(signal) = rustix::process::Signal::from_named_raw(*signal)
            {
                // It may just have ended.
                let _ = rustix::process::kill_process(pid, signal);
            }
        }
    }

    fn was_interrupted(&self) -> bool {
        self.interrupts.load(Acquire) != 0 || self.to_forward.iter().any(|(_, flag)| flag.load(Acquire))
    }

    fn forget(&self) {
        self.interrupts.store(0, Release);
    }
}

/// Waits for the command by its descriptor: a wait by number could take a stop that a watcher waits for.
fn wait_for_command(child: &mut Child, signals: &Signals) -> std::io::Result<ExitStatus> {
    let pid = Pid(child.id());
    if let Ok(life) = PidFd::open(pid) {
        while !life.wait_ended(Duration::from_millis(100)) {
            signals.forward(pid);
        }
    }
    signals.forget();
    child.wait()
}

fn set_status(recording: &mut Recording, main: Pid, status: ExitStatus) {
    let ending = match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(Some(code)),
        (_, Some(signal)) => Ending::Signaled(signal),
        _ => Ending::Unknown,
    };
    let mut own = recording.processes.iter_mut().filter(|process| process.pid == main.0);
    if let Some(last) = own.next_back()
        && !matches!(last.ending, Ending::Exec(_))
    {
        last.ending = ending;
    }
}

/// The processes of a session.
struct Tree {
    recorder: String,
    follow_children: bool,
    started: Instant,
    watched: Mutex<Vec<Watched>>,
    alive: Arc<AtomicUsize>,
}

struct Watched {
    pid: Pid,
    orders: Arc<Orders>,
    requests: Sender<Answer>,
    thread: std::thread::JoinHandle<Followed>,
}

impl Tree {
    fn new(recorder: String, follow_children: bool) -> Self {
        Self { recorder, follow_children, started: Instant::now(), watched: Mutex::default(), alive: Arc::default() }
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, arrival: Arrival) {
        match arrival {
            Arrival::Ledger(pid, file) => {
                // What is no ledger is nobody's process.
                if let Ok(ledger) = Ledger::open(file) {
                    self.watch(pid, ledger);
                }
            }
            Arrival::Snapshot(pid, answer) => {
                let watched = self.watched();
                match watched.iter().rfind(|watched| watched.pid == pid && !watched.thread.is_finished()) {
                    // The watcher has just ended: the connection closes, and that is the answer.
                    Some(watched) => drop(watched.requests.send(answer)),
                    None => answer.send(Err("this process is not recorded")),
                }
            }
        }
    }

    fn watch(&self, pid: Pid, ledger: Ledger) {
        let is_command = stanch_process::parent(pid).is_ok_and(|parent| parent.0 == std::process::id());
        if !self.follow_children && !is_command {
            ledger.header().attention.fetch_or(attention::DETACHED, Release);
            return;
        }
        let mut watched = self.watched();
        for before in watched.iter().filter(|before| before.pid == pid) {
            before.orders.replaced.store(true, Release);
        }
        let orders = Arc::new(Orders {
            stop: AtomicBool::new(false),
            replaced: AtomicBool::new(false),
            is_daemon: AtomicBool::new(false),
            is_checking: AtomicBool::new(false),
        });
        let (requests, inbox) = channel();
        let (own_orders, recorder, alive) = (Arc::clone(&orders), self.recorder.clone(), Arc::clone(&self.alive));
        let started_ms = self.started.elapsed().as_millis() as u64;
        alive.fetch_add(1, AcqRel);
        let thread = std::thread::spawn(move || {
            let followed = Watch::new(pid, ledger, started_ms, &own_orders, &recorder).follow(&inbox);
            alive.fetch_sub(1, AcqRel);
            followed
        });
        watched.push(Watched { pid, orders, requests, thread });
    }

    /// Processes whose memory was copied and is being looked at.
    fn checking(&self) -> usize {
        self.watched().iter().filter(|watched| watched.orders.is_checking.load(Acquire)).count()
    }

    /// Waits for the processes that the command left behind.
    fn wait_for_descendants(
        &self,
        listener: &Listener,
        linger: Duration,
        signals: &Signals,
        events: &mut impl FnMut(Event),
    ) {
        // A daemon is known as one at the next tick of its watcher.
        let linger = linger.max(Duration::from_millis(150));
        let deadline = Instant::now() + linger;
        let (mut told, mut told_checking) = (false, false);
        loop {
            let alive = self.alive.load(Acquire);
            if alive == 0 && !listener.is_pending(Duration::ZERO) {
                return;
            }
            let daemon = self
                .watched()
                .iter()
                .find(|watched| !watched.thread.is_finished() && watched.orders.is_daemon.load(Acquire))
                .map(|watched| watched.pid.0);
            let checking = self.checking();
            if checking == alive && checking > 0 && !told_checking {
                told_checking = true;
                events(Event::Checking(checking));
            }
            let is_late = Instant::now() >= deadline && daemon.is_none();
            if is_late || signals.was_interrupted() {
                return;
            }
            if !told && checking < alive && Instant::now() + linger >= deadline + Duration::from_millis(300) {
                told = true;
                events(daemon.map_or(Event::WaitingForChildren(alive), Event::WaitingForDaemon));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends all watching; gives the processes in the order of their start.
    fn finish(self) -> Vec<Process> {
        let watched = self.watched.into_inner().unwrap_or_else(PoisonError::into_inner);
        for watched in &watched {
            watched.orders.stop.store(true, Release);
        }
        let join = |watched: Watched| watched.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let followed: Vec<Followed> = watched.into_iter().map(join).collect();
        let seen: HashSet<u32> = followed.iter().map(|followed| followed.process.pid).collect();
        let finish = |mut followed: Followed| {
            let unseen = followed.spawned.into_iter().filter(|(pid, _)| self.follow_children && !seen.contains(pid));
            followed.process.losses.extend(unseen.map(|(pid, path)| Loss {
                what: format!("`{path}` (process {pid}), which it started"),
                why: NOT_LOADED.to_owned(),
            }));
            followed.process
        };
        followed.into_iter().map(finish).collect()
    }
}
