"""Testing action recognition: ten clips a video, centre crop, the mean of their probabilities (§5.4.1)."""

# F videos, K classes, D features

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.evaluation.centre_clips import Clip, centre_clip, random_clip, run_batched, with_clip
from speediness.evaluation.speed_accuracy import MAGNIFICATION
from speediness.models.recogniser import Recogniser

CLIPS = 10  # a video


@dataclass(frozen=True)
class Recognised:
    """What was said of one video."""

    name: str
    source: str
    label: str
    """What it shows."""
    said: str
    """The most probable class."""
    probability_K: NDArray[np.float32]
    """Mean over the clips, in the order of the network's classes."""

    @property
    def right(self) -> bool:
        """Whether it was recognised."""
        return self.said == self.label


def recognise(network: Recogniser, videos: Sequence[CachedVideo]) -> list[Recognised]:
    """Recognise videos by ten clips each.

    Args:
        network: on any device; put into evaluation mode.
        videos: with labels; those of fewer frames than a clip are left out.

    Raises:
        DataError: no video has the frames of a clip.
    """
    device = next(network.parameters()).device
    network.eval()

    def probabilities(clips: Tensor) -> tuple[Tensor]:
        return (network(clips)[0].softmax(1),)

    clip, found = network.config.clip, []
    for video in with_clip(videos, clip):
        (probability_CK,) = run_batched(probabilities, ten_clips(video, clip), device)
        probability_K = probability_CK.mean(0).numpy()
        said = network.classes[int(probability_K.argmax())]
        item = video.item
        found.append(Recognised(item.path.name, item.source, item.label or "", said, probability_K))
    return found


def ten_clips(
    stored: CachedVideo, clip: ClipSpec, crops: np.random.Generator | None = None
) -> Iterator[Clip]:
    """Clips at natural speed, evenly spaced from the start of a video to its end, which they may overlap.

    Of a video shorter than a clip they show all, see :func:`speediness.evaluation.centre_clips.even_clip`.
    With ``crops`` the squares are drawn from it.

    Raises:
        DataError: the video has fewer frames than a clip.
    """
    video = stored.at(MAGNIFICATION * clip.size_px)
    last_s = max(video.end_s - (clip.n_frames - 1) / float(clip.frame_rate), 0.0)
    for start_s in np.linspace(0, last_s, CLIPS):
        times_s = sampling.play_at(float(start_s), 1.0, clip.n_frames, clip.frame_rate)
        if crops is None:
            yield centre_clip(video, times_s, clip)
        else:
            yield random_clip(video, times_s, clip, crops)


def confusion(said: Sequence[Recognised], classes: Sequence[str]) -> NDArray[np.int64]:
    """(K, K) videos of each class, rows, by what was said of them, columns."""
    counts_KK = np.zeros((len(classes), len(classes)), np.int64)
    for video in said:
        counts_KK[classes.index(video.label), classes.index(video.said)] += 1
    return counts_KK
