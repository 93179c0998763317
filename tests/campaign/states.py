"""States of the machine in which nothing may be lost: disks, clocks, neighbours."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from campaign.children import Outcome, command, forked
from campaign.kills import write_long
from campaign.made import made_curve, made_library
from speediness.results.store import ResultStore

CAPABILITY_VERSION = 0x20080522  # capset(2)
Check = Callable[[Path], None]

ANALYSE = ["analyse", "long.mp4", "-o", "out", "--json", "--force"]
SPEEDUP = ["speedup", "long.mp4", "--rate", "2", "-o", "made.mp4", "--json"]


def refused(outcome: Outcome, *left: Path) -> None:
    """One line, exit code 2, and nothing of the output."""
    said = [line for line in outcome.err.splitlines() if line.startswith("speediness: ")]
    assert outcome.code == 2 and len(said) == 1 and "Traceback" not in outcome.err, outcome
    assert not [path for path in left if path.exists()], left


def disk_full_while_rendering(folder: Path) -> None:
    """As soon as a file is larger than the room for it."""
    _analysed(folder)
    _at_most(30_000)
    refused(command(SPEEDUP, folder), folder / "made.mp4")
    assert {path.name for path in folder.glob("made*")} <= {"made.curve.json", "made.plan.json"}


def disk_full_for_the_cache(folder: Path) -> None:
    """Results are made all the same, and nothing half kept."""
    wanted = _analysed(folder)
    shutil.rmtree(folder / "cache")
    shutil.rmtree(folder / "out")
    _at_most(len(wanted))
    refused(command(ANALYSE, folder), folder / "out/long.speediness.json")
    assert not list(folder.rglob("*.partial"))


def folder_read_only(folder: Path) -> None:
    """Nothing may be written beside the video."""
    folder.chmod(0o555)
    os.environ["SPEEDINESS_CACHE"] = str(folder / "cache")
    _without_privileges()
    refused(_in_place(SPEEDUP, folder), folder / "made.mp4")


def clock_set_back(folder: Path) -> None:
    """What was kept in the future is found, and tidying drops none of it."""
    wanted = _analysed(folder)
    later_s = time.time() + 400 * 86_400
    for path in (folder / "cache").iterdir():
        os.utime(path, (later_s, later_s))
    assert command(ANALYSE, folder).code == 0 and made_curve(folder) == wanted
    store = ResultStore(folder / "cache")
    store.keep_checkpoint("0" * 64, {})
    assert store.contents().entries == 2


def video_vanishes(folder: Path) -> None:
    """A share that is gone: cut off while it is read, then not there."""
    with (folder / "long.mp4").open("r+b") as video:
        video.truncate(20_000)
    outcome = command(ANALYSE, folder)
    assert outcome.code in (0, 2) and "Traceback" not in outcome.err, outcome
    (folder / "long.mp4").unlink()
    refused(command(SPEEDUP, folder), folder / "made.mp4")


def two_on_one_cache(folder: Path) -> None:
    """Both end well, with the same."""
    other = folder / "other"
    other.mkdir()
    shutil.copy(folder / "long.mp4", other)
    child = os.fork()
    if not child:
        os._exit(command(ANALYSE, other).code)
    assert command(ANALYSE, folder).code == 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert made_curve(folder) == made_curve(other) != ""


def two_on_one_library(folder: Path) -> None:
    """One writes; the other does too or is refused in a line; the library is whole."""
    index = ["index", ".", "--db", "library", "--json"]
    other = folder.with_name(f"{folder.name}-second")
    other.mkdir()
    child = os.fork()
    if not child:
        os._exit(command(["index", str(folder), "--db", str(folder / "library")], other).code)
    codes = {command(index, folder).code, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
    assert codes <= {0, 2} and 0 in codes, codes
    assert made_library(folder)


STATES: dict[str, Check] = {
    check.__name__.replace("_", " "): check
    for check in (
        disk_full_while_rendering,
        disk_full_for_the_cache,
        folder_read_only,
        clock_set_back,
        video_vanishes,
        two_on_one_cache,
        two_on_one_library,
    )
}


def run(names: Iterable[str] = STATES) -> dict[str, bool]:
    """Whether each state is borne."""
    borne = {}
    for name in names:
        check = STATES[name]
        with tempfile.TemporaryDirectory(prefix="state-") as at:
            folder = Path(at, "work")
            folder.mkdir()
            Path(at).chmod(0o755)
            write_long(folder / "long.mp4")
            borne[name] = forked(lambda check=check, folder=folder: _tried(check, folder)) == 0
    return borne


def _tried(check: Check, folder: Path) -> int:
    os.environ["SPEEDINESS_CACHE"] = str(folder / "cache")
    check(folder)
    return 0


def _analysed(folder: Path) -> str:
    assert command(ANALYSE, folder).code == 0
    return made_curve(folder)


def _at_most(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _without_privileges() -> None:
    """Root, too, then heeds permissions."""
    nothing = ctypes.create_string_buffer(24)
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    assert ctypes.CDLL(None, use_errno=True).capset(header, nothing) == 0, ctypes.get_errno()


def _in_place(arguments: list[str], folder: Path) -> Outcome:
    """A command whose words are kept elsewhere than beside the folder."""
    with tempfile.TemporaryDirectory(prefix="state-") as elsewhere:
        work = Path(elsewhere, "work")
        work.symlink_to(folder.resolve())
        return command(arguments, work)
