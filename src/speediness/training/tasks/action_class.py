"""Fine-tuning for action recognition (SpeedNet §5.4.1): which of the classes does this clip show?"""

# B clips of a batch, K classes

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.recognition import Average, recognise
from speediness.models.encoder import EncoderConfig
from speediness.models.recogniser import Recogniser
from speediness.training.tasks.task import OneClipTask, Segment, View


@dataclass(frozen=True)
class ActionClassTask(OneClipTask):
    """One clip of a video at its natural speed, and the class of the video."""

    name: ClassVar[str] = "action_class"
    classes: tuple[str, ...] = ()
    """In the order of the logits; ``speediness finetune`` takes them from the training list."""
    average: Average = "probabilities"
    """What of a video's ten clips is averaged; logits in RSPNet's code."""

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """A clip from a random moment.

        Raises:
            DataError: the video's label is not one of the classes.
        """
        if item.label not in self.classes:
            raise DataError(
                f"{item.path.name} is labelled {item.label}, not one of {', '.join(self.classes)}"
            )
        start_s, _ = segment()
        times_s = sampling.play_at(start_s, 1.0, clip.n_frames, clip.frame_rate)
        return [View(times_s, self.classes.index(item.label))]

    def network(self, config: EncoderConfig) -> Recogniser:
        """See :class:`speediness.training.tasks.task.Task`."""
        return Recogniser(config, self.classes)

    def losses(self, logits_BK: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """Cross-entropy, and the share of clips that were right."""
        return {
            "loss": F.cross_entropy(logits_BK, labels_B),
            "accuracy": (logits_BK.argmax(1) == labels_B).float().mean(),
        }

    def validate(self, network: Recogniser, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """Share of whole videos that are right, by the mean over ten clips of each, see :attr:`average`."""
        said = recognise(network, videos, self.average)
        return {"accuracy": float(np.mean([video.right for video in said]))}
