"""Which windows of a film are judged: the paper's, or few that give the same answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.clip import ClipSpec


@dataclass(frozen=True)
class Schedule:
    """Moments of a shot, and the windows whose mean is the answer for a moment.

    Which of a film's frames fall on the network's reference grid is chance, and the answer
    depends on it: a window shifted by one frame of film answers differently by 0.05 on average.
    So the answer for a moment is the mean over all windows judged whose middles lie within half a
    reference interval of it: over positions of the grid. Between moments it is interpolated.
    """

    stride: int | None
    """Reference intervals from one moment to the next, so that the windows of neighbouring moments
    are made of the same pairs; None: one frame of the film as it is played."""
    positions: int
    """Windows per moment, their middles spread evenly over a reference interval."""

    def middles_s(self, moment_s: float, factor: float, clip: ClipSpec) -> NDArray[np.float64]:
        """(positions,) middles of the windows of a moment, ascending."""
        interval_s = factor / float(clip.frame_rate)
        return moment_s + ((np.arange(self.positions) + 0.5) / self.positions - 0.5) * interval_s


SHARED = Schedule(stride=3, positions=2)
"""The product's: a fifth of EXACT's windows at 25 frames a second (benchmarks/agreement.py)."""
EXACT = Schedule(stride=None, positions=1)
"""The paper's (§4.1): a window around every frame of every sped-up version."""
