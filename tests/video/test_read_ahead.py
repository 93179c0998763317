from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator

import pytest

from speediness.video.read_ahead import read_ahead


class Source:
    """Counts, remembers who asked and whether it was closed, fails where told to."""

    def __init__(self, fail_at: int | None = None, stop: int = 10**9) -> None:
        self.made, self.closed, self.fail_at, self.stop = 0, False, fail_at, stop
        self.threads: set[threading.Thread] = set()

    def items(self) -> Iterator[int]:
        try:
            for n in range(self.stop):
                self.threads.add(threading.current_thread())
                if n == self.fail_at:
                    raise OSError("broken here")
                self.made = n + 1
                yield n
        finally:
            self.closed = True


def is_over(source: Source) -> bool:
    return source.closed and not any(thread.is_alive() for thread in source.threads)


@pytest.mark.parametrize("ahead", [1, 2, 7, 100])
def test_the_same_items_in_the_same_order_from_one_other_thread(ahead: int) -> None:
    source = Source(stop=50)
    with read_ahead(source.items(), ahead) as items:
        assert list(items) == list(range(50))
    assert len(source.threads) == 1 and threading.current_thread() not in source.threads
    assert is_over(source)


def test_any_iterable_will_do_and_none_is_an_item() -> None:
    with read_ahead([None, 0, ""], 2) as items:
        assert list(items) == [None, 0, ""]
    with read_ahead([], 2) as items:
        assert list(items) == []


def test_at_most_so_many_wait_and_they_are_made_unasked() -> None:
    source = Source()
    with read_ahead(source.items(), 3) as items:
        assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
        until = time.monotonic() + 5
        while source.made < 8 and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.02)
        assert source.made == 5 + 3


def test_an_error_comes_at_its_place() -> None:
    source, seen = Source(fail_at=4), []
    with pytest.raises(OSError, match="broken here"), read_ahead(source.items(), 8) as items:
        for item in items:
            seen.append(item)
    assert seen == [0, 1, 2, 3]
    assert is_over(source)


@pytest.mark.parametrize("reason", [KeyboardInterrupt, GeneratorExit, ValueError])
def test_leaving_early_ends_the_thread_and_closes_the_source(reason: type[BaseException]) -> None:
    source = Source()
    with pytest.raises(reason), read_ahead(source.items(), 4) as items:
        next(items)
        raise reason
    assert is_over(source)
    assert source.made <= 6


def test_a_generator_that_reads_ahead_can_be_closed() -> None:
    source = Source()

    def doubled() -> Generator[int, None, None]:
        with read_ahead(source.items(), 4) as items:
            for item in items:
                yield 2 * item

    numbers = doubled()
    assert [next(numbers), next(numbers)] == [0, 2]
    numbers.close()
    assert is_over(source)


def test_nobody_asking_is_no_reason_to_hang() -> None:
    with read_ahead(Source().items(), 4):
        pass


def test_nothing_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"), read_ahead([1], 0):
        pass
