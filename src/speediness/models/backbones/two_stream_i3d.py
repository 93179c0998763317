"""Two-stream I3D (Carreira and Zisserman 2017, arXiv 1705.07750, section 2.5 and Fig. 2e).

One I3D on RGB and one on flow, two channels a frame, clipped at 20 pixels and scaled to -1..1. Their
logits are added with equal weight, which a linear classifier on both features does. The paper trains
them apart, each from an inflated Inception-v1. Kinetics-400, test: RGB 71.1 %, flow 63.4 %, both 74.2 %;
UCF101 98.0 % and HMDB51 80.9 % after Kinetics.
"""

# B batch, C channels, T frames, H W frame size

import torch
from torch import Tensor

from speediness.models.backbones.i3d import I3D
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.stems import FLOW, RGB

MOST_PX = 20.0  # of flow


class TwoStreamI3D(Backbone):
    """I3D twice, features side by side; 24.55 M parameters at width 1 (25 M published with 400 classes)."""

    def __init__(self, in_channels: int = 5, width: float = 1.0) -> None:
        super().__init__()
        self.rgb_stream, self.flow_stream = I3D(3, width), I3D(2, width)
        self.feature_dim = self.rgb_stream.feature_dim + self.flow_stream.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """RGB and flow (B, 5, T, H, W) to (B, feature_dim, T/8, H/32, W/32), rounded up."""
        flow = clips_BCTHW[:, FLOW].clamp(-MOST_PX, MOST_PX) / MOST_PX
        return torch.cat([self.rgb_stream(clips_BCTHW[:, RGB]), self.flow_stream(flow)], 1)
