"""Slow fusion (Karpathy et al. 2014, section 3.1 and Fig. 1): time is used up layer by layer.

The first three convolutions cover 4, 2 and 2 frames, the first two at a stride of 2: of the paper's 10
frames there are 4, 2 and 1 responses, and what follows is a 2D network. (The third has a stride of 2 in
the paper, where it has one response; 1 here, so that of 16 frames 14 are seen and not 10.) Filters
slide over time, so a motion is known again at another moment, but at every fourth frame only.

The best network of the paper: 60.9 % of the videos of Sports-1M; on UCF101 41.3 % from a random start
and 65.4 % with its last three layers fine-tuned. The lecture calls 3D convolutions by the same name; its
first filters are 4 x 5 x 5, the paper's 4 x 11 x 11.
"""

# B batch, C channels, T frames, H W frame size

from __future__ import annotations

import dataclasses

from torch import Tensor

from speediness.models.backbones.frame_cnn import KARPATHY, FrameCNN
from speediness.models.backbones.layers import Backbone

FRAMES = ((4, 2), (2, 2), (2, 1))  # that the first convolutions cover, and their strides


class SlowFusion(Backbone):
    """The single-frame network with three filters stretched over time; 5.35 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        stretched = (
            dataclasses.replace(stage, frames=frames, frame_stride=stride)
            for stage, (frames, stride) in zip(KARPATHY, FRAMES, strict=False)
        )
        self.frames = FrameCNN(in_channels, (*stretched, *KARPATHY[len(FRAMES) :]), width)
        self.feature_dim = self.frames.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T', H/24, W/24), rounded; T' is 1 for 10 frames, 2 for 16.

        Raises:
            SpeedinessError: fewer than 10 frames.
        """
        return self.frames(clips_BCTHW)
