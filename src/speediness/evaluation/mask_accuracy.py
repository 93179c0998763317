"""How well a mask covers an object, by the measures of DAVIS (Perazzi et al. 2016, section 5).

J, region similarity: what both cover over what either covers. F, contour accuracy: precision and recall of
contour pixels, met where the other contour passes within 0.008 of the frame's diagonal.
"""

# H W frame size, T frames

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from speediness.propagate.mask_files import Labels

Mask = NDArray[np.bool_]
"""(H, W), of one object."""

TOLERANCE = 0.008  # of the diagonal


def region_similarity(found_HW: Mask, true_HW: Mask) -> float:
    """J, 0..1; 1 where both are empty."""
    either = np.count_nonzero(found_HW | true_HW)
    return np.count_nonzero(found_HW & true_HW) / either if either else 1.0


def contour_accuracy(found_HW: Mask, true_HW: Mask) -> float:
    """F, 0..1, the harmonic mean of precision and recall; 1 where neither has a contour."""
    contours = contour(found_HW), contour(true_HW)
    counts = [np.count_nonzero(one) for one in contours]
    if not any(counts):
        return 1.0
    if not all(counts):
        return 0.0
    reach = math.ceil(TOLERANCE * math.hypot(*found_HW.shape))
    offsets = np.arange(-reach, reach + 1)
    disk = (offsets[:, None] ** 2 + offsets**2 <= reach**2).astype(np.uint8)
    near = [cv2.dilate(one.astype(np.uint8), disk) > 0 for one in contours]
    precision = np.count_nonzero(contours[0] & near[1]) / counts[0]
    recall = np.count_nonzero(contours[1] & near[0]) / counts[1]
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def contour(mask_HW: Mask) -> Mask:
    """Pixels unlike the one at the right, below, or diagonally below; past the edge all is alike."""
    more = np.pad(mask_HW, ((0, 1), (0, 1)), mode="edge")
    return (mask_HW != more[:-1, 1:]) | (mask_HW != more[1:, :-1]) | (mask_HW != more[1:, 1:])


def mask_accuracy(found: Sequence[Labels], true: Sequence[Labels]) -> tuple[float, float]:
    """Mean J and F over the objects of the first frame and all of T frames but the first and the last.

    So DAVIS 2017 counts: the first frame is given, the last often lacks the object.
    """
    objects = [number for number in np.unique(true[0]) if number]
    scores = [
        (
            region_similarity(one == number, other == number),
            contour_accuracy(one == number, other == number),
        )
        for one, other in zip(found[1:-1], true[1:-1], strict=True)
        for number in objects
    ]
    j, f = np.mean(scores, 0)
    return float(j), float(f)
