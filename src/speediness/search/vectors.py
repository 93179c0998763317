"""Features as unit vectors, whose dot product is the cosine of the angle between them."""

# N windows, D features

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speediness.features import MotionFeatures

SPACING_S = 0.5
"""A library holds a vector every so many seconds of a shot."""

TOLERANCE_S = 1e-3  # of times that rounding has moved


def unit_vectors(features: MotionFeatures) -> NDArray[np.float32]:
    """Vectors (N, D) of length 1; of length 0 where the network saw nothing to tell apart."""
    vectors_ND = features.vectors.astype(np.float32)
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return np.divide(vectors_ND, np.where(lengths_N1 > 0, lengths_N1, 1), dtype=np.float32)


def spaced(features: MotionFeatures, spacing_s: float = SPACING_S) -> NDArray[np.int64]:
    """Numbers of the windows that are ``spacing_s`` apart in each shot, its first one included."""
    shots = shots_of(features)
    since_s = features.times_s - features.times_s[_firsts(shots)]
    steps = np.floor((since_s + TOLERANCE_S) / spacing_s).astype(np.int64)
    return np.unique(np.stack([shots, steps], 1), axis=0, return_index=True)[1].astype(np.int64)


def spans_s(features: MotionFeatures) -> NDArray[np.float64]:
    """(N, 2) when each window starts and ends, inside its shot."""
    starts_s = np.array(features.shot_starts_s)
    ends_s = np.append(starts_s[1:], features.duration_s)
    shots = shots_of(features)
    half_s = features.window_s / 2
    return np.stack(
        [
            np.maximum(features.times_s - half_s, starts_s[shots]),
            np.minimum(features.times_s + half_s, ends_s[shots]),
        ],
        1,
    )


def shots_of(features: MotionFeatures) -> NDArray[np.int64]:
    """(N,) number of the shot each window is in."""
    found = np.searchsorted(np.array(features.shot_starts_s), features.times_s + TOLERANCE_S, "right") - 1
    return np.maximum(found, 0).astype(np.int64)


def _firsts(shots: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) for each window the number of the first one in its shot."""
    return np.searchsorted(shots, shots, "left")
