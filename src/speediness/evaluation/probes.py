"""What frozen features tell of the action: linear probe, nearest neighbours, retrieval (Table 3)."""

# F videos, Q queries, C clips, D features

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from speediness.datasets.clip_cache import CachedVideo, CachedVideos, ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.centre_clips import run_batched, with_clip
from speediness.evaluation.intervals import share_interval
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


Protocol = Literal["clean", "released"]
"""Of retrieval. clean: centre crops everywhere, maximum over space (RSPNet's supplement). released: as
RSPNet's code, random crops and mirroring in the gallery, mean over space; its batches, of which the
last is dropped, are not copied."""

STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]  # of the linear probe's inverse regularisation
FOLDS = 5
NEIGHBOURS = 10
RECALL_AT = (1, 5, 10, 20, 50)


def probe(
    encoder: Encoder,
    train_items: list[VideoItem],
    test_items: list[VideoItem],
    cache: Path,
    log: Callable[[str], None] = print,
    *,
    protocol: Protocol = "clean",
    cache_bytes: int | None = None,
) -> dict[str, Any]:
    """Freeze a network and measure what its features say of actions.

    Args:
        encoder: any network, on any device.
        train_items: videos with labels, which probes learn from and retrieval searches.
        test_items: videos with labels.
        cache: folder of decoded videos.
        log: receives one line at a time.
        protocol: of retrieval; the probes always get centre crops and the maximum over space.
        cache_bytes: most that ``cache`` may take.

    Returns:
        ``linear`` and ``neighbours``, each with ``accuracy`` of videos, ``interval_95`` over
        sources and ``right``, video by video; ``recall`` at 1, 5, 10, 20, 50, with
        ``recall_interval_95``; ``protocol``; ``films``, their number on both sides, and ``too_short``,
        that of those left out because they have fewer frames than a clip; ``test_sources`` of each.

    Raises:
        DataError: no video of a side can be used.
    """
    sides = _decoded(encoder, train_items, test_items, cache, log, cache_bytes)
    train, test = (video_features(encoder, videos) for videos in sides)
    gallery, queries = _released_features(encoder, sides) if protocol == "released" else (train, test)

    def figures(right_F: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "accuracy": float(right_F.mean()),
            "interval_95": share_interval(right_F, test.sources),
            "right": right_F.tolist(),
        }

    return {
        "linear": figures(linear_probe(train, test)),
        "neighbours": figures(nearest_neighbours(train, test)),
        **_recalls(gallery, queries),
        "protocol": protocol,
        "films": {"train": len(train.labels), "test": len(test.labels)},
        "too_short": {
            name: len(videos) - len(found.labels)
            for name, videos, found in zip(("train", "test"), sides, (train, test), strict=True)
        },
        "test_sources": list(test.sources),
    }


def released_retrieval(
    encoder: Encoder,
    train_items: list[VideoItem],
    test_items: list[VideoItem],
    cache: Path,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """``recall`` and ``recall_interval_95`` of :func:`probe` by the released protocol, and no probes.

    Raises:
        DataError: no video of a side can be used.
    """
    sides = _decoded(encoder, train_items, test_items, cache, log, None)
    return _recalls(*_released_features(encoder, sides))


def _decoded(
    encoder: Encoder,
    train_items: list[VideoItem],
    test_items: list[VideoItem],
    cache: Path,
    log: Callable[[str], None],
    cache_bytes: int | None,
) -> list[CachedVideos]:
    clips = ClipCache.for_clips(cache, encoder.config.clip, cache_bytes)
    sides = [clips.videos(items, log) for items in (train_items, test_items)]
    if not all(sides):
        raise DataError("no video of the training or of the test list can be decoded; see data verify")
    log(f"looking at {len(sides[0])} training and {len(sides[1])} test videos, ten clips each")
    return sides


def _released_features(encoder: Encoder, sides: list[CachedVideos]) -> tuple[VideoFeatures, VideoFeatures]:
    gallery, queries = sides
    crops = np.random.default_rng(0)
    return video_features(encoder, gallery, "mean", crops), video_features(encoder, queries, "mean")


def _recalls(gallery: VideoFeatures, queries: VideoFeatures) -> dict[str, Any]:
    found_QK = retrieved(gallery, queries)
    return {
        "recall": {str(k): float(share) for k, share in zip(RECALL_AT, found_QK.mean(0), strict=True)},
        "recall_interval_95": {
            str(k): share_interval(found_Q, queries.sources)
            for k, found_Q in zip(RECALL_AT, found_QK.T, strict=True)
        },
    }


def linear_probe(train: VideoFeatures, test: VideoFeatures) -> NDArray[np.bool_]:
    """(F,) which test videos a logistic regression on standardised features gets right.

    Its regularisation is chosen by cross-validation on the training videos, whole groups (sources)
    held out; the test videos are looked at once.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    folds = min(FOLDS, len(set(train.sources)))
    if folds > 1:
        probe = GridSearchCV(probe, {"logisticregression__C": STRENGTHS}, cv=GroupKFold(folds))
        probe.fit(train.vectors_FD, train.labels, groups=train.sources)
    else:
        probe.fit(train.vectors_FD, train.labels)
    return probe.predict(test.vectors_FD) == np.array(test.labels)


def nearest_neighbours(train: VideoFeatures, test: VideoFeatures) -> NDArray[np.bool_]:
    """(F,) which test videos the vote of the ten nearest training videos by cosine gets right."""
    count = min(NEIGHBOURS, len(train.labels))
    probe = KNeighborsClassifier(count, metric="cosine", weights="distance")
    probe.fit(train.vectors_FD, train.labels)
    return probe.predict(test.vectors_FD) == np.array(test.labels)


def retrieved(
    train: VideoFeatures, test: VideoFeatures, at: Sequence[int] = RECALL_AT
) -> NDArray[np.bool_]:
    """(Q, len(at)) whether a video of the query's class is among the k nearest by cosine (Table 3).

    Queries are the test videos, neighbours the training videos (Xu et al. 2019).
    """
    queries_QD, gallery_FD = (
        part.vectors_FD / np.maximum(np.linalg.norm(part.vectors_FD, axis=1, keepdims=True), 1e-12)
        for part in (test, train)
    )
    order_QF = np.argsort(-(queries_QD @ gallery_FD.T), axis=1, kind="stable")
    same_QF = np.array(train.labels)[order_QF] == np.array(test.labels)[:, None]
    return np.stack([same_QF[:, :k].any(1) for k in at], 1)
