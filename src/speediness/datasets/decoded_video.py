"""A decoded video in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.image_folder import ImageFolder
from speediness.datasets.mocap import CaptureVideo
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
    scenes: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict, kw_only=True)
    """By number of a frame, the same in RGB for what sees the scene, once a second where asked for."""

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return float(self.times_s[-1])


def decode_video(
    item: VideoItem, short_side_px: int, channels: int, scene_px: int | None = None
) -> DecodedVideo:
    """Decode a video, a file or a folder of frames, at a size and 1 channel (luma) or 3 (RGB).

    ``scene_px`` is the short side at which the scene is shown; None: not at all.

    Raises:
        VideoError: it cannot be decoded or holds a single frame.
    """
    frames = list(open_item(item).frames(short_side_px, channels, scene_px=scene_px))
    if len(frames) < 2:
        raise VideoError(f"{item.path} holds a single frame; motion needs two")
    times_s = np.array([float(frame.time_s) for frame in frames])
    scenes = {n: frame.scene_HWC for n, frame in enumerate(frames) if frame.scene_HWC is not None}
    return DecodedVideo(item, times_s, np.stack([frame.pixels_HWC for frame in frames]), scenes=scenes)


def open_item(item: VideoItem) -> VideoReader | ImageFolder | CaptureVideo:
    """The reader of a video, or what draws one.

    Raises:
        VideoError: missing, or nothing that can be read as a video.
    """
    if item.take:
        return CaptureVideo(item)
    if item.frame_rate is None:
        return VideoReader(item.path)
    return ImageFolder(item.path, item.frame_rate)
