"""Ctrl-C and SIGTERM as a request that a run looks at between two steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


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
