"""The programs that are run under each tool, and the data they need."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workloads")


class Workload:
    """`prepare(folder)` makes what all runs share and gives the command; `load`, if any, is called while it runs; see `measure.run`."""

    def __init__(self, name, prepare, load=None):
        self.name = name
        self.prepare = prepare
        self.load = load


def all_workloads():
    """Every workload by name, in the order of the table."""
    workloads = [
        Workload("loop-10", lambda folder: [_c(folder, "loop.c"), "8", "40000000"]),
        Workload("loop-40", lambda folder: [_c(folder, "loop.c"), "38", "40000000"]),
        Workload("replace", lambda folder: [_c(folder, "replace.c"), "1000000", "6000000"]),
        *[Workload(f"exchange-{threads}", _exchange(threads)) for threads in (1, 2, 8, 64)],
        Workload("churn", lambda folder: [_cpp(folder, "churn.cpp"), "1500"]),
        Workload("sqlite3", _sqlite3),
        Workload("python3-json", lambda folder: [sys.executable, os.path.join(HERE, "json_churn.py"), "80"]),
        Workload("cc1plus", _cc1plus),
        Workload("jq", _jq),
        Workload("git-log", _git_log),
        Workload("redis-server", _redis_server, _redis_load),
    ]
    return {workload.name: workload for workload in workloads}


def _exchange(threads):
    return lambda folder: [_c(folder, "exchange.c"), str(threads), "12000000"]


def _c(folder, source):
    return _compile("gcc", folder, source)


def _cpp(folder, source):
    return _compile("g++", folder, source)


def _compile(compiler, folder, source):
    target = os.path.join(folder, source.partition(".")[0])
    options = ["-O2", "-g", "-fomit-frame-pointer", "-pthread"]
    _check([compiler, *options, "-o", target, os.path.join(HERE, source)])
    return target


def _sqlite3(folder):
    script = os.path.join(folder, "bulk.sql")
    with open(script, "w") as file:
        file.write("PRAGMA synchronous = OFF;\nCREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT, size REAL, kind INT);\nBEGIN;\n")
        for i in range(120000):
            file.write(f"INSERT INTO part VALUES ({i}, 'part number {i * 7919 % 100003}', {i % 977 / 7}, {i % 13});\n")
        file.write("COMMIT;\nCREATE INDEX by_name ON part (name);\n")
        for kind in range(13):
            file.write(f"SELECT name, sum(size) FROM part WHERE kind = {kind} GROUP BY name ORDER BY 2 DESC LIMIT 5;\n")
    # The database is made in the folder of the run, which is new each time.
    return ["sqlite3", "parts.db", f".read {script}"]


def _cc1plus(_folder):
    """The compiler proper, without the driver in front: not every tool follows its children."""
    source = os.path.join(HERE, "stl_heavy.cpp")
    shown = subprocess.run(
        ["g++", "-std=c++17", "-O2", "-S", "-###", "-o", "out.s", source], capture_output=True, text=True, check=True
    )
    commands = [shlex.split(line) for line in shown.stderr.splitlines() if line.startswith(" ")]
    return next(command for command in commands if os.path.basename(command[0]) == "cc1plus")


def _jq(folder):
    path = os.path.join(folder, "big.json")
    names = ["pump", "valve", "pipe", "gauge", "seal"]
    rows = [
        {"id": i, "name": names[i * 31 % 5], "tags": [f"t{i % 17}", f"u{i % 29}"], "size": {"w": i % 97, "h": i % 89}}
        for i in range(150000)
    ]
    with open(path, "w") as file:
        json.dump(rows, file)
    return ["jq", "[.[] | select(.size.w > 20) | {id, name, area: (.size.w * .size.h)}] | group_by(.name) | map(length)", path]


def _git_log(folder):
    """A generated history, so that the figures do not change with ours."""
    repository = os.path.join(folder, "history.git")
    _check(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository])
    lines = [[f"line {i} of file {f}" for i in range(400)] for f in range(10)]
    stream = []
    for commit in range(4500):
        changed = lines[commit % 10]
        for i in range(commit % 23, 400, 23):
            changed[i] = f"line {i} as commit {commit} wrote it"
        text = "\n".join(changed) + "\n"
        stream.append("commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1700000000 + commit))
        stream.append(f"data 4\nstep\nM 644 inline src/file{commit % 10}.txt\ndata {len(text)}\n{text}\n")
    _check(["git", "-C", repository, "fast-import", "--quiet"], "".join(stream).encode())
    return ["git", "-C", repository, "--no-pager", "log", "-p", "--stat"]


REDIS_PORT = {"port": 0}


def _redis_server(_folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        REDIS_PORT["port"] = probe.getsockname()[1]
    port = str(REDIS_PORT["port"])
    return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


def _redis_load(ended):
    """Loads the server and ends it; says why that failed. The client's CPU is not the server's."""
    port = str(REDIS_PORT["port"])
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
            break
        except OSError:
            if ended.wait(0.05) or time.monotonic() > deadline:
                return "does not listen"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    tests = ["-t", "set,get,lpush,lpop,hset,sadd", "-n", "40000", "-c", "20", "-d", "200", "-r", "100000", "-q"]
    try:
        load = subprocess.run(["redis-benchmark", "-p", port, *tests], timeout=300, check=False, **quiet)
        subprocess.run(["redis-cli", "-p", port, "shutdown", "nosave"], timeout=60, check=False, **quiet)
    except subprocess.TimeoutExpired:
        return "hangs under load"
    return None if load.returncode == 0 else "fails under load"


def _check(command, data=None):
    subprocess.run(command, input=data, check=True, stdout=subprocess.DEVNULL)
