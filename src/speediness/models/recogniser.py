"""Action recognition on top of any backbone (SpeedNet §5.4.1)."""

# B clips, T frames, H W frame size, C channels, D features, K classes

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from speediness.models.encoder import Encoder, EncoderConfig


class Recogniser(Encoder):
    """Which action? The mean over space and time, dropout and one linear layer.

    Where the backbone ``averages_probabilities``, the mean over time is that of the probabilities of
    single frames, and the logits are its logarithm: their softmax is that mean.

    Attributes:
        classes: names of what can be recognised, in the order of the logits.
    """

    def __init__(self, config: EncoderConfig, classes: Sequence[str]) -> None:
        super().__init__(config)
        self.classes = tuple(classes)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.feature_dim, len(classes))

    @property
    def arguments(self) -> dict[str, Any]:
        """See :class:`Encoder`."""
        return {"classes": list(self.classes)}

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        """Clips as for :meth:`Encoder.encode` to logits (B, K)."""
        return (self.classify(self.encode(clips_BTHWC)),)

    def classify(self, maps_BDThw: Tensor) -> Tensor:
        """The backbone's last maps to logits (B, K)."""
        pooled_BDT = maps_BDThw.mean((3, 4))
        if not self.backbone.averages_probabilities:
            return self.classifier(self.dropout(pooled_BDT.mean(2)))
        logits_BTK = self.classifier(self.dropout(pooled_BDT.transpose(1, 2)))
        return logits_BTK.log_softmax(2).logsumexp(1) - math.log(logits_BTK.shape[1])
