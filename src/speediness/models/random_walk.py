"""The network of the contrastive random walk (Jabri et al. 2020, arXiv 2006.14613)."""

# M patches, T frames, P side of a patch, C channels, E embedding, N frames

import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import EncoderConfig
from speediness.models.places import PlaceNet

EMBEDDING_DIM = 128


class RandomWalkNet(PlaceNet):
    """Mean over a patch and a linear layer while it learns; the backbone's own maps when it is used.

    Args:
        config: of the encoder, whose backbone's maps are an eighth of the frame; its dropout is not used.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.head = nn.Linear(self.feature_dim, EMBEDDING_DIM)

    def forward(self, patches_MTPPC: Tensor) -> tuple[Tensor]:
        """The same place of T frames, RGB in 0..255, to directions (M, T, E)."""
        pooled_MDT = self.encode(patches_MTPPC).mean((3, 4))
        return (F.normalize(self.head(pooled_MDT.transpose(1, 2)), dim=-1),)

    def places(self, frames_NHWC: Tensor) -> Tensor:
        """See :class:`speediness.models.places.PlaceNet`."""
        return self.encode(frames_NHWC[:, None])[:, :, 0]
