"""The small network's trunk: a (2+1)D residual network over cells of velocity.

Paper: S3D-G on RGB. Here, for two CPU cores: velocity is measured by a fixed layer (motion.py) and
averaged over cells of 8 x 8 pixels. Trained on the same cores it sees twice the clips a second of a
quarter-width S3D-G on the same velocities, and it keeps every cell, where S3D-G halves the frame
five times. Convolutions over space and over time alternate as in R(2+1)D (Tran et al. 2018,
arXiv 1711.11248).
"""

# B batch, T frames, h w cells, D feature channels

from __future__ import annotations

import torch
from torch import Tensor, nn

from speediness.models.layers import BN_EPS, BN_MOMENTUM, Backbone, ConvNormReLU, draw_weights, scaled

SPACE = (1, 3, 3)
CHANNELS = 24  # of the first stage at width 1; doubled in each of the two that follow


class MotionNet(Backbone):
    """Keeps every frame and every cell; 0.24 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        d = scaled(CHANNELS, width)
        self.stages = nn.Sequential(
            ConvNormReLU(in_channels, d, SPACE),
            _TimeConv(d, 5),
            _norm(d),
            nn.ReLU(inplace=True),
            _Residual(d, 2 * d),
            _Residual(2 * d, 4 * d),
        )
        self.feature_dim = 4 * d
        self.context = sum(m.reach for m in self.modules() if isinstance(m, _TimeConv))
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Cells (B, C, T, h, w) to (B, feature_dim, T, h, w)."""
        return self.stages(clips_BCTHW)


class _TimeConv(nn.Conv3d):
    """A convolution over time alone, the first and last frame repeated beyond the ends.

    Motion going on evenly is what a video does beyond a window's ends; zeros would be a sudden stop.
    """

    def __init__(self, d: int, size: int) -> None:
        super().__init__(d, d, (size, 1, 1), bias=False)
        self.reach = size // 2

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        before, after = input[:, :, :1], input[:, :, -1:]
        return super().forward(torch.cat([before] * self.reach + [input] + [after] * self.reach, 2))


class _Residual(nn.Module):
    """Space, time, space, time, around which the input is carried by a 1x1x1 convolution."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            ConvNormReLU(d_in, d_out, SPACE),
            _TimeConv(d_out, 3),
            _norm(d_out),
            nn.ReLU(inplace=True),
            ConvNormReLU(d_out, d_out, SPACE),
            _TimeConv(d_out, 3),
            _norm(d_out),
        )
        self.carry = nn.Sequential(nn.Conv3d(d_in, d_out, 1, bias=False), _norm(d_out))

    def forward(self, feats_BDThw: Tensor) -> Tensor:
        return (self.carry(feats_BDThw) + self.branch(feats_BDThw)).relu()


def _norm(d: int) -> nn.BatchNorm3d:
    return nn.BatchNorm3d(d, eps=BN_EPS, momentum=BN_MOMENTUM)
