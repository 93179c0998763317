"""RSPNet (Chen et al. 2021, arXiv 2011.07949): how fast a clip plays, and what it shows, as directions."""

# B clips, T frames, H W frame size, C channels, h w cells, D features, E embedding

import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import Encoder, EncoderConfig

SPEEDS = (1.0, 2.0)  # at which clips are played
EMBEDDING_DIM = 128  # E, of both heads in the released code


class RSPNet(Encoder):
    """Speed and appearance as directions: mean over space and time, two linear heads of length 1.

    Args:
        config: of the encoder; its dropout is not used.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.motion_head = nn.Linear(self.feature_dim, EMBEDDING_DIM)
        self.appearance_head = nn.Linear(self.feature_dim, EMBEDDING_DIM)

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Clips as for :meth:`Encoder.encode` to motion and appearance, (B, E) each, of length 1."""
        pooled_BD = self.encode(clips_BTHWC).mean((2, 3, 4))
        return F.normalize(self.motion_head(pooled_BD)), F.normalize(self.appearance_head(pooled_BD))
