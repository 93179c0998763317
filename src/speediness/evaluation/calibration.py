"""From a network's answers to probabilities, and its response to video at every rate."""

# W windows of a video, R rates

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from speediness import sampling
from speediness.analysis.scorer import score_shot
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.errors import DataError
from speediness.evaluation.speed_accuracy import played
from speediness.runtime.network import Response
from speediness.runtime.protocol import BOUNDARY, Floats, Runtime
from speediness.sampling import playback_factors

RATES = np.arange(-2.0, 4.01, 0.5)
"""log2 of the rates at which the response is measured: 1/4 to 16."""
SHOWN = np.arange(-2.0, 2.01, 0.5)
"""log2 of the rates that the estimate is fitted to."""
RIDGE = 0.1
OFFSETS, SCALES = (-1.5, 1.5), (0.02, 50.0)
"""Within which means are moved and variances divided."""
STRIDE_S = 0.5


@dataclass(frozen=True)
class VideoAnswers:
    """What a network says of a video that plays at natural speed."""

    source: str
    pair: tuple[Floats, Floats]
    """(W, 2) means and log variances around the same moments: as it is, and every second frame of it."""
    means: tuple[Floats, ...]
    """By rate of RATES, (W,) of all its windows; none where none fits or it cannot be shown so slowly."""

    def shifted(self, offset: float, scale: float) -> VideoAnswers:
        """Means of the calibrated network, see :meth:`speediness.models.speednet.SpeedNet.calibrate`."""
        return replace(self, means=tuple((m - BOUNDARY + offset) * scale + BOUNDARY for m in self.means))


def video_answers(video: DecodedVideo, runtime: Runtime, clip: ClipSpec) -> VideoAnswers | None:
    """Ask a network about a video, decoded at MAGNIFICATION times N; None where no window fits at 2x.

    It is not shown slower than it is: a network that sees frames has none between those there are.
    """
    slow, fast = (score_shot(played(video, step), runtime, clip) for step in (1, 2))
    if fast.times_s[-1] < clip.duration_s or not len(fast.middles_s[0]):
        return None
    moments_s = sampling.slide(2 * fast.middles_s[0][0], 2 * fast.middles_s[0][-1], STRIDE_S)
    pair = tuple(
        shot.rate[0][sampling.nearest_frames(shot.middles_s[0], moments_s / factor)]
        for shot, factor in ((slow, 1), (fast, 2))
    )
    whole = (RATES >= 0) & (2.0**RATES * clip.duration_s <= video.end_s + 1e-6)
    shot = score_shot(played(video, 1), runtime, clip, tuple((2.0 ** RATES[whole]).tolist()))
    shown = iter(shot.rate)
    means = [next(shown)[:, 0] if known else np.zeros(0, np.float32) for known in whole]
    return VideoAnswers(video.item.source, (pair[0], pair[1]), tuple(means))


def fit_odds(videos: Sequence[VideoAnswers]) -> tuple[float, float]:
    """What to add to means and log variances so that 2x against 1x comes out as often as is said.

    The least log loss: a logistic regression on means over variances, and on one over variances, on videos
    of sources that the network was not trained on; every source counts alike.

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
    inverse_N = np.exp(-answers_N2[:, 1])
    inputs_N2 = np.stack([(answers_N2[:, 0] - BOUNDARY) * inverse_N, inverse_N], 1)
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky")
    fitted.fit(inputs_N2, sign_N, weight_N)
    scale = float(np.clip(fitted.coef_[0, 0], *SCALES))
    return float(np.clip(fitted.coef_[0, 1] / scale, *OFFSETS)), float(-np.log(scale))


def _weights(videos: Sequence[VideoAnswers]) -> NDArray[np.float64]:
    """Every source counts alike."""
    count = Counter(video.source for video in videos)
    return np.array([1 / count[video.source] for video in videos])


def measure_response(videos: Sequence[VideoAnswers]) -> Response:
    """What is known of a network, as far as it can be told.

    Args:
        videos: answers of the calibrated network, see :func:`fit_odds`.
    """
    rates, weight = RATES, _weights(videos)
    means_VR = np.array([[m.mean() if len(m) else np.nan for m in video.means] for video in videos])
    for n in range(int(np.searchsorted(rates, 0.0))):
        # A network that sees frames is not shown slower video: its answers are taken to mirror those above.
        unknown_V = np.isnan(means_VR[:, n])
        natural, mirror = (int(np.searchsorted(rates, rate)) for rate in (0.0, -rates[n]))
        means_VR[unknown_V, n] = (2 * means_VR[:, natural] - means_VR[:, mirror])[unknown_V]
    mean_R, own_V = _common(means_VR, weight)
    mean_R = np.maximum.accumulate(mean_R)
    within = [
        np.mean([np.square(m - r - own).mean() for m, r in zip(v.means, mean_R, strict=True) if len(m)])
        for v, own in zip(videos, own_V, strict=True)
    ]
    weights, bias = fit_estimate(rates, means_VR, mean_R, weight)
    estimates_VR = np.stack([bias + _inputs(rate, rates, means_VR, mean_R) @ weights for rate in SHOWN], 1)
    estimate, own_V = _common(estimates_VR, weight)
    return Response(
        rates,
        mean_R,
        float(np.sqrt(np.average(within, weights=weight))),
        weights,
        bias,
        np.maximum.accumulate(np.interp(rates, SHOWN, estimate)),
        float(np.sqrt(np.average((estimates_VR - estimate) ** 2, axis=0, weights=weight).mean())),
    )


def fit_estimate(
    rates: NDArray[np.float64],
    means_VR: NDArray[np.float64],
    mean_R: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Weights and bias that give log2 of the rate from mean answers at all factors, by ridge regression.

    Args:
        rates: (R,) at which the videos were played.
        means_VR: mean answers; not a number where no window fits.
        mean_R: those of all videos together.
        weight: of the videos.
    """
    inputs = np.concatenate([_inputs(rate, rates, means_VR, mean_R) for rate in SHOWN])
    wanted = np.repeat(SHOWN, len(means_VR))
    weight_N = np.tile(weight / weight.sum() / len(SHOWN), len(SHOWN))
    spread = np.average((inputs - np.average(inputs, 0, weight_N)) ** 2, 0, weight_N)
    # All inputs say nearly the same: without a penalty their weights would be large and cancel.
    fitted = Ridge(RIDGE * spread.mean()).fit(inputs, wanted, weight_N)
    return fitted.coef_, float(fitted.intercept_)


def _inputs(
    rate: float, rates: NDArray[np.float64], means_VR: NDArray[np.float64], mean_R: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(V, K) mean answers at all factors to videos that play at a rate.

    As in :func:`speediness.analysis.analyse.answers`, which does not know the rate: factors at which no
    window fits are answered as the last that one does, moved as natural videos move.
    """
    factors_K = np.log2(playback_factors())
    natural_K = np.interp(factors_K, rates, mean_R)
    inputs = []
    for means_R in means_VR:
        known_R = ~np.isnan(means_R)
        last = np.searchsorted(rate + factors_K, rates[known_R][-1] + 1e-6, "right") - 1
        nearest_K = np.minimum(np.arange(len(factors_K)), max(last, 0))
        answers_K = np.interp(rate + factors_K, rates[known_R], means_R[known_R])
        inputs.append(answers_K[nearest_K] + natural_K - natural_K[nearest_K])
    return np.array(inputs)


def _common(
    means_VR: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(R,) what videos have in common and (V,) how far each is from it; of some rates nothing is known."""
    known_VR = ~np.isnan(means_VR)
    own_V, common_R = np.zeros(len(means_VR)), np.zeros(means_VR.shape[1])
    for _ in range(20):  # a video of few rates does not pull the others' mean by its own offset
        left_VR = np.where(known_VR, means_VR - own_V[:, None], 0)
        common_R = (weight @ left_VR) / np.maximum(weight @ known_VR, 1e-9)
        own_V = np.where(known_VR, means_VR - common_R, 0).sum(1) / np.maximum(known_VR.sum(1), 1)
        own_V -= np.average(own_V, weights=weight)
    return common_R, own_V
