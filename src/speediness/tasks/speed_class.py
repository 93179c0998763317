"""The pretext task of SpeedNet: normal speed or sped up, the same segment both ways (§3.1)."""

# B clips of a batch = V Z 2; V windows of film, each seen at Z zooms (one or two) and two speeds

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.speednet import NORMAL, SPED_UP
from speediness.sampling import Times

Temporal = Literal["even", "random", "none"]


@dataclass(frozen=True)
class View:
    """One clip to cut out of a film."""

    times_s: Times
    """(T,) the moments it shows."""
    factor: float
    """Playback factor, 1 = natural."""
    label: int
    """NORMAL or SPED_UP."""
    magnified: bool
    """Whether the clip is seen through the window's second, longer lens."""


@dataclass(frozen=True)
class SpeedClassTask:
    """Draws views and scores the network's answers.

    Paper: frames are dropped at random (``temporal="random"``), so a sped-up clip is also a
    jerky one. Here the default is an even step for both classes, because on a small corpus the
    jerkiness itself was learned: training loss fell while evenly sped-up clips stayed at chance.

    Each segment is also seen magnified at both speeds, so that zoom says nothing about the label,
    and every sped-up view is to score above every normal view of its segment, whatever the zoom:
    speediness is not motion magnitude (§1, Fig. 2). This is not in the paper. All four pairs are
    ranked alike: ranking only (2x, plain) above (1x, magnified), whose displacements in pixels
    are alike, taught the network to tell magnified views and call them normal.

    Raises:
        SpeedinessError: options that contradict each other.
    """

    same_batch: bool = True
    """Every segment at both speeds in one batch (§3.1). Off (a row of Table 1): every clip comes
    from a segment of its own, its label a coin toss; there are no pairs to rank."""
    temporal: Temporal = "even"
    """even: a uniform fractional step, forwards or backwards. random: the paper's skipping (§3.1),
    likewise. none (a row of Table 1): exactly 1x and 2x, forwards."""
    magnified_views: bool = True
    """Off: the two plain views of a segment alone, at half the cost."""
    rank_weight: float = 0.5
    """Weight of the ranking loss beside the paper's cross-entropy."""
    magnified_weight: float = 0.0
    """Weight of the magnified views in the cross-entropy; in the ranking they always count."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.temporal not in get_args(Temporal):
            raise SpeedinessError(
                f"temporal={self.temporal}: choose one of {', '.join(get_args(Temporal))}"
            )
        if not self.same_batch and self.rank_weight:
            raise SpeedinessError(
                "without same_batch there are no pairs to rank: set rank_weight=0 beside same_batch=false"
            )
        if self.magnified_views and not self.rank_weight and not self.magnified_weight:
            raise SpeedinessError(
                "the magnified views would count nowhere: set magnified_views=false, "
                "or give them a magnified_weight or a rank_weight"
            )

    @property
    def views_per_window(self) -> int:
        """Clips that :meth:`draw` gives."""
        return 2 * (1 + self.magnified_views) if self.same_batch else 1

    def draw(self, start_s: float, end_s: float, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """Views of the segment of a shot around ``(start_s + end_s) / 2``.

        The order is normal, sped up, normal magnified, sped up magnified; without ``same_batch``
        one of them.
        """
        middle_s = (start_s + end_s) / 2
        backwards = self.temporal != "none" and rng.random() < 0.5
        labels: tuple[int, ...] = (NORMAL, SPED_UP)
        zooms: tuple[bool, ...] = (False, True) if self.magnified_views else (False,)
        if not self.same_batch:
            labels = (labels[rng.integers(len(labels))],)
            zooms = (zooms[rng.integers(len(zooms))],)
        played: list[tuple[Times, float, int]] = []
        for label in labels:
            times_s, factor = self._play(label, middle_s, clip, rng)
            played.append((times_s[::-1] if backwards else times_s, factor, label))
        return [
            View(times_s, factor, label, magnified)
            for magnified in zooms
            for times_s, factor, label in played
        ]

    def _play(
        self, label: int, middle_s: float, clip: ClipSpec, rng: np.random.Generator
    ) -> tuple[Times, float]:
        """Times of a clip of one class, and its playback factor."""
        if self.temporal == "none":
            factor = 1.0 if label == NORMAL else 2.0
        else:
            factors = sampling.NORMAL_FACTORS if label == NORMAL else sampling.SPED_UP_FACTORS
            factor = float(rng.uniform(*factors))
        if self.temporal == "random":
            start_s = middle_s - 3 * clip.duration_s / 2
            times_s = sampling.skip_randomly(start_s, factor, clip.n_frames, clip.frame_rate, rng)
        else:
            times_s = sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate)
        return times_s, factor

    def losses(self, logits_B2: Tensor, labels_B: Tensor, magnified_B: Tensor) -> dict[str, Tensor]:
        """``loss`` and its parts for a batch in the order of :meth:`draw`, and what was right.

        Args:
            logits_B2: the network's answers, in the order NORMAL, SPED_UP.
            labels_B: int, NORMAL or SPED_UP.
            magnified_B: bool, which clips are magnified views.
        """
        weight_B = torch.where(magnified_B, self.magnified_weight, 1.0)
        # The mean weight as it is on average, so that parts of a batch add up to the whole.
        mean_weight = (1 + self.magnified_weight) / 2 if self.magnified_views else 1.0
        entropy_B = F.cross_entropy(logits_B2, labels_B, reduction="none")
        cross_entropy = (weight_B * entropy_B).mean() / mean_weight
        accuracy = (logits_B2.argmax(1) == labels_B).float().mean()
        if not self.same_batch:
            return {"loss": cross_entropy, "accuracy": accuracy}
        score_VZ2 = (logits_B2[:, SPED_UP] - logits_B2[:, NORMAL]).view(-1, 1 + self.magnified_views, 2)
        normal_VZ1, sped_up_V1Z = score_VZ2[:, :, None, 0], score_VZ2[:, None, :, 1]
        ranking = F.softplus(normal_VZ1 - sped_up_V1Z).mean()
        losses = {
            "loss": cross_entropy + self.rank_weight * ranking,
            "cross_entropy": cross_entropy,
            "ranking": ranking,
            "accuracy": accuracy,
        }
        if self.magnified_views:
            losses["matched_pairs"] = (score_VZ2[:, 0, 1] > score_VZ2[:, 1, 0]).float().mean()
        return losses
