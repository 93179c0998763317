"""CNN + LSTM (LRCN, Donahue et al. 2015, arXiv 1411.4389, Fig. 3): one frame after the other.

A 2D network looks at every frame, an LSTM reads its features in order, and a class is told at every
step; the probabilities are averaged (section 4). Of what comes later a step knows nothing. Convolutions
as in the released network, whose layers 2, 4 and 5 are split into two groups, here not; fc6 reads the
mean of the last maps, there all places. The single-frame network comes first there, and ImageNet
before that.

UCF101, mean of three splits: single frame 67.4 %, LRCN 68.2 % on RGB; on flow 74.4 % and 77.3 %. So on
RGB the order is worth 0.8 points.
"""

# B batch, C channels, T frames, H W frame size, D feature channels

from torch import Tensor, nn

from speediness.models.backbones.frame_cnn import FrameCNN, Stage
from speediness.models.backbones.layers import Backbone, scaled

STAGES = (
    Stage(96, 7, 2, pool=3),
    Stage(384, 5, 2, pool=3),
    Stage(512, 3),
    Stage(512, 3),
    Stage(384, 3, pool=3),
)
FC6, LSTM = 4096, 256


class LRCN(Backbone):
    """Five convolutions, fc6 and an LSTM; 12.87 M parameters at width 1."""

    averages_probabilities = True

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.frames = FrameCNN(in_channels, STAGES, width)
        d_6, self.feature_dim = scaled(FC6, width), scaled(LSTM, width)
        self.fc6 = nn.Sequential(nn.Linear(self.frames.feature_dim, d_6), nn.ReLU(inplace=True))
        self.lstm = nn.LSTM(d_6, self.feature_dim, batch_first=True)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, 1, 1), a frame's features of it and those before."""
        pooled_BTD = self.frames(clips_BCTHW).mean((3, 4)).transpose(1, 2)
        read_BTD, _ = self.lstm(self.fc6(pooled_BTD))
        return read_BTD.transpose(1, 2)[..., None, None]
