"""``kill -9`` at random moments: what is there is whole, and in the end the result is as without.

Training and the page's worker are killed in ``tests/training/test_loop.py`` and ``tests/web``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import speediness.analysis.analyse as analysis
from campaign.children import command, forked
from speediness.errors import DataError
from speediness.results.curve import SpeedinessCurve
from speediness.video.reader import VideoReader
from synthetic import drifting_frame, steady, tone, write_video

SHOT = 60  # frames; after each an analysis may be taken up again
LATEST = 1.1  # of the time that a run takes: some kills come too late


@dataclass
class Job:
    """What is killed."""

    arguments: list[str]
    fingerprint: Callable[[Path], str]
    """What was made, in a folder; nothing where it is not there, an error where it is not whole."""


@dataclass
class Killed:
    """What came of one job."""

    kills: int = 0
    finished: int = 0
    """Runs that were over before their kill."""
    faults: int = 0


def made_curve(folder: Path) -> str:
    """What ``analyse`` wrote."""
    path = folder / "out/long.speediness.json"
    if not path.exists():
        return ""
    curve = SpeedinessCurve.load(path)
    return f"{curve.segments} {curve.normal.tobytes().hex()}"


def made_video(folder: Path) -> str:
    """What ``speedup`` or ``heatmap`` wrote."""
    path = folder / "made.mp4"
    if not path.exists():
        return ""
    frames = hashlib.sha256()
    reader = VideoReader(path)
    for time_s, frame in reader.decoded():
        frames.update(f"{time_s}".encode() + frame.to_ndarray().tobytes())
    assert not reader.warnings, reader.warnings
    return frames.hexdigest()


def made_library(folder: Path) -> str:
    """What ``index`` wrote."""
    from speediness.search.library import Library

    try:
        library = Library(folder / "library")
    except DataError:  # killed before its tables were there: it says that there is no library
        return ""
    videos = sorted((row.path, row.sha256, row.windows, row.video) for row in library.video_rows())
    for *_, windows, video in videos:
        assert library.windows is not None
        found = library.windows.search().where(f"film = '{video}'").limit(None).to_arrow()
        assert len(found) == windows, (len(found), windows)
    return str([row[:3] for row in videos])


JOBS = {
    "analyse": Job(["analyse", "long.mp4", "-o", "out", "--json", "--force"], made_curve),
    "speedup": Job(
        ["speedup", "long.mp4", "--rate", "2", "-o", "made.mp4", "--json", "--force"], made_video
    ),
    "heatmap": Job(["heatmap", "long.mp4", "-o", "made.mp4", "--force"], made_video),
    "index": Job(["index", ".", "--db", "library", "--json"], made_library),
}


def run(times: int, seed: int, minutes: float) -> dict[str, Killed]:
    """Kill every job so often, as far as the time allows."""
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        video = write_long(folder / "long.mp4")
        outcome = command(["speedup", "long.mp4", "--rate", "2", "-o", "warm.mp4", "--json"], folder)
        assert outcome.code == 0, outcome.err
        return {
            verb: _killed(job, video, folder / verb, times, seed, 60 * minutes / len(JOBS))
            for verb, job in JOBS.items()
        }


def write_long(path: Path) -> Path:
    """Four shots with sound."""

    def draw(n: int) -> np.ndarray:
        return drifting_frame(n % SHOT * (1.0 + n // SHOT), 96, 64, seed=n // SHOT)

    return write_video(path, steady(4 * SHOT, 20), draw_frame=draw, sound_CN=tone(4 * SHOT / 20))


def _killed(job: Job, video: Path, folder: Path, times: int, seed: int, most_s: float) -> Killed:
    def work() -> int:
        analysis.CHECKPOINT_S = 0.0
        os.environ["SPEEDINESS_CACHE"] = str(folder / "cache")
        return command(job.arguments, folder / "work").code

    def check(wanted: Path | None = None) -> int:
        """In a child, too: what a library starts does not survive a fork."""
        found = job.fingerprint(folder / "work")
        if wanted is not None and wanted.exists():
            return found != wanted.read_text()
        if wanted is not None:
            wanted.write_text(found)
        return 0

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "work").mkdir(parents=True)
        shutil.copy(video, folder / "work")

    fresh()
    began_s, result = time.monotonic(), Killed()
    assert forked(work) == 0
    took_s = time.monotonic() - began_s
    wanted = folder.with_suffix(".wanted")
    assert forked(lambda: check(wanted)) == 0
    fresh()
    began_s, rng = time.monotonic(), np.random.default_rng(seed)
    while result.kills < times and time.monotonic() - began_s < most_s:
        code = forked(work, rng.uniform(0, LATEST * took_s))
        if code == -signal.SIGKILL:
            result.kills += 1
            result.faults += forked(check) != 0
        else:
            result.finished += 1
            result.faults += code != 0 or forked(lambda: check(wanted)) != 0
            fresh()
    result.faults += forked(work) != 0 or forked(lambda: check(wanted)) != 0
    left = [path.name for path in (folder / "work").rglob("*.partial")]
    result.faults += bool(left)
    return result
