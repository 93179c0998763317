"""RSPNet's two tasks (Chen et al. 2021, arXiv 2011.07949): relative speed, and which video this is from.

Three clips of one video: a query at 1x or 2x, and from another stretch two keys that begin at the same
moment, one at the query's speed and one at the other. Motion: the query is nearer to the key of its own
speed. Appearance: the query is nearer to both keys than to clips of other videos, whatever their speed.

Where the paper and the code its authors released differ, or one of them is silent, the setting says so.
"""

# V windows of a batch, B = 3 V clips, K negatives, E embedding

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.evaluation.relative_speed import ranked_right, same_video_found
from speediness.models.encoder import EncoderConfig
from speediness.models.rspnet import EMBEDDING_DIM, SPEEDS, RSPNet
from speediness.training.tasks.task import Batch, ClipTask, Forward, Segment, View

QUERY, SAME, OTHER = 0, 1, 2  # order of the views of a window


class KeyQueue(nn.Module):
    """The appearance of the last K keys, which are the negatives of the queries to come (MoCo).

    Attributes:
        keys_KE: of length 1; random ones at first, as in the released code.
        at: where the next key goes.

    Args:
        length: K; 0 remembers nothing.
    """

    keys_KE: Tensor
    at: Tensor

    def __init__(self, length: int) -> None:
        super().__init__()
        self.register_buffer("keys_KE", F.normalize(torch.randn(length, EMBEDDING_DIM)))
        self.register_buffer("at", torch.zeros((), dtype=torch.long))

    def push(self, keys_VE: Tensor) -> None:
        """Put keys, in their order, in place of the oldest."""
        length = len(self.keys_KE)
        keys_VE = keys_VE[-length:]
        places = (self.at + torch.arange(len(keys_VE), device=keys_VE.device)) % length
        self.keys_KE[places] = keys_VE
        self.at.copy_((self.at + len(keys_VE)) % length)


@dataclass(frozen=True)
class RSPNetTask(ClipTask):
    """Draws triplets and scores where the network puts them.

    The keys come from the running average of the weights (the paper's momentum encoder; its decay is
    the recipe's ``ema_decay``, 0.999 in the paper). The average is in evaluation mode, so keys are
    normalised by running statistics. In training mode the clips of a batch would show in each other's
    statistics, query and keys of a video could be told by them, and the task would be solved without
    looking; the paper shuffles keys between GPUs against that, which one device cannot do. Running
    statistics leak nothing on any number of devices (as in EMAN, Cai et al. 2021, arXiv 2101.08482).

    Keys of the queue were made by the weights of some time ago. While those move on, a key's age alone
    tells it from the query's own keys, and the network learns that instead of videos. Only a slow
    average and a long run prevent it: in 500 steps of a narrow 3D ResNet-18 with a decay of 0.99 and the
    240 keys of the last ten steps, appearance ended above chance (12.3; chance is 11.0) with fewer
    queries found than at the start. Keys of the same batch (``queue=0``, as in MoCo v3, Chen et al.
    2021, arXiv 2104.02057) are all of one age.
    """

    name: ClassVar[str] = "rspnet"
    steady_average: ClassVar[bool] = True
    margin: float = 0.14
    """Gamma, in cosine. The paper gives no number that we found; the code 2.0 after division by 0.07."""
    motion_temperature: float = 1.0
    """What the motion loss is divided by. The paper: nothing. The code: 0.07, so its loss is 14 times
    as large."""
    temperature: float = 0.07
    """Of the appearance loss."""
    motion_weight: float = 1.0
    appearance_weight: float = 1.0
    queue: int = 16384
    """K, keys remembered from batches before. 0: the negatives are the keys of the batch's other
    windows, which is better for short runs."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.queue < 0 or min(self.temperature, self.motion_temperature) <= 0:
            raise SpeedinessError("rspnet needs queue >= 0 and temperatures above 0")

    @property
    def views_per_window(self) -> int:
        """Query and two keys."""
        return 3

    def longest_s(self, clip: ClipSpec) -> float:
        """That of a clip at 2x."""
        return max(SPEEDS) * super().longest_s(clip)

    @property
    def apart(self) -> tuple[float, float]:
        """The two speeds."""
        return SPEEDS[0], SPEEDS[1]

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """Query, key of the same speed, key of the other; labels are places in SPEEDS.

        The keys begin together and look alike, so that nothing but speed tells them apart.
        """
        (query_s, _), (keys_s, _) = segment(), segment()
        own = int(rng.integers(2))

        def view(start_s: float, speed: int, crop_group: int) -> View:
            times_s = sampling.play_at(start_s, SPEEDS[speed], clip.n_frames, clip.frame_rate)
            return View(times_s, speed, crop_group)

        return [view(query_s, own, 0), view(keys_s, own, 1), view(keys_s, 1 - own, 1)]

    def network(self, config: EncoderConfig) -> RSPNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return RSPNet(config)

    def memory(self) -> KeyQueue:
        """The queue of appearance keys."""
        return KeyQueue(self.queue)

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.training.tasks.task.Task` and :meth:`losses`.

        Of the keys those of the other speed are negatives of other queries, as in the released code.
        """
        assert isinstance(memory, KeyQueue)
        (clips_BTHWC,) = batch.inputs
        clips = clips_BTHWC.unflatten(0, (-1, 3))
        query = forward(clips[:, QUERY])
        with torch.no_grad():
            same, other = (average(clips[:, key]) for key in (SAME, OTHER))
        keys_KE, first = _of_all_processes(other[1])
        if self.queue == 0:
            own_V = first + torch.arange(len(other[1]), device=keys_KE.device)
            return self.losses(query, same, other, keys_KE, own_V)
        losses = self.losses(query, same, other, memory.keys_KE.clone())
        memory.push(keys_KE)
        return losses

    def losses(
        self,
        query: tuple[Tensor, Tensor],
        same: tuple[Tensor, Tensor],
        other: tuple[Tensor, Tensor],
        negatives_KE: Tensor,
        own_V: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Margin ranking of speeds and, with both keys as positives, InfoNCE of appearance.

        Args:
            query: motion and appearance (V, E) of the queries.
            same: of the keys of their speed.
            other: of the keys of the other speed.
            negatives_KE: appearance of clips of other videos.
            own_V: int, for each query the one among them that is of its own video and does not count.

        Returns:
            ``loss``; ``motion``, max(0, margin - (p+ - p-)) / motion_temperature with cosines p;
            ``appearance``, the sum of two cross-entropies over K + 1; ``accuracy``, the share of
            triplets whose speeds are ranked right; ``found``, the share of queries nearer to the
            key of their speed than to all negatives.
        """
        near_V, far_V = ((query[0] * key[0]).sum(1) for key in (same, other))
        motion = F.relu(self.margin - (near_V - far_V)).mean() / self.motion_temperature
        negatives_VK = query[1] @ negatives_KE.T
        if own_V is not None:
            negatives_VK = negatives_VK.scatter(1, own_V[:, None], -torch.inf)
        places_V = torch.zeros(len(near_V), dtype=torch.long, device=near_V.device)
        appearance = motion.new_zeros(())
        for key in (same, other):
            positive_V1 = (query[1] * key[1]).sum(1, keepdim=True)
            logits_VK1 = torch.cat([positive_V1, negatives_VK], 1) / self.temperature
            appearance = appearance + F.cross_entropy(logits_VK1, places_V)
        found_V = (query[1] * same[1]).sum(1) > negatives_VK.amax(1)
        return {
            "loss": self.motion_weight * motion + self.appearance_weight * appearance,
            "accuracy": (near_V > far_V).float().mean(),
            "motion": motion,
            "appearance": appearance,
            "found": found_V.float().mean(),
        }

    def validate(self, network: RSPNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """See :mod:`speediness.evaluation.relative_speed`."""
        return {
            "accuracy": ranked_right(network, videos),
            "same_film": same_video_found(network, videos, changed=True),
        }


def _of_all_processes(keys_VE: Tensor) -> tuple[Tensor, int]:
    """The keys of all processes in the order of their ranks, and which of them is the first of ours."""
    if not dist.is_initialized():
        return keys_VE, 0
    parts = [torch.empty_like(keys_VE) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, keys_VE.contiguous())
    return torch.cat(parts), dist.get_rank() * len(keys_VE)
