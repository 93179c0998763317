"""Cuts between shots, found while the video streams past."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.border import Border, BorderFinder

CELLS = 16  # the frame is compared as a CELLS x CELLS mosaic
UNLIKE = 0.45  # 1 - correlation of neighbouring mosaics that a cut reaches at least
STANDING_OUT = 3.0  # and by how much it exceeds both the last frame's and the usual
MIN_CONTRAST = 3.0  # grey levels; darker or plainer frames correlate at random
MEMORY = 12  # frames
MIN_MEMORY = 3  # frames; nothing stands out before there is something to stand out from


class CutDetector:
    """Tells, frame by frame, whether a new shot begins.

    At a cut a frame stops resembling the one before, all at once: their correlation falls,
    far more than it did in the last frames (so that fast motion and shaking cameras pass). Being
    a correlation it does not mind changes of light (so that flashes and fades pass); on a mosaic
    it does not mind detail. Bars around the frame are left out: they resemble themselves.
    """

    def __init__(self) -> None:
        self.border = Border()
        """Bars around the latest frames, in pixels of the frames that are given."""
        self._border_finder = BorderFinder()
        self._last_HW: NDArray[np.uint8] | None = None
        self._recent: deque[float] = deque(maxlen=MEMORY)

    def is_cut(self, luma_HW: NDArray[np.uint8]) -> bool:
        """True when this frame is the first of a new shot; call once for each frame in order."""
        self.border = self._border_finder.add(luma_HW)
        last_HW, self._last_HW = self._last_HW, luma_HW
        if last_HW is None:
            return False
        here, last = (_mosaic(self.border.inside(image_HW)) for image_HW in (luma_HW, last_HW))
        here, last = here - here.mean(), last - last.mean()
        contrast, contrast_before = float(here.std()), float(last.std())
        if min(contrast, contrast_before) < MIN_CONTRAST:
            # Nothing to compare; but a scene does not grow out of the dark in one frame.
            return max(contrast, contrast_before) > 5 * MIN_CONTRAST
        unlike = 1 - float((here * last).mean()) / (contrast * contrast_before)
        # Cuts are remembered too, so that a strobe or a sliding pattern soon passes for usual.
        cut = False
        if len(self._recent) >= MIN_MEMORY:
            usual = max(float(np.median(self._recent)), self._recent[-1])
            cut = unlike > max(UNLIKE, STANDING_OUT * usual)
        self._recent.append(unlike)
        return cut


def _mosaic(luma_HW: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean grey level of CELLS x CELLS rectangles that cover the frame."""
    height, width = luma_HW.shape
    rows = np.unique(np.arange(CELLS) * height // CELLS)
    columns = np.unique(np.arange(CELLS) * width // CELLS)
    sums = np.add.reduceat(np.add.reduceat(luma_HW.astype(np.float32), rows, 0), columns, 1)
    tall, wide = np.diff(rows, append=height), np.diff(columns, append=width)
    return (sums / (tall[:, None] * wide[None])).astype(np.float32)
