"""Motion between neighbouring frames, measured by a fixed layer: coarse-to-fine Lucas-Kanade on cells.

Paper: RGB frames go straight into the network. Here: the small network is given the motion of every
cell, because from a few hours of video a network this small does not learn to measure motion before it
has to score it. Method: Lucas and Kanade 1981, coarse to fine as in Bouguet 2000; each step is followed
by a mean weighted by confidence (normalised convolution, Knutsson and Westin 1993), so that plain
surfaces take the motion of the texture around them.
"""

# P pairs of frames, H W frame size, C channels, h w a pyramid level or the cells

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL_PX = 4
LEVELS, STEPS = 3, 2  # of the pyramid, each half the size of the one before; solutions a level
RADIUS, SMOOTHING = 2, 3  # of the window whose motion is taken to be constant; of the mean after each step
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # BT.601
NOISE = 2e-4  # variance of sensor and coding noise, for luma in 0..1
LEAST_CONFIDENCE = 0.02  # so that a frame without texture keeps a mean
LARGEST_STEP_PX = 1.0  # of one solution; the level above has seen what is larger


class MotionCells(nn.Module):
    """What moved between two frames, by cells of 4 x 4 pixels."""

    def forward(self, before_PHWC: Tensor, after_PHWC: Tensor) -> Tensor:
        """uint8 frames, H and W multiples of 8, to cells (P, 4, H/4, W/4).

        Returns:
            Means over the cell of displacement x, y and its length, in pixels of these frames, and of
            the confidence, from 0.02 (no texture in at least one direction) to 1.02.
        """
        flow, confidence = self.flow(_luma(before_PHWC), _luma(after_PHWC))
        length = flow.square().sum(1, keepdim=True).sqrt()
        return F.avg_pool2d(torch.cat([flow, length, confidence], 1), CELL_PX)

    def flow(self, before_P1HW: Tensor, after_P1HW: Tensor) -> tuple[Tensor, Tensor]:
        """Luma in 0..1 to dense flow (P, 2, H, W) in pixels (x, y) and confidence (P, 1, H, W)."""
        pyramid = [(before_P1HW, after_P1HW)]
        for _ in range(LEVELS - 1):
            before, after = pyramid[-1]
            pyramid.append((F.avg_pool2d(before, 2), F.avg_pool2d(after, 2)))
        before, after = pyramid.pop()
        flow, confidence = self._refined(before, after, None)
        for before, after in reversed(pyramid):
            coarse = 2 * F.interpolate(flow, size=before.shape[-2:], mode="bilinear", align_corners=False)
            flow, confidence = self._refined(before, after, coarse)
        return flow, confidence

    def _refined(
        self, before_P1hw: Tensor, after_P1hw: Tensor, flow_P2hw: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The flow of a level, from that of the level above (None: there is none)."""
        dx, dy = _gradients(before_P1hw)
        xx, yy, xy = window_mean(torch.cat([dx * dx, dy * dy, dx * dy], 1), RADIUS).split(1, 1)
        # The smaller eigenvalue of the structure tensor, against the noise: are both directions seen?
        spread = torch.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
        smaller = ((xx + yy) / 2 - spread).clamp(min=0)
        confidence = smaller / (smaller + 4 * NOISE) + LEAST_CONFIDENCE
        xx, yy = xx + NOISE, yy + NOISE
        determinant = xx * yy - xy * xy
        flow = torch.cat([torch.zeros_like(dx)] * 2, 1) if flow_P2hw is None else flow_P2hw
        for step in range(STEPS):
            seen = after_P1hw if flow_P2hw is None and step == 0 else _warp(after_P1hw, flow)
            change = seen - before_P1hw
            xt, yt = window_mean(torch.cat([dx * change, dy * change], 1), RADIUS).split(1, 1)
            moved = torch.cat([xy * yt - yy * xt, xy * xt - xx * yt], 1) / determinant
            flow = flow + moved.clamp(-LARGEST_STEP_PX, LARGEST_STEP_PX)
            around = window_mean(torch.cat([flow * confidence, confidence], 1), SMOOTHING)
            flow = around[:, :2] / around[:, 2:]
        return flow, confidence


def _luma(frames_PHWC: Tensor) -> Tensor:
    """Luma (P, 1, H, W) in 0..1 of frames in luma or RGB."""
    channels = frames_PHWC.permute(0, 3, 1, 2).float() / 255
    if frames_PHWC.shape[3] == 1:
        return channels
    return (channels * channels.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)).sum(1, keepdim=True)


def window_mean(maps_PChw: Tensor, radius: int) -> Tensor:
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
