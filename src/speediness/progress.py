"""How far along a long job is, and how long it still takes; on stderr, never on stdout."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

Progress = Callable[[float, float], None]
"""Called with what is done and what there is in all: seconds of video, or whatever the bar counts."""

Bar = Callable[[str], AbstractContextManager[Progress]]
"""From a title to what shows progress, as :func:`progress_bar`."""

QUIET_S = 0.5  # jobs shorter than this show nothing
LINE_EVERY_S = 10.0  # without a terminal: one line now and then, fit for a log file
JSON_EVERY_S = 0.5
SETTLED_S = 2.0  # of work before its pace tells how long the rest takes


class Pace:
    """How long the rest of a job takes, by its pace since the first report.

    What comes before that, such as opening a network, says nothing of the rest; nor do the first
    moments, in which buffers fill.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def left_s(self, done: float, total: float) -> float | None:
        """Seconds left, asked for at every report; None before that can be told."""
        now_s = time.monotonic()
        if self._first is None:
            self._first = now_s, done
        since_s, before = self._first
        if now_s - since_s < SETTLED_S or done <= before:
            return None
        return max((now_s - since_s) * (total - done) / (done - before), 0.0)


@contextmanager
def progress_bar(title: str, counted: str | None = None) -> Iterator[Progress]:
    """Show progress while the block runs: a bar on a terminal, occasional lines elsewhere.

    Args:
        title: what is being done, such as ``analysing video.mp4``.
        counted: what is counted, such as ``videos``; None: seconds of video.

    Yields:
        The function to call with (done, in all).
    """
    if sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _lines(title, counted)


def bar_for(shown: Literal["bar", "json", "none"]) -> Bar:
    """How progress is shown: by :func:`progress_bar`, as JSON, a line now and then, or not at all.

    A line is ``{"doing": "rendering", "name": "out.mp4", "done_s": 1.5, "total_s": 6.0}``, the last one
    with ``done_s`` equal to ``total_s``.
    """
    if shown == "none":
        return lambda _: nullcontext(lambda done_s, total_s: None)
    return _json_lines if shown == "json" else progress_bar


@contextmanager
def _json_lines(title: str) -> Iterator[Progress]:
    doing, _, name = title.partition(" ")
    next_s = 0.0

    def report(done_s: float, total_s: float) -> None:
        nonlocal next_s
        now_s = time.monotonic()
        if now_s < next_s and done_s < total_s:
            return
        next_s = now_s + JSON_EVERY_S
        line = {"doing": doing, "name": name, "done_s": round(done_s, 3), "total_s": round(total_s, 3)}
        print(json.dumps(line), file=sys.stderr, flush=True)

    yield report


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    started_s = time.monotonic()
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(escape(title), total=None, left="")
    shown, pace = False, Pace()

    def report(done_s: float, total_s: float) -> None:
        nonlocal shown
        if not shown and time.monotonic() - started_s >= QUIET_S:
            shown = True
            bar.start()
        left_s = pace.left_s(done_s, total_s)
        left = "" if left_s is None else f"{clock(left_s)} left"
        bar.update(task, completed=min(done_s, total_s), total=total_s, left=left)

    try:
        yield report
    finally:
        if shown:
            bar.stop()


def _lines(title: str, counted: str | None) -> Progress:
    next_s = time.monotonic() + QUIET_S
    pace = Pace()

    def report(done_s: float, total_s: float) -> None:
        nonlocal next_s
        now_s, left_s = time.monotonic(), pace.left_s(done_s, total_s)
        if now_s < next_s or not 0 < done_s < total_s:
            return
        next_s = now_s + LINE_EVERY_S
        whole = f"{total_s:,.0f} {counted}" if counted else clock(total_s)
        left = "" if left_s is None else f", about {clock(left_s)} left"
        print(f"{title}: {done_s / total_s:.0%} of {whole}{left}", file=sys.stderr, flush=True)

    return report


def clock(seconds: float) -> str:
    """Seconds as people read them: ``0.04 s``, ``8.4 s``, ``3:07`` or ``2:00:41``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def stamp(seconds: float, digits: int = 2, *, with_hours: bool = False) -> str:
    """A moment of a video: ``0:06.20``, ``1:02:03.50``, without digits ``0:06``."""
    minutes, ticks = divmod(round(seconds * 10**digits), 60 * 10**digits)
    hours, minutes = divmod(minutes, 60)
    rest = f"{ticks / 10**digits:0{digits + 3 if digits else 2}.{digits}f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours or with_hours else f"{minutes}:{rest}"
