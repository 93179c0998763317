"""Decoding goes on while the network works on what is decoded already."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def read_ahead(items: Iterable[T], ahead: int) -> Iterator[Iterator[T]]:
    """The same items, up to ``ahead`` of them made in a thread before they are asked for.

    FFmpeg decodes and scales without Python's lock, so the two sides really run side by side. On
    leaving, for whatever reason, the thread has ended and the source is closed.

    Args:
        items: what to take from; only the thread touches it until the context is left.
        ahead: items made or being made that nobody has asked for yet, at least 1.

    Yields:
        The items in their order; an error of the source is raised at its place among them.
    """
    if ahead < 1:
        raise ValueError("at least one item has to be ahead")
    source = iter(items)
    pool = ThreadPoolExecutor(1, "read-ahead")

    def make() -> list[T]:
        return list(islice(source, 1))  # empty at the end

    def take() -> Iterator[T]:
        pending = deque(pool.submit(make) for _ in range(ahead))
        while made := pending.popleft().result():
            pending.append(pool.submit(make))
            yield made[0]

    try:
        yield take()
    finally:
        pool.shutdown(cancel_futures=True)
        if (close := getattr(source, "close", None)) is not None:
            close()
