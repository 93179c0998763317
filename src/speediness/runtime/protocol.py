"""A network as the product calls it, whatever engine runs it."""

# P pairs, N frames of the scene, B sequences, L bins of a sequence, T frames or bins of a window,
# W = L - T + 1 windows, D features, H W frame size, C channels, h w cells

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

BOUNDARY = 0.5
"""log2 of the rate at which 1x and 2x, the two classes of the paper, are equally likely."""

LOG_VARIANCE_RANGE = (-4.0, 3.0)


class Outputs(NamedTuple):
    """What a network says of every window of T neighbours in sequences."""

    rate: Floats
    """(B, W, 2) mean and log variance of log2 of the playback rate."""
    features: Floats
    """(B, L', D) maximum over space; the head is given their mean over a window (SpeedNet §3.2)."""
    cam: Floats
    """(B, L', h, w) class activation map: how much each place speaks for a higher rate (§5.5)."""


class ClassifyMotion(Protocol):
    """Sequences of motion to what the network says of them; one shorter than T is a window by itself."""

    def __call__(
        self, motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        """See :meth:`speediness.models.speednet.SpeedNet.classify`."""
        ...


@dataclass(frozen=True)
class Runtime:
    """A network that sees motion, or one that sees frames: exactly one of the two is there."""

    measure: Callable[[Pixels, Pixels], Floats] | None = None
    """Luma frames (P, H, W, 1) and their followers to motion (P, 4, h, w), see
    :class:`speediness.models.motion.MotionCells`."""
    classify: ClassifyMotion | None = None
    see: Callable[[Pixels], Floats] | None = None
    """RGB frames (N, H, W, 3) to what a network that sees motion is told of the scene (N, K, h, w);
    None: nothing."""
    classify_clips: Callable[[Pixels], Outputs] | None = None
    """Clips (B, T, H, W, C) of a network that sees frames, a window each."""


def log_odds(rate: NDArray[np.floating]) -> NDArray[np.floating]:
    """Log-odds (..) of 2x against 1x, from means and log variances (.., 2) of log2 of the rate."""
    return (rate[..., 0] - BOUNDARY) / np.exp(rate[..., 1])


def windows(rate_BL2: Floats, length: int) -> Floats:
    """(B, L - length + 1, 2) answers to windows of so many bins, from those to every bin."""
    rate_BW2 = mean_over_windows(rate_BL2, length, axis=1)
    rate_BW2[..., 1] = rate_BW2[..., 1].clip(*LOG_VARIANCE_RANGE)
    return rate_BW2


def mean_over_windows(values: Floats, length: int, axis: int = 0) -> Floats:
    """Moving means along an axis, which becomes shorter by ``length - 1``."""
    first = np.moveaxis(values, axis, 0).astype(np.float64)
    sums = np.concatenate([np.zeros_like(first[:1]), np.cumsum(first, 0)])
    return np.moveaxis((sums[length:] - sums[:-length]) / length, 0, axis).astype(np.float32)
