"""The program in forked children: warm, bounded, and whatever it does, only the child dies."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from speediness.cli.main import main

MEMORY_BYTES = 2 << 30
CPU_S = 60  # a mutant takes less than one
WALL_S = 1800  # on a machine that has other work


class Outcome(NamedTuple):
    """How a command, or a child, ended."""

    code: int
    """Exit code; negative: the signal that killed it."""
    out: str = ""
    err: str = ""
    peak_bytes: int = 0


def command(arguments: list[str], folder: Path) -> Outcome:
    """One command of the program in this process, in a folder; what it prints is kept beside that."""
    names = [folder.with_name(f"{folder.name}.{stream}") for stream in ("out", "err")]
    before = [os.dup(1), os.dup(2)]
    streams, there = (sys.stdout, sys.stderr), os.getcwd()
    try:
        for number, name in enumerate(names, 1):
            with name.open("w") as file:
                os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        os.chdir(folder)
        try:
            code = main(arguments)
        except BaseException:
            traceback.print_exc()
            code = 70
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(there)
        for number, kept in enumerate(before, 1):
            os.dup2(kept, number)
            os.close(kept)
    out, err = (name.read_text(errors="replace") for name in names)
    return Outcome(code, out, err, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def more_cpu(seconds: int = CPU_S) -> None:
    """Let the system kill this process once it has used so much more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def bound_memory() -> None:
    """Let allocations fail beyond MEMORY_BYTES from here on."""
    mapped_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most_bytes = mapped_bytes + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def forked(work: Callable[[], int], killed_after_s: float = WALL_S) -> int:
    """Do some work in a child and wait for it.

    Args:
        work: returns the exit code.
        killed_after_s: when it gets ``kill -9``, its own children with it.

    Returns:
        As :attr:`Outcome.code`.
    """
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setpgid(0, 0)
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    handle = os.pidfd_open(child)
    if not select.select([handle], [], [], killed_after_s)[0]:
        # Before the child has made a group of its own there is nothing else to kill.
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(child, signal.SIGKILL)
    os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
