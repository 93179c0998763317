"""Parts of one video, each seen alone and then compared: the network of tasks on the order of time."""

# B samples, P parts of a sample, T frames of all parts, H W frame size, C channels, D features

from typing import Any

from torch import Tensor, nn

from speediness.errors import SpeedinessError
from speediness.models.encoder import Encoder, EncoderConfig

HIDDEN = 128


class OrderNet(Encoder):
    """The mean of every part over space and time, and two layers.

    Shuffle and learn has one linear layer on the features of three frames side by side, which adds up
    what each frame says and compares none with another. TCC's code, which repeats it, has hidden layers
    between, and so has this.

    Args:
        config: of the encoder and of the dropout.
        parts: P, of one frame or more each.
        odd: give every part a logit of its own, from how it differs from the others (odd-one-out,
            Fernando et al. 2017: sums of differences); else one for all parts, from all side by side.
    """

    def __init__(self, config: EncoderConfig, parts: int = 1, odd: bool = False) -> None:
        super().__init__(config)
        self.parts, self.odd = parts, odd
        seen = self.feature_dim if odd else parts * self.feature_dim
        self.head = nn.Sequential(
            nn.Linear(seen, HIDDEN), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(HIDDEN, 1)
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """See :class:`Encoder`."""
        return {"parts": self.parts, "odd": self.odd}

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        """uint8 frames, those of each part side by side, to logits: (B, P) if ``odd``, else (B, 1).

        Raises:
            SpeedinessError: parts of a single frame, and a backbone that sees what moves between frames.
        """
        parts = clips_BTHWC.unflatten(1, (self.parts, -1)).flatten(0, 1)
        if parts.shape[1] == 1 and not self.stem.sees_frames:
            raise SpeedinessError(
                f"single frames hold no motion, which is all that backbone={self.config.backbone} sees;"
                " set another, such as frame_resnet18"
            )
        features_BPD = self.encode(parts).mean((2, 3, 4)).unflatten(0, (-1, self.parts))
        if self.odd:
            # The sum of differences from all parts, over their number.
            return (self.head(features_BPD - features_BPD.mean(1, keepdim=True))[..., 0],)
        return (self.head(features_BPD.flatten(1)),)
