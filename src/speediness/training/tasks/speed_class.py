"""The pretext task of SpeedNet: normal speed or sped up, the same segment both ways (§3.1)."""

# B clips of a batch

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.evaluation.speed_accuracy import (
    fit_flow_threshold,
    overall,
    report,
    score_video,
)
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import NORMAL, SPED_UP, SpeedNet, score
from speediness.models.torch_runtime import runtime_for
from speediness.sampling import NORMAL_FACTORS, SPED_UP_FACTORS, Times
from speediness.training.tasks.task import ClipTask, Segment, View

Temporal = Literal["even", "random", "none"]


@dataclass(frozen=True)
class SpeedClassTask(ClipTask):
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
    """even: a uniform step, forwards or backwards. random: the paper's skipping (§3.1), likewise.
    none (a row of Table 1): 1x and 2x, forwards."""

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

    @property
    def even(self) -> bool:
        """All but the paper's random skipping."""
        return self.temporal != "random"

    def longest_s(self, clip: ClipSpec) -> float:
        """That of the fastest clip; random skipping takes its frames out of 3T."""
        if self.temporal == "random":
            return (3 * clip.n_frames - 1) / float(clip.frame_rate)
        return (2.0 if self.temporal == "none" else SPED_UP_FACTORS[1]) * super().longest_s(clip)

    @property
    def apart(self) -> tuple[float, float]:
        """The fastest of one class, the slowest of the other."""
        return (1.0, 2.0) if self.temporal == "none" else (NORMAL_FACTORS[1], SPED_UP_FACTORS[0])

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
            times_s = self._play(label, middle_s, clip, rng)
            views.append(View(times_s[::-1] if backwards else times_s, label))
        return views

    def _play(self, label: int, middle_s: float, clip: ClipSpec, rng: np.random.Generator) -> Times:
        """Times of a clip of one class."""
        if self.temporal == "none":
            factor = 1.0 if label == NORMAL else 2.0
        else:
            factor = float(rng.uniform(*(NORMAL_FACTORS if label == NORMAL else SPED_UP_FACTORS)))
        if self.even:
            return sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate)
        start_s = middle_s - self.longest_s(clip) / 2
        return sampling.skip_randomly(start_s, factor, clip.n_frames, clip.frame_rate, rng)

    def network(self, config: EncoderConfig) -> SpeedNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return SpeedNet(config)

    def validate(self, network: SpeedNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """The evaluation of §5.1: overall figures only; videos shorter than a window at 2x are left out.

        The threshold for mean flow is the one that suits these videos best, which flatters mean flow.

        Raises:
            DataError: all videos are shorter.
        """
        runtime, clip = runtime_for(network), network.config.clip
        found = (score_video(video.for_clips(clip), runtime, clip) for video in videos)
        scores = [said for said in found if said is not None]
        if not scores:
            raise DataError(f"no held-out video lasts {2 * clip.duration_s:g} s, a window at 2x")
        return overall(report(scores, fit_flow_threshold(scores)))

    def losses(self, rate_B2: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """``loss``, the cross-entropy of 1x and 2x, and the share of clips (and pairs) that were right.

        Args:
            rate_B2: the network's answers to clips in the order of :meth:`draw`.
            labels_B: int, NORMAL or SPED_UP.
        """
        score_B = score(rate_B2)
        losses = {
            "loss": F.binary_cross_entropy_with_logits(score_B, labels_B.to(score_B.dtype)),
            "accuracy": ((score_B > 0) == (labels_B == SPED_UP)).float().mean(),
        }
        if self.same_batch:
            score_V2 = score_B.view(-1, 2)
            losses["pairs_ranked"] = (score_V2[:, 1] > score_V2[:, 0]).float().mean()
        return losses
