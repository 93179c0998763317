"""Static borders of a video: black bars above, below and beside what was recorded."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 12  # grey levels between the darkest and the brightest pixel of a bar, over time
MEMORY = 100  # frames; bars that were different before two of these are forgotten
MIN_CONTENT = 0.25  # of the height or width; what leaves less is no bar (9:16 within 16:9 leaves 0.32)


class Border(NamedTuple):
    """Rows and columns of plain colour at the edges of the frame, in pixels."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def inside(self, image_HW: NDArray) -> NDArray:
        """A view of the image, (H, W) or (H, W, C), without the border."""
        height, width = image_HW.shape[:2]
        return image_HW[self.top : height - self.bottom, self.left : width - self.right]


class BorderFinder:
    """Finds, frame by frame, the rows and columns that had one colour in all recent frames.

    A bar must have had the same colour, within ``TOLERANCE``, in every pixel of the last ``MEMORY``
    frames or more. So a dark sky is taken for a bar only until something moves there.
    """

    def __init__(self) -> None:
        self._rows_BEH: NDArray[np.int16] | None = None  # 2 blocks of frames, 2 extremes, rows
        self._columns_BEW: NDArray[np.int16] | None = None
        self._n_frames = 0  # of the present block, the first

    def add(self, luma_HW: NDArray[np.uint8]) -> Border:
        """The border of all recent frames, this one included; all frames have one size."""
        rows = np.stack([luma_HW.min(1), luma_HW.max(1)]).astype(np.int16)
        columns = np.stack([luma_HW.min(0), luma_HW.max(0)]).astype(np.int16)
        if self._rows_BEH is None or self._columns_BEW is None:
            self._rows_BEH, self._columns_BEW = np.stack([rows, rows]), np.stack([columns, columns])
        elif self._n_frames == MEMORY:
            self._rows_BEH = np.stack([rows, self._rows_BEH[0]])
            self._columns_BEW = np.stack([columns, self._columns_BEW[0]])
            self._n_frames = 0
        for kept, new in ((self._rows_BEH, rows), (self._columns_BEW, columns)):
            kept[0, 0] = np.minimum(kept[0, 0], new[0])
            kept[0, 1] = np.maximum(kept[0, 1], new[1])
        self._n_frames += 1
        return Border(*_bars(self._rows_BEH), *_bars(self._columns_BEW))


def _bars(extremes_BEL: NDArray[np.int16]) -> tuple[int, int]:
    """Lines at either end whose pixels all have one colour."""
    low_L, high_L = extremes_BEL[:, 0].min(0), extremes_BEL[:, 1].max(0)
    first, last = (
        int((np.maximum.accumulate(high) - np.minimum.accumulate(low) <= TOLERANCE).sum())
        for low, high in ((low_L, high_L), (low_L[::-1], high_L[::-1]))
    )
    return (first, last) if len(low_L) - first - last >= MIN_CONTENT * len(low_L) else (0, 0)
