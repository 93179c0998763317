"""How well masks are carried through videos, beside three ways that learn nothing."""

# H W frame size, h w cells

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from speediness.errors import DataError
from speediness.evaluation.mask_accuracy import mask_accuracy
from speediness.evaluation.moving_shapes import MaskedSequence, moving_shapes
from speediness.propagate.affinity import AffinitySettings
from speediness.propagate.mask_files import Labels, fitted, read_mask
from speediness.propagate.track import PlaceFeatures, carry_masks, load_features
from speediness.video.listing import VIDEO_SUFFIXES
from speediness.video.orientation import Orientation
from speediness.video.reader import VideoReader

Frames = Sequence[NDArray[np.uint8]]
Method = Callable[[Frames, Labels], list[Labels]]
"""Frames (H, W, 3) and the mask of the first to the masks of all."""

PATCH, STRIDE = 6, 2  # pixels of the frame at a quarter of its size: of a patch, and to the next
PATCHES_PX = 240


def evaluate_propagation(
    data: str | Path | None = None,
    model: str | Path | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """J and F (:mod:`speediness.evaluation.mask_accuracy`) of sequences with masks.

    Args:
        data: folder with ``NAME_mask`` folders of PNGs, a mask a frame, and beside each its frames: a
            folder ``NAME`` of images or a video; None: :func:`moving_shapes`.
        model: features of places; None: those that are shipped.
        progress: called with sequences done and their number.

    Returns:
        ``sequences``, by name and method J and F; ``mean`` of them by method.

    Raises:
        DataError: nothing is found, or masks do not fit their frames.
        WeightsError: the features cannot be read.
    """
    methods: dict[str, Method] = {
        "copy": lambda frames, first: [first] * len(frames),
        "flow": by_flow,
        "colour patches": partial(by_affinity, model=colour_patches()),
        "features": partial(by_affinity, model=load_features(model)),
    }
    sequences = moving_shapes() if data is None else read_sequences(Path(data))
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for done, sequence in enumerate(sequences, 1):
        scores[sequence.name] = {}
        for name, method in methods.items():
            j, f = mask_accuracy(method(sequence.frames, sequence.masks[0]), sequence.masks)
            scores[sequence.name][name] = {"j": j, "f": f}
        if progress is not None:
            progress(done, len(sequences))
    mean = {
        name: {key: float(np.mean([found[name][key] for found in scores.values()])) for key in ("j", "f")}
        for name in methods
    }
    return {"schema": "speediness.propagation/1", "sequences": scores, "mean": mean}


def read_sequences(folder: Path) -> list[MaskedSequence]:
    """Sequences of a folder, see :func:`evaluate_propagation`.

    Raises:
        DataError: there are none, or one lacks its frames or some of its masks.
    """
    sequences = []
    for masks in sorted(folder.glob("*_mask")):
        name = masks.name.removesuffix("_mask")
        videos = [path for end in VIDEO_SUFFIXES if (path := masks.with_name(name + end)).exists()]
        if videos:
            frames = [frame.pixels_HWC for frame in VideoReader(videos[0]).frames()]
        else:
            images = sorted(
                p for p in masks.with_name(name).glob("*") if p.suffix.lower() in (".jpg", ".png")
            )
            frames = [_image(path) for path in images]
        paths = sorted(masks.glob("*.png"))
        if len(paths) != len(frames) or len(frames) < 3:
            raise DataError(
                f"{masks} holds {len(paths)} masks, {name} {len(frames)} frames: give 3 or more of each"
            )
        height, width = frames[0].shape[:2]
        found = [fitted(read_mask(path, empty=True), height, width, path) for path in paths]
        sequences.append(MaskedSequence(name, frames, found))
    if not sequences:
        raise DataError(f"{folder} holds no folder NAME_mask with masks beside the frames of NAME")
    return sequences


def _image(path: Path) -> NDArray[np.uint8]:
    found = cv2.imread(str(path))
    if found is None:
        raise DataError(f"{path} is no image that can be read")
    return cv2.cvtColor(found, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def by_affinity(frames: Frames, first_HW: Labels, model: PlaceFeatures) -> list[Labels]:
    """As ``speediness propagate`` does."""
    decoded = (
        (Fraction(number), av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
        for number, frame in enumerate(frames)
    )
    return [labels for _, (_, labels) in carry_masks(decoded, Orientation(), first_HW, model)]


def by_flow(frames: Frames, first_HW: Labels) -> list[Labels]:
    """Each mask is the one before, moved by optical flow (DIS)."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    rows, columns = np.mgrid[: first_HW.shape[0], : first_HW.shape[1]].astype(np.float32)
    masks = [first_HW]
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    for before, now in pairwise(greys):
        back_HW2 = dis.calc(now, before, np.empty(0, np.float32))
        places = columns + back_HW2[..., 0], rows + back_HW2[..., 1]
        masks.append(
            cv2.remap(masks[-1], *places, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE).astype(
                np.uint8
            )
        )
    return masks


def colour_patches() -> PlaceFeatures:
    """Patches of Lab as features: nothing is learned."""

    def features(frames_NHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([_patches(frame) for frame in frames_NHWC])

    return PlaceFeatures(features, PATCHES_PX, AffinitySettings(recent=7, top_k=5))


def _patches(frame_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, D) patches around the middles of cells, of length 1."""
    height, width = frame_HWC.shape[:2]
    small = cv2.resize(frame_HWC, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab) - np.array((50, 0, 0), np.float32)
    margin = (PATCH - STRIDE) // 2
    padded = np.pad(lab, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    windows = sliding_window_view(padded, (PATCH, PATCH), (0, 1))[::STRIDE, ::STRIDE]
    flat = windows.reshape(*windows.shape[:2], -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6)
