"""Colours by pointing (Vondrick et al. 2018, arXiv 1806.09594): grey frames to embeddings of places.

Two places are alike if one would be the right one to copy the other's colour from. The network sees luma
alone; what it learns to point at serves labels of any kind.
"""

# B clips, T frames, H W frame size, h w cells, E embedding, K colours

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import EncoderConfig
from speediness.models.lab import LUMA, lab
from speediness.models.places import CELL_PX, PlaceNet

EMBEDDING_DIM = 64
COLOURS = 16


class Colorizer(PlaceNet):
    """A 1 x 1 convolution on the backbone's maps of luma.

    Attributes:
        palette_K2: a and b (CIE Lab) of the colours, fitted to the videos trained on.

    Args:
        config: of the encoder, whose backbone's maps are an eighth of the frame; its dropout is not used.
    """

    palette_K2: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.head = nn.Conv3d(self.feature_dim, EMBEDDING_DIM, 1)
        self.register_buffer("palette_K2", torch.zeros(COLOURS, 2))

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 RGB clips to embeddings (B, T, h, w, E) and :meth:`colours` (B, T, h, w)."""
        return self.embed(clips_BTHWC), self.colours(clips_BTHWC)

    def embed(self, clips_BTHWC: Tensor) -> Tensor:
        """The embeddings alone."""
        luma_BTHW1 = (clips_BTHWC * clips_BTHWC.new_tensor(LUMA, dtype=torch.float32)).sum(-1, keepdim=True)
        return self.head(self.encode(luma_BTHW1)).permute(0, 2, 3, 4, 1)

    def places(self, frames_NHWC: Tensor) -> Tensor:
        """See :class:`speediness.models.places.PlaceNet`."""
        return self.embed(frames_NHWC[:, None])[:, 0].permute(0, 3, 1, 2)

    def colours(self, clips_BTHWC: Tensor) -> Tensor:
        """For every place the number of its colour in the palette, (B, T, h, w)."""
        return torch.cdist(cell_colours(clips_BTHWC), self.palette_K2).argmin(-1)


def cell_colours(clips_BTHWC: Tensor) -> Tensor:
    """Lab's a and b of the mean colour of every place of uint8 RGB clips, (B, T, h, w, 2)."""
    frames = clips_BTHWC.flatten(0, 1).permute(0, 3, 1, 2).float() / 255
    mean_BThw3 = F.avg_pool2d(frames, CELL_PX).permute(0, 2, 3, 1).unflatten(0, clips_BTHWC.shape[:2])
    return lab(mean_BThw3)[..., 1:]
