"""Colours by pointing (Vondrick et al. 2018, arXiv 1806.09594): grey frames to embeddings of places.

Two places are alike if one would be the right one to copy the other's colour from. The network sees luma
alone; what it learns to point at serves labels of any kind.
"""

# B clips, T frames, H W frame size, h w cells, E embedding, K colours

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import EncoderConfig
from speediness.models.motion import LUMA_WEIGHTS
from speediness.models.places import CELL_PX, PlaceNet

# IEC 61966-2-1: linear sRGB to XYZ; its rows are divided by the white point, so that white is 1, 1, 1.
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
THRESHOLD, SLOPE = (6 / 29) ** 3, (29 / 6) ** 2 / 3  # of CIE Lab

EMBEDDING_DIM = 64
COLOURS = 16


def lab(rgb: Tensor) -> Tensor:
    """(.., 3) sRGB in 0..1, under D65, to L in 0..100, a and b in about -110..110."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = rgb.new_tensor(TO_XYZ)
    xyz = linear @ (matrix / matrix.sum(1, keepdim=True)).T
    curved = torch.where(xyz > THRESHOLD, xyz.clamp(min=THRESHOLD) ** (1 / 3), SLOPE * xyz + 4 / 29)
    x, y, z = curved.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


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
        weights_3 = torch.tensor(LUMA_WEIGHTS, device=clips_BTHWC.device)
        luma_BTHW1 = (clips_BTHWC * weights_3).sum(-1, keepdim=True)
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
