"""S3D-G (Xie et al. 2018, arXiv 1712.04851), the backbone of SpeedNet §3.2."""

# B batch, T frames, H W picture, D feature channels; the paper's N is H = W

from __future__ import annotations

import torch
from torch import Tensor, nn

# Channels of the Inception blocks: b0, b1 reduce, b1, b2 reduce, b2, b3 (authors' slim code).
BLOCKS: dict[str, tuple[int, int, int, int, int, int]] = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
# The authors' decay of 0.999 leaves 37 % of the initial statistics after 1000 steps, which ruins
# short runs evaluated in eval mode; 0.1 forgets within tens of steps.
BN_MOMENTUM = 0.1
BN_EPS = 1e-3


class ConvNormReLU(nn.Sequential):
    """Convolution without bias, batch norm, ReLU; SAME padding for odd kernels."""

    def __init__(
        self, d_in: int, d_out: int, kernel: tuple[int, int, int], stride: tuple[int, int, int] = (1, 1, 1)
    ) -> None:
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        super().__init__(
            nn.Conv3d(d_in, d_out, kernel, stride, padding, bias=False),
            nn.BatchNorm3d(d_out, eps=BN_EPS, momentum=BN_MOMENTUM),
            nn.ReLU(inplace=True),
        )


class SeparableConv(nn.Sequential):
    """A k x k x k convolution split into 1 x k x k over space and k x 1 x 1 over time."""

    def __init__(
        self, d_in: int, d_out: int, k: int, spatial_stride: int = 1, temporal_stride: int = 1
    ) -> None:
        super().__init__(
            ConvNormReLU(d_in, d_out, (1, k, k), (1, spatial_stride, spatial_stride)),
            ConvNormReLU(d_out, d_out, (k, 1, 1), (temporal_stride, 1, 1)),
        )


class SelfGating(nn.Module):
    """Scales each channel by a sigmoid of the clip's mean features (the G of S3D-G)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(d, d, 1, bias=False)

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """Same shape as the input."""
        return feats_BDTHW * torch.sigmoid(self.conv(feats_BDTHW.mean((2, 3, 4), keepdim=True)))


class Inception(nn.Module):
    """Four parallel branches, each gated, joined along the channels."""

    def __init__(self, d_in: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        b0, b1_in, b1, b2_in, b2, b3 = channels
        self.branches = nn.ModuleList(
            [
                nn.Sequential(ConvNormReLU(d_in, b0, (1, 1, 1)), SelfGating(b0)),
                nn.Sequential(
                    ConvNormReLU(d_in, b1_in, (1, 1, 1)), SeparableConv(b1_in, b1, 3), SelfGating(b1)
                ),
                nn.Sequential(
                    ConvNormReLU(d_in, b2_in, (1, 1, 1)), SeparableConv(b2_in, b2, 3), SelfGating(b2)
                ),
                nn.Sequential(nn.MaxPool3d(3, 1, 1), ConvNormReLU(d_in, b3, (1, 1, 1)), SelfGating(b3)),
            ]
        )

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """(B, d_in, T, H, W) to (B, b0 + b1 + b2 + b3, T, H, W)."""
        return torch.cat([branch(feats_BDTHW) for branch in self.branches], 1)


class S3DG(nn.Module):
    """S3D-G without its classifier.

    Args:
        in_channels: channels of the input, 3 for RGB.
        width: multiplies every channel count; 1.0 is the published network (9.13 M parameters).
        temporal_strides: strides in time of the stem, of the pool before 4b and of the pool
            before 5b. (1, 1, 1) keeps all T frames, as the output shape of SpeedNet §3.2 asks
            for: T x N/32 x N/32 x 1024. (2, 2, 2) is the original action network.
    """

    context: int | None = None
    """Its gates look at the whole clip."""

    def __init__(
        self, in_channels: int = 3, width: float = 1.0, temporal_strides: tuple[int, int, int] = (1, 1, 1)
    ) -> None:
        super().__init__()

        def scaled(d: int) -> int:
            return max(4, round(d * width))

        stem, before_4, before_5 = temporal_strides
        self.stages = nn.ModuleDict(
            {
                "1a": SeparableConv(in_channels, scaled(64), 7, spatial_stride=2, temporal_stride=stem),
                "2a": nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
                "2b": ConvNormReLU(scaled(64), scaled(64), (1, 1, 1)),
                "2c": nn.Sequential(SeparableConv(scaled(64), scaled(192), 3), SelfGating(scaled(192))),
                "3a": nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            }
        )
        d_in = scaled(192)
        for name, channels in BLOCKS.items():
            if name == "4b":
                self.stages["4a"] = nn.MaxPool3d(3, (before_4, 2, 2), 1)
            if name == "5b":
                # Published: 2x2x2 / 2. With T kept, a window of 2 in time has no middle frame and
                # would shorten the clip by one, so without a stride in time it pools space alone.
                kernel = (2, 2, 2) if before_5 == 2 else (1, 2, 2)
                self.stages["5a"] = nn.MaxPool3d(kernel, (before_5, 2, 2))
            block = tuple(scaled(d) for d in channels)
            self.stages[name] = Inception(d_in, block)
            d_in = block[0] + block[2] + block[4] + block[5]
        self.feature_dim = d_in
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, SelfGating):
                # Gates start half open everywhere (authors: trunc normal 0.01).
                nn.init.trunc_normal_(module.conv.weight, std=0.01)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/32, W/32); H and W are multiples of 32."""
        feats = clips_BCTHW
        for stage in self.stages.values():
            feats = stage(feats)
        return feats
