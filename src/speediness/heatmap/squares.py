"""A network that is asked what each place of the frame says.

Paper (§5.5): the absolute class activation map of the whole frame shows which regions drive the
prediction, and with its sign which part plays at which speed. So it is here with the first, at the
network's own size and at twice that. But the sign of the small network's maps tells of one place much
that comes from others: they reach as wide as the frame, its features are those of the place that
shows them most, and motion is measured against the mean over the frame. So the network scores
squares of the video as if they were videos, as tall as the frame and half as tall, and a place gets
the mean of the squares it is in. Median AUC between halves at 1x and 2x, the 24 videos that
benchmarks/heatmap.py puts together from training clips: 0.97 by squares, 0.79 by the activation map.
"""

# P pairs of frames, H W frame size, C channels, B sequences, L frames of a sequence, S = L - 1 pairs,
# T frames of a window, W = L - T + 1 windows, h w cells

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.curve import STILL_PX
from speediness.clip import ClipSpec
from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime

MapKind = Literal["drive", "speed"]
"""drive: which regions drive the prediction (Fig. 8): the absolute class activation map. speed: which
part plays at which speed (Fig. 9): log-odds of sped up."""

CELL_PX = 8  # the network's cells
FINE = 2  # the video is looked at this many times larger than the network's own size
STEPS = 2  # squares in the length of a square


class Squares:
    """Asks a network about a frame or its squares and says how much each cell contributes.

    Attributes:
        height: cells of a map.
        width: cells of a map.

    Args:
        runtime: the network, calibrated.
        clip: what it looks at.
        frame_px: height and width of the video at a short side of FINE times the network's.
        kind: of map.
    """

    def __init__(self, runtime: Runtime, clip: ClipSpec, frame_px: tuple[int, int], kind: MapKind) -> None:
        self._network, self._clip, self._kind = runtime, clip, kind
        self._frame_px = frame_px
        # Whole cells of the coarse look, two of the fine one.
        self.height, self.width = (side // (FINE * CELL_PX) * FINE for side in frame_px)
        context = runtime.context
        if context is not None and kind == "speed":
            context += clip.n_frames - 1  # a frame's value is a mean over all windows that hold it
        self.runtime = Runtime(self._motion, self._windows, runtime.uses_frames, context)

    @property
    def region(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what the maps cover, as shares of the frame's sides."""
        (height_px, width_px), (top, left) = self._frame_px, self._corner()
        return (
            left / width_px,
            top / height_px,
            (left + self.width * CELL_PX) / width_px,
            (top + self.height * CELL_PX) / height_px,
        )

    def cut(self, pixels_HWC: Pixels) -> Pixels:
        """The middle of a frame, whole cells, continued to the sides that the network can take."""
        top, left = self._corner()
        height, width = self.height * CELL_PX, self.width * CELL_PX
        middle = pixels_HWC[top : top + height, left : left + width]
        return np.pad(middle, ((0, -height % (32 * FINE)), (0, -width % (32 * FINE)), (0, 0)), "edge")

    def _corner(self) -> tuple[int, int]:
        height_px, width_px = self._frame_px
        return (height_px - self.height * CELL_PX) // 2, (width_px - self.width * CELL_PX) // 2

    def _motion(self, before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        """(P, 8, h, w): four channels of the fine look, four of the coarse one, repeated."""
        fine = self._network.motion(before_PHWC, after_PHWC)[..., : self.height, : self.width]
        coarse = self._network.motion(_coarse(before_PHWC), _coarse(after_PHWC))
        coarse = coarse[..., : self.height // FINE, : self.width // FINE]
        return np.concatenate([fine, coarse.repeat(FINE, -2).repeat(FINE, -1)], 1)

    def _windows(self, clips: Pixels | None, flow_grid_BS8hw: Floats, intervals_BS: Floats) -> Outputs:
        """Maps (B, L, 2, h, w): the kind asked for, what moves; logits of the coarse look."""
        look = self._whole if self._kind == "drive" else self._by_squares
        small = None if clips is None else _coarse(clips)
        coarse = look(small, flow_grid_BS8hw[:, :, 4:, ::FINE, ::FINE], intervals_BS)
        fine = look(clips, flow_grid_BS8hw[:, :, :4], intervals_BS)
        moving = self._moving(flow_grid_BS8hw[:, :, 2], intervals_BS)
        cam = np.stack([(_twice(coarse.cam) + fine.cam) / 2, moving], 2, dtype=np.float32)
        return coarse._replace(cam=cam)

    def _whole(self, clips: Pixels | None, flow_grid_BS4hw: Floats, intervals_BS: Floats) -> Outputs:
        """The absolute class activation map of the frame."""
        outputs = self._network.windows(clips, np.ascontiguousarray(flow_grid_BS4hw), intervals_BS)
        height, width = flow_grid_BS4hw.shape[-2:]
        # Frames are continued to sides that the network can take, cells are not.
        sides = (height, width) if clips is None else [side // CELL_PX for side in clips.shape[2:4]]
        rows, columns = (
            np.arange(cells) * length // side
            for cells, length, side in zip((height, width), outputs.cam.shape[-2:], sides, strict=True)
        )
        return outputs._replace(cam=np.abs(outputs.cam[..., rows[:, None], columns]))

    def _by_squares(self, clips: Pixels | None, flow_grid_BS4hw: Floats, intervals_BS: Floats) -> Outputs:
        """Log-odds: mean over the squares around each cell, those in whose middle it lies first of all."""
        n_sequences, n_pairs, _, height, width = flow_grid_BS4hw.shape
        side = self._clip.size_px // CELL_PX
        weights = np.outer(slope(side), slope(side))
        total = np.zeros((n_sequences, n_pairs + 1, height, width), np.float32)
        weight = np.zeros((height, width), np.float32)
        logits, flow = [], []
        squares = list(_squares(height, width, side))
        # All in one call, which an engine divides as suits it; but frames are large.
        at_once = len(squares) if clips is None else 1
        for i in range(0, len(squares), at_once):
            some = squares[i : i + at_once]
            part = None
            if clips is not None:
                part = np.concatenate([clips[:, :, _px(rows), _px(columns)] for rows, columns in some])
            cells = np.concatenate([flow_grid_BS4hw[..., rows, columns] for rows, columns in some])
            outputs = self._network.windows(part, cells, np.tile(intervals_BS, (len(some), 1)))
            for (rows, columns), log_odds_BL in zip(
                some, np.split(self._log_odds(outputs), len(some)), strict=True
            ):
                total[..., rows, columns] += weights * log_odds_BL[..., None, None]
                weight[rows, columns] += weights
            logits += np.split(outputs.logits, len(some))
            flow += np.split(outputs.flow, len(some))
        no_features = np.empty((n_sequences, n_pairs + 1, 0), np.float32)
        cam = np.divide(total, weight, dtype=np.float32)
        return Outputs(np.mean(logits, 0), np.mean(flow, 0), no_features, cam)

    def _log_odds(self, outputs: Outputs) -> Floats:
        """(B, L) of sped up: means over the windows around each frame, near middles first."""
        # Where nothing moves there is no answer, as the curve has it.
        peak_BW = outputs.flow[..., 1] ** 2
        log_odds_BW = (outputs.logits[..., 1] - outputs.logits[..., 0]) * peak_BW / (peak_BW + STILL_PX**2)
        near_T = slope(self._clip.n_frames)
        sums_BL = np.stack([np.convolve(log_odds_W, near_T) for log_odds_W in log_odds_BW])
        weights_L = np.convolve(np.ones(log_odds_BW.shape[1], np.float32), near_T)
        return np.divide(sums_BL, weights_L, dtype=np.float32)

    def _moving(self, length_BShw: Floats, intervals_BS: Floats) -> Floats:
        """(B, L, h, w) from 0 for what stands still to 1."""
        per_interval_BS = np.float32(64 / self._clip.size_px / FINE) / np.maximum(intervals_BS, 0.25)
        moves = np.square(length_BShw * per_interval_BS[:, :, None, None], dtype=np.float32)
        moves = np.concatenate([moves, moves[:, -1:]], 1)
        return np.divide(moves, moves + STILL_PX**2, dtype=np.float32)


def slope(length: int) -> Floats:
    """(length,) weights by which what is said of a stretch counts along it: its middle most."""
    return np.minimum(np.arange(length) + 1, length - np.arange(length)).astype(np.float32)


def _squares(height: int, width: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Overlapping squares that cover a frame, in cells."""
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


def _twice(cam: Floats) -> Floats:
    """(.., h, w) to (.., 2 h, 2 w), linear in between."""
    for axis in (-2, -1):
        cam = np.moveaxis(cam, axis, -1)
        padded = np.concatenate([cam[..., :1], cam, cam[..., -1:]], -1)
        pair = np.stack([3 * cam + padded[..., :-2], 3 * cam + padded[..., 2:]], -1, dtype=np.float32)
        cam = np.moveaxis(pair.reshape(*cam.shape[:-1], -1) / np.float32(4), -1, axis)
    return cam
