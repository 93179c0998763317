"""S3D-G (Xie et al. 2018, arXiv 1712.04851), the backbone of SpeedNet §3.2, and its dialects.

Inception-v1 whose 3 x 3 x 3 convolutions are split into space and time (S3D), with gates (S3D-G). The
public versions agree on the channels and differ in the rest:

============ ===================================== ===========================================
name         time                                  gates
============ ===================================== ===========================================
s3dg         kept, as SpeedNet §3.2 asks for       after 2c and all branches (the authors' slim code)
s3dg_slim    the same, started as in the slim code the same
s3dg_strided halved three times, as published      the same
s3d          halved three times                    none (torchvision's s3d)
s3dg_rspnet  halved three times, in the stem by    after the separable convolutions alone, with bias
             its convolution over space            (RSPNet, Chen et al. 2021, arXiv 2011.07949)
============ ===================================== ===========================================

In all of them batch norm follows both halves of a separable convolution and pools are padded alike on
both sides; the slim code has no batch norm after the half in time and TensorFlow's padding.
"""

# B batch, T frames, H W frame size, D feature channels; the paper's N is H = W

from typing import Literal

import torch
from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled

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

Gates = Literal["all", "separable", "none"]


class SeparableConv(nn.Sequential):
    """A k x k x k convolution split into 1 x k x k over space and k x 1 x 1 over time."""

    def __init__(
        self,
        d_in: int,
        d_out: int,
        k: int,
        space_stride: tuple[int, int, int] = (1, 1, 1),
        time_stride: int = 1,
    ) -> None:
        super().__init__(
            ConvNormReLU(d_in, d_out, (1, k, k), space_stride),
            ConvNormReLU(d_out, d_out, (k, 1, 1), (time_stride, 1, 1)),
        )


class SelfGating(nn.Module):
    """Scales each channel by a sigmoid of the clip's mean features (the G of S3D-G)."""

    def __init__(self, d: int, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(d, d, 1, bias=bias)

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """Same shape as the input."""
        return feats_BDTHW * torch.sigmoid(self.conv(feats_BDTHW.mean((2, 3, 4), keepdim=True)))


class Inception(nn.Module):
    """Four parallel branches, gated as asked for, joined along the channels."""

    def __init__(self, d_in: int, channels: tuple[int, ...], gates: Gates) -> None:
        super().__init__()
        b0, b1_in, b1, b2_in, b2, b3 = channels

        def plain(d: int) -> nn.Module:
            return SelfGating(d, bias=False) if gates == "all" else nn.Identity()

        self.branches = nn.ModuleList(
            [
                nn.Sequential(ConvNormReLU(d_in, b0, (1, 1, 1)), plain(b0)),
                nn.Sequential(
                    ConvNormReLU(d_in, b1_in, (1, 1, 1)), SeparableConv(b1_in, b1, 3), _gate(b1, gates)
                ),
                nn.Sequential(
                    ConvNormReLU(d_in, b2_in, (1, 1, 1)), SeparableConv(b2_in, b2, 3), _gate(b2, gates)
                ),
                nn.Sequential(nn.MaxPool3d(3, 1, 1), ConvNormReLU(d_in, b3, (1, 1, 1)), plain(b3)),
            ]
        )

    def forward(self, feats_BDTHW: Tensor) -> Tensor:
        """(B, d_in, T, H, W) to (B, b0 + b1 + b2 + b3, T, H, W)."""
        return torch.cat([branch(feats_BDTHW) for branch in self.branches], 1)


def _start_as_slim(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            over_time, over_space, _ = module.kernel_size
            if over_time > over_space:
                nn.init.dirac_(module.weight)
            else:
                nn.init.trunc_normal_(module.weight, std=0.01, a=-0.02, b=0.02)


def _gate(d: int, gates: Gates) -> nn.Module:
    """What follows a separable convolution."""
    return nn.Identity() if gates == "none" else SelfGating(d, bias=gates == "separable")


class S3DG(Backbone):
    """S3D-G without its classifier.

    Args:
        in_channels: channels of the input, 3 for RGB.
        width: multiplies every channel count; 1.0 is the published network (9.13 M parameters).
        temporal_strides: strides in time of the stem, of the pool before 4b and of the pool
            before 5b. (1, 1, 1) keeps all T frames, as the output shape of SpeedNet §3.2 asks
            for: T x N/32 x N/32 x 1024. (2, 2, 2) is the original action network.
        gates: "all": after 2c and every branch. "separable": RSPNet's dialect, see the top of the
            file. "none": S3D. The gates look at the whole clip.
        slim_start: start as the authors' slim code does instead of He et al. 2015: normal of 0.01, cut off
            at two deviations, and over time the identity, so that the network sees single frames at first.
    """

    def __init__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        temporal_strides: tuple[int, int, int] = (1, 1, 1),
        gates: Gates = "all",
        slim_start: bool = False,
    ) -> None:
        super().__init__()
        stem, before_4, before_5 = temporal_strides
        d_1, d_2 = scaled(64, width), scaled(192, width)
        if gates == "separable":
            strided = SeparableConv(in_channels, d_1, 7, (stem, 2, 2))
            first = nn.Sequential(strided, _gate(d_1, gates))
        else:
            first = SeparableConv(in_channels, d_1, 7, (1, 2, 2), stem)
        self.stages = nn.ModuleDict(
            {
                "1a": first,
                "2a": nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
                "2b": ConvNormReLU(d_1, d_1, (1, 1, 1)),
                "2c": nn.Sequential(SeparableConv(d_1, d_2, 3), _gate(d_2, gates)),
                "3a": nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            }
        )
        d_in = d_2
        for name, channels in BLOCKS.items():
            if name == "4b":
                self.stages["4a"] = nn.MaxPool3d(3, (before_4, 2, 2), 1)
            if name == "5b":
                # Published: 2x2x2 / 2. With T kept, a window of 2 in time has no middle frame and
                # would shorten the clip by one, so without a stride in time it pools space alone.
                kernel = (2, 2, 2) if before_5 == 2 else (1, 2, 2)
                self.stages["5a"] = nn.MaxPool3d(kernel, (before_5, 2, 2))
            block = tuple(scaled(d, width) for d in channels)
            self.stages[name] = Inception(d_in, block, gates)
            d_in = block[0] + block[2] + block[4] + block[5]
        self.feature_dim = d_in
        if slim_start:
            _start_as_slim(self)
        else:
            draw_weights(self)
        for module in self.modules():
            if isinstance(module, SelfGating):
                # Gates start half open everywhere (authors: trunc normal 0.01).
                nn.init.trunc_normal_(module.conv.weight, std=0.01)
                if module.conv.bias is not None:
                    nn.init.zeros_(module.conv.bias)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T', H/32, W/32), rounded down; T' is T or T/8."""
        feats = clips_BCTHW
        for stage in self.stages.values():
            feats = stage(feats)
        return feats
