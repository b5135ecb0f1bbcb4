"""The tools that are compared, and how each is put around a command."""

import glob
import os
import shlex
import subprocess

FLOORS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "floors")


class Tool:
    """`wrap(command, environment, output)` gives the command to run; the tool writes into the folder `output`."""

    def __init__(self, name, wrap, is_missing=lambda: None):
        self.name = name
        self.wrap = wrap
        self.is_missing = is_missing


def all_tools(stanch, stanch_options):
    """Every tool by name, in the order of the table."""
    stanch = os.path.abspath(stanch)
    no_stanch = lambda: None if os.access(stanch, os.X_OK) else "not built"
    run_options = shlex.split(stanch_options)

    def run_stanch(more):
        return lambda command, environment, output: (
            [stanch, "run", *[option.replace("{output}", output) for option in more], "--", *command],
            environment,
        )

    tools = [
        Tool("stanch", run_stanch(run_options), no_stanch),
        Tool("stanch-record", run_stanch([*run_options, "--record", "{output}/app.stanch"]), no_stanch),
        Tool("heaptrack", _heaptrack),
        Tool("valgrind", _valgrind),
        Tool("lsan", _lsan, lambda: None if _lsan_library() else "no liblsan.so"),
        Tool("forward", _floor("forward")),
        Tool("slot", _floor("slot")),
        Tool("jemalloc", _jemalloc({})),
        Tool("jemalloc-prof", _jemalloc({"MALLOC_CONF": "prof:true,lg_prof_sample:19,prof_final:true,prof_prefix:{output}/jeprof"})),
    ]
    return {tool.name: tool for tool in tools}


def _heaptrack(command, environment, output):
    return ["heaptrack", "-o", f"{output}/heaptrack", *command], environment


def _valgrind(command, environment, output):
    return ["valgrind", "--leak-check=full", f"--log-file={output}/valgrind.%p", *command], environment


def _lsan(command, environment, output):
    options = f"exitcode=0:log_path={output}/lsan"
    return command, {**environment, "LD_PRELOAD": _lsan_library(), "LSAN_OPTIONS": options}


def _floor(name):
    """A shim that does one part of a hook's work and nothing else; it is compiled beside the run's output."""

    def wrap(command, environment, output):
        library = os.path.join(output, f"{name}.so")
        source = os.path.join(FLOORS, f"{name}.c")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        return command, {**environment, "LD_PRELOAD": library}

    return wrap


def _lsan_library():
    """The shared library of the newest gcc."""
    found = glob.glob("/usr/lib/gcc/x86_64-linux-gnu/*/liblsan.so")
    return max(found, key=lambda path: int(path.split("/")[-2]), default=None)


def _jemalloc(settings):
    def wrap(command, environment, output):
        more = {name: value.replace("{output}", output) for name, value in settings.items()}
        return command, {**environment, "LD_PRELOAD": "libjemalloc.so.2", **more}

    return wrap
