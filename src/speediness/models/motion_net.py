"""The small network's trunk: a (2+1)D residual network over cells of velocity.

Paper: S3D-G on RGB. Here, for two CPU cores: velocity is measured by a fixed layer (motion.py) and
averaged over cells of 8 x 8 pixels. Trained on the same cores it sees twice the clips a second of a
quarter-width S3D-G on the same velocities, and it keeps every cell, where S3D-G halves the picture
five times. Convolutions over space and over time alternate as in R(2+1)D (Tran et al. 2018,
arXiv 1711.11248).
"""

# B batch, T frames, h w cells, D feature channels

from __future__ import annotations

from torch import Tensor, nn

from speediness.models.s3dg import ConvNormReLU

SPACE, TIME = (1, 3, 3), (3, 1, 1)
CHANNELS = 24  # of the first stage at width 1; doubled in each of the two that follow


class MotionNet(nn.Module):
    """Keeps every frame and every cell.

    Args:
        in_channels: channels of the input.
        width: multiplies every channel count; 1.0 has 0.24 M parameters.
    """

    def __init__(self, in_channels: int, width: float = 1.0) -> None:
        super().__init__()
        d = max(4, round(CHANNELS * width))
        self.stages = nn.Sequential(
            ConvNormReLU(in_channels, d, SPACE),
            ConvNormReLU(d, d, (5, 1, 1)),
            _Residual(d, 2 * d),
            _Residual(2 * d, 4 * d),
        )
        self.feature_dim = 4 * d
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, cells_BCThw: Tensor) -> Tensor:
        """(B, C, T, h, w) to (B, feature_dim, T, h, w)."""
        return self.stages(cells_BCThw)


class _Residual(nn.Module):
    """Space, time, space, time, around which the input is carried by a 1x1x1 convolution."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            ConvNormReLU(d_in, d_out, SPACE),
            ConvNormReLU(d_out, d_out, TIME),
            ConvNormReLU(d_out, d_out, SPACE),
            nn.Conv3d(d_out, d_out, TIME, 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(d_out),
        )
        self.carry = nn.Sequential(nn.Conv3d(d_in, d_out, 1, bias=False), nn.BatchNorm3d(d_out))

    def forward(self, feats_BDThw: Tensor) -> Tensor:
        return (self.carry(feats_BDThw) + self.branch(feats_BDThw)).relu()
