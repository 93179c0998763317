"""Spatial augmentation (SpeedNet §3.1): which part of the picture, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

ZOOM = (1.0, 1.5)  # of the plain views
MAGNIFICATION = (1.6, 2.2)  # of the magnified views, relative to the plain ones


@dataclass(frozen=True)
class Look:
    """One draw of the spatial augmentation; every frame of a clip gets the same."""

    top: int
    left: int
    side_px: int
    flip: bool
    gamma: float
    contrast: float
    brightness: float
    softness: float
    """1 leaves the picture as it is; 2 halves its resolution."""
    noise: float
    """Standard deviation of sensor noise, grey levels."""


def draw_looks(
    height: int, width: int, change_HW: NDArray[np.floating], rng: np.random.Generator
) -> tuple[Look, Look]:
    """A square view of the picture and a magnified one inside it.

    Args:
        height: rows of the stored picture.
        width: its columns.
        change_HW: how much each point changes in the segment; of two random places for the
            magnified view the one where more happens is taken.
        rng: source of all randomness.
    """
    side = int(min(height, width) / rng.uniform(*ZOOM))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    inner = int(side / rng.uniform(*MAGNIFICATION))
    places = np.array([top, left]) + rng.integers(side - inner + 1, size=(2, 2))
    inner_top, inner_left = max(
        places.tolist(), key=lambda p: change_HW[p[0] : p[0] + inner, p[1] : p[1] + inner].mean()
    )
    flip = bool(rng.random() < 0.5)
    light = {
        "gamma": float(np.exp(rng.uniform(-0.4, 0.4))),
        "contrast": float(np.exp(rng.uniform(-0.4, 0.4))),
        "brightness": float(rng.uniform(-20, 20)),
        "noise": float(max(0.0, rng.normal(0, 1.5))),
    }
    # Softness is drawn for each view alone: neither sharpness nor zoom may go with the label.
    soft = [float(rng.uniform(1, 2)) if rng.random() < 0.3 else 1.0 for _ in range(2)]
    return (
        Look(top, left, side, flip, softness=soft[0], **light),
        Look(inner_top, inner_left, inner, flip, softness=soft[1], **light),
    )


def apply_look(
    frames_THWC: NDArray[np.uint8], look: Look, size_px: int, rng: np.random.Generator
) -> Tensor:
    """Cut, scale and colour a clip: uint8 (T, H, W, C) to uint8 (T, size_px, size_px, C)."""
    crop = frames_THWC[:, look.top : look.top + look.side_px, look.left : look.left + look.side_px]
    crop = crop[:, :, ::-1] if look.flip else crop
    frames = torch.from_numpy(np.ascontiguousarray(crop)).permute(0, 3, 1, 2).float()
    if look.softness > 1:
        frames = _resize(frames, max(16, round(size_px / look.softness)))
    frames = _resize(frames, size_px)
    frames = 255 * (frames.clamp(0, 255) / 255) ** look.gamma
    frames = (frames - 128) * look.contrast + 128 + look.brightness
    if look.noise:
        noise = rng.standard_normal(frames.shape, dtype=np.float32)
        frames = frames + look.noise * torch.from_numpy(noise)
    return frames.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _resize(frames_TCHW: Tensor, side_px: int) -> Tensor:
    return F.interpolate(frames_TCHW, size=(side_px, side_px), mode="bilinear", antialias=True)
