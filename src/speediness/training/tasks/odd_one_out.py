"""Odd-one-out (Fernando et al. 2017, arXiv 1611.06646): which of these clips has its frames in disorder?"""

# B samples, P clips of a sample, T frames of all of them, Q samples asked of a video

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import Clip
from speediness.models.encoder import EncoderConfig
from speediness.models.order import OrderNet
from speediness.training.tasks.order import OrderTask, differences
from speediness.training.tasks.task import Segment, View

CLIPS = 6


@dataclass(frozen=True)
class OddOneOutTask(OrderTask):
    """Six clips of one video, one of them in disorder.

    Paper: a clip becomes a stack or a sum of differences of frames before a 2D network sees it. Here the
    backbone sees the frames, so it must be one that sees order, such as r3d18.
    """

    name: ClassVar[str] = "odd_one_out"
    chance: ClassVar[float] = 1 / CLIPS
    frames: int = 6
    """Of each clip; in the paper 6."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.frames < 3:
            raise SpeedinessError("odd_one_out: set 3 frames or more; two run forwards or backwards")

    @property
    def even(self) -> bool:
        """No: the frames nearest to the times drawn."""
        return False

    def longest_s(self, clip: ClipSpec) -> float:
        """Of one of the clips; they may overlap."""
        return (self.frames - 1) / float(clip.frame_rate)

    def network(self, config: EncoderConfig) -> OrderNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return OrderNet(config, CLIPS, odd=True)

    def questions(self, segment: Segment, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """All clips one behind the other; the label says which is in disorder, neither way round."""
        odd = int(rng.integers(CLIPS))
        rows = [sampling.play_at(segment()[0], 1.0, self.frames, clip.frame_rate) for _ in range(CLIPS)]
        rows[odd] = rows[odd][disorder(self.frames, rng)]
        return [View(np.concatenate(rows), odd)]

    def losses(self, logits_BP: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """Cross-entropy over the clips; see :class:`OrderTask`."""
        return {
            "loss": F.cross_entropy(logits_BP, labels_B),
            "accuracy": self.right(logits_BP, labels_B).float().mean(),
        }

    def right(self, logits_BP: Tensor, labels_B: Tensor) -> Tensor:
        """The highest logit is that of the clip in disorder."""
        return logits_BP.argmax(1) == labels_B

    def controls(
        self, network: OrderNet, clips: Sequence[Clip], labels_Q: Tensor, logits_QP: Tensor
    ) -> dict[str, float]:
        """``pixel_rule``: how often the clip whose neighbouring frames differ most is the odd one."""
        before = [n for n in range(CLIPS * self.frames) if (n + 1) % self.frames]
        apart = differences(clips, before, [n + 1 for n in before]).reshape(len(clips), CLIPS, -1).mean(2)
        return {"pixel_rule": float((apart.argmax(1) == labels_Q.numpy()).mean())}


def disorder(frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random order of frames that runs neither forwards nor backwards."""
    while True:
        order = rng.permutation(frames)
        if len(set(np.diff(order))) > 1:
            return order
