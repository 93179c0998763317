"""Clips as every measurement cuts them: the middle square, no augmentation (SpeedNet §5.1)."""

# T frames, N side of a clip, S = T - 1 intervals, C channels, B clips

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.film import Film
from speediness.evaluation.speed_accuracy import centre_crop, halve
from speediness.sampling import Times

Clip = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Pictures (T, N, N, C) and intervals (S,)."""

CLIPS = 32  # seen at once


def centre_clip(film: Film, times_s: Times, factor: float, clip: ClipSpec) -> Clip:
    """The clip that shows these moments of a film whose short side is twice N; ends are reflected."""
    indices = sampling.nearest_frames(film.times_s, sampling.reflect(times_s, 0.0, film.end_s))
    pictures_TNNC = centre_crop(halve(film.frames_FHWC[indices]), clip.size_px)
    return pictures_TNNC, sampling.played_intervals(film.times_s, indices, factor, clip.frame_rate)


def seen(
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
