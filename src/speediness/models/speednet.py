"""SpeedNet (§3.2): does this clip play at natural speed, or faster?"""

# B batch, T frames or bins of a window, L bins of a sequence, W windows of it, N frames of the scene,
# H W frame size, C channels, h w cells, D features

import math
from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.errors import SpeedinessError
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.scene import SceneNet
from speediness.runtime.protocol import BOUNDARY, LOG_VARIANCE_RANGE

NORMAL, SPED_UP = 0, 1  # order of the classes

Head = Literal["class", "rate"]


class Classified(NamedTuple):
    """What the network says of every window of T in a batch of sequences."""

    rate_BW2: Tensor
    """Mean and log variance of log2 of the playback rate; see :func:`score`."""
    features_BLD: Tensor
    """Maximum over space; the head is given their mean over a window."""
    cam_BLhw: Tensor
    """Class activation map (§5.5): how much each place speaks for a higher rate."""


def score(rate: Tensor) -> Tensor:
    """Log-odds (..) of 2x against 1x, of means and log variances (.., 2) of log2 of the rate."""
    mean, log_variance = rate.unbind(-1)
    return (mean - BOUNDARY) / log_variance.exp()


class SpeedNet(Encoder):
    """Natural speed or faster? Maximum over space, mean over time, 1x1 classifier.

    Paper: two classes. Here the answer is a normal distribution of log2 of the playback rate, from which
    the odds of any two rates follow; those of 2x against 1x are the paper's. The head ``rate`` predicts
    mean and variance; ``class`` predicts the odds alone, which are then the mean's distance from the
    boundary at variance 1.

    Args:
        config: what is looked at and by which backbone.
        head: what is predicted.
        sees_scene: whether a network that sees motion is also told of the scene.

    Attributes:
        scene: what it is told; None: nothing.

    Raises:
        SpeedinessError: an unknown head.
    """

    def __init__(self, config: EncoderConfig, head: Head = "class", sees_scene: bool = False) -> None:
        super().__init__(config)
        if head not in get_args(Head):
            raise SpeedinessError(f"there is no head {head}: choose one of {', '.join(get_args(Head))}")
        self.head: Head = head
        self.scene = SceneNet() if sees_scene else None
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Conv1d(self.feature_dim, 2, 1)
        nn.init.normal_(self.classifier.weight, std=0.01)
        assert self.classifier.bias is not None
        nn.init.zeros_(self.classifier.bias)

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds it besides the configuration."""
        return {"head": self.head, "sees_scene": self.scene is not None}

    def forward(
        self, given: Tensor, scene_NKhw: Tensor | None = None, scene_BL: Tensor | None = None
    ) -> tuple[Tensor]:
        """The rate (B, 2) of single windows, see :class:`Classified`.

        Args:
            given: clips (B, T, H, W, C), uint8 frames, H and W multiples of the clip specification's
                ``unit_px``, C its channels; or T bins of motion (B, T, 4, h, w).
            scene_NKhw: beside motion, see :meth:`Encoder.features`.
            scene_BL: as well.
        """
        if given.dtype == torch.uint8:
            return (self._classified(self.encode(given), given.shape[1]).rate_BW2[:, 0],)
        return (self.classify(given, scene_NKhw, scene_BL).rate_BW2[:, 0],)

    @torch.no_grad()
    def calibrate(self, offset: float, log_variance: float) -> None:
        """Add to all answers from now on: to means, and to log variances, of log2 of the rate."""
        weight, bias = self.classifier.weight, self.classifier.bias
        assert bias is not None
        if self.head == "rate":
            bias += bias.new_tensor([offset, log_variance])
        else:  # a distance from the boundary at variance 1: less certain is nearer
            bias[SPED_UP] += offset
            weight *= math.exp(-log_variance)
            bias *= math.exp(-log_variance)

    def classify(
        self, motion_BL4hw: Tensor, scene_NKhw: Tensor | None = None, scene_BL: Tensor | None = None
    ) -> Classified:
        """Every window of T bins in sequences of motion, see :meth:`Encoder.features`.

        A sequence of fewer bins, more than twice the margin, is one shorter window.
        """
        feats_BDLhw = self.features(motion_BL4hw, scene_NKhw, scene_BL)
        bins = min(self.config.clip.n_frames, motion_BL4hw.shape[1])
        return self._classified(feats_BDLhw, bins - 2 * self.margin)

    def classify_bins(
        self, motion_BL4hw: Tensor, scene_NKhw: Tensor | None = None, scene_BL: Tensor | None = None
    ) -> Classified:
        """As :meth:`classify`, but of every bin: a window's answer is the mean over its bins, clamped.

        So a runtime makes windows of any length from one pass.
        """
        feats_BDLhw = self.features(motion_BL4hw, scene_NKhw, scene_BL)
        pooled_BDL = feats_BDLhw.amax((3, 4))
        return Classified(self._answers(pooled_BDL), pooled_BDL.transpose(1, 2), self._cam(feats_BDLhw))

    def classify_clips(self, clips_BTHWC: Tensor) -> Classified:
        """As :meth:`forward`, with features and maps: a single window each."""
        return self._classified(self.encode(clips_BTHWC), clips_BTHWC.shape[1])

    def _classified(self, feats_BDLhw: Tensor, length: int) -> Classified:
        pooled_BDL = feats_BDLhw.amax((3, 4))  # §3.2: global max pooling over space
        pooled_BDW = F.avg_pool1d(pooled_BDL, length, 1)  # §3.2: global average pooling over time
        mean, log_variance = self._answers(self.dropout(pooled_BDW)).unbind(-1)
        rate_BW2 = torch.stack([mean, log_variance.clamp(*LOG_VARIANCE_RANGE)], -1)
        return Classified(rate_BW2, pooled_BDL.transpose(1, 2), self._cam(feats_BDLhw))

    def _answers(self, pooled_BDL: Tensor) -> Tensor:
        """(B, L, 2) mean and log variance, which may still be out of LOG_VARIANCE_RANGE."""
        first, second = self.classifier(pooled_BDL).unbind(1)
        if self.head == "rate":
            return torch.stack([first, second], -1)
        mean = second - first + BOUNDARY  # SPED_UP less NORMAL
        return torch.stack([mean, torch.zeros_like(mean)], -1)

    def _cam(self, feats_BDLhw: Tensor) -> Tensor:
        weight_2D = self.classifier.weight[:, :, 0]
        weight_D = weight_2D[0] if self.head == "rate" else weight_2D[SPED_UP] - weight_2D[NORMAL]
        return (feats_BDLhw * weight_D[:, None, None, None]).sum(1)
