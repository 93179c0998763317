"""What frames look like, so that moments of two videos can be compared."""

# F frames, H W frame size, C channels, h w cells, D features

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.errors import VideoError, WeightsError
from speediness.runtime.onnx import PHASES_KEY, PLACES_KEY, features_file, open_features, read_metadata
from speediness.video.reader import VideoReader

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Times = NDArray[np.float64]

SHORT_SIDE_PX, UNIT_PX = 128, 32
MOST_FRAMES = 400  # compared of a video; of more, every second is left out
QUARTERS = 2  # rows and columns of the frame that are described one by one
PACE_SHARE = 1 / 60  # of the frames: how far apart two are whose difference is motion


@dataclass(frozen=True)
class FrameFeatures:
    """How frames are described.

    Attributes:
        short_side_px: of the frames it is given.
        describe: frames (F, H, W, 3), sides multiples of UNIT_PX, and their times to features (F, D) of
            :func:`centred` parts side by side.
    """

    short_side_px: int
    describe: Callable[[Pixels, Times], Floats]


@dataclass(frozen=True)
class DescribedVideo:
    """The frames of a video that are compared."""

    times_s: Times
    """(F,) from 0; at least two."""
    end_s: float
    """End of the last frame."""
    features_FD: Floats


def load_features(path: str | os.PathLike[str] | None = None) -> FrameFeatures:
    """Features from a file that ``train`` wrote; None: those that are shipped.

    Raises:
        WeightsError: missing, or of no task whose features tell moments apart.
    """
    path = features_file(path)
    try:
        texts = read_metadata(path)
        network = open_features(path)
        if PLACES_KEY in texts:
            return FrameFeatures(SHORT_SIDE_PX, lambda frames, _: looks_and_motion(network, frames))
        document = json.loads(texts[PHASES_KEY])
        context_s, short_side_px = float(document["context_s"]), int(document["short_side_px"])
    except Exception as error:  # the engine's own errors share no base class
        raise WeightsError(
            f"{path} tells no moments apart; give an .onnx file that train wrote of the task tcc"
        ) from error

    def phases(frames_FHWC: Pixels, times_s: Times) -> Floats:
        before = np.maximum(np.searchsorted(times_s, times_s - context_s + 1e-6, "right") - 1, 0)
        parts = [network(np.stack([frames_FHWC[[b, n]]])) for n, b in enumerate(before)]
        return centred(np.concatenate(parts))

    return FrameFeatures(short_side_px, phases)


def described(reader: VideoReader, model: FrameFeatures) -> DescribedVideo:
    """Decode a video once and describe its frames.

    Raises:
        VideoError: it cannot be decoded or holds a single frame.
    """
    kept: list[tuple[float, Pixels]] = []
    step = 1
    for number, frame in enumerate(reader.frames(model.short_side_px)):
        if number % step == 0:
            kept.append((float(frame.time_s), whole_units(frame.pixels_HWC)))
        if len(kept) > MOST_FRAMES:
            kept, step = kept[::2], 2 * step
    if len(kept) < 2:
        raise VideoError(f"{reader.path} holds a single frame; two videos are needed to bring into step")
    times_s = np.array([time_s for time_s, _ in kept])
    features_FD = model.describe(np.stack([pixels for _, pixels in kept]), times_s)
    return DescribedVideo(times_s, float(reader.end_s), features_FD)


def whole_units(pixels_HWC: Pixels) -> Pixels:
    """The middle of a frame, its sides multiples of UNIT_PX."""
    rows, columns = (
        slice(side % UNIT_PX // 2, side % UNIT_PX // 2 + side // UNIT_PX * UNIT_PX)
        for side in pixels_HWC.shape[:2]
    )
    return pixels_HWC[rows, columns]


def centred(features_FD: Floats) -> Floats:
    """Without their mean, which is of the video rather than of a moment, and of mean length 1."""
    moved = features_FD - features_FD.mean(0)
    return moved / max(float(np.sqrt(np.square(moved).sum(1).mean())), 1e-6)


def looks_and_motion(network: Callable[[Pixels], Floats], frames_FHWC: Pixels) -> Floats:
    """Features (F, D) made of features of places: quarters of the frame, what moves, and how much moves.

    Args:
        network: frames (N, H, W, 3) to features of places (N, h, w, D).
        frames_FHWC: in order.
    """
    reach = max(round(len(frames_FHWC) * PACE_SHARE), 1)
    maps_FhwD = np.concatenate([network(frame[None]).astype(np.float16) for frame in frames_FHWC])
    last = len(maps_FhwD) - 1
    quarters, moving, pace = [], [], []
    for n in range(last + 1):
        maps_hwD = maps_FhwD[n].astype(np.float32)
        rows = np.array_split(maps_hwD, QUARTERS, 0)
        quarters.append([part.mean((0, 1)) for row in rows for part in np.array_split(row, QUARTERS, 1)])
        before, after = (maps_FhwD[k].astype(np.float32) for k in (max(n - reach, 0), min(n + reach, last)))
        moved_hw = np.square(after - before).sum(-1)
        moving.append(np.einsum("hw,hwD->D", moved_hw / (moved_hw.sum() + 1e-9), maps_hwD))
        pace.append([np.log(moved_hw.mean() + 1e-6)])
    parts = (np.array(part, np.float32).reshape(last + 1, -1) for part in (quarters, moving, pace))
    quarters_FD, moving_FD, pace_F1 = parts
    return np.concatenate([centred(part) for part in (quarters_FD, moving_FD, smoothed(pace_F1, reach))], 1)


def smoothed(features_FD: Floats, reach: float) -> Floats:
    """Gaussian means over neighbouring frames, ``reach`` frames of deviation."""
    places = np.arange(len(features_FD))
    weight = np.exp(-(((places[:, None] - places) / reach) ** 2) / 2).astype(np.float32)
    return (weight / weight.sum(1, keepdims=True)) @ features_FD
