"""Shuffle and learn (Misra et al. 2016, arXiv 1603.08561): did these three frames follow one another?

Five frames a < b < c < d < e of a stretch in which something moves. In order: b, c, d. Out of order:
b, a, d or b, e, d. First and last frame are the same in both, and half of all are shown backwards.
"""

# B tuples, Q tuples asked of a video

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import Clip
from speediness.models.encoder import EncoderConfig
from speediness.models.order import OrderNet
from speediness.training.tasks.order import OrderTask, differences
from speediness.training.tasks.task import Segment, View

IN_ORDER, OUT_OF_ORDER = 1, 0
FRAMES = 3


@dataclass(frozen=True)
class ShuffleAndLearnTask(OrderTask):
    """Tuple verification.

    Paper: frames are drawn by the magnitude of optical flow, 60 frames at most from b to d and 15 at
    least from a to b and from d to e. Here the five lie in the busier of two random stretches, the
    distances are in seconds, and c lies in the middle half between b and d.
    """

    name: ClassVar[str] = "shuffle_and_learn"
    within_s: float = 2.0
    """At most from b to d; at least half of that."""
    outside_s: float = 0.5
    """From a to b and from d to e."""
    in_order: float = 0.25
    """Share of tuples in order; the paper's best."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if min(self.within_s, self.outside_s) <= 0 or not 0 < self.in_order < 1:
            raise SpeedinessError("shuffle_and_learn: give times above 0 and in_order between 0 and 1")

    @property
    def even(self) -> bool:
        """No: the frames nearest to the times drawn."""
        return False

    @property
    def share_first(self) -> float:
        """See :attr:`in_order`."""
        return self.in_order

    def longest_s(self, clip: ClipSpec) -> float:
        """From a to e."""
        return self.within_s + 2 * self.outside_s

    def network(self, config: EncoderConfig) -> OrderNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return OrderNet(config, FRAMES)

    def questions(self, segment: Segment, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """A tuple in order, and one out of order with the same ends."""
        start_s, end_s = segment()
        within_s = self.within_s * rng.uniform(0.5, 1)
        first_s = rng.uniform(start_s + self.outside_s, end_s - self.outside_s - within_s)
        last_s = first_s + within_s
        outer_s = first_s - self.outside_s if rng.random() < 0.5 else last_s + self.outside_s
        middle_s = first_s + within_s * rng.uniform(0.25, 0.75)
        step = 1 if rng.random() < 0.5 else -1
        return [
            View(np.array([first_s, second_s, last_s])[::step], label)
            for second_s, label in ((middle_s, IN_ORDER), (outer_s, OUT_OF_ORDER))
        ]

    def losses(self, logits_BP: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the two classes; see :class:`OrderTask`."""
        logits_B = logits_BP[:, 0]
        return {
            "loss": F.binary_cross_entropy_with_logits(logits_B, labels_B.to(logits_B.dtype)),
            "accuracy": ((logits_B > 0) == (labels_B == IN_ORDER)).float().mean(),
        }

    def right(self, logits_BP: Tensor, labels_B: Tensor) -> Tensor:
        """Of a network that saw :attr:`in_order` in order and is asked for as many of both."""
        prior = float(np.log(self.in_order / (1 - self.in_order)))
        return (logits_BP[:, 0] > prior) == (labels_B == IN_ORDER)

    def controls(
        self, network: OrderNet, clips: Sequence[Clip], labels_Q: Tensor, logits_QP: Tensor
    ) -> dict[str, float]:
        """``pairs_ranked``: of two tuples of the same ends the one in order has the higher logit.

        ``pixel_rule`` ranks them without a network: the middle frame is the one that lies nearer to the
        other two, by the mean difference of pixels. Chance is one half for both.
        """
        in_order, out_of_order = logits_QP.view(-1, 2).unbind(1)
        way = differences(clips, (0, 1), (1, 2)).sum(1).reshape(-1, 2)
        return {
            "pairs_ranked": float((in_order > out_of_order).float().mean()),
            "pixel_rule": float(torch.tensor(way[:, 0] < way[:, 1]).float().mean()),
        }
