"""Which windows of a video are scored: the paper's, or what gives nearly the same answer for less."""

# T frames of a window, L frames of a sequence, W windows of it that count

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.engines.runtime import Runtime

Times = NDArray[np.float64]


@dataclass(frozen=True)
class FrameBuffer:
    """A shot so far: what can be shown to the network now."""

    start_s: float
    """The shot's first frame, forgotten or not."""
    times_s: Times
    """Of the frames not forgotten."""
    first: int
    """Number in the shot of the first of them."""
    closed: bool
    """The last one is the shot's last."""

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return float(self.times_s[-1])


@dataclass(frozen=True)
class Sequence:
    """Frames that the network is given in one go."""

    frames_L: NDArray[np.int64]
    """Numbers in the shot."""
    intervals: NDArray[np.float32]
    """(L - 1,) how far apart they are, see :func:`speediness.sampling.played_intervals`."""
    middles_s: Times
    """(W,) of the windows that count, ascending."""
    lead: int = 0
    """Windows before them, given as context alone."""


class Schedule(Protocol):
    """Moments of a shot, and the windows whose mean is the answer for a moment.

    Which of a video's frames fall on the network's reference grid is chance, and the answer
    depends on it: a window shifted by one frame of video answers differently by 0.05 on average.
    So the answer for a moment is the mean over all windows scored whose middles lie within half a
    reference interval of it: over positions of the grid. Between moments it is interpolated.
    """

    def due(
        self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer
    ) -> tuple[list[float], list[Sequence]]:
        """Moments from number ``n`` on that can be scored, and the windows to be scored for them.

        All there are in a closed shot; before that those that no frame to come can change.
        """
        ...

    def needed_s(self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer) -> float:
        """Time of the first frame that moments from number ``n`` on can need."""
        ...


@dataclass(frozen=True)
class Windows:
    """Each window on its own, for any network."""

    stride: int | None
    """Reference intervals from one moment to the next, so that the windows of neighbouring moments
    are made of the same pairs; None: one frame of the video as it is played."""
    positions: int
    """Windows per moment, their middles spread evenly over a reference interval."""

    def due(
        self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer
    ) -> tuple[list[float], list[Sequence]]:
        """See :class:`Schedule`; the last frame of a closed shot is a moment too."""
        # All windows of a moment end by then, the one on the last grid position included.
        reach_s = (clip.duration_s + 1 / float(clip.frame_rate)) * factor / 2
        limit_s = buffer.end_s if buffer.closed else buffer.end_s - reach_s
        moments_s: list[float] = []
        while (moment_s := self._moment_s(clip, factor, n, buffer)) is not None and moment_s <= limit_s:
            moments_s.append(moment_s)
            n += 1
        if buffer.closed and (not moments_s or moments_s[-1] < buffer.end_s):
            moments_s.append(buffer.end_s)
        shifts = _shifts(self.positions) * factor / float(clip.frame_rate)
        return moments_s, [
            _sequence(
                clip,
                factor,
                buffer,
                sampling.reflect(
                    sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate),
                    buffer.start_s,
                    buffer.end_s,
                ),
                np.array([middle_s]),
            )
            for moment_s in moments_s
            for middle_s in moment_s + shifts
        ]

    def needed_s(self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer) -> float:
        """See :class:`Schedule`."""
        next_s = self._moment_s(clip, factor, n, buffer)
        # A window that meets the end of the shot is folded back over at most its own length.
        reach_s = (clip.duration_s + 1 / float(clip.frame_rate)) * factor
        return (buffer.end_s if next_s is None else next_s) - reach_s

    def _moment_s(self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer) -> float | None:
        """Moment number ``n``; None: it lies after the last frame."""
        if self.stride is not None:
            moment_s = buffer.start_s + n * self.stride * factor / float(clip.frame_rate)
            return None if moment_s > buffer.end_s else moment_s
        whole, part = divmod(n * factor - buffer.first, 1)
        around_s = buffer.times_s[int(whole) : int(whole) + 2]
        if not len(around_s) or (part and len(around_s) < 2):
            return None
        return float(around_s[0] + part * (around_s[-1] - around_s[0]))


@dataclass(frozen=True)
class Stream:
    """A window at every reference interval, all in one sequence: the network works once for all.

    For a network of bounded context. At the ends of the shot, where windows play back and forth, the
    grid is mirrored at its first and last frame, so that nothing new has to be measured.
    """

    positions: int
    """Grids, spread evenly over a reference interval; the moments lie between them."""
    context: int
    """Frames before and after a window that its answer depends on."""

    def due(
        self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer
    ) -> tuple[list[float], list[Sequence]]:
        """See :class:`Schedule`; one moment lies at the last frame of a closed shot or after it."""
        interval_s = factor / float(clip.frame_rate)
        half, shifts = (clip.n_frames - 1) / 2, _shifts(self.positions)
        length = (buffer.end_s - buffer.start_s) / interval_s
        if buffer.closed:
            end, after = int(np.ceil(length - 1e-9)) + 1, 0
        else:
            end, after = int(np.floor(length - half - self.context - shifts[-1])) + 1, self.context
        if end <= n:
            return [], []
        before = min(self.context, n)
        moments_s = buffer.start_s + np.arange(n, end) * interval_s
        places_L = np.arange(n - before, end - 1 + clip.n_frames + after) - half
        return moments_s.tolist(), [
            _sequence(
                clip,
                factor,
                buffer,
                self._frames_s(clip, places_L + shift, interval_s, buffer),
                moments_s + shift * interval_s,
                before,
            )
            for shift in shifts
        ]

    def needed_s(self, clip: ClipSpec, factor: float, n: int, buffer: FrameBuffer) -> float:
        """See :class:`Schedule`."""
        return buffer.start_s + (n - self.context - clip.n_frames / 2 - 1) * factor / float(clip.frame_rate)

    def _frames_s(self, clip: ClipSpec, places_L: Times, interval_s: float, buffer: FrameBuffer) -> Times:
        """Times of grid places, counted in intervals from the start of the shot, mirrored at its ends."""
        phase = places_L[0] % 1
        if not buffer.closed:
            return buffer.start_s + (phase + np.abs(places_L - phase)) * interval_s
        last = np.floor((buffer.end_s - buffer.start_s) / interval_s - phase + 1e-9)
        if last < clip.n_frames / 2:  # so short a shot is folded at its very ends, lest little of it show
            return sampling.reflect(buffer.start_s + places_L * interval_s, buffer.start_s, buffer.end_s)
        return buffer.start_s + (phase + sampling.reflect(places_L - phase, 0, last)) * interval_s


POSITIONS = 2
PAPER_SCHEDULE = Windows(stride=None, positions=1)
"""The paper's (§4.1): a window around every frame of every sped-up version."""


def default_schedule(runtime: Runtime) -> Schedule:
    """The product's schedule for a network (benchmarks/agreement.py)."""
    if runtime.context is None:
        return Windows(stride=3, positions=POSITIONS)
    return Stream(POSITIONS, runtime.context)


def _shifts(positions: int) -> Times:
    """Of grids spread evenly over an interval, from its middle."""
    return (np.arange(positions) + 0.5) / positions - 0.5


def _sequence(
    clip: ClipSpec, factor: float, buffer: FrameBuffer, frames_s: Times, middles_s: Times, lead: int = 0
) -> Sequence:
    indices = sampling.nearest_frames(buffer.times_s, frames_s)
    intervals = sampling.played_intervals(buffer.times_s, indices, factor, clip.frame_rate)
    return Sequence(buffer.first + indices, intervals, middles_s, lead)
