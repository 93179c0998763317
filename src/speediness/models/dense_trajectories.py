"""Dense trajectories (Wang et al. 2013, IJCV 103): points that are followed, and what is around them.

The road without deep learning. Points on a grid of 5 pixels, at up to eight scales, are followed for 15
frames by the median of Farneback's flow around them (section 3.1). Along each track five descriptors
are taken (section 3.2): its shape; histograms of the directions of gradients (HOG), of the flow (HOF)
and of the gradients of the flow (MBH), which does not see what moves evenly, such as the background
of a camera that pans. Numbers are those of the released program. That gives the smaller part of a
direction just below 360 degrees to the second bin; here it goes to the last one.

Published with these and four times as many words or a Fisher vector: UCF101 85.9 %, HMDB51 57.2 %
(improved trajectories, which take away the motion of the camera; here they do not).
"""

# T frames, H W frame size, N tracks, L = 15 steps, K bins, D numbers of a descriptor

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LENGTH = 15  # steps of a track; it touches one frame more
GRID_PX = 5
SCALES, SCALE_STEP = 8, 2**0.5
QUALITY = 0.001  # of a point: smaller eigenvalue against the frame's largest
PATCH_PX, CELLS, SLICES = 32, 2, 3  # a patch is 2 x 2 cells, a track 3 slices of 5 frames
BINS = 8
MIN_FLOW_PX = 0.16  # what is slower has no direction and falls into HOF's ninth bin
FLOW_GRADIENT = 100.0  # flow is multiplied by this before MBH, against EPS
EPS = 0.05  # added to every bin before the L2 norm
MIN_DEVIATION_PX, MAX_DEVIATION_PX = 3**0.5, 50.0
MAX_STEP_PX, MAX_STEP_SHARE = 20.0, 0.7

SIZES = {"shape": 2 * LENGTH, "hog": 96, "hof": 108, "mbh_x": 96, "mbh_y": 96}
"""Numbers of each descriptor."""


@dataclass(frozen=True)
class Trajectories:
    """The tracks of one video; there may be none."""

    points_NL2: Array
    """(N, 16, 2) x and y in pixels of the video."""
    start_N: NDArray[np.int64]
    """Frame of the first point."""
    scale_N: NDArray[np.int64]
    """0 is the video's own size, each further one smaller by the square root of 2."""
    descriptors: Mapping[str, Array]
    """(N, D) by the names in SIZES."""

    def __len__(self) -> int:
        """N."""
        return len(self.start_N)


def dense_trajectories(luma_THW: NDArray[np.uint8]) -> Trajectories:
    """Follow points through luma frames at a constant rate, 16 or more of 32 pixels or more.

    Tracks are in the order of their scales and of their start; those that hardly move, jump or leave the
    frame are left out.
    """
    return joined([part for scale in range(SCALES) for part in _tracks(_resized(luma_THW, scale), scale)])


def joined(parts: Sequence[Trajectories]) -> Trajectories:
    """The tracks of several clips as those of one video, in their order; of none, no tracks."""
    if not parts:
        none = {name: np.zeros((0, size), np.float32) for name, size in SIZES.items()}
        empty = np.zeros(0, np.int64)
        return Trajectories(np.zeros((0, LENGTH + 1, 2), np.float32), empty, empty, none)
    return Trajectories(
        np.concatenate([part.points_NL2 for part in parts]),
        np.concatenate([part.start_N for part in parts]),
        np.concatenate([part.scale_N for part in parts]),
        {name: np.concatenate([part.descriptors[name] for part in parts]) for name in SIZES},
    )


def farneback(before_HW: NDArray[np.uint8], after_HW: NDArray[np.uint8]) -> Array:
    """Flow (H, W, 2) of Farneback 2003 with the settings of the released program."""
    start = np.zeros((*before_HW.shape, 2), np.float32)
    flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN
    flow = cv2.calcOpticalFlowFarneback(before_HW, after_HW, start, 1 / SCALE_STEP, 5, 10, 2, 7, 1.5, flags)
    return np.asarray(flow, np.float32)


def directions(x_HW: Array, y_HW: Array, floor: float | None = None) -> Array:
    """Lengths of vectors by direction, shared between the two nearest bins: (H, W, K).

    Vectors no longer than ``floor`` count one each in a ninth bin, whatever their direction.
    """
    length_HW = np.hypot(x_HW, y_HW)
    place_HW = np.arctan2(y_HW, x_HW) % (2 * np.pi) * (BINS / (2 * np.pi))
    lower_HW = np.floor(place_HW)
    upper_share_HW = place_HW - lower_HW
    maps_HWK = np.zeros((*x_HW.shape, BINS + (floor is not None)), np.float32)
    rows, columns = np.indices(x_HW.shape)
    slow_HW = np.zeros(x_HW.shape, bool) if floor is None else length_HW <= floor
    kept_HW = np.where(slow_HW, 0, length_HW)
    for bin_HW, share_HW in ((lower_HW, 1 - upper_share_HW), (lower_HW + 1, upper_share_HW)):
        maps_HWK[rows, columns, bin_HW.astype(int) % BINS] += kept_HW * share_HW
    if floor is not None:
        maps_HWK[..., BINS] = slow_HW
    return maps_HWK


def frame_maps(luma_HW: NDArray[np.uint8], flow_HW2: Array) -> dict[str, Array]:
    """The maps (H, W, K) of one frame that HOG, HOF and MBH are counted from."""
    x_HW, y_HW = np.ascontiguousarray(flow_HW2[..., 0]), np.ascontiguousarray(flow_HW2[..., 1])
    return {
        "hog": directions(*_gradient(luma_HW)),
        "hof": directions(x_HW, y_HW, MIN_FLOW_PX),
        "mbh_x": directions(*_gradient(FLOW_GRADIENT * x_HW)),
        "mbh_y": directions(*_gradient(FLOW_GRADIENT * y_HW)),
    }


def patch_histograms(maps_HWK: Array, points_N2: Array) -> Array:
    """Histograms (N, D) of the 2 x 2 cells around points, columns first, each patch of L2 norm 1.

    A patch that would leave the frame is moved into it.
    """
    height, width, bins = maps_HWK.shape
    sums = np.zeros((height + 1, width + 1, bins))
    maps_HWK.cumsum(0, np.float64).cumsum(1, out=sums[1:, 1:])
    corner_N2 = np.clip(points_N2 - PATCH_PX // 2, 0, (width - PATCH_PX, height - PATCH_PX)).astype(int)
    side = PATCH_PX // CELLS
    cells = []
    for column in range(CELLS):
        for row in range(CELLS):
            left_N, top_N = corner_N2[:, 0] + column * side, corner_N2[:, 1] + row * side
            right_N, bottom_N = left_N + side, top_N + side
            cells.append(
                sums[bottom_N, right_N]
                - sums[top_N, right_N]
                - sums[bottom_N, left_N]
                + sums[top_N, left_N]
            )
    histogram_ND = np.maximum(np.concatenate(cells, 1), 0) + EPS
    return (histogram_ND / np.linalg.norm(histogram_ND, axis=1, keepdims=True)).astype(np.float32)


def grid_points(luma_HW: NDArray[np.uint8], occupied_N2: Array) -> Array:
    """Points (N, 2) in cells of the grid where no track is, and where there is something to follow."""
    quality_HW = cv2.cornerMinEigenVal(luma_HW, 3, ksize=3)
    rows, columns = (size // GRID_PX for size in luma_HW.shape)
    free = np.ones((rows, columns), bool)
    cells_N2 = (occupied_N2 // GRID_PX).astype(int)
    inside_N = (cells_N2 < (columns, rows)).all(1)
    free[cells_N2[inside_N, 1], cells_N2[inside_N, 0]] = False
    row, column = np.nonzero(free)
    y, x = (cell * GRID_PX + GRID_PX // 2 for cell in (row, column))
    good = quality_HW[y, x] > QUALITY * quality_HW.max()
    return np.stack([x[good], y[good]], 1).astype(np.float32)


def wanted(points_NL2: Array) -> NDArray[np.bool_]:
    """(N,) which tracks, in pixels of the video, neither stay, nor roam, nor jump."""
    deviation_N2 = points_NL2.std(1)
    step_NL = np.linalg.norm(np.diff(points_NL2, axis=1), axis=2)
    jump_N = (step_NL > MAX_STEP_PX) & (step_NL > MAX_STEP_SHARE * step_NL.sum(1, keepdims=True))
    stays_N = (deviation_N2 < MIN_DEVIATION_PX).all(1)
    roams_N = (deviation_N2 > MAX_DEVIATION_PX).any(1)
    return ~(stays_N | roams_N | jump_N.any(1))


def _resized(luma_THW: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    if scale == 0:
        return luma_THW
    height, width = (round(size / SCALE_STEP**scale) for size in luma_THW.shape[1:])
    if min(height, width) < PATCH_PX:
        return luma_THW[:0]
    frames = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR) for frame in luma_THW]
    return np.asarray(frames, np.uint8)


def _gradient(image_HW: NDArray[np.uint8] | Array) -> tuple[Array, Array]:
    """Differences of neighbours two pixels apart, along x and y."""
    x_HW, y_HW = (cv2.Sobel(image_HW, cv2.CV_32F, dx, 1 - dx, ksize=1) for dx in (1, 0))
    return np.asarray(x_HW, np.float32), np.asarray(y_HW, np.float32)


class _Generation:
    """Points that started in the same frame, of which some have been lost on the way."""

    def __init__(self, start: int, points_N2: Array) -> None:
        self.start = start
        self.points = [points_N2]  # of the frames so far
        self.slices = {
            name: np.zeros((len(points_N2), SLICES, size // SLICES), np.float32)
            for name, size in SIZES.items()
            if name != "shape"
        }

    def step(self, maps: Mapping[str, Array], flow_HW2: Array) -> None:
        """One frame on: describe where the points are, then move them and drop those that leave."""
        here_N2, age = self.points[-1], len(self.points) - 1
        for name, sums_NSD in self.slices.items():
            sums_NSD[:, age // (LENGTH // SLICES)] += patch_histograms(maps[name], here_N2)
        column_N, row_N = here_N2.astype(int).T
        there_N2 = here_N2 + flow_HW2[row_N, column_N]
        height, width = flow_HW2.shape[:2]
        kept_N = ((there_N2 > 0) & (there_N2 < (width, height))).all(1)
        self.points = [points_N2[kept_N] for points_N2 in (*self.points, there_N2)]
        self.slices = {name: sums_NSD[kept_N] for name, sums_NSD in self.slices.items()}

    def finished(self, scale: int) -> Trajectories:
        """Those whose tracks are wanted."""
        points_NL2 = np.asarray(np.stack(self.points, 1) * SCALE_STEP**scale, np.float32)
        wanted_N = wanted(points_NL2)
        points_NL2 = points_NL2[wanted_N]
        steps_NL2 = np.diff(points_NL2, axis=1)
        length_N = np.linalg.norm(steps_NL2, axis=2).sum(1)
        shape_ND = (steps_NL2 / length_N[:, None, None]).reshape(-1, SIZES["shape"])
        described: dict[str, Array] = {
            name: np.asarray(sums_NSD[wanted_N] / (LENGTH // SLICES), np.float32).reshape(-1, SIZES[name])
            for name, sums_NSD in self.slices.items()
        }
        start_N, scale_N = (np.full(len(points_NL2), value) for value in (self.start, scale))
        return Trajectories(
            points_NL2, start_N, scale_N, described | {"shape": np.asarray(shape_ND, np.float32)}
        )


def _tracks(luma_THW: NDArray[np.uint8], scale: int) -> Iterator[Trajectories]:
    """The tracks of one scale, by the frame in which they start."""
    if luma_THW.size == 0 or min(luma_THW.shape[1:]) < PATCH_PX:
        return
    active: list[_Generation] = []
    for t in range(len(luma_THW) - 1):
        occupied = [np.zeros((0, 2), np.float32), *(generation.points[-1] for generation in active)]
        active.append(_Generation(t, grid_points(luma_THW[t], np.concatenate(occupied))))
        flow_HW2 = farneback(luma_THW[t], luma_THW[t + 1])
        maps = frame_maps(luma_THW[t], flow_HW2)
        # The median is of the flow around a point, not of its track.
        parts = (np.ascontiguousarray(flow_HW2[..., axis]) for axis in range(2))
        median_HW2 = np.stack([np.asarray(cv2.medianBlur(part, 3), np.float32) for part in parts], 2)
        for generation in active:
            generation.step(maps, median_HW2)
        if len(active[0].points) == LENGTH + 1:
            yield active.pop(0).finished(scale)
