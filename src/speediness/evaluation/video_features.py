"""What a frozen network sees in whole videos: one vector per video (SpeedNet §5.4.2)."""

# F videos, C clips, D features

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from speediness.datasets.clip_cache import CachedVideo
from speediness.evaluation.centre_clips import run_batched, with_clip
from speediness.evaluation.recognition import ten_clips
from speediness.models.encoder import Encoder

Pool = Literal["max", "mean"]


@dataclass(frozen=True)
class VideoFeatures:
    """Features of videos, their classes and their sources."""

    vectors_FD: NDArray[np.float32]
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def video_features(
    encoder: Encoder,
    videos: Sequence[CachedVideo],
    pool: Pool = "max",
    crops: np.random.Generator | None = None,
) -> VideoFeatures:
    """The mean over ten clips of a video's features, pooled over space and averaged over time.

    Args:
        encoder: any network; put into evaluation mode, its head is not asked.
        videos: with labels; those of fewer frames than a clip are left out.
        pool: over space; max in SpeedNet §3.2 and in RSPNet's supplement, mean in RSPNet's code.
        crops: draws one square of each video; None: the middle one.

    Raises:
        DataError: no video has the frames of a clip.
    """

    def pooled(clips_BTHWC: Tensor) -> tuple[Tensor]:
        maps_BDThw = encoder.encode(clips_BTHWC)
        return ((maps_BDThw.amax((3, 4)) if pool == "max" else maps_BDThw.mean((3, 4))).mean(2),)

    clip, vectors, items = encoder.config.clip, [], []
    for video in with_clip(videos, clip):
        (vectors_CD,) = run_batched(encoder, ten_clips(video, clip, crops=crops), pooled)
        vectors.append(vectors_CD.mean(0).numpy())
        items.append(video.item)
    labels, sources = (item.label or "" for item in items), (item.source for item in items)
    return VideoFeatures(np.stack(vectors), tuple(labels), tuple(sources))
