"""Runs one command and says what it and everything it started took.

A supervisor process adopts all descendants (PR_SET_CHILD_SUBREAPER), so that helpers that a tool puts into the
background are waited for and their CPU time is counted, whoever started them.
"""

import ctypes
import json
import os
import select
import signal
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.025
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Measurement:
    """What one run took, or in `failure` why it does not count."""

    def __init__(self, cpu_seconds=0.0, wall_seconds=0.0, peak_bytes=0, failure=None):
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds
        self.peak_bytes = peak_bytes
        self.output_bytes = 0
        self.failure = failure


def run(command, environment, folder, timeout_seconds, while_running=None):
    """Runs `command` in `folder`.

    `while_running` is called meanwhile, in a thread; it is given an event that is set when the command has ended, and
    says why it failed.
    """
    readable, writable = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        os.close(readable)
        _supervise(command, environment, folder, writable)
    os.close(writable)
    failures, ended = [], threading.Event()
    beside = threading.Thread(target=lambda: failures.append(while_running(ended) if while_running else None))
    beside.start()
    try:
        report, peak_bytes = _await_report(supervisor, readable, timeout_seconds)
    finally:
        ended.set()
        os.close(readable)
        _kill_tree(supervisor)
        os.waitpid(supervisor, 0)
        # With its server gone it ends by itself.
        beside.join()
    if report is None:
        return Measurement(failure=f"hangs (> {timeout_seconds:g} s)")
    failure = report["failure"] or _describe(report["status"]) or failures[0]
    return Measurement(report["cpu"], report["wall"], peak_bytes, failure)


def _supervise(command, environment, folder, writable):
    """The supervisor: starts the command, waits for all descendants, reports. Never returns."""
    try:
        os.setsid()
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        os.chdir(folder)
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        start = time.monotonic()
        main = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        report = {"status": None, "cpu": 0.0, "failure": None}
        while True:
            try:
                child, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                break  # Nobody is left.
            report["cpu"] += usage.ru_utime + usage.ru_stime
            if child == main:
                report["status"] = status
        report["wall"] = time.monotonic() - start
    except OSError as error:
        report = {"status": 0, "cpu": 0.0, "wall": 0.0, "failure": f"not started: {error.strerror}"}
    os.write(writable, json.dumps(report).encode())
    os._exit(0)


def _await_report(supervisor, readable, timeout_seconds):
    """The report, or None after the timeout; and the largest sum of resident memory that was seen."""
    deadline = time.monotonic() + timeout_seconds
    peak_bytes = 0
    while time.monotonic() < deadline:
        if select.select([readable], [], [], SAMPLE_SECONDS)[0]:
            text = os.read(readable, 1 << 16)
            return (json.loads(text) if text else None), peak_bytes
        peak_bytes = max(peak_bytes, sum(map(_resident_bytes, descendants(supervisor))))
    return None, peak_bytes


def descendants(ancestor):
    """The process ids below `ancestor`."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, unseen = [], [ancestor]
    while unseen:
        below = children.get(unseen.pop(), [])
        found += below
        unseen += below
    return found


def _resident_bytes(process):
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _kill_tree(supervisor):
    """Ends what a run left behind: first what could start more, until nothing is left."""
    for _ in range(100):
        left = descendants(supervisor)
        if not left:
            break
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def _describe(status):
    """What is wrong with a wait status; None if nothing is. Shells pass signals on as 128 + number."""
    if status is None:
        return "lost"
    if os.WIFSIGNALED(status):
        return _signal_name(os.WTERMSIG(status))
    code = os.WEXITSTATUS(status)
    if code > 128 and code - 128 in set(signal.Signals):
        return _signal_name(code - 128)
    return f"exit status {code}" if code else None


def _signal_name(number):
    return f"crashes ({signal.Signals(number).name})" if number in set(signal.Signals) else f"crashes ({number})"
