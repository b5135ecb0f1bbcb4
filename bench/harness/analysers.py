"""Static analysers: how each is run on a twin, and what in its output is a complaint about memory.

An analyser is a function of (program, twin, folder) that returns the commands to run in `folder`, and a pattern. Each
line of output that the pattern matches is a complaint.
"""

import json
import os
import re
import shutil

# Checkers of clang for memory. They are on by default.
CLANG_COMPLAINT = re.compile(r"warning: .*\[(unix\.Malloc|unix\.MismatchedDeallocator|unix\.Stream|cplusplus\.NewDelete"
                             r"|cplusplus\.NewDeleteLeaks|alpha\.unix\.Stream)\]")
GCC_COMPLAINT = re.compile(r"warning: .*\[-Wanalyzer-(malloc-leak|file-leak|fd-leak|double-free|double-fclose"
                           r"|use-after-free|mismatching-deallocation|free-of-non-heap)\]")
CPPCHECK_COMPLAINT = re.compile(r"^(memleak|memleakOnRealloc|resourceLeak|leakNoVarFunctionCall|leakReturnValNotUsed"
                                r"|leakUnsafeArgAlloc|mismatchAllocDealloc|doubleFree|deallocuse|deallocret"
                                r"|unsafeClassCanLeak|publicAllocationError|noDestructor|virtualDestructor)\b")


class Analyser:
    """`prepare` gives commands, all of whose CPU time counts; complaints are read from the output of all."""

    def __init__(self, name, program, complaint, prepare):
        self.name = name
        self.program = program
        self.complaint = complaint
        self.prepare = prepare

    def is_missing(self):
        return shutil.which(self.program) is None


def all_analysers(stanch, clang_version):
    """By name, in the order of the table."""
    clang = f"clang-{clang_version}"
    mapping = f"clang-extdef-mapping-{clang_version}"
    listed = [
        Analyser("stanch", stanch, re.compile(r"^complaint "), lambda *twin: stanch_commands(stanch, *twin)),
        Analyser("clang", clang, CLANG_COMPLAINT, lambda *twin: clang_commands(clang, *twin)),
        Analyser("clang-ctu", mapping, CLANG_COMPLAINT, lambda *twin: cross_commands(clang, mapping, *twin)),
        Analyser("gcc", "gcc", GCC_COMPLAINT, gcc_commands),
        Analyser("cppcheck", "cppcheck", CPPCHECK_COMPLAINT, cppcheck_commands),
    ]
    return {analyser.name: analyser for analyser in listed}


def stanch_commands(stanch, program, twin, folder):
    _write_database(program, twin, folder)
    return [[stanch, "check", "--format", "json", "--jobs", "1", "-o", "report.json"]]


def stanch_complaints(folder, program):
    """Findings of the report, as lines of the pattern above.

    Blocks that globals hold to the end fail nobody's build: they count only where the program is about them.
    """
    path = os.path.join(folder, "report.json")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        kinds = [finding["kind"] for finding in json.load(file)["findings"]]
    return "".join(f"complaint {kind}\n" for kind in kinds if kind != "held_to_exit" or program.leak == kind)


def clang_commands(clang, program, twin, folder, more=()):
    del folder
    analyse = ["--analyze", "--analyzer-output", "text", *more]
    return [[clang, *analyse, *program.flags(source, twin), source] for source in program.sources]


def cross_commands(clang, mapping, program, twin, folder):
    """Cross-file analysis as clang's manual sets it up: a map of definitions, and files parsed on demand."""
    if not program.is_spread():
        return clang_commands(clang, program, twin, folder)
    _write_database(program, twin, folder)
    with open(os.path.join(folder, "invocations.yml"), "w", encoding="utf-8") as file:
        calls = {source: [clang, "-c", *program.flags(source, twin), source] for source in program.sources}
        json.dump(calls, file)
    options = {"experimental-enable-naive-ctu-analysis": "true", "ctu-dir": folder,
               "ctu-index-name": "definitions.txt", "ctu-invocation-list": "invocations.yml"}
    more = [word for key, value in options.items() for word in ("-Xclang", "-analyzer-config", "-Xclang",
                                                                f"{key}={value}")]
    index = ["sh", "-c", '"$0" -p . "$@" > definitions.txt', mapping, *program.sources]
    return [index, *clang_commands(clang, program, twin, folder, more)]


def gcc_commands(program, twin, folder):
    del folder
    return [["g++" if source.endswith(".cpp") else "gcc", "-fanalyzer", "-O0", "-g", *program.flags(source, twin), "-c",
             source, "-o", os.devnull] for source in program.sources]


def cppcheck_commands(program, twin, folder):
    del folder
    standard = ["--std=c++17"] if program.is_cpp() else ["--std=c11"]
    defined = ["-DBAD=1"] if twin == "bad" else ["-UBAD"]
    return [["cppcheck", "--quiet", "--enable=warning,style", "--library=posix", "--library=gnu", *standard, *defined,
             "--template={id} {file}:{line}: {message}", *program.sources]]


def _write_database(program, twin, folder):
    commands = [{"directory": folder, "file": source,
                 "arguments": ["g++" if source.endswith(".cpp") else "gcc", "-g", "-O0", *program.flags(source, twin),
                               "-c", source]} for source in program.sources]
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(commands, file)
