"""A plan as a few straight pieces: what an editor's keyframes and clips can say of S*(t)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from speediness.results.curve import Float64s
from speediness.results.plan import SpeedPlan

SLACK = 1e-9  # source seconds; keeps rounding noise from ending a piece
FIRST_LOOK = 64  # frames; a piece that may be longer is looked at again, twice as far


@dataclass(frozen=True)
class Piece:
    """A stretch that plays at one speed; frames and moments are the first of it and of what follows."""

    start_frame: int
    """In the output."""
    end_frame: int
    source_start_s: Fraction
    source_end_s: Fraction
    factor: Fraction
    """S: source seconds per output second."""

    @property
    def frames(self) -> int:
        """Its length in the output."""
        return self.end_frame - self.start_frame


@dataclass(frozen=True)
class TimeMap:
    """Which moment of the source each output frame shows, linear between knots on whole output frames.

    Raises:
        ValueError: fewer than two knots, or knots that do not ascend from (0, 0).
    """

    frame_rate: Fraction
    """Of the output, frames per second."""
    pairs: tuple[tuple[Fraction, Fraction], ...]
    """Knots (output_s, source_s), seconds, ascending in both."""

    def __post_init__(self) -> None:
        """Refuse what is no monotone map of time."""
        if len(self.pairs) < 2 or self.pairs[0] != (0, 0):
            raise ValueError("a time map needs two knots or more, the first at 0")
        if any(a[0] >= b[0] or a[1] >= b[1] for a, b in pairwise(self.pairs)):
            raise ValueError("knots do not ascend")

    @property
    def n_frames(self) -> int:
        """Length of the output in frames."""
        return int(self.pairs[-1][0] * self.frame_rate)

    @property
    def source_duration_s(self) -> Fraction:
        """Length of the source, rounded up to what knots are multiples of."""
        return self.pairs[-1][1]

    @property
    def knots(self) -> list[tuple[int, Fraction]]:
        """Knots as (output frame, source_s)."""
        return [(int(output_s * self.frame_rate), source_s) for output_s, source_s in self.pairs]

    def pieces(self) -> Iterator[Piece]:
        """The pieces in order; they meet without gaps."""
        for (start, source_s), (end, source_end_s) in pairwise(self.knots):
            factor = (source_end_s - source_s) * self.frame_rate / (end - start)
            yield Piece(start, end, source_s, source_end_s, factor)

    @classmethod
    def of_plan(
        cls, plan: SpeedPlan, frame_rate: Fraction, max_error_frames: float, source_step_s: Fraction
    ) -> TimeMap:
        """Reduce a plan greedily: every piece is as long as the error allows.

        Each output frame shows a moment that the plan shows at most ``max_error_frames`` output
        frames earlier or later; where the plan shows one source step for more than twice that,
        knots may be off by half a step. The output has as many frames as
        :func:`~speediness.speedup.render.render_speedup` writes. Its end is the end of the source,
        rounded up to a source step.

        Args:
            plan: what to follow.
            frame_rate: of the output, frames per second.
            max_error_frames: above 0.
            source_step_s: source moments of knots are multiples of this.
        """
        n_frames = max(round(plan.output_duration_s * frame_rate), 1)
        frames = np.arange(n_frames + 1, dtype=np.float64)

        def shown_s(offset_frames: float) -> Float64s:
            return plan.source_time((frames + offset_frames) / float(frame_rate))

        steps = np.floor(shown_s(0) / float(source_step_s) + 0.5).astype(np.int64)
        steps[-1] = np.ceil(plan.source_duration_s / float(source_step_s) - 1e-6)  # but for rounding noise
        source_s: Float64s = (steps * float(source_step_s)).astype(np.float64)
        earliest_s, latest_s = shown_s(-max_error_frames) - SLACK, shown_s(max_error_frames) + SLACK
        earliest_s[-1], latest_s[-1] = -np.inf, np.inf  # nothing is shown at the very end
        knots = [0]
        while knots[-1] < n_frames:
            knots.append(_furthest(knots[-1], source_s, earliest_s, latest_s))
        pairs = ((knot / frame_rate, steps[knot].item() * source_step_s) for knot in knots)
        return cls(frame_rate, tuple(pairs))


def _furthest(start: int, source_s: Float64s, earliest_s: Float64s, latest_s: Float64s) -> int:
    """The last frame to which a straight line from ``start`` stays within the bounds at every frame.

    If there is none, the next frame whose moment lies later than that of ``start``, else the end.

    Args:
        start: a frame before the last.
        source_s: (N + 1,) moment of the source that a knot at each frame shows.
        earliest_s: (N + 1,) least moment that each frame may show.
        latest_s: (N + 1,) greatest.
    """
    look, last = FIRST_LOOK, len(source_s) - 1
    while True:
        stop = min(start + look, last) + 1
        run = np.arange(1, stop - start, dtype=np.float64)
        rise = source_s[start + 1 : stop] - source_s[start]
        shallowest = np.maximum.accumulate((earliest_s[start + 1 : stop] - source_s[start]) / run)
        steepest = np.minimum.accumulate((latest_s[start + 1 : stop] - source_s[start]) / run)
        ascends = (rise > SLACK) & (source_s[start + 1 : stop] < source_s[last] - SLACK)
        ascends[-1] |= stop > last
        fits = ascends & (shallowest <= rise / run) & (rise / run <= steepest)
        if stop > last or (ascends.any() and shallowest[-1] > steepest[-1]):
            return start + 1 + int(np.flatnonzero(fits)[-1] if fits.any() else np.argmax(ascends))
        look *= 2
