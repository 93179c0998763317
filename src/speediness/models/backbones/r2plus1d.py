"""R(2+1)D-18 (Tran et al. 2018, arXiv 1711.11248) as torchvision's r2plus1d_18.

A 3D ResNet-18 whose 3 x 3 x 3 convolutions are split into space and time, with as many channels between
the halves as keep the number of parameters (§3.5). Two figures are not in the paper but in its public
code: 45 channels within the stem, and both convolutions of a block get the number between that fits the
block's input. The R(2+1)D of VCOP and RSPNet is another, smaller network and gives other results
(SEVERE-BENCHMARK pre-trained RSPNet anew on this one to compare).
"""

# B batch, C channels, T frames, H W frame size, D feature channels

from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled
from speediness.models.backbones.r3d import STAGES, residual_stages

STEM_BETWEEN = 45


class R2Plus1D18(Backbone):
    """R(2+1)D-18 without its classifier; 31.3 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        between = scaled(STEM_BETWEEN, width)
        self.stem = nn.Sequential(
            ConvNormReLU(in_channels, between, (1, 7, 7), (1, 2, 2), eps=1e-5),
            ConvNormReLU(between, scaled(STAGES[0], width), (3, 1, 1), eps=1e-5),
        )
        self.stages = residual_stages(_conv, width)
        self.feature_dim = scaled(STAGES[-1], width)
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T/8, H/16, W/16), rounded up."""
        return self.stages(self.stem(clips_BCTHW))


def _conv(d_in: int, d_out: int, stride: int, d_block: int) -> nn.Module:
    between = 27 * d_block * d_out // (9 * d_block + 3 * d_out)
    return nn.Sequential(
        ConvNormReLU(d_in, between, (1, 3, 3), (1, stride, stride), eps=1e-5),
        nn.Conv3d(between, d_out, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
    )
