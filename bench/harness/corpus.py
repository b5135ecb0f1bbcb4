"""The programs of `fixtures/static`, as far as analysers need to know them."""

import os

SOURCES = (".c", ".cpp")
C_FLAGS = ["-std=gnu11", "-D_GNU_SOURCE"]
CPP_FLAGS = ["-std=c++17"]


class Program:
    """`name` is AREA/NAME; `sources` are absolute paths."""

    def __init__(self, name, sources, main):
        self.name = name
        self.sources = sources
        self.build_flags = _declared(main, "build")
        self.leak = " ".join(_declared(main, "leak"))

    def is_spread(self):
        return len(self.sources) > 1

    def is_cpp(self):
        return any(source.endswith(".cpp") for source in self.sources)

    def flags(self, source, twin):
        """What a compiler is told about one file; `twin` is `bad` or `ok`."""
        language = CPP_FLAGS if source.endswith(".cpp") else C_FLAGS
        return [*language, *self.build_flags, *(["-DBAD"] if twin == "bad" else [])]


def read(root, areas=None):
    """All programs below `root`, sorted by name; `areas` are folders to keep to."""
    programs = []
    for area in sorted(os.listdir(root)):
        folder = os.path.join(root, area)
        if not os.path.isdir(folder) or (areas and area not in areas):
            continue
        for entry in sorted(os.listdir(folder)):
            path = os.path.join(folder, entry)
            if os.path.isdir(path):
                sources = sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(SOURCES))
                main = next(source for source in sources if os.path.basename(source).startswith("main."))
                programs.append(Program(f"{area}/{entry}", sources, main))
            elif entry.endswith(SOURCES):
                programs.append(Program(f"{area}/{os.path.splitext(entry)[0]}", [path], path))
    return programs


def _declared(main, key):
    """The words of the `//! key: …` line at the top of a file."""
    with open(main, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("//!"):
                break
            name, colon, value = line[3:].strip().partition(": ")
            if colon and name == key:
                return value.split()
    return []
