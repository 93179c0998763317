"""I3D (Carreira and Zisserman 2017, arXiv 1705.07750): Inception-v1 with every kernel inflated over time.

The RGB stream, with batch norm; channels, strides and padding as published: of an odd number of zeros
TensorFlow puts the smaller half before. :func:`inflate` makes a 3D kernel of a 2D one so that a video in
which nothing moves (the paper's "boring video") gets the answer of its one frame. Beyond its ends a video
is padded with zeros, as published, so this holds for features that see no end of it: they see 99 frames.
"""

# B batch, T frames, H W frame size, D feature channels; O out, I in, t h w kernel

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled
from speediness.models.backbones.s3dg import BLOCKS

Size = tuple[int, int, int]

STRIDED: dict[str, tuple[Size, Size]] = {
    "1a": ((7, 7, 7), (2, 2, 2)),
    "2a": ((1, 3, 3), (1, 2, 2)),
    "3a": ((1, 3, 3), (1, 2, 2)),
    "4a": ((3, 3, 3), (2, 2, 2)),
    "5a": ((2, 2, 2), (2, 2, 2)),
}
"""Kernel and stride of the convolution 1a and of the pools."""


class InceptionBlock(nn.Module):
    """Four parallel branches, joined along the channels."""

    def __init__(self, d_in: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        b0, b1_in, b1, b2_in, b2, b3 = channels
        one, three = (1, 1, 1), (3, 3, 3)
        self.branches = nn.ModuleList(
            [
                ConvNormReLU(d_in, b0, one),
                nn.Sequential(ConvNormReLU(d_in, b1_in, one), ConvNormReLU(b1_in, b1, three)),
                nn.Sequential(ConvNormReLU(d_in, b2_in, one), ConvNormReLU(b2_in, b2, three)),
                nn.Sequential(nn.MaxPool3d(3, 1, 1), ConvNormReLU(d_in, b3, one)),
            ]
        )

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """(B, d_in, T, H, W) to (B, b0 + b1 + b2 + b3, T, H, W)."""
        return torch.cat([branch(feats_BDTHW) for branch in self.branches], 1)


class I3D(Backbone):
    """I3D without its classifier; 12.29 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        d_1, d_2 = scaled(64, width), scaled(192, width)
        self.stages = nn.ModuleDict(
            {
                "1a": ConvNormReLU(in_channels, d_1, *STRIDED["1a"], padded=False),
                "2a": nn.MaxPool3d(*STRIDED["2a"]),
                "2b": ConvNormReLU(d_1, d_1, (1, 1, 1)),
                "2c": ConvNormReLU(d_1, d_2, (3, 3, 3)),
                "3a": nn.MaxPool3d(*STRIDED["3a"]),
            }
        )
        d_in = d_2
        for name, channels in BLOCKS.items():
            if name == "4b":
                self.stages["4a"] = nn.MaxPool3d(*STRIDED["4a"])
            if name == "5b":
                self.stages["5a"] = nn.MaxPool3d(*STRIDED["5a"])
            block = tuple(scaled(d, width) for d in channels)
            self.stages[name] = InceptionBlock(d_in, block)
            d_in = block[0] + block[2] + block[4] + block[5]
        self.feature_dim = d_in
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T/8, H/32, W/32), rounded up."""
        feats = clips_BCTHW
        for name, stage in self.stages.items():
            if name in STRIDED:
                feats = _padded(feats, *STRIDED[name])
            feats = stage(feats)
        return feats


def _padded(feats_BDTHW: Tensor, kernel: Size, stride: Size) -> Tensor:
    """With as many zeros as give size / stride outputs, rounded up; features are never below 0."""
    before_and_after: list[int] = []
    for size, k, s in reversed(list(zip(feats_BDTHW.shape[2:], kernel, stride, strict=True))):
        zeros = max(0, k - (size % s or s))
        before_and_after += [zeros // 2, zeros - zeros // 2]
    return F.pad(feats_BDTHW, before_and_after)


def inflate(weight_OIhw: Tensor, t: int) -> Tensor:
    """A 2D kernel repeated t times and divided by t: (O, I, t, h, w)."""
    return weight_OIhw[:, :, None].repeat(1, 1, t, 1, 1) / t
