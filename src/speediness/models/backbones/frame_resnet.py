"""ResNet-18 on single frames, for features of places: its maps are an eighth of the frame.

The network of the contrastive random walk (Jabri et al. 2020, arXiv 2006.14613) when it carries labels:
the third stage keeps the size of the second, the fourth is left out. The authors' code pads by
reflection, here zeros are around the frame.
"""

# B batch, C channels, T frames, H W frame size, D feature channels

from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled
from speediness.models.backbones.r3d import STAGES, Stride, residual_stages

STRIDES: tuple[Stride, ...] = (1, (1, 2, 2), 1)


class FrameResNet18(Backbone):
    """Stem and three stages of a ResNet-18, every frame alone; 2.78 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        d_in = scaled(STAGES[0], width)
        self.stem = nn.Sequential(
            ConvNormReLU(in_channels, d_in, (1, 7, 7), (1, 2, 2), eps=1e-5),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
        self.stages = residual_stages(_conv, width, STRIDES)
        self.feature_dim = scaled(STAGES[len(STRIDES) - 1], width)
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/8, W/8), rounded up."""
        return self.stages(self.stem(clips_BCTHW))


def _conv(d_in: int, d_out: int, stride: Stride, d_block: int) -> nn.Module:
    return nn.Conv3d(d_in, d_out, (1, 3, 3), stride, (0, 1, 1), bias=False)
