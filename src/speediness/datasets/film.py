"""A decoded film in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.picture_folder import PictureFolder
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.video.reader import VideoReader


@dataclass(frozen=True)
class Film:
    """All frames of a film with their times; F frames of H x W x C."""

    item: VideoItem
    times_s: NDArray[np.float64]
    """(F,) exact presentation times, the first 0."""
    frames_FHWC: NDArray[np.uint8]

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return float(self.times_s[-1])


def read_film(item: VideoItem, short_side_px: int, channels: int) -> Film:
    """Decode a film, a file or a folder of pictures, at a size and 1 channel (luma) or 3 (RGB).

    Raises:
        VideoError: it cannot be decoded or holds a single frame.
    """
    frames = list(open_film(item).frames(short_side_px, channels))
    if len(frames) < 2:
        raise VideoError(f"{item.path} holds a single frame; motion needs two")
    times_s = np.array([float(frame.time_s) for frame in frames])
    return Film(item, times_s, np.stack([frame.pixels_HWC for frame in frames]))


def open_film(item: VideoItem) -> VideoReader | PictureFolder:
    """The reader of a film.

    Raises:
        VideoError: missing, or nothing that can be read as a film.
    """
    if item.frame_rate is None:
        return VideoReader(item.path)
    return PictureFolder(item.path, item.frame_rate)
