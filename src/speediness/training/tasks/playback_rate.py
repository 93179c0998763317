"""The pretext task of the small network: how many times as fast does this play?

Paper (§3.1): two classes, 1x and 2x. Here the network predicts log2 of the playback rate, as a normal
distribution, from the motion of one moment at several rates: the paper's question is asked of its answer
(the odds of 2x against 1x), and slow motion and the factor are answered by the same numbers.
"""

# B views of a batch, V windows

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.datasets.motion_cache import MotionVideo
from speediness.errors import DataError
from speediness.evaluation.motion_scores import score_motion
from speediness.evaluation.speed_accuracy import fit_flow_threshold, overall, report
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet, score
from speediness.training.tasks.task import Task

NATURAL, DOUBLE = (0.9, 1.15), (1.75, 2.2)
"""Rates of the first two views of a window."""
SLOWEST, FASTEST = 0.25, 4.0
"""Rates of the others."""


@dataclass(frozen=True)
class PlaybackRateTask(Task):
    """Draws rates and scores the network's answers."""

    name: ClassVar[str] = "playback_rate"
    others: int = 1
    """Views of a window besides those at about 1x and 2x."""
    regression: float = 0.5
    """Weight of the likelihood of the true rates beside the two classes."""
    ranking: float = 0.5
    """Weight of the order of a window's rates."""
    sees_scene: bool = True
    drop_scene: float = 0.1
    """Share of the windows whose scene is hidden, so that the network works without."""

    @property
    def views_per_window(self) -> int:
        """Views of one moment."""
        return 2 + self.others

    def rates(self, slowest: float, fastest: float, rng: np.random.Generator) -> list[float]:
        """Playback rates of the views of one moment.

        Args:
            slowest: at which its frames are not yet so far apart that this tells the rate; at most 1.
            fastest: of which the video around it is long enough; at least DOUBLE's.
            rng: draws them.
        """
        low, high = np.log2(max(SLOWEST, slowest)), np.log2(min(FASTEST, fastest))
        others = 2.0 ** rng.uniform(low, high, self.others)
        return [float(rng.uniform(*NATURAL)), float(rng.uniform(*DOUBLE)), *others.tolist()]

    def network(self, config: EncoderConfig) -> SpeedNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return SpeedNet(config, "rate", self.sees_scene)

    def prepare(self, network: nn.Module, videos: Sequence[MotionVideo]) -> None:
        """Fit what the network is told of the scene."""
        assert isinstance(network, SpeedNet)
        if network.scene is not None and any(len(video.scene_s) for video in videos):
            network.scene.fit(scene_samples(videos))

    def losses(self, rate_B2: Tensor, rates_B: Tensor) -> dict[str, Tensor]:
        """``loss``, the sum of three, and shares that were right.

        Args:
            rate_B2: the network's answers to views in the order of :meth:`rates`.
            rates_B: log2 of the true rates.
        """
        answers_VR2, true_VR = (x.unflatten(0, (-1, self.views_per_window)) for x in (rate_B2, rates_B))
        score_V2 = score(answers_VR2[:, :2])
        classes_V2 = torch.zeros_like(score_V2)
        classes_V2[:, 1] = 1
        mean_VR, log_variance_VR = answers_VR2.unbind(-1)
        error = (mean_VR - true_VR).square() / log_variance_VR.exp() + log_variance_VR
        first, second = torch.triu_indices(self.views_per_window, self.views_per_window, 1).to(
            rate_B2.device
        )
        apart = (true_VR[:, second] - true_VR[:, first]).sign()
        ahead = (mean_VR[:, second] - mean_VR[:, first]) * apart
        two_classes = F.binary_cross_entropy_with_logits(score_V2, classes_V2)
        ranking = F.softplus(-4 * ahead).mean()
        return {
            "loss": two_classes + self.regression * error.mean() / 2 + self.ranking * ranking,
            "two_classes": two_classes,
            "accuracy": ((score_V2 > 0) == (classes_V2 > 0)).float().mean(),
            "pairs_ranked": (ahead > 0).float().mean(),
        }

    def validate(self, network: SpeedNet, videos: Sequence[MotionVideo]) -> dict[str, float]:
        """Overall figures on 1x, and on 2x as measured between every second frame.

        Raises:
            DataError: all videos are too short.
        """
        known = [score for video in videos if (score := score_motion(video, network)) is not None]
        if not known:
            raise DataError("no video to validate on is long enough for a window at 2x; give longer ones")
        return overall(report(known, fit_flow_threshold(known)))


def scene_samples(videos: Sequence[MotionVideo], places: int = 8) -> np.ndarray:
    """(M, F) features at some places of every look at the scene, of every source at most so many."""
    rng = np.random.default_rng(0)
    by_source: dict[str, list[np.ndarray]] = {}
    for video in videos:
        for map_Chw in video.scene_NChw:
            features = map_Chw.reshape(len(map_Chw), -1).T
            chosen = features[rng.choice(len(features), min(places, len(features)), replace=False)]
            by_source.setdefault(video.item.source, []).append(chosen)
    most = 200 * places
    drawn = []
    for parts in by_source.values():
        rows = np.concatenate(parts)
        drawn.append(rows[rng.permutation(len(rows))[:most]])
    return np.concatenate(drawn).astype(np.float32)
