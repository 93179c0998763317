"""What the tasks on the order of time share: moments of one video, rightly and wrongly put together."""

# B samples, P parts of a sample, Q samples asked of a video, T frames, N side of a frame, C channels

import zlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.centre_clips import Clip, centre_crop, run_batched
from speediness.models.order import OrderNet
from speediness.sampling import even_frames, nearest_frames
from speediness.training.tasks.task import ClipTask, Segment, View

QUESTIONS = 4  # asked of a video that is validated on


@dataclass(frozen=True)
class OrderTask(ClipTask):
    """A task whose sample is one row of frames of a video, and whose answer is a label.

    Its parts lie one behind the other.
    """

    chance: ClassVar[float] = 0.5
    """How often one is right without looking, when asked every form of a question."""

    @property
    def share_first(self) -> float:
        """How often training draws the first form of a question."""
        return 0.5

    @abstractmethod
    def questions(self, segment: Segment, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """One or two forms of a question, which differ in the label alone."""

    @abstractmethod
    def losses(self, logits_BP: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """``loss``, and ``accuracy``, the share of samples that were right."""

    @abstractmethod
    def right(self, logits_BP: Tensor, labels_B: Tensor) -> Tensor:
        """(B,) bool, whether samples were right, when every form of a question is asked as often."""

    def controls(
        self, network: OrderNet, clips: Sequence[Clip], labels_Q: Tensor, logits_QP: Tensor
    ) -> dict[str, float]:
        """What a shortcut would show in, of one video; shares.

        Of Q uint8 clips (T, N, N, C), forms of one question side by side, and what the network, in
        evaluation mode, said of them.
        """
        return {}

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """One form of a question."""
        views = self.questions(segment, clip, rng)
        return [views[0] if len(views) == 1 or rng.random() < self.share_first else views[1]]

    def validate(self, network: OrderNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """The mean over videos of ``accuracy`` and of :meth:`controls`, and ``chance``.

        Four questions are asked of each, in all their forms and drawn as in training but for the middle
        square; videos too short for a question are left out.

        Raises:
            DataError: all videos are too short.
        """
        clip = network.config.clip
        asked = [self._ask(network, video) for video in videos if self.fits(video.times_s, clip)]
        if not asked:
            raise DataError(f"no video lasts {self.longest_s(clip):.3g} s, as long as a question")
        means = {name: float(np.mean([one[name] for one in asked])) for name in asked[0]}
        return means | {"chance": self.chance}

    def _ask(self, network: OrderNet, stored: CachedVideo) -> dict[str, float]:
        clip = network.config.clip
        video = stored.for_clips(clip)
        # Of its own for every video, so that it is asked the same whatever others there are.
        rng = np.random.default_rng(zlib.crc32(video.item.path.name.encode()))
        length_s = self.longest_s(clip)
        views = [
            view
            for _ in range(QUESTIONS)
            for view in self.questions(lambda: video.busier_of_two(length_s, rng), clip, rng)
        ]
        shown = even_frames if self.even else nearest_frames
        clips = [
            centre_crop(video.frames_FHWC[shown(video.times_s, view.times_s)], clip.size_px)
            for view in views
        ]
        labels_Q = torch.tensor([view.label for view in views])
        logits_QP = said(network, clips)
        return {
            "accuracy": float(self.right(logits_QP, labels_Q).float().mean()),
            **self.controls(network, clips, labels_Q, logits_QP),
        }


def said(network: OrderNet, clips: Sequence[Clip]) -> Tensor:
    """(B, P) logits of clips."""
    return run_batched(network, clips)[0]


def differences(clips: Sequence[Clip], first: Sequence[int], second: Sequence[int]) -> NDArray[np.float64]:
    """(B, pairs) mean absolute difference of frames ``first`` and ``second`` of every clip, grey levels."""
    frames_BTNNC = np.stack(clips).astype(np.int16)
    apart = frames_BTNNC[:, list(first)] - frames_BTNNC[:, list(second)]
    return np.abs(apart).mean((2, 3, 4))
