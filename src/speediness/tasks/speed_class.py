"""The pretext task of SpeedNet: normal speed or sped up, the same segment both ways (§3.1)."""

# B clips of a batch = 4 V, V windows of film, each seen at two speeds and two zooms

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.models.speednet import NORMAL, SPED_UP
from speediness.sampling import Times


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

    Paper: frames are dropped at random (``skipping="random"``), so a sped-up clip is also a
    jerky one. Here the default is an even step for both classes, because on a small corpus the
    jerkiness itself was learned: training loss fell while evenly sped-up clips stayed at chance.

    Each segment is also seen magnified at both speeds, so that zoom says nothing about the label,
    and every sped-up view is to score above every normal view of its segment, whatever the zoom:
    speediness is not motion magnitude (§1, Fig. 2). This is not in the paper. All four pairs are
    ranked alike: ranking only (2x, plain) above (1x, magnified), whose displacements in pixels
    are alike, taught the network to tell magnified views and call them normal.
    """

    skipping: str = "even"
    """even: a fractional, uniform step. random: the paper's (§3.1)."""
    rank_weight: float = 0.5
    """Weight of the ranking loss beside the paper's cross-entropy."""
    magnified_weight: float = 0.0
    """Weight of the magnified views in the cross-entropy; in the ranking they always count."""
    views_per_window: int = 4

    def draw(self, start_s: float, end_s: float, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """Views of the segment of a shot around ``(start_s + end_s) / 2``.

        The order is normal, sped up, normal magnified, sped up magnified.
        """
        middle_s = (start_s + end_s) / 2
        backwards = rng.random() < 0.5
        views: list[tuple[Times, float, int]] = []
        for label, (low, high) in enumerate((sampling.NORMAL_FACTORS, sampling.SPED_UP_FACTORS)):
            factor = float(rng.uniform(low, high))
            if self.skipping == "random":
                length_s = 3 * clip.duration_s
                times_s = sampling.skip_randomly(
                    middle_s - length_s / 2, factor, clip.n_frames, clip.frame_rate, rng
                )
            else:
                times_s = sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate)
            times_s = times_s[::-1] if backwards else times_s
            views.append((times_s, factor, (NORMAL, SPED_UP)[label]))
        return [
            View(times_s, factor, label, magnified)
            for magnified in (False, True)
            for times_s, factor, label in views
        ]

    def losses(self, logits_B2: Tensor) -> dict[str, Tensor]:
        """Cross-entropy, ranking loss and their sum for a batch in the order of :meth:`draw`."""
        labels_B = torch.tensor([NORMAL, SPED_UP, NORMAL, SPED_UP], device=logits_B2.device)
        labels_B = labels_B.repeat(len(logits_B2) // 4)
        score_V4 = (logits_B2[:, SPED_UP] - logits_B2[:, NORMAL]).view(-1, 4)
        weight_B = logits_B2.new_tensor([1, 1, self.magnified_weight, self.magnified_weight])
        weight_B = weight_B.repeat(len(logits_B2) // 4)
        entropy_B = F.cross_entropy(logits_B2, labels_B, reduction="none")
        cross_entropy = (weight_B * entropy_B).sum() / weight_B.sum()
        normal_V21, sped_up_V12 = score_V4[:, 0::2, None], score_V4[:, None, 1::2]
        ranking = F.softplus(normal_V21 - sped_up_V12).mean()
        return {
            "loss": cross_entropy + self.rank_weight * ranking,
            "cross_entropy": cross_entropy,
            "ranking": ranking,
            "accuracy": (logits_B2.argmax(1) == labels_B).float().mean(),
            "matched_pairs": (score_V4[:, 1] > score_V4[:, 2]).float().mean(),
        }
