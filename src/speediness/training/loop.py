"""One loop for every task: draw, score, step, average, evaluate, checkpoint, resume."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import torch

from speediness.datasets.video_list import VideoItem, held_out, subsample
from speediness.errors import DataError, SpeedinessError
from speediness.training.loader import Loader, drawn_ahead
from speediness.training.metrics import Metrics
from speediness.training.motion_loader import MotionLoader
from speediness.training.processes import joined_processes
from speediness.training.recipe import Recipe
from speediness.training.run import Run
from speediness.training.videos import Videos, make_loader, open_videos

REPORT_EVERY = 25  # steps

Log = Callable[[str], None]
"""Receives one line at a time."""


def train(
    recipe: Recipe,
    items: list[VideoItem],
    out: Path,
    cache: Path,
    resume: bool = False,
    log: Log = print,
    *,
    minutes: float | None = None,
    cache_bytes: int | None = None,
    resident: bool = False,
    more: Sequence[VideoItem] = (),
) -> Path:
    """Train by a recipe and write checkpoints and metrics to a folder.

    Under ``torchrun`` the processes share the windows of every step; the first one writes,
    validates and logs.

    Args:
        recipe: what to train.
        items: videos to train on; a share of their sources is held out for validation.
        out: run folder; ``metrics.jsonl``, ``checkpoint.safetensors``, TensorBoard events and
            ``training_curve.png`` go there.
        cache: folder of decoded videos.
        resume: continue the run in ``out`` from its last checkpoint, on the same sample order.
        log: receives one line at a time.
        minutes: end after so many minutes of training, those before a resume counted in, or
            after the recipe's steps, whichever comes first; the learning rate falls to zero then.
        cache_bytes: most that ``cache`` may take, see :class:`ClipCache`.
        resident: hold all videos in memory; on CUDA this is done anyway when they fit.
        more: further videos to train on, none of which is held out.

    Returns:
        The last checkpoint; :func:`speediness.training.publish.publish` makes a network of it.

    Raises:
        DataError: too few videos can be decoded.
        KeyboardInterrupt: Ctrl-C or SIGTERM; a checkpoint was saved first.
        OutputError: the disk is full; the last checkpoint is intact.
        SpeedinessError: the folder already holds a run, or one of another recipe; the loss is no
            longer a number; the GPU's memory is too small.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.safetensors"
    if checkpoint.exists() and not resume:
        raise SpeedinessError(f"{out} already holds a run; continue it with --resume or choose another")
    with joined_processes() as processes:
        log = log if processes.first else _silent
        kept, validation_items = held_out(items, recipe.validation_share)
        with processes.first_alone():
            videos = open_videos(recipe, [*kept, *more], cache, log, cache_bytes, recipe.recompressed)
            validation = open_videos(recipe, subsample(validation_items), cache, log, cache_bytes)
        if not videos or not validation:
            raise DataError(
                f"{len(videos)} videos to train on and {len(validation)} to validate on: give more sources"
            )
        log(f"training on {len(videos)} videos, validating on {len(validation)}")
        run = Run(recipe, processes)
        if checkpoint.exists():
            run.restore(checkpoint)
        else:
            run.prepare(videos)
        loader = make_loader(run, videos, resident, log)
        pace = Pace(recipe.steps, minutes, run.done, run.spent_s)
        try:
            _loop(run, loader, validation, checkpoint, pace, log)
        except torch.OutOfMemoryError as error:
            raise SpeedinessError(
                f"{recipe.clips} clips a step do not fit into the memory of the GPU: set windows lower than"
                f" {recipe.windows}, or recompressed=0; the last checkpoint is intact"
            ) from error
    return checkpoint


def _loop(
    run: Run, loader: Loader | MotionLoader, validation: Videos, checkpoint: Path, pace: Pace, log: Log
) -> None:
    recipe, processes, first = run.recipe, run.processes, run.done
    started_s = saved_s = time.monotonic()
    waited_s = 0.0
    with ExitStack() as stack:
        metrics = None
        if processes.first:
            metrics = stack.enter_context(Metrics(checkpoint.parent, run.done, owed=bool(run.sums)))
        stop_asked = stack.enter_context(stop_request())
        batches = stack.enter_context(drawn_ahead(loader, run.done))

        def report() -> None:
            row, spent_s = run.means(), time.monotonic() - started_s
            row["wait_share"] = waited_s / spent_s
            row["clips_per_s"] = (run.done - first) * recipe.clips / spent_s
            left = pace.minutes_left(pace.progress(run.done, run.spent_s))
            log(f"step {run.done}/{recipe.steps}  {_line(row)}  {left:.0f} min left")
            if metrics is not None:
                metrics.record(run.done, row)

        def evaluate() -> None:
            # Killed between a checkpoint and its validation, a run owes this when it goes on.
            if metrics is not None and metrics.validated < run.done:
                row = run.task.validate(run.average, validation)
                log(f"step {run.done}/{recipe.steps}  validation {_line(row)}")
                metrics.record_validation(run.done, row)

        while True:
            # Together, so that all processes take the same step at the same rate or none does.
            stop, run.spent_s = processes.most([float(stop_asked()), pace.spent_s()])
            progress = pace.progress(run.done, run.spent_s)
            if stop or progress >= 1:
                break
            before_s = time.monotonic()
            batch = next(batches)
            waited_s += time.monotonic() - before_s
            run.step(batch, progress)
            if run.done % REPORT_EVERY == 0:
                report()
            if run.done % recipe.evaluate_every == 0:
                evaluate()
            if processes.first and time.monotonic() - saved_s >= 60 * recipe.checkpoint_minutes:
                run.save(checkpoint)
                saved_s = time.monotonic()
        if not stop and run.sums:
            report()
        if not stop:
            evaluate()
        if processes.first and run.done > first:
            run.save(checkpoint)
        if stop:
            log(f"stopped after step {run.done}, which is saved: continue with --resume")
            raise KeyboardInterrupt
        processes.wait()


def _line(row: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items())


def _silent(line: str) -> None:
    """The log of all processes but the first."""


class Pace:
    """Progress of a run towards its last step or its last minute (None: any), whichever comes first.

    ``done`` steps and ``spent_s`` seconds were spent on it before it goes on.
    """

    def __init__(self, steps: int, minutes: float | None, done: int, spent_s: float) -> None:
        self.steps, self.minutes = steps, minutes
        self._before_s, self._started_s = spent_s, time.monotonic()
        self._first = self.progress(done, spent_s)

    def spent_s(self) -> float:
        """Seconds spent so far, those before the run went on included."""
        return self._before_s + time.monotonic() - self._started_s

    def progress(self, done: int, spent_s: float) -> float:
        """0 at the start, 1 or more at the end, after ``done`` steps and ``spent_s`` seconds."""
        by_clock = spent_s / 60 / self.minutes if self.minutes else 0.0
        return max(done / self.steps, by_clock)

    def minutes_left(self, progress: float) -> float:
        """By what it took to get here since this process began."""
        made = max(progress - self._first, 1e-9)
        return (self.spent_s() - self._before_s) / made * max(1 - progress, 0.0) / 60


@contextmanager
def stop_request() -> Iterator[Callable[[], bool]]:
    """Note the first Ctrl-C or SIGTERM instead of dying of it; a second one acts as always.

    Yields:
        Whether somebody asked for a stop. Outside the main thread, where Python hears no
        signals, nobody ever does.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
