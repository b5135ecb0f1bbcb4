"""Debian packages that the comparison needs, installed where they are missing."""

import os
import subprocess

PACKAGES = {
    "g++": "compiles the workloads; its cc1plus is one",
    "gcc": "compiles the workloads; brings liblsan.so",
    "git": "a workload",
    "heaptrack": "a peer",
    "jq": "a workload",
    "libjemalloc2": "a peer",
    "liblsan0": "a peer",
    "redis-server": "a workload",
    "redis-tools": "the load of redis-server",
    "sqlite3": "a workload",
    "valgrind": "a peer",
}


def missing(packages=PACKAGES):
    """Names of those of these packages that are not installed."""
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", *packages],
        capture_output=True, text=True, check=False,
    )
    installed = {line.partition(" ")[2] for line in query.stdout.splitlines() if line.startswith("installed ")}
    return [name for name in packages if name not in installed]


def install(names):
    """Installs packages without questions and without starting services; exits with advice if that fails."""
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--quiet"]
    if os.geteuid() != 0:
        apt.insert(0, "sudo")
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        try:
            subprocess.run([*apt, *words], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"error: cannot install packages: {error}\n"
                f"hint: sudo apt-get update && sudo apt-get install {' '.join(names)}\n"
                "      or leave tools and workloads out with --tools, --only and --no-install"
            ) from error
