"""A monotone map of time between two videos, by dynamic programming.

Every frame of A is given a moment of B, so that features differ little along the map and its slope differs
little from that of linear time:

    minimise  sum_a d(a, m(a)) / median d  +  STIFFNESS sum_a log2(slope / mean slope)^2

over maps that never go back. What one video shows before the other begins, or after it has ended, has no
counterpart there: to leave it out costs LEFT_OUT for the step of a frame. B is cut into cells, CELLS for
the step of linear time. Between its frames its features change linearly, and d is the exact squared
distance to that. The best path over cells is smoothed a little, so that its moments fall between cells too.
"""

# A B frames of the videos, G cells of B, S slopes, D features

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.align.features import DescribedVideo, Floats

STIFFNESS = 0.2
CELLS = 4
STEEPEST = 4  # times the slope of linear time
LEFT_OUT = 0.02
SMOOTH = 1.5  # frames of A, deviation

Path = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimeMap:
    """Which moment of B belongs to a moment of A: linear between knots; beyond them it stays."""

    a_s: Path
    """(A,) ascending."""
    b_s: Path
    """(A,) never descending."""

    def __call__(self, moments_s: Path) -> Path:
        """Moments of A to moments of B."""
        return np.interp(moments_s, self.a_s, self.b_s)


def align(a: DescribedVideo, b: DescribedVideo) -> TimeMap:
    """The map from A to B."""
    cells = CELLS * (len(a.times_s) - 1) + 1
    place_G = np.linspace(0, len(b.times_s) - 1, cells)
    cost_AG = between_frames(a.features_FD, b.features_FD, place_G)
    cost_AG /= max(float(np.median(cost_AG)), 1e-9)
    path_A = cheapest_path(cost_AG, STIFFNESS)
    # The better features fit, the more they are to be trusted against an even pace.
    misfit = float(np.median(cost_AG[np.arange(len(path_A)), path_A]))
    path_A = cheapest_path(cost_AG, min(misfit, 1.0) * STIFFNESS)
    path_A = smoothed_path(path_A.astype(np.float64), SMOOTH)
    frame_A = path_A * (len(b.times_s) - 1) / (cells - 1)
    return TimeMap(a.times_s, np.interp(frame_A, np.arange(len(b.times_s)), b.times_s))


def between_frames(a_AD: Floats, b_BD: Floats, place_G: Path) -> Floats:
    """(A, G) squared distances to what lies at places between the frames of B, linearly."""
    squared_AB = np.square(a_AD).sum(1)[:, None] + np.square(b_BD).sum(1) - 2 * a_AD @ b_BD.T
    before_G = np.minimum(place_G.astype(int), len(b_BD) - 2)
    share_G = (place_G - before_G).astype(np.float32)
    chord_G = np.square(np.diff(b_BD, axis=0)).sum(1)[before_G]
    mixed_AG = squared_AB[:, before_G] * (1 - share_G) + squared_AB[:, before_G + 1] * share_G
    return mixed_AG - share_G * (1 - share_G) * chord_G


def cheapest_path(cost_AG: Floats, stiffness: float) -> NDArray[np.intp]:
    """(A,) cells of the path of least cost that never goes back.

    Args:
        cost_AG: of being at a cell at a frame; G - 1 is CELLS times A - 1.
        stiffness: weight of slopes unlike that of linear time.
    """
    frames, cells = cost_AG.shape
    slopes_S = np.arange(CELLS * STEEPEST + 1)
    # Half a cell more, as slope 0 has no logarithm.
    penalty_S1 = stiffness * np.log2((slopes_S + 0.5) / (CELLS + 0.5))[:, None] ** 2
    came = np.zeros((frames, cells), np.int8)
    left_out_G = (LEFT_OUT / CELLS * np.arange(cells)).astype(np.float32)
    total_G = cost_AG[0] + left_out_G
    room = np.full(slopes_S[-1], np.inf, np.float32)
    for n in range(1, frames):
        # Row s: what it costs to come from s cells before.
        windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([room, total_G]), cells)[::-1]
        coming_SG = windows + penalty_S1
        coming_SG[0, [0, -1]] = total_G[[0, -1]] + LEFT_OUT
        came[n] = coming_SG.argmin(0)
        total_G = coming_SG.min(0) + cost_AG[n]
    path = np.full(frames, int(np.argmin(total_G + left_out_G[::-1])))
    for n in range(frames - 1, 0, -1):
        path[n - 1] = path[n] - came[n, path[n]]
    return path


def smoothed_path(path_A: Path, deviation: float) -> Path:
    """Gaussian means; about its ends the path is continued by its own half turn, so that they stay."""
    reach = min(round(4 * deviation), len(path_A) - 1)
    weight = np.exp(-((np.arange(-reach, reach + 1) / deviation) ** 2) / 2)
    before, after = 2 * path_A[0] - path_A[reach:0:-1], 2 * path_A[-1] - path_A[-2 : -reach - 2 : -1]
    smooth_A = np.convolve(np.concatenate([before, path_A, after]), weight / weight.sum(), "valid")
    return smooth_A.astype(np.float64)
