"""``kill -9`` at random moments: what is there is whole, and in the end the result is as without."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import speediness.analysis.analyse as analysis
from campaign.children import command, forked
from campaign.made import made_curve, made_library, made_run, made_video
from campaign.worker_kills import Killed, kill_workers
from synthetic import drifting_frame, steady, tone, write_video

SHOT = 60  # frames; after each an analysis may be taken up again
LATEST = 1.1  # of the time that a run takes: some kills come too late


@dataclass
class Job:
    """What is killed."""

    arguments: list[str]
    fingerprint: Callable[[Path], str]
    """What was made, in a folder; nothing where it is not there, an error where it is not whole."""
    write_videos: Callable[[Path], object]
    """Into a folder."""
    save_often: Callable[[], None]
    """So that there is something to take up again after most kills."""
    needs: str | None = None
    """A module that every run imports; imported once, before them."""


def write_long(path: Path) -> Path:
    """Four shots with sound."""

    def draw(n: int) -> np.ndarray:
        return drifting_frame(n % SHOT * (1.0 + n // SHOT), 96, 64, seed=n // SHOT)

    return write_video(path, steady(4 * SHOT, 20), draw_frame=draw, sound_CN=tone(4 * SHOT / 20))


def write_several(folder: Path) -> None:
    """Enough to train on and to hold some out."""
    for n in range(4):
        write_video(
            folder / f"{n}.mp4",
            steady(50, 25),
            draw_frame=lambda i, n=n: drifting_frame((1 + n) * i, seed=n),
        )


def _analysis_saves() -> None:
    analysis.CHECKPOINT_S = 0.0


def _training_saves() -> None:
    import torch

    from speediness.training import loop, publish

    loop.REPORT_EVERY = 3
    torch.set_num_threads(1)
    # The export takes thirty times as long as five steps; nearly all kills would hit it.
    publish.publish = lambda *_, **__: {"validation": {}}


def _of_one_video(arguments: list[str], fingerprint: Callable[[Path], str]) -> Job:
    return Job(arguments, fingerprint, lambda folder: write_long(folder / "long.mp4"), _analysis_saves)


# The last step is neither reported nor validated before it is saved: that, too, must be made good.
TRAIN = ["train", "smoke", "--data", ".", "--out", "run", "--resume"]
TRAIN += [
    f"--set={setting}"
    for setting in (
        "steps=5",
        "evaluate_every=2",
        "checkpoint_minutes=0",
        "validation_share=0.4",
        "bf16=false",
    )
]
JOBS = {
    "analyse": _of_one_video(["analyse", "long.mp4", "-o", "out", "--json", "--force"], made_curve),
    "speedup": _of_one_video(
        ["speedup", "long.mp4", "--rate", "2", "-o", "made.mp4", "--json", "--force"], made_video
    ),
    "heatmap": _of_one_video(["heatmap", "long.mp4", "-o", "made.mp4", "--force"], made_video),
    "index": _of_one_video(["index", ".", "--db", "library", "--json"], made_library),
    "train": Job(TRAIN, made_run, write_several, _training_saves, "speediness.training.publish"),
}
PAGE = "the page's worker"
VERBS = (*JOBS, PAGE)


def run(times: int, seed: int, minutes: float, verbs: Collection[str] = VERBS) -> dict[str, Killed]:
    """Kill every job so often, as far as the time allows.

    Args:
        times: kills of each verb.
        seed: of the moments.
        minutes: for all verbs.
        verbs: some of VERBS.
    """
    most_s = 60 * minutes / len(verbs)
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        write_long(folder / "long.mp4")
        outcome = command(["speedup", "long.mp4", "--rate", "2", "-o", "warm.mp4", "--json"], folder)
        assert outcome.code == 0, outcome.err
        killed = {}
        for verb in verbs:
            if verb == PAGE:
                killed[verb] = kill_workers(folder / "long.mp4", folder / "page", times, seed, most_s)
            else:
                killed[verb] = _killed(JOBS[verb], folder / verb, times, seed, most_s)
            print(verb, killed[verb], flush=True)
        return killed


def _killed(job: Job, folder: Path, times: int, seed: int, most_s: float) -> Killed:
    videos = folder.with_name(f"{folder.name}-videos")
    videos.mkdir()
    job.write_videos(videos)
    if job.needs is not None:
        importlib.import_module(job.needs)

    def work() -> int:
        job.save_often()
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
        shutil.copytree(videos, folder / "work")

    def fault(wrong: bool, what: str) -> bool:
        if wrong:
            said = folder / "work.err"
            print(f"{folder.name}: {what}", said.read_text()[-2000:] if said.exists() else "", flush=True)
        return wrong

    fresh()
    began_s, result = time.monotonic(), Killed()
    assert forked(work) == 0, (folder / "work.err").read_text()
    took_s = time.monotonic() - began_s
    wanted = folder.with_suffix(".wanted")
    assert forked(lambda: check(wanted)) == 0
    fresh()
    began_s, rng = time.monotonic(), np.random.default_rng(seed)
    while result.kills < times and time.monotonic() - began_s < most_s:
        run_s = time.monotonic()
        code = forked(work, rng.uniform(0, LATEST * took_s))
        if code == -signal.SIGKILL:
            result.kills += 1
            result.faults += fault(forked(check) != 0, "half written")
        else:
            result.finished += 1
            # The machine has other work now than at first.
            took_s = (took_s + time.monotonic() - run_s) / 2
            result.faults += fault(code != 0, f"exit code {code}") or fault(
                forked(lambda: check(wanted)) != 0, "another result"
            )
            fresh()
    code = forked(work)
    result.faults += fault(code != 0, f"exit code {code}") or fault(
        forked(lambda: check(wanted)) != 0, "another result"
    )
    left = [path.name for path in (folder / "work").rglob("*.partial")]
    result.faults += fault(bool(left), f"left: {', '.join(left)}")
    return result
