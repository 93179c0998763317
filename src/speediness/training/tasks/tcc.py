"""Temporal cycle-consistency (Dwibedi et al. 2019, arXiv 1904.07846): from one video to another and back.

A moment of one video looks for its nearest among the moments of another video of the same action, softly;
what it finds looks for its own nearest in the first video, and should come back to where it started: found
as a class, or as a time whose variance is known. Only the look of frames is seen, never their number, so
what comes back must know the phase of the action. Videos of one action share a label; those without are
taken to be of one action.
"""

# B clips, T moments, E embedding, P ordered pairs of clips

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.evaluation.centre_clips import centre_crop, run_batched
from speediness.models.checkpoint import load_checkpoint
from speediness.models.encoder import EncoderConfig
from speediness.models.phase_net import SEEN, PhaseNet
from speediness.sampling import Times, nearest_frames
from speediness.training.tasks.task import Batch, ClipTask, Forward, Segment, View

LEAST_VARIANCE = 1e-12  # what comes back to one moment alone has none, and no logarithm


@dataclass(frozen=True)
class TCCTask(ClipTask):
    """Cycle-back regression or classification over all ordered pairs of videos of an action."""

    name: ClassVar[str] = "tcc"
    form: Literal["regression", "classification"] = "regression"
    temperature: float = 0.1
    """What squared distances, over the number of dimensions, are divided by."""
    smoothing: float = 0.1
    """Of the classes of ``classification``."""
    variance_weight: float = 0.001
    """Of the logarithm of the variance in ``regression``."""
    span_s: float = 0.9
    """Length of the stretch whose moments are drawn; about that of the action."""
    context_s: float = 0.1
    """How long before its moment the first frame of it is; 0.5 s there."""
    fixed: bool = True
    """The trunk is that of ImageNet and does not learn (backbone ``lite0``)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.form not in ("regression", "classification"):
            raise SpeedinessError(f"form={self.form}: choose regression or classification")
        if min(self.temperature, self.span_s, self.context_s) <= 0 or not 0 <= self.smoothing < 1:
            raise SpeedinessError("tcc: temperature, span_s and context_s above 0, smoothing in 0..1")

    @property
    def even(self) -> bool:
        """Moments are drawn unevenly."""
        return False

    def longest_s(self, clip: ClipSpec) -> float:
        """The stretch, and what is seen before it."""
        return self.span_s + self.context_s

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """Moments at random, in order, with the frame before each; clips of one action have one label."""
        start_s = segment()[0] + self.context_s
        moments_s = np.sort(start_s + rng.uniform(0, self.span_s, clip.n_frames // SEEN))
        return [View(self._seen(moments_s), action(item))]

    def _seen(self, moments_s: Times) -> Times:
        return np.stack([moments_s - self.context_s, moments_s], 1).reshape(-1)

    def network(self, config: EncoderConfig) -> PhaseNet:
        """See :class:`speediness.training.tasks.task.Task`.

        Raises:
            SpeedinessError: a fixed trunk of another backbone, or clips of an odd number of frames.
        """
        if self.fixed and (config.backbone, config.width) != ("lite0", 1.0):
            raise SpeedinessError(
                "tcc: only lite0 has weights of ImageNet: set backbone=lite0 or fixed=false"
            )
        if config.clip.n_frames % SEEN:
            raise SpeedinessError(f"tcc sees {SEEN} frames of a moment: set n_frames to a multiple")
        return PhaseNet(config, self.fixed)

    def prepare(self, network: PhaseNet, videos: Sequence[CachedVideo]) -> None:
        """Make sure that every action has several videos.

        Raises:
            DataError: one has a single video.
        """
        for number, count in Counter(action(video.item) for video in videos).items():
            if count == 1:
                (label,) = {v.item.label for v in videos if action(v.item) == number}
                raise DataError(f"there is one video of {label} alone; tcc needs several of an action")

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.training.tasks.task.Task` and :meth:`losses`."""
        (embeddings_BTE,) = forward(*batch.inputs)
        same_BB = batch.labels_B[:, None] == batch.labels_B
        first_P, second_P = (same_BB & ~torch.eye(len(same_BB), dtype=torch.bool).to(same_BB)).nonzero().T
        if not len(first_P):  # of many actions, each drawn once: nothing to learn from
            return {"loss": embeddings_BTE.sum() * 0, "accuracy": embeddings_BTE.new_tensor(0.0)}
        return self.losses(embeddings_BTE[first_P], embeddings_BTE[second_P])

    def losses(self, from_PTE: Tensor, through_PTE: Tensor) -> dict[str, Tensor]:
        """``loss`` of moments that go through another video and back, and the share that came back.

        Args:
            from_PTE: embeddings of the moments that set out, in order.
            through_PTE: of the other video's; as many or another number.
        """
        there_PTT = self._likeness(from_PTE, through_PTE).softmax(-1)
        back_PTT = self._likeness(there_PTT @ through_PTE, from_PTE)
        count = from_PTE.shape[1]
        homes_T = torch.arange(count, device=from_PTE.device)
        accuracy = (back_PTT.argmax(-1) == homes_T).float().mean()
        if self.form == "classification":
            homes = homes_T.expand(len(back_PTT), -1).flatten()
            loss = F.cross_entropy(back_PTT.flatten(0, 1), homes, label_smoothing=self.smoothing)
            return {"loss": loss, "accuracy": accuracy}
        time_T = homes_T.to(from_PTE.dtype) / count
        chance_PTT = back_PTT.softmax(-1)
        mean_PT = chance_PTT @ time_T
        variance_PT = (chance_PTT * (time_T - mean_PT[..., None]).square()).sum(-1) + LEAST_VARIANCE
        log_PT = variance_PT.log()
        error_PT = (time_T - mean_PT).square() / variance_PT + self.variance_weight * log_PT
        return {"loss": error_PT.mean(), "accuracy": accuracy}

    def _likeness(self, one_PTE: Tensor, other_PTE: Tensor) -> Tensor:
        squared = (one_PTE[:, :, None] - other_PTE[:, None]).square().mean(-1)
        return -squared / self.temperature

    def export(self, network: PhaseNet, weights: Path, made_by: dict[str, Any]) -> PhaseNet:
        """Features of moments, for ``speediness align``."""
        from speediness.models.export import export_features  # the exporter is slow to import

        network = load_checkpoint(weights, PhaseNet)
        size_px = network.config.clip.size_px
        document = {"short_side_px": size_px, "context_s": self.context_s, "made_by": made_by}
        export_features(network, network.embed, weights.with_suffix(".onnx"), "phases", document)
        return network

    def validate(self, network: PhaseNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """Moments of each video, evenly over it, through the next of the same action and back.

        ``order`` is how often the nearest moments of two moments lie in their order, less how often not
        (Kendall's tau a); anything that drifts has it too.

        Raises:
            DataError: no action has two videos.
        """
        clip = network.config.clip
        clips = (self._whole(video, clip) for video in videos)
        (embeddings_BTE,) = run_batched(network, clips)
        actions = [action(video.item) for video in videos]
        pairs = [
            (
                n,
                next(
                    m % len(actions)
                    for m in range(n + 1, n + 1 + len(actions))
                    if actions[m % len(actions)] == a
                ),
            )
            for n, a in enumerate(actions)
            if actions.count(a) > 1
        ]
        if not pairs:
            raise DataError("no two videos held out show one action; give more videos of each")
        one, other = (embeddings_BTE[[pair[k] for pair in pairs]] for k in (0, 1))
        nearest_PT = self._likeness(one, other).argmax(-1)
        first, second = torch.triu_indices(nearest_PT.shape[1], nearest_PT.shape[1], 1)
        order = (nearest_PT[:, second] - nearest_PT[:, first]).sign().float().mean()
        return {"accuracy": float(self.losses(one, other)["accuracy"]), "order": float(order)}

    def _whole(self, stored: CachedVideo, clip: ClipSpec) -> np.ndarray:
        video = stored.for_clips(clip)
        moments_s = np.linspace(min(self.context_s, video.end_s), video.end_s, clip.n_frames // SEEN)
        frames = video.frames_FHWC[nearest_frames(video.times_s, self._seen(moments_s))]
        return centre_crop(frames, clip.size_px)


def action(item: VideoItem) -> int:
    """A number that videos of one action share."""
    return zlib.crc32((item.label or "").encode())
