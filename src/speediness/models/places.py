"""Networks that know places again: the features of label propagation."""

# N frames, H W frame size, h w cells, E embedding

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.efficientnet import imagenet
from speediness.models.backbones.stems import normalised
from speediness.models.encoder import Encoder

CELL_PX = 8
"""Side of the square of a frame that a place stands for."""
UNIT_PX = 16
"""Sides of frames are multiples of this."""


class PlaceNet(Encoder):
    """A network that gives each place of a frame a direction."""

    @abstractmethod
    def places(self, frames_NHWC: Tensor) -> Tensor:
        """uint8 RGB frames (N, H, W, 3) to embeddings (N, E, H/8, W/8) of any length."""

    def directions(self, frames_NHWC: Tensor) -> Tensor:
        """What is exported: embeddings (N, H/8, W/8, E), brought to length 1."""
        return F.normalize(self.places(frames_NHWC), dim=1).permute(0, 2, 3, 1)


class ImageNetPlaces(nn.Module):
    """Early maps of EfficientNet-Lite0 side by side, each brought to length 1 first.

    Args:
        blocks: numbers of the blocks whose maps are taken, ascending; none later than number 10, whose
            maps are a sixteenth of the frame.
    """

    def __init__(self, blocks: tuple[int, ...]) -> None:
        super().__init__()
        trained = imagenet()
        self.stem, self.taken = trained.stem, blocks
        self.blocks = nn.Sequential(*list(trained.blocks)[: max(blocks) + 1])

    def forward(self, frames_NHWC: Tensor) -> Tensor:
        """uint8 RGB frames (N, H, W, 3) to features (N, H/8, W/8, D) of length 1."""
        maps, found = self.stem(normalised(frames_NHWC)), []
        size = [side // CELL_PX for side in frames_NHWC.shape[1:3]]
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number in self.taken:
                found.append(F.normalize(F.interpolate(maps, size, mode="bilinear"), dim=1))
        return F.normalize(torch.cat(found, 1), dim=1).permute(0, 2, 3, 1)
