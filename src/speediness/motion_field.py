"""The motion of a video as one field: measured once, exact at every playback factor.

Flow between neighbouring frames is summed over time. What moved between any two moments is then a
difference of two sums, whatever the frame rate, and playing ``f`` times as fast is exact: a bin of 1/8 s
holds what moved in ``f``/8 s of the video. No frame is chosen, so nothing jumps, and one pass over the
frames serves all factors.
"""

# P pairs of frames, L bins, C channels, h w cells

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

REFERENCE_PX = 56
"""Short side of the frame in whose pixels motion is counted."""
SHORTEST_PAIR_S = 1 / 45
"""Frames nearer than this are skipped: between those of 60 a second, noise is as large as motion."""
SLACK_S = 1e-7
"""How far a bin may reach beyond what is known: sums of times round."""

LONGEST_PAIR_S = 0.1
"""Frames farther apart, as played, make motion even over whole bins, which tells how slowly it plays."""


class MotionField:
    """What moved from the start of a shot on, in bounded memory.

    Attributes:
        start_s: the first frame.
        end_s: the last frame.
    """

    def __init__(self, start_s: float) -> None:
        self.start_s = self.end_s = start_s
        self._times_s = [start_s]
        self._totals: list[NDArray[np.float64]] = []

    def add(self, end_s: float, cells_Chw: Floats) -> None:
        """Take what moved from the last frame to the one at ``end_s``.

        Args:
            end_s: later than the last frame.
            cells_Chw: C - 1 displacements, in pixels, and a confidence.
        """
        step = cells_Chw.astype(np.float64)
        step[-1] *= end_s - self.end_s  # so that the mean over a bin is one over time
        if not self._totals:
            self._totals.append(np.zeros_like(step))
        self._totals.append(self._totals[-1] + step)
        self._times_s.append(end_s)
        self.end_s = end_s

    def bins(self, start_s: float, length_s: float, count: int) -> Floats:
        """Motion (count, C, h, w) in bins of ``length_s``, the first from ``start_s`` on.

        Returns:
            Displacements in pixels per bin and the mean confidence; the motion of a pair of frames is
            spread evenly over the time between them.

        Raises:
            ValueError: the bins reach beyond what was measured, or was forgotten.
        """
        edges_s = start_s + np.arange(count + 1) * length_s
        times_s = np.array(self._times_s)
        if not self._totals or edges_s[0] < times_s[0] - SLACK_S or edges_s[-1] > times_s[-1] + SLACK_S:
            raise ValueError("bins outside what is known of the motion")
        after = np.clip(np.searchsorted(times_s, edges_s, "right"), 1, len(times_s) - 1)
        share = np.clip((edges_s - times_s[after - 1]) / (times_s[after] - times_s[after - 1]), 0, 1)
        share = share[:, None, None, None]
        low = int(after.min()) - 1
        totals = np.stack(self._totals[low : int(after.max()) + 1])
        bins = np.diff(totals[after - 1 - low] * (1 - share) + totals[after - low] * share, axis=0)
        bins[:, -1] /= length_s
        return bins.astype(np.float32)

    def forget(self, before_s: float) -> None:
        """Drop what only bins that start before ``before_s`` need."""
        first = max(int(np.searchsorted(self._times_s, before_s, "right")) - 1, 0)
        if first and self._totals:
            base = self._totals[first]
            self._totals = [total - base for total in self._totals[first:]]
            del self._times_s[:first]
