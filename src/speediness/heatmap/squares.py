"""A network that is asked what each place of the frame says, while a shot is scored.

Paper (§5.5): the absolute class activation map of the whole frame shows which regions drive the
prediction, and with its sign which part plays at which speed. So it is here with the first, at the
network's own size and at twice that. But the sign of the small network's maps tells of one place much
that comes from others: they reach as wide as the frame, its features are those of the place that
shows them most, and motion is measured against the mean over the frame. So the network scores
squares of the video as if they were videos, as tall as the frame and half as tall, and a place gets
the mean of the squares it is in.
"""

# B sequences or clips, L bins, T frames of a clip, W windows, N frames of the scene, K its channels,
# Q squares, H W frame size, C channels, h w cells

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.analyse import STILL_PX
from speediness.analysis.shot import REPORTED_PX
from speediness.clip import ClipSpec
from speediness.motion_field import REFERENCE_PX
from speediness.runtime.protocol import Floats, Indices, Outputs, Pixels, Runtime, log_odds

MapKind = Literal["drive", "speed"]
"""drive: which regions drive the prediction (Fig. 8): the absolute class activation map. speed: which
part plays at which speed (Fig. 9): log-odds of sped up."""

FINE = 2  # the video is looked at this many times larger than the network's own size
CELL_PX = 8  # of a map's cell, in the frames that :attr:`Squares.clip` asks for
STEPS = 2  # squares in the length of a square
STILL_LEVELS = 2.0  # change of grey that counts as motion half, for networks that see frames


class ShotMaps(NamedTuple):
    """What a network says of the places of a shot, at every bin, or for every clip that it is shown."""

    maps_Lhw: NDArray[np.float16]
    """Log-odds, see :data:`MapKind`."""
    moving_Lhw: NDArray[np.float16]
    """0 where nothing moves to 1."""


class Squares:
    """Stands in for a network while a shot is scored, and keeps what it says of each place.

    A network that sees motion is asked twice: about the frame and about it enlarged FINE times, of which
    a square has a quarter of the frame's area. One that sees frames is asked once: about the frame as it
    is (drive), or about squares half as tall as the frame (speed).

    Attributes:
        runtime: what to score a shot with, at factor 1.
        clip: how large the frames are that it is to be given.

    Args:
        runtime: the network, calibrated.
        clip: what it looks at.
        kind: of map.
    """

    def __init__(self, runtime: Runtime, clip: ClipSpec, kind: MapKind) -> None:
        self._network, self._clip, self._kind = runtime, clip, kind
        self._maps: list[NDArray[np.float16]] = []
        self._moving: list[NDArray[np.float16]] = []
        if runtime.measure is None:
            self.runtime = Runtime(classify_clips=self._classify_clips)
        else:
            self.runtime = Runtime(runtime.measure, self._classify, runtime.see)
        enlarged = FINE if runtime.measure is not None or kind == "speed" else 1
        self.clip = replace(clip, size_px=enlarged * clip.size_px)

    def take(self) -> ShotMaps | None:
        """The maps of the shot that was scored last; None: it is too short for a window."""
        if not self._maps:
            return None
        maps, moving = np.concatenate(self._maps), np.concatenate(self._moving)
        self._maps, self._moving = [], []
        lacking = len(moving) - len(maps)
        if self._kind == "drive":  # the bins at the ends are context, and have none of their own
            maps = np.pad(maps, ((lacking // 2,) * 2, (0, 0), (0, 0)), "edge")
        else:
            maps = spread(maps, lacking + 1)
        return ShotMaps(maps, moving)

    def _classify(
        self, motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        """A single sequence of the fine cells."""
        *others, height, width = motion_BL4hw.shape
        coarse = motion_BL4hw.reshape(*others, height // FINE, FINE, width // FINE, FINE).mean((-3, -1))
        # What moves moves farther in an enlarged frame.
        fine = motion_BL4hw * np.array([FINE, FINE, FINE, 1], np.float32)[:, None, None]
        look = self._whole if self._kind == "drive" else self._by_squares
        outputs, maps = look(coarse, 1, scene_NKhw, scene_BL)
        maps = (maps + look(fine, FINE, scene_NKhw, scene_BL)[1]) / 2
        # A sequence begins with the bins of the last one that its first window takes in.
        known = self._clip.n_frames - 1 if self._moving else 0
        lacking = coarse.shape[1] - len(maps)
        self._maps.append(maps[max(known - lacking, 0) :].astype(np.float16))
        moved_px = coarse[0, known:, 2] * np.float32(REPORTED_PX / REFERENCE_PX)
        self._moving.append(_share_moving(moved_px, STILL_PX))
        return Outputs(*(part[:1] for part in outputs))

    def _whole(
        self, cells_1L4hw: Floats, enlarged: int, scene_NKhw: Floats | None, scene_1L: Indices | None
    ) -> tuple[Outputs, Floats]:
        """The absolute class activation map (L', h, w) of the frame."""
        assert self._network.classify is not None
        outputs = self._network.classify(cells_1L4hw, scene_NKhw, scene_1L)
        height, width = cells_1L4hw.shape[-2:]
        return outputs, resized(np.abs(outputs.cam[0]), (height // enlarged, width // enlarged))

    def _by_squares(
        self, cells_1L4hw: Floats, enlarged: int, scene_NKhw: Floats | None, scene_1L: Indices | None
    ) -> tuple[Outputs, Floats]:
        """Log-odds (W, h, w) of every window: means over the squares around each place."""
        assert self._network.classify is not None
        size = cells_1L4hw.shape[-2] // enlarged, cells_1L4hw.shape[-1] // enlarged
        squares = list(squares_of(size, self.clip.size_px // CELL_PX // enlarged))
        cells = [
            cells_1L4hw[..., _times(rows, enlarged), _times(columns, enlarged)] for rows, columns in squares
        ]
        if scene_NKhw is not None and scene_1L is not None:
            on_map, count = resized(scene_NKhw, size), len(scene_NKhw)
            scene_NKhw = np.concatenate([on_map[..., rows, columns] for rows, columns in squares])
            scene_1L = np.concatenate([scene_1L + n * count for n in range(len(squares))])
        outputs = self._network.classify(np.concatenate(cells), scene_NKhw, scene_1L)
        return outputs, painted(squares, log_odds(outputs.rate), size)

    def _classify_clips(self, clips_BTHWC: Pixels) -> Outputs:
        assert self._network.classify_clips is not None
        height, width = (side // CELL_PX for side in clips_BTHWC.shape[2:4])
        if self._kind == "drive":
            outputs = self._network.classify_clips(clips_BTHWC)
            maps = resized(np.abs(outputs.cam).mean(1), (height, width))
        else:
            squares = list(squares_of((height, width), self._clip.size_px // CELL_PX))
            asked = [
                self._network.classify_clips(
                    clips_BTHWC[:, :, _times(rows, CELL_PX), _times(columns, CELL_PX)]
                )
                for rows, columns in squares
            ]
            maps = painted(squares, [log_odds(outputs.rate[:, 0]) for outputs in asked], (height, width))
            outputs = asked[0]
        change = np.abs(np.diff(clips_BTHWC.astype(np.int16), axis=1)).mean((1, 4), dtype=np.float32)
        change = change.reshape(len(change), height, CELL_PX, width, CELL_PX).mean((2, 4))
        self._maps.append(maps.astype(np.float16))
        self._moving.append(_share_moving(change, STILL_LEVELS))
        return outputs


def slope(length: int) -> Floats:
    """(length,) weights by which what is said of a stretch counts along it: its middle most."""
    return np.minimum(np.arange(length) + 1, length - np.arange(length)).astype(np.float32)


def spread(maps_Whw: NDArray[np.float16], length: int) -> NDArray[np.float16]:
    """Maps of windows of ``length`` bins to maps of bins: means over the windows that hold them."""
    near = slope(length)
    total = np.zeros((len(maps_Whw) + length - 1, *maps_Whw.shape[1:]), np.float32)
    for first, weight in enumerate(near):
        total[first : first + len(maps_Whw)] += weight * maps_Whw
    weights_L = np.convolve(np.ones(len(maps_Whw), np.float32), near)
    return (total / weights_L[:, None, None]).astype(np.float16)


def squares_of(size: tuple[int, int], side: int) -> Iterator[tuple[slice, slice]]:
    """Overlapping squares that cover a map."""
    tops, lefts = (
        np.linspace(0, length - side, 1 + -(-(length - side) * STEPS // side)).round().astype(int).tolist()
        for length in size
    )
    for top in tops:
        for left in lefts:
            yield slice(top, top + side), slice(left, left + side)


def painted(
    squares: Sequence[tuple[slice, slice]],
    values_QW: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    size: tuple[int, int],
) -> Floats:
    """(W, h, w) for each place the mean over its squares, those in whose middle it lies first of all."""
    total, weight = np.zeros((len(values_QW[0]), *size), np.float32), np.zeros(size, np.float32)
    for (rows, columns), values_W in zip(squares, values_QW, strict=True):
        near = np.outer(slope(rows.stop - rows.start), slope(columns.stop - columns.start))
        total[:, rows, columns] += near * values_W[:, None, None]
        weight[rows, columns] += near
    return total / weight


def resized(maps: Floats, size: tuple[int, int]) -> Floats:
    """(.., h, w) maps at another size, linear in between."""
    rows, columns = (
        np.stack(
            [
                np.interp((np.arange(to) + 0.5) * have / to - 0.5, np.arange(have), one)
                for one in np.eye(have)
            ]
        )
        for have, to in zip(maps.shape[-2:], size, strict=True)
    )
    return (rows.T @ maps @ columns).astype(np.float32)


def _share_moving(motion: Floats, still: float) -> NDArray[np.float16]:
    squared = np.square(motion)
    return (squared / (squared + still**2)).astype(np.float16)


def _times(cells: slice, factor: int) -> slice:
    return slice(cells.start * factor, cells.stop * factor)
