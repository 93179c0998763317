"""From a network's answers to probabilities, and its response to video at every rate."""

# W windows of a video, R rates

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.analysis.scorer import score_shot
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.engines.runtime import BOUNDARY, Floats, Runtime
from speediness.errors import DataError
from speediness.evaluation.speed_accuracy import halve, played

RATES = np.arange(-2.0, 3.01, 0.5)
"""log2 of the rates at which the response is measured: 1/4 to 8."""
OFFSETS = np.arange(-1.5, 1.51, 0.02)
STRIDE_S = 0.5


@dataclass(frozen=True)
class VideoAnswers:
    """What a network says of a video that plays at natural speed."""

    source: str
    pair: tuple[Floats, Floats]
    """(W, 2) means and log variances around the same moments: as it is, and every second frame of it."""
    rates: NDArray[np.float64]
    """(R,) log2 of rates at which it was played, ascending."""
    means: tuple[Floats, ...]
    """By rate, (W,) of all its windows; none where none fits."""


def video_answers(video: DecodedVideo, runtime: Runtime, clip: ClipSpec) -> VideoAnswers | None:
    """Ask a network about a video, decoded at MAGNIFICATION times N; None where no window fits at 2x.

    A network that sees frames cannot be shown a natural video slower than it is.
    """
    slow, fast = (score_shot(played(video, step, halve), runtime, clip) for step in (1, 2))
    if not len(fast.middles_s[0]):
        return None
    moments_s = sampling.slide(2 * fast.middles_s[0][0], 2 * fast.middles_s[0][-1], STRIDE_S)
    pair = tuple(
        shot.rate[0][sampling.nearest_frames(shot.middles_s[0], moments_s / factor)]
        for shot, factor in ((slow, 1), (fast, 2))
    )
    rates = RATES if runtime.measure is not None else RATES[RATES >= 0]
    shot = score_shot(played(video, 1, halve), runtime, clip, tuple((2.0**rates).tolist()))
    means = tuple(rate[:, 0] for rate in shot.rate)
    return VideoAnswers(video.item.source, (pair[0], pair[1]), rates, means)


def fit_odds(videos: Sequence[VideoAnswers]) -> tuple[float, float]:
    """What to add to means and log variances so that 2x against 1x comes out as often as is said.

    Least log loss over a grid of offsets; for each the best variance, by Newton's method on its inverse.

    Args:
        videos: of sources that the network was not trained on; every source counts alike.

    Raises:
        DataError: there are none.
    """
    if not videos:
        raise DataError("no video held out is long enough to calibrate on; give longer ones")
    weight = _weights(videos)
    answers_N2 = np.concatenate([np.concatenate(video.pair) for video in videos]).astype(np.float64)
    sign_N = np.concatenate([np.repeat([-1.0, 1.0], len(video.pair[0])) for video in videos])
    weight_N = np.concatenate(
        [np.full(2 * len(v.pair[0]), w / len(v.pair[0])) for v, w in zip(videos, weight, strict=True)]
    )
    best = (np.inf, 0.0, 0.0)
    for offset in OFFSETS:
        odds_N = sign_N * (answers_N2[:, 0] + offset - BOUNDARY) / np.exp(answers_N2[:, 1])
        scale = 1.0
        for _ in range(30):
            wrong_N = 1 / (1 + np.exp(np.clip(scale * odds_N, -30, 30)))
            gradient = (weight_N * odds_N * wrong_N).sum()
            curvature = (weight_N * odds_N**2 * wrong_N * (1 - wrong_N)).sum()
            scale = float(np.clip(scale + gradient / max(curvature, 1e-9), 0.02, 50))
        loss = float((weight_N * np.logaddexp(0, -scale * odds_N)).sum())
        best = min(best, (loss, float(offset), float(-np.log(scale))))
    return best[1], best[2]


def _weights(videos: Sequence[VideoAnswers]) -> NDArray[np.float64]:
    """Every source counts alike."""
    count = Counter(video.source for video in videos)
    return np.array([1 / count[video.source] for video in videos])


def measure_response(videos: Sequence[VideoAnswers]) -> dict[str, Any]:
    """The ``response`` of an exported network, see :class:`speediness.analysis.network.Response`.

    Args:
        videos: answers of the calibrated network, see :func:`fit_odds`.
    """
    rates, weight = videos[0].rates, _weights(videos)
    mean_R, spread = np.zeros(len(rates)), np.zeros(2)
    means_VR = np.array([[m.mean() if len(m) else np.nan for m in video.means] for video in videos])
    own_V = np.zeros(len(videos))
    for _ in range(20):  # a video of few rates does not pull the response by its own offset
        known_VR = ~np.isnan(means_VR)
        left_VR = np.where(known_VR, means_VR - own_V[:, None], 0)
        mean_R = (weight @ left_VR) / np.maximum(weight @ known_VR, 1e-9)
        error_VR = np.where(known_VR, means_VR - mean_R, 0)
        own_V = error_VR.sum(1) / np.maximum(known_VR.sum(1), 1)
        own_V -= np.average(own_V, weights=weight)
    mean_R = np.maximum.accumulate(mean_R)
    within = [
        np.mean([np.square(m - r - own).mean() for m, r in zip(v.means, mean_R, strict=True) if len(m)])
        for v, own in zip(videos, own_V, strict=True)
    ]
    spread = np.average(own_V**2, weights=weight), np.average(within, weights=weight)
    if rates[0] == 0:
        rates = np.concatenate([-rates[:0:-1], rates])
        mean_R = np.concatenate([2 * mean_R[0] - mean_R[:0:-1], mean_R])
    return {
        "rates": rates.tolist(),
        "mean": mean_R.tolist(),
        "between": float(np.sqrt(spread[0])),
        "within": float(np.sqrt(spread[1])),
    }
