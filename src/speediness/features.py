"""How things move in a film, window by window: what search compares (SpeedNet §5.4.2)."""

# N windows, D features

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MotionFeatures:
    """The features from which the network judges speed: maximum over space, mean over time.

    Paper: 1024-D, of S3D-G. Here: of the network that is asked, 96-D for speednet-small.
    """

    times_s: NDArray[np.float64]
    """(N,) middles of the windows, ascending; one a reference interval in each shot."""
    vectors: NDArray[np.float16]
    """(N, D) 0 or more."""
    motion: NDArray[np.float32]
    """(N,) mean flow in pixels per reference interval at short side 64."""
    window_s: float
    """Seconds of film in a window."""
    shot_starts_s: tuple[float, ...]
    """When the shots begin; no window looks across."""
    duration_s: float
    """End of the film's last frame."""
