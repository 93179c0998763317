"""Cuts between shots, found while the film streams past."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

CELLS = 16  # the picture is compared as a CELLS x CELLS mosaic
CUT_DIFFERENCE = 12.0  # mean absolute difference of mosaics, grey levels, that a cut reaches at least
CUT_RATIO = 5.0  # and by how much it sticks out of the frames before
MEMORY = 12  # frames


class CutDetector:
    """Tells, frame by frame, whether a new shot begins.

    A cut changes the whole picture at once: the difference to the frame before is large, large
    against what the last frames did (so that fast motion and shaking cameras pass), and the
    picture did not merely brighten (so that flashes pass). The mosaic makes it blind to detail.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._recent: deque[float] = deque(maxlen=MEMORY)

    def is_cut(self, luma_HW: NDArray[np.uint8]) -> bool:
        """True when this frame is the first of a new shot; call once for each frame in order."""
        mosaic = _mosaic(luma_HW)
        last, self._last = self._last, mosaic
        if last is None:
            return False
        # Contrast left after an even change of light is what a flash or a fade cannot explain.
        difference = float(np.abs((mosaic - mosaic.mean()) - (last - last.mean())).mean())
        usual = float(np.median(self._recent)) if self._recent else 0.0
        cut = difference > max(CUT_DIFFERENCE, CUT_RATIO * usual)
        if cut:
            self._recent.clear()
        else:
            self._recent.append(difference)
        return cut


def _mosaic(luma_HW: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean grey level of CELLS x CELLS rectangles that cover the picture."""
    height, width = luma_HW.shape
    rows = np.unique(np.arange(CELLS) * height // CELLS)
    columns = np.unique(np.arange(CELLS) * width // CELLS)
    sums = np.add.reduceat(np.add.reduceat(luma_HW.astype(np.float32), rows, 0), columns, 1)
    tall, wide = np.diff(rows, append=height), np.diff(columns, append=width)
    return (sums / (tall[:, None] * wide[None])).astype(np.float32)
