"""Late fusion: features of single frames are joined at the end.

By concatenation (Karpathy et al. 2014, section 3.1 and Fig. 1): two towers with the same weights look
at two frames 15 apart, and the first fully connected layer sees both. It can tell which frame came
first and what changed between them, and nothing of the frames between. Here that layer works at each
place of the maps, where the paper's sees all places at once. By pooling: the mean over time and space
of the features of all frames, then one classifier. Like the single-frame network it cannot tell the
order of frames; it differs in what is averaged, features instead of probabilities.
"""

# B batch, C channels, T frames, H W frame size, D feature channels, h w last maps

import torch
from torch import Tensor, nn

from speediness.models.backbones.frame_cnn import KARPATHY, FrameCNN, require_frames
from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled
from speediness.models.backbones.single_frame import SingleFrame

APART = 15  # frames between the two that are compared
FUSED = 4096  # channels of the paper's first fully connected layer


class LateFusion(Backbone):
    """Two frames, one set of weights, joined by concatenation; 5.85 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.frames = FrameCNN(in_channels, KARPATHY, width)
        self.feature_dim = scaled(FUSED, width)
        self.fuse: nn.Module = ConvNormReLU(2 * self.frames.feature_dim, self.feature_dim, (1, 1, 1))
        draw_weights(self.fuse)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T - 15, H/24, W/24), rounded.

        Raises:
            SpeedinessError: fewer than 16 frames.
        """
        require_frames(clips_BCTHW, APART + 1)
        pairs = clips_BCTHW.shape[2] - APART
        feats = self.frames(torch.cat([clips_BCTHW[:, :, :pairs], clips_BCTHW[:, :, APART:]], 2))
        return self.fuse(torch.cat([feats[:, :, :pairs], feats[:, :, pairs:]], 1))


class PooledFusion(SingleFrame):
    """The single-frame network whose features, not probabilities, are averaged over time."""

    averages_probabilities = False
