"""A decoded video in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.image_folder import ImageFolder
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.video.reader import VideoReader


@dataclass(frozen=True)
class DecodedVideo:
    """All frames of a video with their times; F frames of H x W x C."""

    item: VideoItem
    times_s: NDArray[np.float64]
    """(F,) exact presentation times, the first 0."""
    frames_FHWC: NDArray[np.uint8]

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return float(self.times_s[-1])


def decode_video(item: VideoItem, short_side_px: int, channels: int) -> DecodedVideo:
    """Decode a video, a file or a folder of frames, at a size and 1 channel (luma) or 3 (RGB).

    Raises:
        VideoError: it cannot be decoded or holds a single frame.
    """
    frames = list(open_item(item).frames(short_side_px, channels))
    if len(frames) < 2:
        raise VideoError(f"{item.path} holds a single frame; motion needs two")
    times_s = np.array([float(frame.time_s) for frame in frames])
    return DecodedVideo(item, times_s, np.stack([frame.pixels_HWC for frame in frames]))


def open_item(item: VideoItem) -> VideoReader | ImageFolder:
    """The reader of a video.

    Raises:
        VideoError: missing, or nothing that can be read as a video.
    """
    if item.frame_rate is None:
        return VideoReader(item.path)
    return ImageFolder(item.path, item.frame_rate)
