"""EfficientNet-Lite0, a 2D network of ImageNet (Tan and Le 2019, arXiv 1905.11946; Google's Lite variant).

Published with 1000 classes: 4.7 M parameters and 407 M multiply-adds at 224 x 224. Layers come in the
order of the common PyTorch versions, so that ``speediness convert`` finds their weights.
"""

# B batch, D channels, h w maps

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.layers import scaled

# Blocks, side of the depthwise kernel, stride of the first block, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280


class ConvNorm(nn.Module):
    """Convolution and batch norm, with ReLU6 or not; padded as TensorFlow does."""

    def __init__(
        self, d_in: int, d_out: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
    ) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(d_in, d_out, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(d_out, eps=1e-3)
        self.kernel, self.stride, self.act = kernel, stride, act

    def forward(self, feats_BDhw: Tensor) -> Tensor:
        """Maps to maps, over the stride and rounded up; maps of clips (B, D, T, h, w) as well."""
        height, width = feats_BDhw.shape[-2:]
        sides = []
        for size in (width, height):
            zeros = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            sides += [zeros // 2, zeros - zeros // 2]
        feats_BDhw = self.norm(self.conv(F.pad(feats_BDhw, sides)))
        return F.relu6(feats_BDhw) if self.act else feats_BDhw


class Block(nn.Module):
    """Expand, filter every channel by itself, project; added to the input where the size is kept."""

    def __init__(self, d_in: int, d_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        d = d_in * expansion
        self.expand = ConvNorm(d_in, d, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(d, d, kernel, stride, groups=d)
        self.project = ConvNorm(d, d_out, 1, act=False)
        self.added = stride == 1 and d_in == d_out

    def forward(self, feats_BDhw: Tensor) -> Tensor:
        """Maps to maps, over the stride and rounded up."""
        out = self.project(self.depthwise(self.expand(feats_BDhw)))
        return feats_BDhw + out if self.added else out


class EfficientNetLite0(nn.Sequential):
    """Frames (B, 3, H, W), normalised RGB, to maps (B, feature_dim, H/32, W/32), rounded up."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        d_in = scaled(STEM, width)
        layers: list[nn.Module] = [ConvNorm(in_channels, d_in, 3, 2)]
        for blocks, kernel, stride, expansion, channels in STAGES:
            d_out = scaled(channels, width)
            for number in range(blocks):
                layers.append(Block(d_in, d_out, kernel, stride if number == 0 else 1, expansion))
                d_in = d_out
        super().__init__(*layers, ConvNorm(d_in, scaled(HEAD, width), 1))
        self.feature_dim = scaled(HEAD, width)
