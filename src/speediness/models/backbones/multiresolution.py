"""Two resolutions (Karpathy et al. 2014, section 3.2 and Fig. 2): a context and a fovea stream.

Context: the whole frame at half its size. Fovea: the middle of the frame at full size. Together they
are half as many pixels, which made training two to four times as fast; both streams are the
single-frame network without its last pool. Sports-1M: 60.0 % of videos right, against 59.3 % for the
single frame; 49.9 % by the fovea alone, 56.0 % by the context alone. In time it sees what the
single-frame network sees: nothing.
"""

# B batch, C channels, T frames, H W frame size

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.models.backbones.frame_cnn import KARPATHY, FrameCNN
from speediness.models.backbones.layers import Backbone

STAGES = (*KARPATHY[:-1], dataclasses.replace(KARPATHY[-1], pool=0))


class Multiresolution(Backbone):
    """Two single-frame networks side by side; 7.50 M parameters at width 1."""

    averages_probabilities = True

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.context_stream = FrameCNN(in_channels, STAGES, width)
        self.fovea_stream = FrameCNN(in_channels, STAGES, width)
        self.feature_dim = self.context_stream.feature_dim + self.fovea_stream.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/24, W/24), rounded; H and W even."""
        height, width = clips_BCTHW.shape[3:]
        top, left = height // 4, width // 4
        whole = F.avg_pool3d(clips_BCTHW, (1, 2, 2))
        middle = clips_BCTHW[..., top : top + height // 2, left : left + width // 2]
        return torch.cat([self.context_stream(whole), self.fovea_stream(middle)], 1)
