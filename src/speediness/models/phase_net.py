"""The network of temporal cycle-consistency (Dwibedi et al. 2019, arXiv 1904.07846): frames to phases.

As there, a trunk trained on ImageNet sees a frame and one a moment before; convolutions over both, a
global maximum and layers for each moment follow. The trunk there is a ResNet-50 of which the batch norms
learn; here it is EfficientNet-Lite0 and fixed, or any other backbone, which then learns.
"""

# B clips, F frames, T N moments, K frames seen of one, H W frame size, C channels, h w cells, E embedding

from typing import Any, Self

import torch
from torch import Tensor, nn

from speediness.models.backbones.inflated import load_imagenet
from speediness.models.encoder import Encoder, EncoderConfig

EMBEDDING_DIM = 128
SEEN = 2
"""Frames seen of a moment: one before it, and its own."""
HEAD_CHANNELS, HIDDEN = 128, 256


class PhaseNet(Encoder):
    """Moments, of two frames each, to embeddings of any length.

    Args:
        config: of the encoder; ``dropout`` is before each layer of the head.
        fixed: the trunk is ImageNet's and does not learn; the backbone ``lite0`` alone.

    Raises:
        WeightsError: the package that holds the weights of ImageNet is not installed.
    """

    def __init__(self, config: EncoderConfig, fixed: bool = False) -> None:
        super().__init__(config)
        self.fixed = fixed
        if fixed:
            load_imagenet(self)
            self.backbone.requires_grad_(False).eval()
        convolutions: list[nn.Module] = []
        for d_in in (self.feature_dim, HEAD_CHANNELS):
            conv = nn.Conv3d(d_in, HEAD_CHANNELS, 3, padding=1, bias=False)
            convolutions += [conv, nn.BatchNorm3d(HEAD_CHANNELS), nn.ReLU()]
        self.convolutions = nn.Sequential(*convolutions)
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(HEAD_CHANNELS, HIDDEN),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(HIDDEN, EMBEDDING_DIM),
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """See :class:`speediness.models.encoder.Encoder`."""
        return {"fixed": self.fixed}

    def train(self, mode: bool = True) -> Self:
        """A trunk that is fixed stays in evaluation mode."""
        super().train(mode)
        if self.fixed:
            self.backbone.eval()
        return self

    def forward(self, clips_BFHWC: Tensor) -> tuple[Tensor]:
        """uint8 RGB, the SEEN frames of a moment side by side (F = T * SEEN), to (B, T, E)."""
        moments_NKHWC = clips_BFHWC.unflatten(1, (-1, SEEN)).flatten(0, 1)
        return (self.embed(moments_NKHWC).unflatten(0, (len(clips_BFHWC), -1)),)

    def embed(self, moments_NKHWC: Tensor) -> Tensor:
        """(N, E) of moments one by one."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.fixed):
            maps_NDKhw = self.encode(moments_NKHWC)
        return self.layers(self.convolutions(maps_NDKhw).amax((2, 3, 4)))
