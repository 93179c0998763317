"""Which way up a stored frame is to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a frame down: transposed first, then mirrored."""

    transposed: bool = False
    """Rows become columns."""
    flip_x: bool = False
    """Left and right are swapped, after transposing."""
    flip_y: bool = False
    """Top and bottom are swapped, after transposing."""

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn from stored to upright: 0, 90, 180 or 270 (before any mirroring)."""
        if self.transposed:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    def upright(self, pixels_HW: NDArray) -> NDArray:
        """A view of ``(H, W, ...)`` pixels the right way up; ``(W, H, ...)`` when transposed."""
        if self.transposed:
            pixels_HW = pixels_HW.swapaxes(0, 1)
        rows = slice(None, None, -1 if self.flip_y else None)
        columns = slice(None, None, -1 if self.flip_x else None)
        return pixels_HW[rows, columns]

    @classmethod
    def of_matrix(cls, matrix: Sequence[int]) -> Orientation:
        """From a display matrix ``a b u c d v x y w``; one that is no quarter turn gives the nearest.

        The matrix (ISO 14496-12 §8.3.2, as FFmpeg hands it on) sends a stored point (p, q) to
        (a p + c q, b p + d q), y pointing down.
        """
        a, b, _, c, d = (int(value) for value in matrix[:5])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @classmethod
    def of_frame(cls, frame: av.VideoFrame) -> Orientation:
        """From the display matrix that comes with a decoded frame, as stored if none does."""
        side_data: Any = frame.side_data.get("DISPLAYMATRIX")
        return cls() if side_data is None else cls.of_matrix(np.frombuffer(side_data, np.int32).tolist())
