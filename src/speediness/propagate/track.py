"""A mask of the first frame to masks of all frames, frame by frame."""

# H W frame size, h w cells, L labels, D features

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.errors import WeightsError
from speediness.propagate.affinity import AffinitySettings, LabelCarrier
from speediness.propagate.mask_files import Labels
from speediness.runtime.onnx import PLACES_KEY, features_file, open_features, read_metadata
from speediness.video.orientation import Orientation
from speediness.video.read_ahead import read_ahead

Shares = NDArray[np.float32]
"""(h, w, L), 0..1: how much of a cell each label has."""

FINE = 8  # points along the side of a cell at which a mask is looked up


def to_cells(mask_HW: Labels, cells: tuple[int, int], labels: int) -> Shares:
    """The share that each of so many labels, background included, has of every cell of a grid."""
    rows, columns = (
        ((np.arange(FINE * count) + 0.5) * side / (FINE * count)).astype(int)
        for side, count in zip(mask_HW.shape, cells, strict=True)
    )
    fine = mask_HW[rows[:, None], columns].reshape(cells[0], FINE, cells[1], FINE)
    return np.stack([(fine == n).mean((1, 3), dtype=np.float32) for n in range(labels)], -1)


def to_mask(shares_hwL: Shares, height: int, width: int) -> Labels:
    """The likeliest label of every pixel; between the middles of cells shares change linearly."""
    best: Shares | None = None
    mask_HW = np.zeros((height, width), np.uint8)
    for label in range(shares_hwL.shape[-1]):
        share_HW = _stretched(_stretched(shares_hwL[..., label], height).T, width).T
        if best is None:
            best = share_HW
        else:
            mask_HW[share_HW > best] = label
            best = np.maximum(best, share_HW)
    return mask_HW


def _stretched(values: Shares, length: int) -> Shares:
    """The first axis brought to a length."""
    places = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    share = (places - below).astype(np.float32)[:, None]
    return (values[below] * (1 - share) + values[above] * share).astype(np.float32, copy=False)


Pixels = NDArray[np.uint8]
Features = Callable[[Pixels], NDArray[np.float32]]
"""RGB frames (N, H, W, 3), sides multiples of 16, to features (N, H/8, W/8, D) of length 1."""

Carried = tuple[Fraction, tuple[av.VideoFrame, Labels]]
"""Time of a frame, the frame as decoded, and its mask upright."""

UNIT_PX = 16
AHEAD = 2  # frames whose features are found while labels are carried


@dataclass(frozen=True)
class PlaceFeatures:
    """Features of places, and how they are to be used."""

    features: Features
    short_side_px: int
    """Of the frames that they are taken from."""
    settings: AffinitySettings


def load_features(path: str | os.PathLike[str] | None = None) -> PlaceFeatures:
    """Features from a file; None: those that are shipped.

    Raises:
        WeightsError: missing, or not written by :func:`speediness.models.export.export_features`.
    """
    path = features_file(path)
    try:
        document = json.loads(read_metadata(path)[PLACES_KEY])
        short_side_px = int(document["short_side_px"])
        return PlaceFeatures(open_features(path), short_side_px, AffinitySettings(**document["affinity"]))
    except Exception as error:  # the engine's own errors share no base class
        raise WeightsError(
            f"{path} holds no features of places; give an .onnx file that train wrote of the task"
            " colorization or random_walk"
        ) from error


def feature_size(width_px: int, height_px: int, short_side_px: int) -> tuple[int, int]:
    """Width and height of the frames for features: multiples of 16, enlarged 4 times at most."""
    scale = min(short_side_px / min(width_px, height_px), 4.0)
    width, height = (max(round(side * scale / UNIT_PX), 2) * UNIT_PX for side in (width_px, height_px))
    return width, height


def carry_masks(
    frames: Iterable[tuple[Fraction, av.VideoFrame]],
    orientation: Orientation,
    mask_HW: Labels,
    model: PlaceFeatures,
) -> Iterator[Carried]:
    """Every frame, as decoded, with its time and its mask; holds the frames of context alone.

    ``mask_HW`` is that of the first, at the size of upright frames.
    """
    carrier, (height, width) = None, mask_HW.shape
    with read_ahead(_featured(frames, orientation, (width, height), model), AHEAD) as coming:
        for time_s, frame, features_hwD in coming:
            if carrier is None:
                shares = to_cells(mask_HW, features_hwD.shape[:2], int(mask_HW.max()) + 1)
                carrier = LabelCarrier(features_hwD, shares, model.settings)
                yield time_s, (frame, mask_HW)
            else:
                yield time_s, (frame, to_mask(carrier.carry(features_hwD), height, width))


def _featured(
    frames: Iterable[tuple[Fraction, av.VideoFrame]],
    orientation: Orientation,
    size_px: tuple[int, int],
    model: PlaceFeatures,
) -> Iterator[tuple[Fraction, av.VideoFrame, NDArray[np.float32]]]:
    """Frames with their times and features (h, w, D)."""
    upright_px = feature_size(*size_px, model.short_side_px)
    stored_px = upright_px[::-1] if orientation.transposed else upright_px
    scaler = VideoReformatter()
    for time_s, frame in frames:
        scaled = scaler.reformat(
            frame, width=stored_px[0], height=stored_px[1], format="rgb24", interpolation="AREA"
        )
        pixels_HWC = np.ascontiguousarray(orientation.upright(scaled.to_ndarray()))
        yield time_s, frame, model.features(pixels_HWC[None])[0]
