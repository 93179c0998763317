"""Motion as the cache holds it, without any video: every cell moves by what a function says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from speediness.datasets.motion_cache import STRIDES, MotionVideo
from speediness.datasets.video_list import VideoItem

Velocity = Callable[[float, int], tuple[float, float]]
"""Pixels a second along x and y, at a time in seconds and measured at the stride of a number."""


def steady_motion(time_s: float, number: int) -> tuple[float, float]:
    """Eight pixels a second to the right."""
    return 8.0, 0.0


def motion_video(
    velocity: Velocity = steady_motion,
    seconds: float = 8.0,
    rate: float = 30,
    name: str = "a",
    cells: tuple[int, int] = (14, 24),
    ramp: float = 0.0,
    confidence: float = 0.5,
) -> MotionVideo:
    """A video all of whose cells move alike.

    Args:
        velocity: of the cells.
        seconds: length.
        rate: frames a second.
        name: of the file and of its source.
        cells: rows and columns.
        ramp: added to the velocity along y, per column, in pixels a second.
        confidence: of all cells.
    """
    every_s = np.arange(round(seconds * rate) + 1) / rate
    times, grids = [], []
    for number, stride in enumerate(STRIDES):
        times_s = every_s[::stride]
        grid = np.zeros((len(times_s) - 1, 4, *cells), np.float32)
        for n, (start_s, end_s) in enumerate(pairwise(times_s.tolist())):
            x, y = velocity((start_s + end_s) / 2, number)
            grid[n, 0] = x * (end_s - start_s)
            grid[n, 1] = (y + ramp * (np.arange(cells[1]) + 0.5)) * (end_s - start_s)
        grid[:, 2] = np.hypot(grid[:, 0], grid[:, 1])
        grid[:, 3] = confidence
        times.append(times_s)
        grids.append(grid.astype(np.float16))
    nothing = np.zeros((0, 1, 1, 1), np.float16)
    return MotionVideo(
        VideoItem(Path(f"{name}.mp4"), name), tuple(times), tuple(grids), np.zeros(0), nothing
    )
