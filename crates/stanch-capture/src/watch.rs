//! Follows one recorded process: keeps its clock, has it checked at its end, notices when it dies.
use crate::collect::collect;
use crate::ledger::Ledger;
use crate::sampled;
use crate::shared::{futex_wait, futex_wake, monotonic_ns};
use crate::snapshot::{self, Frozen};
use crate::socket::Answer;
use crate::timeline::Timeline;
use crate::work::at_leisure;
use stanch_ledger::{BirthCode, attention, flag, reply, state};
use stanch_process::{Pid, PidFd};
use stanch_recording::{Ending, Loss, Process, Recording, Snapshot, SnapshotReason};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Why a program has no ledger.
pub(crate) const NOT_LOADED: &str =
    "the recorder was not loaded into it: it is statically linked, privileged (setuid), or not for this machine";
/// How often the clock is set: the resolution of birth times.
const TICK: Duration = Duration::from_millis(50);

/// What one watcher shares with the session.
#[derive(Debug)]
pub(crate) struct Orders {
    /// The session is over: look once more and let the process go on by itself.
    pub(crate) stop: AtomicBool,
    /// Another program runs under this process id.
    pub(crate) replaced: AtomicBool,
    /// The process became a daemon.
    pub(crate) is_daemon: AtomicBool,
    /// It was stopped and copied, and what that means is being worked out.
    pub(crate) is_checking: AtomicBool,
}

/// What is left of a process when it has been followed to its end.
pub(crate) struct Followed {
    pub(crate) process: Process,
    /// Programs that it started otherwise than by fork: process ids and paths.
    pub(crate) spawned: Vec<(u32, String)>,
}

/// One process from its registration to its end.
pub(crate) struct Watch<'a> {
    pid: Pid,
    ledger: Ledger,
    life: Option<PidFd>,
    orders: &'a Orders,
    recorder: &'a str,
    process: Process,
    undecided: Vec<Frozen>,
    timeline: Timeline,
}

impl<'a> Watch<'a> {
    /// `started_ms` is the time since the session's start.
    pub(crate) fn new(pid: Pid, ledger: Ledger, started_ms: u64, orders: &'a Orders, recorder: &'a str) -> Self {
        let process = Process {
            pid: pid.0,
            parent_pid: ledger.header().parent_pid.load(Relaxed),
            command: command(&ledger),
            executable: Ledger::text(&ledger.header().executable, ledger.header().executable_len.load(Relaxed)),
            started_ms,
            ..Process::default()
        };
        let life = PidFd::open(pid).ok();
        Self { pid, ledger, life, orders, recorder, process, undecided: Vec::new(), timeline: Timeline::default() }
    }

    /// Follows the process to its end and gives what was learned of it.
    pub(crate) fn follow(mut self, requests: &Receiver<Answer>) -> Followed {
        let ending = loop {
            self.tick();
            let now = self.ledger.header().state.load(Acquire);
            if now == state::EXITING && self.ledger.header().reply.load(Acquire) == reply::NONE {
                self.check_at_exit();
                continue;
            }
            while let Ok(answer) = requests.try_recv() {
                self.answer(answer);
            }
            if self.orders.replaced.load(Acquire) {
                break Ending::Exec(self.exec_path());
            }
            if self.has_ended(Duration::ZERO) {
                break self.ending(now);
            }
            if self.orders.stop.load(Acquire) {
                self.let_go();
                break Ending::Running;
            }
            if matches!(now, state::EXITING | state::ENDED) {
                // It was checked, and ends in a moment.
                self.has_ended(TICK);
            } else {
                futex_wait(&self.ledger.header().state, now, self.timeline.patience(self.elapsed_ms(), TICK));
            }
        };
        self.finish(ending)
    }

    fn elapsed_ms(&self) -> u64 {
        monotonic_ns().saturating_sub(self.ledger.header().started_ns.load(Relaxed)) / 1_000_000
    }

    fn tick(&mut self) {
        // After its check a process has nothing more to tell.
        if self.ledger.header().reply.load(Relaxed) == reply::NONE {
            self.timeline.tick(self.elapsed_ms(), self.pid, &self.ledger);
        }
        let (header, now_ms) = (self.ledger.header(), self.elapsed_ms());
        header.clock.store(now_ms << 16 | u64::from(BirthCode::from_ms(now_ms).0), Relaxed);
        header.beats.fetch_add(1, Relaxed);
        if header.flags.load(Relaxed) & flag::DAEMON != 0 {
            self.orders.is_daemon.store(true, Relaxed);
        }
    }

    fn has_ended(&self, patience: Duration) -> bool {
        self.life.as_ref().is_none_or(|life| life.wait_ended(patience))
    }

    fn check_at_exit(&mut self) {
        self.timeline.sample(self.elapsed_ms(), self.pid, &self.ledger);
        if !self.look(SnapshotReason::Exit) {
            let frozen = snapshot::freeze_at_exit(self.pid, &self.ledger, self.elapsed_ms(), self.recorder);
            self.undecided.push(frozen);
        }
        let header = self.ledger.header();
        header.reply.store(reply::GO_ON, Release);
        futex_wake(&header.reply);
        self.decide(Frozen::decide);
    }

    /// Works out what snapshots mean, while the process goes on.
    fn decide(&mut self, decide: impl Fn(Frozen) -> (Snapshot, Vec<Loss>)) {
        self.orders.is_checking.store(true, Release);
        for frozen in self.undecided.drain(..) {
            self.timeline.set_sizes(frozen.sizes());
            let (snapshot, losses) = decide(frozen);
            self.process.snapshots.push(snapshot);
            for loss in losses {
                if !self.process.losses.contains(&loss) {
                    self.process.losses.push(loss);
                }
            }
        }
        self.orders.is_checking.store(false, Release);
    }

    /// Takes what is live of a sampled process; false where the process is not sampled.
    fn look(&mut self, reason: SnapshotReason) -> bool {
        let Some(mean_bytes) = sampled::mean_bytes(&self.ledger) else { return false };
        let look = sampled::look(&self.ledger, mean_bytes, self.elapsed_ms(), reason);
        self.process.snapshots.push(look.snapshot);
        self.process.sampling = Some(look.sampling);
        self.timeline.set_sizes(look.sizes);
        true
    }

    fn take(&mut self, reason: SnapshotReason) {
        let at_ms = self.elapsed_ms();
        self.timeline.sample(at_ms, self.pid, &self.ledger);
        if self.look(reason) {
            return;
        }
        self.undecided.push(snapshot::freeze_running(self.pid, &self.ledger, at_ms, reason, self.recorder));
        self.decide(|frozen| at_leisure(|| frozen.decide()));
    }

    fn answer(&mut self, answer: Answer) {
        self.take(SnapshotReason::OnDemand);
        let mut process = self.process.clone();
        process.ending = Ending::Running;
        process.duration_ms = self.elapsed_ms();
        process.history = self.timeline.history().clone();
        collect(&self.ledger, &mut process, self.recorder);
        let mut recording =
            Recording { command: process.command.clone(), processes: vec![process], ..Recording::default() };
        crate::resolve(&mut recording, crate::Names::Reported(stanch_leaks::Scope::Everything), |_, _| {});
        answer.send(Ok(&recording));
    }

    /// The session ends before the process does.
    fn let_go(&mut self) {
        self.take(SnapshotReason::RecordingEnded);
        let header = self.ledger.header();
        header.attention.fetch_or(attention::DETACHED, Release);
        header.reply.store(reply::GO_ON, Release);
        futex_wake(&header.reply);
    }

    fn exec_path(&self) -> String {
        let header = self.ledger.header();
        Ledger::text(&header.exec_path, header.exec_path_len.load(Relaxed))
    }

    fn ending(&mut self, last_state: u32) -> Ending {
        if last_state == state::EXEC {
            let path = self.exec_path();
            self.process.losses.push(Loss {
                what: format!("`{path}`, which took this program's place"),
                why:
                    "the recorder was not loaded into it: it is statically linked, privileged, or not for this machine"
                        .to_owned(),
            });
            return Ending::Exec(path);
        }
        let status = self.status();
        match status {
            Some(status) if status & 0x7f == 0 => Ending::Exited(Some(status >> 8 & 0xff)),
            Some(status) => Ending::Signaled(status & 0x7f),
            None if last_state == state::ENDED => Ending::Exited(None),
            None => Ending::Unknown,
        }
    }

    /// The kernel tells the status once the parent has taken notice, which is a moment later.
    fn status(&self) -> Option<i32> {
        let life = self.life.as_ref()?;
        (0..10).find_map(|_| {
            let status = life.exit_status();
            if status.is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            status
        })
    }

    fn finish(mut self, ending: Ending) -> Followed {
        let was_checked = self
            .process
            .snapshots
            .iter()
            .any(|snapshot| matches!(snapshot.reason, SnapshotReason::Exit | SnapshotReason::RecordingEnded));
        if !was_checked && !matches!(ending, Ending::Exec(_)) {
            let at_ms = self.elapsed_ms();
            self.timeline.sample(at_ms, self.pid, &self.ledger);
            if !self.look(SnapshotReason::Killed) {
                let (snapshot, sizes) = snapshot::live_only(&self.ledger, at_ms);
                self.process.snapshots.push(snapshot);
                self.timeline.set_sizes(sizes);
            }
        }
        self.process.duration_ms = self.elapsed_ms();
        self.process.ending = ending;
        self.process.history = self.timeline.into_history();
        collect(&self.ledger, &mut self.process, self.recorder);
        Followed { spawned: self.ledger.spawned(), process: self.process }
    }
}

/// The command line that the process image was started with.
fn command(ledger: &Ledger) -> Vec<String> {
    let header = ledger.header();
    let text = Ledger::text(&header.command, header.command_len.load(Relaxed));
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}
