"""Videos that become brighter at a steady pace, and networks that read their speed off that."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.video_list import VideoItem
from speediness.engines.runtime import Outputs, Runtime

CLIP = ClipSpec(8, Fraction(8), 56)
LEVELS_A_SECOND = 16


def classify_motion(
    motion_BL4hw: np.ndarray, scene_NKhw: np.ndarray | None = None, scene_BL: np.ndarray | None = None
) -> Outputs:
    """Windows of motion to log2 of their speed in sixteenths of a second."""
    means = np.stack(
        [np.convolve(row, np.full(8, 1 / 8), "valid") for row in motion_BL4hw[:, :, 2].mean((2, 3))]
    )
    rate = np.log2(np.maximum(means / 2, 0.01))
    return Outputs(
        np.stack([rate, 0 * rate], -1).astype(np.float32), motion_BL4hw[:, :, 0, 0], motion_BL4hw[:, :, 2]
    )


def runtime_by_true_speed() -> Runtime:
    """Reads the speed off videos that become brighter by one a sixteenth of a second."""

    def measure(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        rise = np.abs(after.astype(float) - before).mean((1, 2, 3))[:, None, None, None]
        return np.broadcast_to(rise, (len(rise), 4, 2, 2)).astype(np.float32)

    return Runtime(measure, classify_motion)


def clip_runtime_by_true_speed() -> Runtime:
    """The same as a network that sees frames."""

    def classify_clips(clips: np.ndarray) -> Outputs:
        rise = np.abs(np.diff(clips.astype(float), axis=1)).mean((1, 2, 3, 4))
        rate = np.log2(np.maximum(rise / 2, 0.01))[:, None]
        maps = np.zeros((len(clips), 8, 1, 1), np.float32)
        return Outputs(np.stack([rate, 0 * rate], -1).astype(np.float32), maps[..., 0], maps)

    return Runtime(classify_clips=classify_clips)


def brightening_video(seconds: float = 6, rate: float = 30, source: str = "s") -> DecodedVideo:
    times_s = np.arange(round(seconds * rate) + 1) / rate
    level = (times_s * LEVELS_A_SECOND).astype(np.uint8)
    frames = np.broadcast_to(level[:, None, None, None], (len(level), 112, 128, 1))
    return DecodedVideo(VideoItem(Path("film.mp4"), source), times_s, frames)
