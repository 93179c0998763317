"""How far along a long job is, and how long it still takes; on stderr, never on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[float, float], None]
"""Called with what is done and what there is in all: seconds of film, or whatever the bar counts."""

QUIET_S = 0.5  # jobs shorter than this show nothing
LINE_EVERY_S = 10.0  # without a terminal: one line now and then, fit for a log file


@contextmanager
def progress_bar(title: str, counted: str | None = None) -> Iterator[Progress]:
    """Show progress while the block runs: a bar on a terminal, occasional lines elsewhere.

    Args:
        title: what is being done, such as ``analysing film.mp4``.
        counted: what is counted, such as ``films``; None: seconds of film.

    Yields:
        The function to call with (done, in all).
    """
    if sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _lines(title, counted)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    started_s = time.monotonic()
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(escape(title), total=None)
    shown = False

    def report(done_s: float, total_s: float) -> None:
        nonlocal shown
        if not shown and time.monotonic() - started_s >= QUIET_S:
            shown = True
            bar.start()
        bar.update(task, completed=min(done_s, total_s), total=total_s)

    try:
        yield report
    finally:
        if shown:
            bar.stop()


def _lines(title: str, counted: str | None) -> Progress:
    started_s = time.monotonic()
    next_s = started_s + QUIET_S

    def report(done_s: float, total_s: float) -> None:
        nonlocal next_s
        now_s = time.monotonic()
        if now_s < next_s or not 0 < done_s < total_s:
            return
        next_s = now_s + LINE_EVERY_S
        left_s = (now_s - started_s) * (total_s - done_s) / done_s
        whole = f"{total_s:,.0f} {counted}" if counted else clock(total_s)
        print(
            f"{title}: {done_s / total_s:.0%} of {whole}, about {clock(left_s)} left",
            file=sys.stderr,
            flush=True,
        )

    return report


def clock(seconds: float) -> str:
    """Seconds as people read them: ``0.04 s``, ``8.4 s``, ``3:07`` or ``2:00:41``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 0.95 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
