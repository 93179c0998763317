"""The pretext task of SpeedNet: normal speed or sped up, the same segment both ways (§3.1)."""

# B clips of a batch

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.engines.torch import runtime_for
from speediness.errors import SpeedinessError
from speediness.evaluation.speed_accuracy import (
    MAGNIFICATION,
    fit_flow_threshold,
    overall,
    report,
    score_video,
)
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import NORMAL, SPED_UP, SpeedNet
from speediness.sampling import Times
from speediness.tasks.task import Batch, Forward, Segment, Task, View

Temporal = Literal["even", "random", "none"]


@dataclass(frozen=True)
class SpeedClassTask(Task):
    """Draws views and scores the network's answers.

    Paper: frames are dropped at random (``temporal="random"``), so a sped-up clip is also a
    jerky one. Here the default is an even step for both classes, because on a small corpus the
    jerkiness itself was learned: training loss fell while evenly sped-up clips stayed at chance.

    Raises:
        SpeedinessError: an unknown temporal augmentation.
    """

    name: ClassVar[str] = "speed_class"
    same_batch: bool = True
    """Every segment at both speeds in one batch (§3.1). Off (a row of Table 1): every clip comes
    from a segment of its own, its label a coin toss."""
    temporal: Temporal = "even"
    """even: a uniform fractional step, forwards or backwards. random: the paper's skipping (§3.1),
    likewise. none (a row of Table 1): exactly 1x and 2x, forwards."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.temporal not in get_args(Temporal):
            raise SpeedinessError(
                f"temporal={self.temporal}: choose one of {', '.join(get_args(Temporal))}"
            )

    @property
    def views_per_window(self) -> int:
        """Clips that :meth:`draw` gives."""
        return 2 if self.same_batch else 1

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """Views of one segment, around its middle: normal, sped up; without ``same_batch`` one of them."""
        middle_s = sum(segment()) / 2
        backwards = self.temporal != "none" and rng.random() < 0.5
        labels: tuple[int, ...] = (NORMAL, SPED_UP)
        if not self.same_batch:
            labels = (labels[rng.integers(len(labels))],)
        views = []
        for label in labels:
            times_s, factor = self._play(label, middle_s, clip, rng)
            views.append(View(times_s[::-1] if backwards else times_s, factor, label))
        return views

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

    def network(self, config: EncoderConfig) -> SpeedNet:
        """See :class:`speediness.tasks.task.Task`."""
        return SpeedNet(config)

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.tasks.task.Task` and :meth:`losses`."""
        logits_B2, _ = forward(batch.clips_BTHWC, batch.intervals_BS)
        return self.losses(logits_B2, batch.labels_B)

    def validate(self, network: SpeedNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """The evaluation of §5.1: overall figures only.

        The threshold for mean flow is the one that suits these videos best, which flatters mean flow.
        """
        runtime, clip = runtime_for(network), network.config.clip
        scores = [score_video(video.at(MAGNIFICATION * clip.size_px), runtime, clip) for video in videos]
        return overall(report(scores, fit_flow_threshold(scores)))

    def losses(self, logits_B2: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """``loss``, the paper's cross-entropy, and the share of clips (and pairs) that were right.

        Args:
            logits_B2: the network's answers, NORMAL first, to clips in the order of :meth:`draw`.
            labels_B: int, NORMAL or SPED_UP.
        """
        losses = {
            "loss": F.cross_entropy(logits_B2, labels_B),
            "accuracy": (logits_B2.argmax(1) == labels_B).float().mean(),
        }
        if self.same_batch:
            score_V2 = (logits_B2[:, SPED_UP] - logits_B2[:, NORMAL]).view(-1, 2)
            losses["pairs_ranked"] = (score_V2[:, 1] > score_V2[:, 0]).float().mean()
        return losses
