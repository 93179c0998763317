"""How things move in a video, moment by moment: what search compares (SpeedNet §5.4.2)."""

# N moments, D features

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN_S = 10.0
"""A frame that is held for longer ends its shot: of what moves meanwhile nothing is known."""


@dataclass(frozen=True)
class MotionFeatures:
    """The features from which the network scores speed, before they are averaged over time.

    Paper: 1024-D, of S3D-G, averaged over a window of 16 frames. Here: of the network that is asked,
    96-D for speednet-small, and averaged by whoever uses them, over as long as suits.
    """

    times_s: NDArray[np.float64]
    """(N,) ascending; middles of the bins of motion, 8 a second for speednet-small."""
    vectors: NDArray[np.float16]
    """(N, D) maxima over the frame, 0 or more."""
    motion: NDArray[np.float32]
    """(N,) mean motion in pixels per bin at short side 64."""
    shot_starts_s: tuple[float, ...]
    """When the shots begin; nothing looks across."""
    duration_s: float
    """End of the video's last frame."""

    @property
    def shots_s(self) -> NDArray[np.float64]:
        """(S, 2) when shots start and end, without most of the time for which a last frame is held."""
        starts_s = np.array(self.shot_starts_s)
        ends_s = np.append(starts_s[1:], self.duration_s)
        last = np.searchsorted(self.times_s, ends_s) - 1
        known_s = np.where(last >= 0, self.times_s[np.maximum(last, 0)], -np.inf)
        return np.stack([starts_s, np.minimum(ends_s, np.maximum(known_s, starts_s) + UNKNOWN_S)], 1)

    def means(self, middles_s: NDArray[np.float64], length_s: float) -> NDArray[np.float32]:
        """(M, D) means over ``length_s`` around some times, in the shot that each is in.

        Where no moment is so near, the nearest one stands for it.
        """
        starts_s = np.array([*self.shot_starts_s, np.inf])
        shots = np.clip(np.searchsorted(starts_s, middles_s + 1e-9, "right") - 1, 0, None)
        from_s = np.maximum(middles_s - length_s / 2, starts_s[shots]) - 1e-6
        to_s = np.minimum(middles_s + length_s / 2 + 1e-6, starts_s[shots + 1] - 1e-6)
        first, end = np.searchsorted(self.times_s, from_s), np.searchsorted(self.times_s, to_s, "right")
        nearest = np.clip(np.searchsorted(self.times_s, middles_s), 0, len(self.times_s) - 1)
        first = np.where(end > first, first, nearest)
        end = np.maximum(end, first + 1)
        sums = np.zeros((len(self.vectors) + 1, self.vectors.shape[1]))
        np.cumsum(self.vectors, 0, out=sums[1:], dtype=np.float64)
        return ((sums[end] - sums[first]) / (end - first)[:, None]).astype(np.float32)
