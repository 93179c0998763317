"""A 2D ResNet with non-local blocks (Wang et al. 2018, arXiv 1711.07971): attention instead of 3D kernels.

A block (Fig. 2, embedded Gaussian) gives every place of every frame a mean of all places of all frames,
weighted by likeness, and adds it. Five of them, two in res3 and three in res4, every other layer
(section 5.1), in the C2D network (Table 1): a ResNet whose kernels cover one frame and which strides
over time in conv1 and in two pools. conv1 so looks at every second frame alone; the others are never
seen. No place knows when it is, so without the strides no answer depends on the order of frames.

Kinetics-400, ResNet-101: C2D 73.1 %, with five blocks 75.1 %, I3D 74.4 % (Table 2e).
"""

# B batch, C channels, T frames, H W frame size, D feature channels, N places

import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled

CHANNELS = (64, 128, 256, 512)  # of the 3 x 3 kernels; a stage gives four times as many
EXPANSION = 4
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
NON_LOCAL = {1: 2, 2: 3}  # of stages res3 and res4, how many, on every other block from the last one back


class NonLocalBlock(nn.Module):
    """Embedded Gaussian, D / 2 channels inside, keys and values of maps pooled 2 x 2 (section 3.3).

    The last batch norm starts at zero, so that the block is the identity at the start of training and
    can be put into a trained network.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        inner = max(d // 2, 1)
        self.theta, self.phi, self.g = (nn.Conv3d(d, inner, 1) for _ in range(3))
        self.pool = nn.MaxPool3d((1, 2, 2), ceil_mode=True)
        self.out = nn.Conv3d(inner, d, 1)
        self.norm = nn.BatchNorm3d(d)
        nn.init.zeros_(self.norm.weight)

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """Same shape as the input."""
        pooled = self.pool(feats_BDTHW)
        queries, keys, values = (
            maps.flatten(2).transpose(1, 2)
            for maps in (self.theta(feats_BDTHW), self.phi(pooled), self.g(pooled))
        )
        mean_BND = F.scaled_dot_product_attention(queries, keys, values)
        mean_BDTHW = mean_BND.transpose(1, 2).reshape(-1, mean_BND.shape[2], *feats_BDTHW.shape[2:])
        return feats_BDTHW + self.norm(self.out(mean_BDTHW))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 on single frames, added to the input or its projection (He et al. 2016)."""

    def __init__(self, d_in: int, d: int, d_out: int, stride: int) -> None:
        super().__init__()
        steps = (1, stride, stride)  # in the first layer, as in the paper's ResNet
        self.branch = nn.Sequential(
            ConvNormReLU(d_in, d, (1, 1, 1), steps, eps=1e-5),
            ConvNormReLU(d, d, (1, 3, 3), eps=1e-5),
            nn.Conv3d(d, d_out, 1, bias=False),
            nn.BatchNorm3d(d_out),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or d_in != d_out:
            self.shortcut.extend([nn.Conv3d(d_in, d_out, 1, steps, bias=False), nn.BatchNorm3d(d_out)])

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """(B, d_in, T, H, W) to (B, d_out, T, h, w)."""
        return (self.branch(feats_BDTHW) + self.shortcut(feats_BDTHW)).relu()


class NonLocalC2D(Backbone):
    """C2D with five non-local blocks; 30.87 M parameters at width 1.

    Args:
        in_channels: 3 for RGB.
        width: multiplies every channel count.
        depth: of the ResNet, 50 or 101.
        temporal_strides: of conv1 and of the pools after it and after res2; (2, 2, 2) is published.
        non_local: whether it has the blocks; without them it is C2D, the baseline.
    """

    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        depth: int = 50,
        temporal_strides: tuple[int, int, int] = (2, 2, 2),
        non_local: bool = True,
    ) -> None:
        super().__init__()
        first, after_1, after_2 = temporal_strides
        d_in = scaled(CHANNELS[0], width)
        self.stages = nn.Sequential(
            ConvNormReLU(in_channels, d_in, (1, 7, 7), (first, 2, 2), eps=1e-5),
            _pool(after_1, 3, 2),
        )
        for number, (channels, blocks) in enumerate(zip(CHANNELS, BLOCKS[depth], strict=True)):
            d = scaled(channels, width)
            attended = NON_LOCAL.get(number, 0) if non_local else 0
            for block in range(blocks):
                self.stages.append(Bottleneck(d_in, d, EXPANSION * d, 2 if number and not block else 1))
                d_in = EXPANSION * d
                if (blocks - 1 - block) % 2 == 0 and (blocks - 1 - block) // 2 < attended:
                    self.stages.append(NonLocalBlock(d_in))
            if number == 0:
                self.stages.append(_pool(after_2, 1, 1))
        self.feature_dim = d_in
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T/8, H/32, W/32), rounded up."""
        return self.stages(clips_BCTHW)


def _pool(frame_stride: int, side: int, stride: int) -> nn.Module:
    """Max pooling over three frames where it strides over time, else within one."""
    frames = 3 if frame_stride > 1 else 1
    return nn.MaxPool3d(
        (frames, side, side), (frame_stride, stride, stride), (frames // 2, side // 2, side // 2)
    )
