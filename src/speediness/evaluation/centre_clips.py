"""Clips as measurements cut them: the middle square, no augmentation (SpeedNet §5.1)."""

# T frames, N side of a clip, S = T - 1 intervals, C channels, B clips

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.augment import Augmentation, apply_augmentations, centre_square, draw_augmentation
from speediness.datasets.decoded_video import DecodedVideo
from speediness.evaluation.speed_accuracy import centre_crop, halve
from speediness.sampling import Times

Clip = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Frames (T, N, N, C) and intervals (S,)."""

CLIPS = 32  # seen at once


def centre_clip(video: DecodedVideo, times_s: Times, factor: float, clip: ClipSpec) -> Clip:
    """The clip that shows these moments of a video whose short side is twice N; ends are reflected."""
    indices = sampling.nearest_frames(video.times_s, sampling.reflect(times_s, 0.0, video.end_s))
    frames_TNNC = centre_crop(halve(video.frames_FHWC[indices]), clip.size_px)
    return frames_TNNC, sampling.played_intervals(video.times_s, indices, factor, clip.frame_rate)


def random_clip(
    video: DecodedVideo, times_s: Times, factor: float, clip: ClipSpec, rng: np.random.Generator
) -> Clip:
    """As :func:`centre_clip`, of a random square of a quarter of the frame or more, mirrored or not."""
    height, width = video.frames_FHWC.shape[1:3]
    drawn = draw_augmentation(height, width, rng, zoom=2.0)
    place = {name: getattr(drawn, name) for name in ("top", "left", "side_px", "flip")}
    return augmented_clip(video, times_s, factor, clip, replace(centre_square(height, width), **place))


def augmented_clip(
    video: DecodedVideo, times_s: Times, factor: float, clip: ClipSpec, augmentation: Augmentation
) -> Clip:
    """As :func:`centre_clip`, with a look of :mod:`speediness.datasets.augment`."""
    indices = sampling.nearest_frames(video.times_s, sampling.reflect(times_s, 0.0, video.end_s))
    rows = slice(augmentation.top, augmentation.top + augmentation.side_px)
    columns = slice(augmentation.left, augmentation.left + augmentation.side_px)
    square = torch.from_numpy(np.ascontiguousarray(video.frames_FHWC[indices, rows, columns]))
    (frames_TNNC,) = apply_augmentations([square], [augmentation], [0], clip.size_px)
    return frames_TNNC.numpy(), sampling.played_intervals(video.times_s, indices, factor, clip.frame_rate)


def run_batched(
    forward: Callable[[Tensor, Tensor], tuple[Tensor, ...]], clips: Iterable[Clip], device: torch.device
) -> tuple[Tensor, ...]:
    """What a network in evaluation mode says of clips, some at a time; each answer (B, ..) on the CPU."""
    parts = []
    coming = iter(clips)
    with torch.inference_mode():
        while some := list(islice(coming, CLIPS)):
            stacked = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*some, strict=True))
            parts.append([answer.float().cpu() for answer in forward(*stacked)])
    return tuple(torch.cat(answers) for answers in zip(*parts, strict=True))
