r"""V(t), the plan and the playhead as drawings in ASS, which players lay over a video.

A drawing is ``{\p1}`` and a polygon, ``m x y l x y ..``; colours are blue, green, red.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from speediness.plots import PALETTES, sum_up
from speediness.progress import clock
from speediness.results.curve import Float64s, SpeedinessCurve
from speediness.results.plan import SpeedPlan

HEIGHT = 720
"""Of the coordinates; their width follows the window's shape."""
MARGIN, TOP, BOTTOM = 40, 500, 630  # free of the controls of mpv at the foot
LINE = 2.0
COLOURS = PALETTES["dark"]
PAPER_ALPHA, AREA_ALPHA = 0x50, 0x80  # 0: opaque


class Overlay:
    """The parts of an overlay for a curve and its plan.

    ``width`` is that of the window where its height is ``HEIGHT``.
    """

    def __init__(self, curve: SpeedinessCurve, plan: SpeedPlan, width: float) -> None:
        self._curve, self._plan, self._width = curve, plan, width
        limit = curve.limit()
        self._limit = limit
        self._low = min(1.0, float(plan.factor.min()))
        self._high = 1.1 * max(2.0, float(plan.factor.max()), float(limit.max()))

    def panel(self) -> str:
        """What stays as it is while the plan does: V(t) as an area, S*(t) as a line, the uniform rate."""
        edge = [(MARGIN, TOP), (self._width - MARGIN, TOP)]
        paper = [*edge, (self._width - MARGIN, BOTTOM), (MARGIN, BOTTOM)]
        end_s = self._plan.source_duration_s
        times_s, *_, most = sum_up(self._curve.times_s, self._limit)
        # A limit holds until the next frame.
        x = np.repeat(self.x(np.append(times_s, end_s)), 2)[1:-1]
        area = [*zip(x, np.repeat(self.y(most), 2), strict=True), (x[-1], BOTTOM), (x[0], BOTTOM)]
        times_s, _, factor, _ = sum_up(self._plan.times_s, self._plan.factor)
        line = list(zip(self.x(times_s), self.y(factor), strict=True))
        uniform_y = float(self.y(self._plan.rate))
        flat = [(MARGIN, uniform_y), (self._width - MARGIN, uniform_y)]
        parts = [
            _shape(paper, COLOURS.paper, PAPER_ALPHA),
            _shape(area, COLOURS.limit, AREA_ALPHA),
            _shape(_ribbon(flat, LINE / 2), COLOURS.ink),
            _shape(_ribbon(line, LINE), COLOURS.plan),
        ]
        return "\n".join(parts)

    def playhead(self, source_s: float, words: str) -> str:
        """Where it plays, what the plan says there, and what is left.

        Args:
            source_s: moment of the source.
            words: how it is played, such as ``adaptive 2x``.
        """
        x = float(self.x(source_s))
        factor = float(self._plan.factor_at(source_s))
        left_s = self._plan.output_duration_s - float(self._plan.output_time(source_s))
        line = [(x - LINE / 2, TOP), (x + LINE / 2, TOP), (x + LINE / 2, BOTTOM), (x - LINE / 2, BOTTOM)]
        text = f"{words}  ·  now {factor:.2f}×  ·  {clock(left_s)} left"
        place = rf"{{\an1\pos({MARGIN},{TOP - 8})\fs22\bord2\shad0\1c{_colour(COLOURS.ink)}}}"
        return f"{_shape(line, COLOURS.ink)}\n{place}{text}"

    def x(self, source_s: Float64s | float) -> Float64s:
        """Across: from the video's start to its end."""
        share = np.clip(source_s / self._plan.source_duration_s, 0, 1)
        return MARGIN + share * (self._width - 2 * MARGIN)

    def y(self, factor: NDArray[np.floating] | float) -> Float64s:
        """Down: the logarithm of the factor."""
        share = np.log(factor / self._low) / np.log(self._high / self._low)
        return BOTTOM - np.clip(share, 0, 1) * (BOTTOM - TOP)


def _ribbon(line: list[tuple[float, float]], half: float) -> list[tuple[float, float]]:
    """A line as a polygon: there along its upper edge, and back along the lower one."""
    return [(x, y - half) for x, y in line] + [(x, y + half) for x, y in reversed(line)]


def _shape(corners: Iterable[tuple[float, float]], colour: str, alpha: int = 0) -> str:
    first, *rest = (f"{x:.1f} {y:.1f}" for x, y in corners)
    style = rf"{{\an7\pos(0,0)\bord0\shad0\1c{_colour(colour)}\1a&H{alpha:02X}&\p1}}"
    return f"{style}m {first} l {' '.join(rest)}{{\\p0}}"


def _colour(html: str) -> str:
    return f"&H{html[5:7]}{html[3:5]}{html[1:3]}&"
