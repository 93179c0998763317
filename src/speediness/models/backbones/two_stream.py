"""Two streams (Simonyan and Zisserman 2014, arXiv 1406.2199, Fig. 1): what is there, and how it moves.

The spatial stream sees one RGB frame. The temporal stream sees no frame, but L = 10 fields of flow
stacked into 2L channels (section 3.1), each less its own mean vector, so that a camera that pans with
constant flow is not seen. The streams meet at their scores, late: a linear classifier on both features
adds the logits of the two. The paper trains them apart and averages softmax scores, or gives them to a
linear SVM. The stacking is early fusion of flow: the first filters span the L fields.

UCF101, mean of three splits: spatial 73.0 % (from ImageNet), temporal 83.7 %, averaged 86.9 %, by
SVM 88.0 %. From a random start on split 1: spatial 52.3 %, temporal 81.0 %.
"""

# B batch, C channels, T frames, H W frame size, D feature channels

import dataclasses

import torch
from torch import Tensor

from speediness.models.backbones.frame_cnn import CNN_M, FrameCNN, require_frames
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.stems import FLOW, RGB

L = 10  # fields of flow in a stack
STEP = 5  # frames from one stack to the next


class SpatialStream(Backbone):
    """One RGB frame a stack of flow, the first; 6.53 M parameters at width 1."""

    averages_probabilities = True

    def __init__(self, in_channels: int = 5, width: float = 1.0) -> None:
        super().__init__()
        self.spatial = FrameCNN(3, CNN_M, width)
        self.feature_dim = self.spatial.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """RGB first (B, C, T, H, W) to (B, feature_dim, 1 + (T - 10) // 5, H/32, W/32), rounded up.

        Raises:
            SpeedinessError: fewer than 10 frames.
        """
        require_frames(clips_BCTHW, L)
        return self.spatial(clips_BCTHW[:, RGB, : clips_BCTHW.shape[2] - L + 1 : STEP])


class TemporalStream(Backbone):
    """Stacks of ten fields of flow; 6.61 M parameters at width 1."""

    averages_probabilities = True

    def __init__(self, in_channels: int = 5, width: float = 1.0) -> None:
        super().__init__()
        first, *others = CNN_M
        stacked = dataclasses.replace(first, frames=L, frame_stride=STEP)
        self.temporal = FrameCNN(2, (stacked, *others), width)
        self.feature_dim = self.temporal.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """RGB and flow (B, 5, T, H, W) to (B, feature_dim, T', H/32, W/32), rounded up.

        Raises:
            SpeedinessError: fewer than 10 frames.
        """
        flow_B2THW = clips_BCTHW[:, FLOW]
        return self.temporal(flow_B2THW - flow_B2THW.mean((3, 4), keepdim=True))


class TwoStream(Backbone):
    """Both streams, their features side by side; 13.14 M parameters at width 1."""

    averages_probabilities = True

    def __init__(self, in_channels: int = 5, width: float = 1.0) -> None:
        super().__init__()
        self.spatial_stream = SpatialStream(in_channels, width)
        self.temporal_stream = TemporalStream(in_channels, width)
        self.feature_dim = self.spatial_stream.feature_dim + self.temporal_stream.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """RGB and flow (B, 5, T, H, W) to (B, feature_dim, T', H/32, W/32), rounded up.

        Raises:
            SpeedinessError: fewer than 10 frames.
        """
        return torch.cat([self.spatial_stream(clips_BCTHW), self.temporal_stream(clips_BCTHW)], 1)
