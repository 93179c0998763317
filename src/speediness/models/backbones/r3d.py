"""3D ResNet-18 (Hara et al. 2018, arXiv 1711.09577), the ResNet-18 of RSPNet (arXiv 2011.07949).

Its stem is 7 x 7 x 7 with a stride over space alone, then a pool of 3 x 3 x 3 that halves time and space;
shortcuts are projections where the size changes (type B). torchvision's r3d_18 is another network: its stem
is 3 x 7 x 7 and has no pool.
"""

# B batch, C channels, T frames, H W frame size, D feature channels

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled

STAGES = (64, 128, 256, 512)  # channels, two blocks each

Stride = int | tuple[int, int, int]
STRIDES: tuple[Stride, ...] = (1, 2, 2, 2)
Conv = Callable[[int, int, Any, int], nn.Module]
"""Made of (d_in, d_out, stride, d_block): a 3 x 3 x 3 convolution in a block given d_block channels."""


class BasicBlock(nn.Module):
    """Two convolutions, added to the input or to its projection (He et al. 2016)."""

    def __init__(self, conv: Conv, d_in: int, d_out: int, stride: Stride) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(d_in, d_out, stride, d_in),
            nn.BatchNorm3d(d_out),
            nn.ReLU(inplace=True),
            conv(d_out, d_out, 1, d_in),
            nn.BatchNorm3d(d_out),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or d_in != d_out:
            self.shortcut.extend([nn.Conv3d(d_in, d_out, 1, stride, bias=False), nn.BatchNorm3d(d_out)])

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """(B, d_in, T, H, W) to (B, d_out, T, H, W) over the stride, rounded up."""
        return (self.branch(feats_BDTHW) + self.shortcut(feats_BDTHW)).relu()


def residual_stages(conv: Conv, width: float, strides: tuple[Stride, ...] = STRIDES) -> nn.Sequential:
    """As many stages of a ResNet-18 after its stem as there are strides."""
    d_in = scaled(STAGES[0], width)
    blocks: list[nn.Module] = []
    for channels, stride in zip(STAGES, strides, strict=False):
        d_out = scaled(channels, width)
        blocks += [BasicBlock(conv, d_in, d_out, stride), BasicBlock(conv, d_out, d_out, 1)]
        d_in = d_out
    return nn.Sequential(*blocks)


class R3D18(Backbone):
    """3D ResNet-18 without its classifier; 33.2 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvNormReLU(in_channels, scaled(STAGES[0], width), (7, 7, 7), (1, 2, 2), eps=1e-5),
            nn.MaxPool3d(3, 2, 1),
        )
        self.stages = residual_stages(_conv, width)
        self.feature_dim = scaled(STAGES[-1], width)
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T/16, H/32, W/32), rounded up."""
        return self.stages(self.stem(clips_BCTHW))


def _conv(d_in: int, d_out: int, stride: int, d_block: int) -> nn.Module:
    return nn.Conv3d(d_in, d_out, 3, stride, 1, bias=False)
