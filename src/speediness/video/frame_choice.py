"""Which source frame an output frame shows, from exact timestamps."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from speediness.results.curve import Float64s
from speediness.video.yuv420 import from_planes, planes

T = TypeVar("T")
Timed = tuple[Fraction, av.VideoFrame]

STANDARD_RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
TIE_S = Fraction(1, 1_000_000)  # keeps rounding noise from deciding between exact ties
SNAP = Fraction(1, 50)  # averages of real files miss their nominal rate by up to 2 %


def standard_rate(rate: Fraction) -> Fraction:
    """The constant rate to write a video of this average rate at: 23.976 to 60 frames per second.

    The lowest standard rate that is a multiple of it (10 gives 30, 12 gives 24: slow videos repeat
    frames, so that speeding them up need not drop any), the nearest of such; else the next
    standard rate above; 60 for anything faster.
    """
    multiples = []
    for standard in STANDARD_RATES:
        times = max(round(standard / rate), 1)
        miss = abs(standard / (times * rate) - 1)
        if miss <= SNAP:
            multiples.append((times, miss, standard))
    if multiples:
        return min(multiples)[2]
    return next((standard for standard in STANDARD_RATES if standard >= rate), STANDARD_RATES[-1])


def choose(frames: Iterable[tuple[Fraction, T]], moments_s: Float64s) -> Iterator[tuple[Fraction, T]]:
    """For each moment the frame on screen then: the last that starts no later (than 1 µs after).

    Args:
        frames: in order of presentation; at least one.
        moments_s: (J,) ascending. Before the first frame counts as the first.
    """
    source = iter(frames)
    shown, following = next(source), next(source, None)
    for moment_s in moments_s:
        latest_s = Fraction(float(moment_s)) + TIE_S
        while following is not None and following[0] <= latest_s:
            shown, following = following, next(source, None)
        yield shown


def blend(
    frames: Iterable[Timed], bounds_s: Float64s, make: Callable[[av.VideoFrame], av.VideoFrame]
) -> Iterator[av.VideoFrame]:
    """For each shutter the mean of the frames on screen while it is open, by time on screen.

    The mean is taken of the stored numbers (gamma-coded), as a simple editor does.

    Args:
        frames: in order of presentation; at least one. The last stays on screen for ever.
        bounds_s: (J + 1,) shutter j is open from ``bounds_s[j]`` to ``bounds_s[j + 1]``.
        make: from a decoded frame to one that :func:`planes` takes.
    """
    source = iter(frames)
    shown, following = next(source), next(source, None)
    frame = make(shown[1])
    for opens_s, closes_s in pairwise(bounds_s):
        mean = _Mean()
        while True:
            ends_s = np.inf if following is None else float(following[0])
            mean.add(frame, min(ends_s, closes_s) - max(float(shown[0]), opens_s))
            if following is None or ends_s >= closes_s:
                break
            shown, following = following, next(source, None)
            frame = make(shown[1])
        yield mean.frame() or frame


class _Mean:
    """Weighted mean of frames; a single one is passed on untouched."""

    def __init__(self) -> None:
        self._first: av.VideoFrame | None = None
        self._weight = 0.0
        self._sums: list[NDArray[np.float32]] = []

    def add(self, frame: av.VideoFrame, weight: float) -> None:
        if weight <= 0:
            return
        if self._first is None:
            self._first = frame
        else:
            self._sums = self._sums or [np.float32(self._weight) * plane for plane in planes(self._first)]
            for total, plane in zip(self._sums, planes(frame), strict=True):
                total += np.float32(weight) * plane
        self._weight += weight

    def frame(self) -> av.VideoFrame | None:
        """None if nothing was added."""
        if not self._sums or self._first is None:
            return self._first
        dtype = planes(self._first)[0].dtype
        return from_planes([np.rint(total / self._weight).astype(dtype) for total in self._sums])
