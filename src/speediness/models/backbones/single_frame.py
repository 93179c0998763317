"""The single-frame baseline (Karpathy et al. 2014, section 3.1 and Fig. 1): no time at all.

Every frame is classified alone and the probabilities are averaged. So the answer is the same for any
order of the frames, and for a video and its reverse: motion can only be guessed from what one frame
shows, such as blur. Sports-1M: 59.3 % of videos right, 1.6 points below the best network of the paper.
"""

# B batch, C channels, T frames, H W frame size

from typing import ClassVar

from torch import Tensor

from speediness.models.backbones.frame_cnn import KARPATHY, FrameCNN
from speediness.models.backbones.layers import Backbone


class SingleFrame(Backbone):
    """The five convolutions of the paper on every frame; 3.75 M parameters at width 1."""

    stages: ClassVar = KARPATHY
    averages_probabilities = True

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.frames = FrameCNN(in_channels, self.stages, width)
        self.feature_dim = self.frames.feature_dim

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/24, W/24), rounded."""
        return self.frames(clips_BCTHW)
