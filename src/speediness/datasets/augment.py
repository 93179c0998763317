"""Spatial augmentation (SpeedNet §3.1): which part of the frame, and how it looks."""

# B clips, T frames, C channels, s side of a square cut out of a video, N side of a clip

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.models.motion import LUMA_WEIGHTS

MAX_ZOOM = 3.0  # at most; strong, since displacements in pixels must not tell the speed
GREY = 0.2  # share of clips in colour that lose it, as in the RSPNet code
NOISE_ROW = 1 << 22


@dataclass(frozen=True)
class Augmentation:
    """One draw of the spatial augmentation; every frame of a clip gets the same."""

    top: int
    left: int
    side_px: int
    flip: bool
    gamma: float
    contrast: float
    brightness: float
    softness: float
    """1 leaves the frame as it is; 2 halves its resolution."""
    noise: float
    """Standard deviation of sensor noise, grey levels."""
    saturation: float
    """Of colours; 0 leaves none, 1 leaves them as they are. Frames of luma alone stay as they are."""


def draw_augmentation(
    height: int, width: int, rng: np.random.Generator, zoom: float = MAX_ZOOM
) -> Augmentation:
    """A square of a frame of this size, enlarged at most ``zoom`` times, its direction and its look."""
    side = int(min(height, width) / zoom ** rng.uniform())
    return Augmentation(
        top=int(rng.integers(height - side + 1)),
        left=int(rng.integers(width - side + 1)),
        side_px=side,
        flip=bool(rng.random() < 0.5),
        gamma=float(np.exp(rng.uniform(-0.4, 0.4))),
        contrast=float(np.exp(rng.uniform(-0.4, 0.4))),
        brightness=float(rng.uniform(-20, 20)),
        softness=float(rng.uniform(1, 2)) if rng.random() < 0.3 else 1.0,
        noise=float(max(0.0, rng.normal(0, 1.5))),
        saturation=0.0 if rng.random() < GREY else float(np.exp(rng.uniform(-0.4, 0.4))),
    )


def centre_square(height: int, width: int) -> Augmentation:
    """The middle square as it is: no spatial augmentation (a row of Table 1)."""
    side = min(height, width)
    return Augmentation(
        (height - side) // 2, (width - side) // 2, side, False, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0
    )


def apply_augmentations(
    crops_TssC: Sequence[Tensor],
    augmentations: Sequence[Augmentation],
    noise_offset: Sequence[int],
    size_px: int,
) -> Tensor:
    """Bring squares already cut out of videos to one size, and give them tone, blur and noise.

    The same arithmetic on any device; devices differ by rounding alone.

    Args:
        crops_TssC: uint8, one square of frames per clip, sides as its look says.
        augmentations: one per clip.
        noise_offset: one per clip; where in one long row of noise its own begins.
        size_px: N, rows and columns wanted.

    Returns:
        uint8 clips (B, T, N, N, C) on the device of the squares.
    """
    # A CPU makes one clip after the other, so that it stays in the cache; a GPU all at once.
    step = len(augmentations) if crops_TssC[0].is_cuda else 1
    parts = [slice(first, first + step) for first in range(0, len(augmentations), step)]
    return torch.cat(
        [_augmented(crops_TssC[part], augmentations[part], noise_offset[part], size_px) for part in parts]
    )


def _augmented(
    crops_TssC: Sequence[Tensor],
    augmentations: Sequence[Augmentation],
    noise_offset: Sequence[int],
    size_px: int,
) -> Tensor:
    scaled = [
        _scaled(crop, augmentation, size_px)
        for crop, augmentation in zip(crops_TssC, augmentations, strict=True)
    ]
    frames_BTCNN = torch.stack(scaled)
    tone = attrgetter("gamma", "contrast", "brightness", "noise", "saturation")
    tone_B5 = torch.tensor([*map(tone, augmentations)], device=frames_BTCNN.device)
    tone_5B1111 = tone_B5.T[:, :, None, None, None, None]
    gamma, contrast, brightness, deviation, saturation = tone_5B1111
    if frames_BTCNN.shape[2] == 3:
        luma_31 = frames_BTCNN.new_tensor(LUMA_WEIGHTS)[:, None, None]
        grey_BT1NN = (frames_BTCNN * luma_31).sum(2, keepdim=True)
        frames_BTCNN = torch.lerp(grey_BT1NN, frames_BTCNN, saturation)
    frames_BTCNN = 255 * (frames_BTCNN.clamp_(0, 255) / 255) ** gamma
    frames_BTCNN = (frames_BTCNN - 128) * contrast + 128 + brightness
    shape, length = frames_BTCNN.shape[1:], frames_BTCNN[0].numel()
    row = _noise(max(NOISE_ROW, 2 * length), frames_BTCNN.device)
    starts = [at % (len(row) - length) for at in noise_offset]
    noise_BTCNN = torch.stack([row[start : start + length].view(shape) for start in starts])
    frames_BTCNN = torch.addcmul(frames_BTCNN, noise_BTCNN, deviation)
    return frames_BTCNN.round().clamp(0, 255).to(torch.uint8).permute(0, 1, 3, 4, 2).contiguous()


def _scaled(crop_TssC: Tensor, augmentation: Augmentation, size_px: int) -> Tensor:
    frames_TCss = crop_TssC.permute(0, 3, 1, 2).float()
    if augmentation.flip:
        frames_TCss = frames_TCss.flip(3)
    if augmentation.softness > 1:
        frames_TCss = _resize(frames_TCss, max(16, round(size_px / augmentation.softness)))
    return _resize(frames_TCss, size_px)


def _resize(frames_TCHW: Tensor, side_px: int) -> Tensor:
    return F.interpolate(frames_TCHW, size=(side_px, side_px), mode="bilinear", antialias=True)


@cache
def _noise(length: int, device: torch.device) -> Tensor:
    """A long row of normal numbers, of which every clip takes a stretch.

    Fresh numbers for every pixel took longer than all else that is done to a clip, and a GPU
    draws others than a CPU.
    """
    return torch.from_numpy(np.random.default_rng(0).standard_normal(length, np.float32)).to(device)
