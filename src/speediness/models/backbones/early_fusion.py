"""Early fusion (Karpathy et al. 2014, section 3.1 and Fig. 1): the first filter spans all frames.

T x 3 x H x W filters in the first convolution, after which there is no time: each filter has weights of
its own for every moment. It sees order, direction and the motion of small things, but what it has
learned of a motion at one moment it does not know of the next. In the paper, where T is 10, it does
worse than a single frame (57.7 % against 59.3 % of the videos of Sports-1M).
"""

# B batch, C channels, T frames, H W frame size

from __future__ import annotations

import dataclasses

from torch import Tensor

from speediness.models.backbones.frame_cnn import KARPATHY, FrameCNN
from speediness.models.backbones.layers import Backbone


class EarlyFusion(Backbone):
    """The single-frame network whose first filters span the clip; 4.27 M parameters at width 1.

    Args:
        in_channels: 3 for RGB.
        width: multiplies every channel count.
        n_frames: T, which the first filters span; the paper's is 10.
    """

    def __init__(self, in_channels: int = 3, width: float = 1.0, n_frames: int = 16) -> None:
        super().__init__()
        first, *others = KARPATHY
        stages = (dataclasses.replace(first, frames=n_frames), *others)
        self.frames = FrameCNN(in_channels, stages, width)
        self.feature_dim = self.frames.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T - n_frames + 1, H/24, W/24), rounded.

        Raises:
            SpeedinessError: fewer than ``n_frames`` frames.
        """
        return self.frames(clips_BCTHW)
