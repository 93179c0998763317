"""Testing action recognition: ten clips a video, centre crop, averaged (§5.4.1)."""

# F videos, K classes, D features

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.evaluation.centre_clips import (
    Clip,
    augmented_clip,
    centre_clip,
    random_square,
    run_batched,
    with_clip,
)
from speediness.models.recogniser import Recogniser
from speediness.plots import INK, new_figure, save_figure

CLIPS = 10  # a video
Average = Literal["probabilities", "logits"]
"""Of the clips of a video."""


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
    """Of the mean over the clips, in the order of the network's classes."""

    @property
    def right(self) -> bool:
        """Whether it was recognised."""
        return self.said == self.label


def recognise(
    network: Recogniser, videos: Sequence[CachedVideo], average: Average = "probabilities"
) -> list[Recognised]:
    """Recognise videos with labels by ten clips each, whose probabilities or logits are averaged.

    Those of fewer frames than a clip are left out.

    Raises:
        DataError: no video has the frames of a clip.
    """
    clip, found = network.config.clip, []
    for video in with_clip(videos, clip):
        (logits_CK,) = run_batched(network, ten_clips(video, clip))
        mean_K = logits_CK.mean(0).softmax(0) if average == "logits" else logits_CK.softmax(1).mean(0)
        probability_K = mean_K.numpy()
        said = network.classes[int(probability_K.argmax())]
        item = video.item
        found.append(Recognised(item.path.name, item.source, item.label or "", said, probability_K))
    return found


def ten_clips(
    stored: CachedVideo, clip: ClipSpec, crops: np.random.Generator | None = None
) -> Iterator[Clip]:
    """Clips at natural speed, evenly spaced from the start of a video to its end, which they may overlap.

    Of a video shorter than a clip they show all, see :func:`speediness.evaluation.centre_clips.even_clip`.
    With ``crops`` one square of the video is drawn from it for all clips, as RSPNet's code does.

    Raises:
        DataError: the video has fewer frames than a clip.
    """
    video = stored.for_clips(clip)
    last_s = max(video.end_s - (clip.n_frames - 1) / float(clip.frame_rate), 0.0)
    square = None if crops is None else random_square(video, crops)
    for start_s in np.linspace(0, last_s, CLIPS):
        times_s = sampling.play_at(float(start_s), 1.0, clip.n_frames, clip.frame_rate)
        if square is None:
            yield centre_clip(video, times_s, clip)
        else:
            yield augmented_clip(video, times_s, clip, square)


def confusion(said: Sequence[Recognised], classes: Sequence[str]) -> NDArray[np.int64]:
    """(K, K) videos of each class, rows, by what was said of them, columns."""
    counts_KK = np.zeros((len(classes), len(classes)), np.int64)
    for video in said:
        counts_KK[classes.index(video.label), classes.index(video.said)] += 1
    return counts_KK


NAMED = 60  # classes at most whose names are written, and
COUNTED = 15  # whose counts


def plot_confusion(document: dict[str, Any], out_png: Path) -> None:
    """Draw shares of each class shown, of a document of ``finetune``; replaces the plot once it is whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    classes, counts_KK = document["classes"], np.array(document["confusion"])
    share_KK = counts_KK / np.maximum(counts_KK.sum(1, keepdims=True), 1)
    side = 3.2 + 0.16 * min(len(classes), 101)
    figure = new_figure(side + 1.2, side, dpi=120)
    axes = figure.subplots()
    image = axes.imshow(share_KK, vmin=0, vmax=1, cmap="cividis_r")
    figure.colorbar(image, ax=axes, shrink=0.7, format=lambda share, _: f"{share:.0%}")
    if len(classes) <= NAMED:
        axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), classes)
    if len(classes) <= COUNTED:
        for (row, column), count in np.ndenumerate(counts_KK):
            dark = share_KK[row, column] > 0.5
            axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else INK)
    axes.set(xlabel="said", ylabel="shown")
    axes.set_title(f"{document['accuracy']:.1%} of {counts_KK.sum()} videos right", loc="left", fontsize=11)
    axes.tick_params(colors=INK, labelsize=7, length=0)
    save_figure(figure, out_png)
