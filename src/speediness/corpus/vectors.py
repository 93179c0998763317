"""Windows of a video as unit vectors, whose dot product is the cosine of the angle between them."""

# N moments, M windows, D features

import numpy as np
from numpy.typing import NDArray

from speediness.errors import SpeedinessError
from speediness.results.features import MotionFeatures

WINDOW_S = 2.0
"""Length of a window: features are averaged over so much video."""

SPACING_S = 0.5
"""From one window of a shot to the next."""

TOLERANCE_S = 1e-3  # of times that rounding has moved


def window_middles_s(features: MotionFeatures) -> NDArray[np.float64]:
    """(M,) middles of windows that lie inside a shot, ascending; of a shorter shot its own middle."""
    middles = []
    for start_s, end_s in features.shots_s:
        spare_s = max(end_s - start_s - WINDOW_S, 0)
        first_s = start_s + min(WINDOW_S, end_s - start_s) / 2
        middles.append(first_s + SPACING_S * np.arange(int((spare_s + TOLERANCE_S) / SPACING_S) + 1))
    return np.concatenate(middles)


def window_spans_s(features: MotionFeatures, middles_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) when the windows around some times start and end, inside their shots."""
    shots_s = features.shots_s
    starts_s, ends_s = shots_s[np.searchsorted(shots_s[1:, 0], middles_s + 1e-9, "right")].T
    halves_s = np.array([-WINDOW_S, WINDOW_S]) / 2
    return np.clip(middles_s[:, None] + halves_s, starts_s[:, None], ends_s[:, None])


def unit_vectors(
    features: MotionFeatures, middles_s: NDArray[np.float64] | None = None, length_s: float = WINDOW_S
) -> NDArray[np.float32]:
    """(M, D) vectors of length 1, or 0 where the network saw nothing to tell apart.

    Args:
        features: of a video.
        middles_s: of the windows; None: one around every moment.
        length_s: of a window.
    """
    vectors_MD = features.means(features.times_s if middles_s is None else middles_s, length_s)
    lengths_M1 = np.linalg.norm(vectors_MD, axis=1, keepdims=True)
    return np.divide(vectors_MD, np.where(lengths_M1 > 0, lengths_M1, 1), dtype=np.float32)


def query_vectors(features: MotionFeatures, start_s: float, end_s: float) -> NDArray[np.float32]:
    """(M, D) unit vectors of the windows inside a stretch of a video; of a shorter one its own.

    Raises:
        SpeedinessError: nothing is known of how things move in the video.
    """
    if not features.vectors.any():
        raise SpeedinessError("nothing is known of how things move in so short a video; give a longer one")
    middles_s = window_middles_s(features)
    spans_s = window_spans_s(features, middles_s)
    inside = (spans_s[:, 0] >= start_s - TOLERANCE_S) & (spans_s[:, 1] <= end_s + TOLERANCE_S)
    if inside.any():
        return unit_vectors(features, middles_s[inside])
    return unit_vectors(features, np.array([(start_s + end_s) / 2]), min(end_s - start_s, WINDOW_S))
