"""A network that is asked about squares of the picture instead of the whole of it.

Paper (§5.5): the class activation map of the whole picture, with its sign, shows which part plays at
which speed. Here: the small network's maps reach as wide as the picture, its features are those of
the place that shows them most, and motion is measured against the mean over the picture, so the map
of one place tells much of the others. So the network judges squares of the film as if they were
films, as tall as the picture and half as tall, and a place gets the mean of the squares it is in.
Median AUC between halves at 1x and 2x, 24 films put together from training clips: 0.88 by squares, 0.70
by the activation map. benchmarks/heatmap.py measures what ships.
"""

# P pairs of frames, H W picture, C channels, B windows, T frames, S = T - 1 pairs, h w cells

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.curve import STILL_PX
from speediness.clip import ClipSpec
from speediness.engines.judge import Answers, Floats, Judge, Pixels

Kind = Literal["drive", "speed"]
"""drive: which regions drive the prediction (Fig. 8): the absolute class activation map. speed: which
part plays at which speed (Fig. 9): log-odds of sped up."""

CELL_PX = 8  # the network's cells
FINE = 2  # the film is looked at this many times larger than the network's own size
STEPS = 2  # squares in the length of a square


class Squares:
    """Asks a network about squares and says how much each cell of the picture contributes.

    Attributes:
        height: cells of a map.
        width: cells of a map.

    Args:
        judge: the network, calibrated.
        clip: what it looks at.
        picture_px: height and width of the film at a short side of FINE times the network's.
        kind: of map.
    """

    def __init__(self, judge: Judge, clip: ClipSpec, picture_px: tuple[int, int], kind: Kind) -> None:
        self._network, self._clip, self._kind = judge, clip, kind
        self._picture_px = picture_px
        # Whole cells of the coarse look, two of the fine one.
        self.height, self.width = (side // (FINE * CELL_PX) * FINE for side in picture_px)
        self.judge = Judge(self._motion, self._windows, judge.sees_pictures)

    @property
    def region(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what the maps cover, as shares of the picture's sides."""
        (height_px, width_px), (top, left) = self._picture_px, self._corner()
        return (
            left / width_px,
            top / height_px,
            (left + self.width * CELL_PX) / width_px,
            (top + self.height * CELL_PX) / height_px,
        )

    def cut(self, pixels_HWC: Pixels) -> Pixels:
        """The middle of a picture, whole cells, continued to the sides that the network can take."""
        top, left = self._corner()
        height, width = self.height * CELL_PX, self.width * CELL_PX
        middle = pixels_HWC[top : top + height, left : left + width]
        return np.pad(middle, ((0, -height % (32 * FINE)), (0, -width % (32 * FINE)), (0, 0)), "edge")

    def _corner(self) -> tuple[int, int]:
        height_px, width_px = self._picture_px
        return (height_px - self.height * CELL_PX) // 2, (width_px - self.width * CELL_PX) // 2

    def _motion(self, before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        """(P, 8, h, w): four channels of the fine look, four of the coarse one, repeated."""
        fine = self._network.motion(before_PHWC, after_PHWC)[..., : self.height, : self.width]
        coarse = self._network.motion(_coarse(before_PHWC), _coarse(after_PHWC))
        coarse = coarse[..., : self.height // FINE, : self.width // FINE]
        return np.concatenate([fine, coarse.repeat(FINE, -2).repeat(FINE, -1)], 1)

    def _windows(self, clips: Pixels | None, cells_BS8hw: Floats, intervals_BS: Floats) -> Answers:
        """Maps (B, T, 2, h, w): the kind asked for, what moves; logits of the coarse look."""
        looks = (
            (cells_BS8hw[:, :, 4:, ::FINE, ::FINE], None if clips is None else _coarse(clips)),
            (cells_BS8hw[:, :, :4], clips),
        )
        coarse, fine = (self._look(cells, pictures, intervals_BS) for cells, pictures in looks)
        moving = self._moving(cells_BS8hw[:, :, 2], intervals_BS)
        maps = np.stack([(_twice(coarse.maps) + fine.maps) / 2, moving], 2, dtype=np.float32)
        return coarse._replace(maps=maps)

    def _look(self, cells_BS4hw: Floats, clips: Pixels | None, intervals_BS: Floats) -> Answers:
        """Mean over the squares around each cell, those in whose middle it lies first of all."""
        height, width = cells_BS4hw.shape[-2:]
        side = self._clip.size_px // CELL_PX
        slope = np.minimum(np.arange(side) + 1, side - np.arange(side)).astype(np.float32)
        weights = np.outer(slope, slope)
        total = np.zeros((len(cells_BS4hw), self._clip.n_frames, height, width), np.float32)
        weight = np.zeros((height, width), np.float32)
        sums_2B12 = np.zeros((2, len(cells_BS4hw), 1, 2), np.float32)
        squares = list(_squares(height, width, side))
        for rows, columns in squares:
            part = None
            if clips is not None:
                part = np.ascontiguousarray(clips[:, :, _px(rows), _px(columns)])
            cells = np.ascontiguousarray(cells_BS4hw[..., rows, columns])
            logits, flow, _, maps = self._network.windows(part, cells, intervals_BS)
            sums_2B12 += (logits, flow)
            if self._kind == "speed":
                # Where nothing moves there is no answer, as the curve has it.
                peak_B = flow[:, 0, 1] ** 2
                log_odds_B = (logits[:, 0, 1] - logits[:, 0, 0]) * peak_B / (peak_B + STILL_PX**2)
                values = log_odds_B[:, None, None, None]
            else:
                at = np.arange(side) * maps.shape[-1] // side
                values = np.abs(maps[..., at[:, None], at])
            total[..., rows, columns] += weights * values
            weight[rows, columns] += weights
        logits_B12, flow_B12 = sums_2B12 / np.float32(len(squares))
        no_features = np.empty((len(cells_BS4hw), self._clip.n_frames, 0), np.float32)
        return Answers(logits_B12, flow_B12, no_features, np.divide(total, weight, dtype=np.float32))

    def _moving(self, length_BShw: Floats, intervals_BS: Floats) -> Floats:
        """(B, T, h, w) from 0 for what stands still to 1."""
        per_interval_BS = np.float32(64 / self._clip.size_px / FINE) / np.maximum(intervals_BS, 0.25)
        moves = np.square(length_BShw * per_interval_BS[:, :, None, None], dtype=np.float32)
        moves = np.concatenate([moves, moves[:, -1:]], 1)
        return np.divide(moves, moves + STILL_PX**2, dtype=np.float32)


def _squares(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Overlapping squares that cover a picture, in cells."""
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield slice(top, top + side), slice(left, left + side)


def _starts(length: int, side: int) -> NDArray[np.int64]:
    count = 1 + -(-(length - side) * STEPS // side)
    return np.linspace(0, length - side, count).round().astype(np.int64)


def _px(cells: slice) -> slice:
    return slice(cells.start * CELL_PX, cells.stop * CELL_PX)


def _coarse(pixels_HWC: Pixels) -> Pixels:
    """(.., H, W, C) pixels at 1 / FINE of their size: means of squares."""
    *others, height, width, channels = pixels_HWC.shape
    shape = (*others, height // FINE, FINE, width // FINE, FINE, channels)
    sums = pixels_HWC.reshape(shape).sum((-4, -2), dtype=np.uint16)
    return ((sums + FINE * FINE // 2) // (FINE * FINE)).astype(np.uint8)


def _twice(maps: Floats) -> Floats:
    """(.., h, w) to (.., 2 h, 2 w), linear in between."""
    for axis in (-2, -1):
        maps = np.moveaxis(maps, axis, -1)
        padded = np.concatenate([maps[..., :1], maps, maps[..., -1:]], -1)
        pair = np.stack([3 * maps + padded[..., :-2], 3 * maps + padded[..., 2:]], -1, dtype=np.float32)
        maps = np.moveaxis(pair.reshape(*maps.shape[:-1], -1) / np.float32(4), -1, axis)
    return maps
