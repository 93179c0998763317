"""Can the network tell 1x from 2x? The measurement of SpeedNet §5.1, Table 1, and two more.

Every video is taken to play at natural speed at its container's rate. Its windows are seen as
they are (1x), evenly sped up (2x) and as they are under twice the zoom, which makes the
displacements of 1x as large as those of 2x.
"""

# W windows of a video, L bins, T frames, N the short side, H W frame size

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.analysis.scorer import score_shot
from speediness.analysis.shot import ShotScores, scene_px
from speediness.clip import ClipSpec
from speediness.datasets import find_videos
from speediness.datasets.clip_cache import MAGNIFICATION
from speediness.datasets.decoded_video import DecodedVideo, decode_video
from speediness.errors import DataError, VideoError
from speediness.evaluation.reliability import reliability
from speediness.runtime.network import DEFAULT_NETWORK, Network, load_network
from speediness.runtime.protocol import Runtime, log_odds
from speediness.video.reader import Frame

Told = Literal["score", "flow"]
"""Who tells 1x from 2x: the network, or the mean flow."""


@dataclass(frozen=True)
class VideoScores:
    """What the network said of one video; score = logit(sped up) - logit(normal)."""

    name: str
    source: str
    score_1x: NDArray[np.float32]
    score_2x: NDArray[np.float32]
    score_magnified: NDArray[np.float32]
    flow_1x: NDArray[np.float32]
    flow_2x: NDArray[np.float32]
    flow_magnified: NDArray[np.float32]


def evaluate_speed(
    data: str | Path,
    network: str | Network | None = None,
    *,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """Measure a network on every video of a folder, or on the test list of a data set.

    Args:
        data: videos that play at natural speed: a folder, where a ``manifest.csv`` in or beside it
            names their sources; a manifest; or a data set, see :func:`speediness.datasets.find_videos`.
        network: name of shipped weights, path of an exported network, or one already loaded.
        progress: called with videos done and videos in all.

    Returns:
        See :func:`report`; ``unreadable`` names the videos that could not be used, with the reason;
        ``too_short`` counts those that hold no whole window at 2x and were left out;
        ``reliability`` says what the probabilities are worth, see
        :func:`speediness.evaluation.reliability.reliability`.

    Raises:
        DataError: no videos, or none that can be used.
        WeightsError: no such network.
    """
    net = network if isinstance(network, Network) else load_network(network or DEFAULT_NETWORK)
    items = find_videos(data, "test")
    scores: list[VideoScores] = []
    unreadable: dict[str, str] = {}
    too_short = 0
    for done, item in enumerate(items):
        try:
            side_px = MAGNIFICATION * net.clip.size_px
            video = decode_video(item, side_px, net.clip.channels, scene_px(net.runtime))
            if (score := score_video(video, net.runtime, net.clip)) is None:
                too_short += 1
            else:
                scores.append(score)
        except VideoError as error:
            unreadable[item.path.name] = str(error)
        if progress is not None:
            progress(done + 1, len(items))
    if not scores:
        why = next(iter(unreadable.values()), f"none lasts {2 * net.clip.duration_s:g} s, a window at 2x")
        raise DataError(f"none of the {len(items)} videos of {data} can be used: {why}")
    return {
        "network": net.name,
        "network_sha256": net.sha256,
        "unreadable": unreadable,
        "too_short": too_short,
        **report(scores, net.flow_threshold),
        "reliability": _reliability(scores),
    }


def score_video(
    video: DecodedVideo, runtime: Runtime, clip: ClipSpec, stride_s: float = 1.0
) -> VideoScores | None:
    """Score a video as the product does: as it is, every second frame of it, and as it is, magnified.

    Args:
        video: decoded at MAGNIFICATION times N.
        runtime: the network.
        clip: what it looks at.
        stride_s: from one window to the next, in seconds of the video, at most.

    Returns:
        Windows around the same moments at all three; None where no whole one fits at 2x.
    """
    half_s = clip.duration_s  # of the window at 2x, in seconds of the video
    if video.end_s + 1e-6 < 2 * half_s:
        return None
    moments_s = sampling.slide(half_s, max(video.end_s - half_s, half_s), stride_s)
    versions = (
        (1.0, played(video, 1)),
        (2.0, played(video, 2)),
        (1.0, played(video, 1, magnified=True)),
    )
    scores, flows = [], []
    for factor, frames in versions:
        shot = score_shot(frames, runtime, clip)
        if shot.times_s[-1] - shot.times_s[0] < clip.duration_s - 1e-3 or not len(shot.middles_s[0]):
            return None
        nearest = sampling.nearest_frames(shot.middles_s[0], moments_s / factor)
        scores.append(log_odds(shot.rate[0])[nearest].astype(np.float32))
        flows.append(_mean_motion(shot, clip)[nearest])
    return VideoScores(video.item.path.name, video.item.source, *scores, *flows)


def played(video: DecodedVideo, step: int, magnified: bool = False) -> Iterator[Frame]:
    """Every so many frames of a video, decoded at MAGNIFICATION times N, which then plays so much faster.

    Args:
        video: as it is.
        step: from one frame to the next, and from one look at the scene to the next.
        magnified: show the middle of the frame only, MAGNIFICATION times as large.
    """
    scene_HWC, looks = None, 0
    for number, time_s in enumerate(video.times_s):
        if number in video.scenes:
            looks += 1
            if looks % step == 0:
                scene_HWC = video.scenes[number]
        if number % step == 0:
            pixels_HWC = video.frames_FHWC[number]
            if not magnified:
                yield Frame(Fraction(float(time_s) / step), halve(pixels_HWC[None])[0], scene_HWC)
            else:
                if scene_HWC is not None:
                    scene_HWC = _middle(scene_HWC).repeat(MAGNIFICATION, 0).repeat(MAGNIFICATION, 1)
                yield Frame(Fraction(float(time_s) / step), _middle(pixels_HWC), scene_HWC)
            scene_HWC = None


def halve(frames_THWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Half the resolution, each point the mean of four."""
    t, height, width, channels = frames_THWC.shape
    even = frames_THWC[:, : height // 2 * 2, : width // 2 * 2]
    blocks = even.reshape(t, height // 2, 2, width // 2, 2, channels)
    return (blocks.mean((2, 4), dtype=np.float32) + 0.5).astype(np.uint8)


def _middle(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a frame, 1 / MAGNIFICATION of its sides."""
    height, width = pixels_HWC.shape[:2]
    rows, columns = height // MAGNIFICATION, width // MAGNIFICATION
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels_HWC[top : top + rows, left : left + columns]


def _mean_motion(shot: ShotScores, clip: ClipSpec) -> NDArray[np.float32]:
    """(W,) mean motion of the windows of a shot."""
    edges_s = shot.middles_s[0] + np.array([[-0.5], [0.5]]) * clip.duration_s
    first, last = np.searchsorted(shot.motion_s, edges_s + 1e-6)
    sums = np.concatenate([[0.0], np.cumsum(shot.motion[:, 0], dtype=np.float64)])
    return ((sums[last] - sums[first]) / np.maximum(last - first, 1)).astype(np.float32)


def _windows(videos: Iterable[VideoScores], what: Told) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What all windows were given, at 1x and at 2x."""
    videos = list(videos)
    slow, fast = (np.concatenate([getattr(f, f"{what}_{x}") for f in videos]) for x in ("1x", "2x"))
    return slow, fast


def area_under_curve(videos: Sequence[VideoScores], what: Told = "score") -> float:
    """Share of pairs of windows, one at 1x and one at 2x of any videos, that are ranked right (AUC)."""
    slow, fast = _windows(videos, what)
    slow = np.sort(slow)
    below = (np.searchsorted(slow, fast, "left") + np.searchsorted(slow, fast, "right")) / 2
    return float(below.mean() / len(slow))


def log_loss(videos: Sequence[VideoScores]) -> float:
    """Mean of -log of the probability that windows, at 1x and 2x, were given for what they are."""
    slow, fast = _windows(videos, "score")
    return float(np.logaddexp(0, np.concatenate([slow, -fast]).astype(np.float64)).mean())


def fit_flow_threshold(scores: Iterable[VideoScores]) -> float:
    """The mean-flow threshold that best separates 1x from 2x on these (training) windows."""
    return best_threshold(scores, "flow")


def best_threshold(videos: Iterable[VideoScores], what: Told) -> float:
    """The value above which most windows at 2x and fewest at 1x lie."""
    slow, fast = map(np.sort, _windows(videos, what))
    candidates = np.unique(np.concatenate([slow, fast]))
    right = (
        np.searchsorted(slow, candidates, "right") + len(fast) - np.searchsorted(fast, candidates, "right")
    )
    return float(candidates[right.argmax()])


def by_source(videos: Iterable[VideoScores]) -> dict[str, list[VideoScores]]:
    """The videos of each source."""
    groups: dict[str, list[VideoScores]] = defaultdict(list)
    for video in videos:
        groups[video.source].append(video)
    return groups


def window_accuracy(videos: Sequence[VideoScores], what: Told = "score", threshold: float = 0.0) -> float:
    """Share of single windows, at 1x and at 2x, that were called what they are (§5.1)."""
    slow, fast = _windows(videos, what)
    return float(np.concatenate([slow <= threshold, fast > threshold]).mean())


def clip_accuracy(videos: Sequence[VideoScores]) -> float:
    """Share of videos, at 1x and at 2x, that were called what they are by the mean over their windows."""
    right = [
        (_probability(f.score_1x).mean() <= 0.5, _probability(f.score_2x).mean() > 0.5) for f in videos
    ]
    return float(np.mean(right))


def pairs_ranked(videos: Sequence[VideoScores]) -> float:
    """Share of videos that score higher at 2x than at 1x."""
    return float(np.mean([f.score_2x.mean() > f.score_1x.mean() for f in videos]))


def matched_pairs(videos: Sequence[VideoScores], what: Told = "score") -> float:
    """Share of videos that score higher at 2x than at 1x magnified, which moves as many pixels."""
    fast, near = ([getattr(f, f"{what}_{x}").mean() for f in videos] for x in ("2x", "magnified"))
    return float(np.greater(fast, near).mean())


def report(scores: list[VideoScores], flow_threshold: float) -> dict[str, Any]:
    """All figures of ``speediness evaluate speed``; shares in 0..1, intervals at 95 %.

    The intervals come from resampling whole sources, since windows of one source are alike.
    """
    measures: dict[str, Callable[[Sequence[VideoScores]], float]] = {
        "accuracy": window_accuracy,
        "auc": area_under_curve,
        "log_loss": log_loss,
        "accuracy_clip": clip_accuracy,
        "mean_flow": partial(window_accuracy, what="flow", threshold=flow_threshold),
        "mean_flow_auc": partial(area_under_curve, what="flow"),
        "pairs_ranked": pairs_ranked,
        "matched_pairs": matched_pairs,
        "mean_flow_matched_pairs": partial(matched_pairs, what="flow"),
    }
    sources = by_source(scores)
    result: dict[str, Any] = {name: measure(scores) for name, measure in measures.items()}
    result["interval_95"] = {
        name: _interval(list(sources.values()), measure) for name, measure in measures.items()
    }
    result["per_class"] = {
        "normal": float(np.concatenate([f.score_1x <= 0 for f in scores]).mean()),
        "sped_up": float(np.concatenate([f.score_2x > 0 for f in scores]).mean()),
        "normal_clip": float(np.mean([_probability(f.score_1x).mean() <= 0.5 for f in scores])),
        "sped_up_clip": float(np.mean([_probability(f.score_2x).mean() > 0.5 for f in scores])),
    }
    result["per_source"] = {
        source: {"films": len(videos), **{name: measure(videos) for name, measure in measures.items()}}
        for source, videos in sorted(sources.items())
    }
    result["films"] = len(scores)
    result["windows"] = int(sum(2 * len(f.score_1x) for f in scores))
    result["flow_threshold"] = flow_threshold
    return result


def overall(full: dict[str, Any]) -> dict[str, float]:
    """The figures of a report that are single numbers."""
    return {name: value for name, value in full.items() if isinstance(value, float)}


def _reliability(scores: list[VideoScores]) -> dict[str, Any]:
    answers = [np.concatenate([video.score_1x, video.score_2x]) for video in scores]
    sped_up = [np.repeat([False, True], len(video.score_1x)) for video in scores]
    source = [video.source for video in scores for _ in range(2 * len(video.score_1x))]
    return reliability(_probability(np.concatenate(answers)), np.concatenate(sped_up), source)


def _probability(score: NDArray[np.float32]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-score.astype(np.float64)))


def _interval(
    sources: list[list[VideoScores]], measure: Callable[[Sequence[VideoScores]], float], draws: int = 400
) -> tuple[float, float]:
    """Bootstrap over sources."""
    rng = np.random.default_rng(0)
    values = [
        measure([video for i in rng.integers(len(sources), size=len(sources)) for video in sources[i]])
        for _ in range(draws)
    ]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
