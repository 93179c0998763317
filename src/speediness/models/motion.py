"""Motion made explicit: pyramidal Lucas-Kanade flow as a fixed, parameter-free layer.

Paper: RGB frames go straight into the network. Here: the small network is given the velocity of
every point, because from an hour of video a network this small does not learn to measure motion
before it has to classify it. Method: Lucas and Kanade 1981, coarse to fine as in Bouguet 2000.
"""

# P pairs of frames, H W frame size, C channels, h w a pyramid level

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL_PX = 8
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # BT.601


def _window_mean(maps_PChw: Tensor, radius: int) -> Tensor:
    """Mean over a (2 radius + 1)^2 window, the border repeated.

    Sums of shifted views, rows then columns: twice as fast on a CPU as average pooling.
    """
    size = 2 * radius + 1
    height, width = maps_PChw.shape[-2:]
    padded = F.pad(maps_PChw, (radius,) * 4, mode="replicate")
    rows = padded[..., :height, :]
    for shift in range(1, size):
        rows = rows + padded[..., shift : shift + height, :]
    window = rows[..., :width]
    for shift in range(1, size):
        window = window + rows[..., shift : shift + width]
    return window / size**2


def _gradients(image_P1hw: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences along x and y."""
    padded = F.pad(image_P1hw, (1, 1, 1, 1), mode="replicate")
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return dx, dy


class MotionCells(nn.Module):
    """What moved between two frames, by cells of 8 x 8 pixels.

    Four means per cell: displacement along x and y, length of the displacement, confidence. Of a
    pair of frames alone, so that all windows a pair is part of can share them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flow = LucasKanade()

    def forward(self, before_PHWC: Tensor, after_PHWC: Tensor) -> Tensor:
        """uint8 frames, H and W multiples of 8, to (P, 4, H/8, W/8) in pixels of these frames."""
        flow, seen = self.flow(_luma(before_PHWC), _luma(after_PHWC))
        length = flow.square().sum(1, keepdim=True).sqrt()
        return F.avg_pool2d(torch.cat([flow, length, seen], 1), CELL_PX)


def _luma(frames_PHWC: Tensor) -> Tensor:
    """Luma (P, 1, H, W) in 0..1 of frames in luma or RGB."""
    channels = frames_PHWC.permute(0, 3, 1, 2).float() / 255
    if frames_PHWC.shape[3] == 1:
        return channels
    return (channels * channels.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)).sum(1, keepdim=True)


class LucasKanade(nn.Module):
    """Dense optical flow between neighbouring frames, in pixels, with a confidence.

    Args:
        levels: pyramid levels, each half the size of the one before; four see displacements of
            up to about 6 pixels, larger ones are underestimated.
        radius: radius of the window over which the motion is taken to be constant.
    """

    def __init__(self, levels: int = 4, radius: int = 2) -> None:
        super().__init__()
        self.levels, self.radius = levels, radius
        self.noise = 1e-4  # variance of sensor and coding noise, for luma in 0..1

    def forward(self, before_P1HW: Tensor, after_P1HW: Tensor) -> tuple[Tensor, Tensor]:
        """Luma in 0..1 to flow ``(P, 2, H, W)`` (x, y) and confidence ``(P, 1, H, W)``.

        H and W are multiples of ``2**(levels - 1)``. Confidence runs from 0.2, no texture in at
        least one direction, to 1.
        """
        pyramid = [(before_P1HW, after_P1HW)]
        for _ in range(self.levels - 1):
            before, after = pyramid[-1]
            pyramid.append((F.avg_pool2d(before, 2), F.avg_pool2d(after, 2)))
        before, after = pyramid.pop()
        flow, confidence = self._solve(before, after)
        for before, after in reversed(pyramid):
            coarse = 2 * F.interpolate(flow, size=before.shape[-2:], mode="bilinear", align_corners=False)
            step, confidence = self._solve(before, _warp(after, coarse))
            flow = coarse + step
        return flow, confidence

    def _solve(self, before_P1hw: Tensor, after_P1hw: Tensor) -> tuple[Tensor, Tensor]:
        """One least-squares step of Lucas and Kanade, and how well posed it was."""
        dx, dy = _gradients(before_P1hw)
        xx, yy, xy = _window_mean(torch.cat([dx * dx, dy * dy, dx * dy], 1), self.radius).split(1, 1)
        xx, yy = xx + self.noise, yy + self.noise
        dt = after_P1hw - before_P1hw
        xt, yt = _window_mean(torch.cat([dx * dt, dy * dt], 1), self.radius).split(1, 1)
        step = torch.cat([xy * yt - yy * xt, xy * xt - xx * yt], 1) / (xx * yy - xy * xy)
        # The smaller eigenvalue of the structure tensor, against the noise: are both directions seen?
        spread = torch.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
        smaller = ((xx + yy) / 2 - spread).clamp(min=0)
        return step.clamp(-2, 2), smaller / (smaller + 4 * self.noise)


def _warp(image_P1hw: Tensor, flow_P2hw: Tensor) -> Tensor:
    """The image seen from where the flow points to."""
    height, width = image_P1hw.shape[-2:]
    ys = torch.arange(height, device=image_P1hw.device, dtype=image_P1hw.dtype)
    xs = torch.arange(width, device=image_P1hw.device, dtype=image_P1hw.dtype)
    x = (xs[None, None, :] + flow_P2hw[:, 0]) * (2 / (width - 1)) - 1
    y = (ys[None, :, None] + flow_P2hw[:, 1]) * (2 / (height - 1)) - 1
    return F.grid_sample(
        image_P1hw, torch.stack([x, y], -1), mode="bilinear", padding_mode="border", align_corners=True
    )
