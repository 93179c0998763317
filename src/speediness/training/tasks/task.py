"""What a task is: the clips it wants drawn, the network it trains, and how it scores an update."""

# B clips of a batch, T frames, H W frame size, C channels

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.intervals import share_interval
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.sampling import Times, even_step, holds_clip

Segment = Callable[[], tuple[float, float]]
"""Draws start and end, in seconds, of a stretch of video in which something moves, as long as the longest
view; another one each time."""

Forward = Callable[..., Any]
"""The inputs of a batch to what the network says of them, in float32."""


@dataclass(frozen=True)
class View:
    """One clip to cut out of a video."""

    times_s: Times
    """(T,) the moments it shows."""
    label: int
    """What the task calls it; a class of :mod:`speediness.training.tasks.speed_class`."""
    crop_group: int = 0
    """Views of one take are cut from the same square of the frame and look alike."""


@dataclass(frozen=True)
class Batch:
    """What a step is given: views in the order drawn, those of a window side by side."""

    inputs: tuple[Tensor, ...]
    """What the network is called with: uint8 clips (B, T, H, W, C), or motion and scene."""
    labels_B: Tensor
    origins: tuple[str, ...]
    """Video and time of each window, to name it when something is wrong with it."""

    def to(self, device: torch.device) -> Batch:
        """The batch where the network is."""
        for given in self.inputs:
            if given.is_cuda:
                # Made on a stream of its own: its memory must not be given away before it is used here.
                given.record_stream(torch.cuda.current_stream(device))
        inputs = tuple(given.to(device) for given in self.inputs)
        return replace(self, inputs=inputs, labels_B=self.labels_B.to(device))


@dataclass(frozen=True)
class Task(ABC):
    """A frozen dataclass whose fields are its settings; a recipe holds one."""

    name: ClassVar[str]
    """In a recipe, and of its file."""

    steady_average: ClassVar[bool] = False
    """Whether the running average of the weights moves at its slow final pace from the first step on.
    Otherwise it starts fast, so as to forget the random start."""

    @property
    def views_per_window(self) -> int:
        """Views of a moment of video, side by side in a batch."""
        return 1

    @abstractmethod
    def network(self, config: EncoderConfig) -> Encoder:
        """What is trained, at its random start."""

    def prepare(self, network: Any, videos: Sequence[Any]) -> None:  # noqa: B027
        """Fit what is fitted to the videos rather than trained, before the first step."""

    def memory(self) -> nn.Module:
        """What is kept from step to step besides the network: buffers alone, saved with the run."""
        return nn.Module()

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """Score one batch, unless said otherwise by :meth:`losses` alone.

        Args:
            forward: the network in training, called once.
            average: the running average of its weights, in evaluation mode and without gradients.
            memory: from :meth:`memory`; may be changed.
            batch: this process's share of the clips.

        Returns:
            ``loss``, whose gradient is followed, ``accuracy``, the share of what was right, and
            whatever else is worth a line; means over the batch, so that those of equal parts
            average to that of the whole.
        """
        return self.losses(*forward(*batch.inputs), batch.labels_B)

    def losses(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """What :meth:`step` returns, of the network's answers and the labels."""
        raise NotImplementedError

    @abstractmethod
    def validate(self, network: Any, videos: Sequence[Any]) -> dict[str, float]:
        """Measure the averaged network on videos held out; ``accuracy`` among other figures."""

    def export(self, network: Any, weights: Path, made_by: dict[str, Any]) -> Encoder | None:
        """Write what the product takes of published weights, an ``.onnx`` beside them.

        Returns:
            The network read back from these weights, in half precision; None: the product takes nothing.
        """
        return None


@dataclass(frozen=True)
class ClipTask(Task):
    """A task on clips of frames."""

    @property
    def even(self) -> bool:
        """Whether frames are taken a whole number apart; otherwise those nearest to the times drawn."""
        return True

    def longest_s(self, clip: ClipSpec) -> float:
        """Seconds from the first to the last frame of the longest view; shorter videos are left out."""
        return (clip.n_frames - 1) / float(clip.frame_rate)

    @property
    def apart(self) -> tuple[float, float] | None:
        """Playback factors that are told apart, the nearest to each other; None: none are."""
        return None

    def fits(self, times_s: Times, clip: ClipSpec) -> bool:
        """Whether a video of frames at these times is long enough, and tells factors apart.

        Of few frames a second the same even clip would be shown, and called two different things.
        """
        longest_s = self.longest_s(clip)
        if times_s[-1] < longest_s - 1e-6:
            return False
        if not self.even:
            return True
        factor = longest_s * float(clip.frame_rate) / (clip.n_frames - 1)
        if not holds_clip(times_s, factor, clip.n_frames, clip.frame_rate):
            return False
        if self.apart is None:
            return True
        # A hair nearer, so that rounding noise does not decide.
        slow, fast = self.apart[0] * (1 + 1e-6), self.apart[1] * (1 - 1e-6)
        return even_step(times_s, slow, clip.frame_rate) < even_step(times_s, fast, clip.frame_rate)

    @abstractmethod
    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """Clips to be cut out of one video; all its randomness comes from ``rng`` and ``segment``."""


@dataclass(frozen=True)
class OneClipTask(ClipTask):
    """A task on single clips at natural speed."""

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        """Frames evenly apart, forwards or backwards."""
        times_s = sampling.play_at(segment()[0], 1.0, clip.n_frames, clip.frame_rate)
        return [View(times_s[::-1] if rng.random() < 0.5 else times_s, 0)]


def by_video(task: Task, network: Encoder, videos: Sequence[CachedVideo]) -> dict[str, Any]:
    """A task's own figures on videos, each asked alone.

    Returns:
        By the name of the figure, ``accuracy``, the mean over videos, and ``interval_95`` over sources;
        ``films``, the number of videos. Those too short for the task are left out.

    Raises:
        DataError: all videos are too short.
    """
    asked: list[tuple[str, dict[str, float]]] = []
    for video in videos:
        with suppress(DataError):  # too short
            asked.append((video.item.source, task.validate(network, [video])))
    if not asked:
        raise DataError(f"none of the {len(videos)} unseen videos is long enough for {task.name}")
    sources = [source for source, _ in asked]
    figures: dict[str, Any] = {"films": len(asked)}
    for name in asked[0][1]:
        values = [found[name] for _, found in asked]
        interval_95 = share_interval(values, sources)
        figures[name] = {"accuracy": float(np.mean(values)), "interval_95": interval_95}
    return figures
