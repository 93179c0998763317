"""Videos that become brighter at a steady pace, and networks that read their speed off that."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from scripted_runtime import motion_runtime_by, over_cells, runtime_by
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.video_list import VideoItem
from speediness.runtime.protocol import Runtime

CLIP = ClipSpec(8, Fraction(8), 56)
LEVELS_A_SECOND = 16


def _moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return over_cells(np.abs(after.astype(float) - before).mean((1, 2, 3)))


def runtime_by_true_speed() -> Runtime:
    """Reads log2 of the speed off videos that become brighter by one a sixteenth of a second."""
    return motion_runtime_by(
        _moved, lambda windows: np.log2(np.maximum(windows.mean(2) / 2, 0.01)), CLIP.n_frames
    )


def clip_runtime_by_true_speed() -> Runtime:
    """The same as a network that sees frames."""

    def rule(clips: np.ndarray) -> np.ndarray:
        rise = np.abs(np.diff(clips.astype(float), axis=1)).mean((1, 2, 3, 4))
        return np.log2(np.maximum(rise / 2, 0.01))

    return runtime_by(rule)


def brightening_video(seconds: float = 6, rate: float = 30, source: str = "s") -> DecodedVideo:
    times_s = np.arange(round(seconds * rate) + 1) / rate
    level = (times_s * LEVELS_A_SECOND).astype(np.uint8)
    frames = np.broadcast_to(level[:, None, None, None], (len(level), 112, 128, 1))
    return DecodedVideo(VideoItem(Path("film.mp4"), source), times_s, frames)
