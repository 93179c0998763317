from dataclasses import replace

import numpy as np
import pytest

from brightening import CLIP, brightening_video, clip_runtime_by_true_speed, runtime_by_true_speed
from speediness.evaluation.calibration import (
    RATES,
    SHOWN,
    VideoAnswers,
    fit_odds,
    measure_response,
    video_answers,
)
from speediness.runtime.protocol import BOUNDARY

NONE = np.zeros(0, np.float32)
AT_2X = int(np.searchsorted(RATES, 1.0)) + 1
"""Rates known of a video that holds a window at 2x and no faster one."""


def of_pair(slow: np.ndarray, fast: np.ndarray, source: str) -> VideoAnswers:
    """Answers of which only those at 1x and 2x matter."""
    return VideoAnswers(source, (slow, fast), (NONE,) * len(RATES))


def miscalibrated(source: str, seed: int, offset: float, log_variance: float) -> VideoAnswers:
    """Answers that are right once so much is added to their means and log variances."""
    rng = np.random.default_rng(seed)
    answers = rng.normal([BOUNDARY - offset, -0.5], [0.7, 0.3], (6000, 2))
    odds = (answers[:, 0] + offset - BOUNDARY) / np.exp(answers[:, 1] + log_variance)
    sped_up = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    count = min(sped_up.sum(), (~sped_up).sum())
    return of_pair(answers[~sped_up][:count], answers[sped_up][:count], source)


@pytest.mark.parametrize(("offset", "log_variance"), [(0.0, 0.0), (0.3, 0.7), (-0.6, -0.4)])
def test_the_odds_are_put_right_by_what_was_wrong_with_them(offset: float, log_variance: float) -> None:
    videos = [miscalibrated(f"s{n}", n, offset, log_variance) for n in range(4)]
    assert fit_odds(videos) == pytest.approx((offset, log_variance), abs=0.06)


def test_no_other_offset_and_variance_have_a_lower_log_loss() -> None:
    rng = np.random.default_rng(0)
    videos = [
        of_pair(rng.normal([0, -1], 0.5, (20, 2)), rng.normal([0.8, -1], 0.5, (20, 2)), f"s{n}")
        for n in range(3)
    ]

    def loss(offset: float, log_variance: float) -> float:
        losses = []
        for video in videos:
            for answers, sign in zip(video.pair, (-1, 1), strict=True):
                odds = (answers[:, 0] + offset - BOUNDARY) / np.exp(answers[:, 1] + log_variance)
                losses += list(np.log1p(np.exp(-sign * odds)))
        return float(np.mean(losses))

    offset, log_variance = fit_odds(videos)
    tried = [loss(a, b) for a in np.arange(-0.6, 0.6, 0.05) for b in np.arange(-1, 2, 0.1)]
    assert loss(offset, log_variance) <= min(tried) + 1e-4


def answering(source: str, own: float, known: int, seed: int, within: float = 0.3) -> VideoAnswers:
    """A video that is answered off by ``own``, long enough for the first ``known`` rates."""
    rng = np.random.default_rng(seed)
    means = [
        (response(rate) + own + rng.normal(0, within, 400)) if n < known else NONE
        for n, rate in enumerate(RATES)
    ]
    pair = np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)
    return VideoAnswers(source, pair, tuple(m.astype(np.float32) for m in means))


def response(rate: float) -> float:
    """Of the networks of these tests: a little flat."""
    return 0.1 + 0.8 * rate


def test_the_response_is_recovered_between_and_within_videos() -> None:
    own = np.random.default_rng(0).normal(0, 0.4, 60)
    own -= own.mean()
    # Videos that are taken for fast are also short: that must not bend the response.
    order = np.argsort(own)
    known = np.empty(60, int)
    known[order] = np.linspace(len(RATES), AT_2X, 60).round()
    videos = [answering(f"s{n}", own[n], int(known[n]), n) for n in range(60)]
    found = measure_response(videos)
    np.testing.assert_array_equal(found.rates, RATES)
    np.testing.assert_allclose(found.mean, [response(rate) for rate in RATES], atol=0.03)
    assert found.within == pytest.approx(0.3, rel=0.05)
    # A video that is answered off at all factors is estimated off by as much as the weights say.
    assert found.between == pytest.approx(own.std() * found.weights.sum(), rel=0.05)


@pytest.mark.parametrize(("spread", "slope"), [(0.0, 1.0), (0.4, 0.87)])
def test_the_estimate_gives_the_rate_and_is_cautious_where_videos_differ(
    spread: float, slope: float
) -> None:
    own = spread * np.random.default_rng(0).permutation(np.repeat([-1.0, 1.0], 20))
    videos = [answering(f"s{n}", own[n], len(RATES), n, within=0.0) for n in range(40)]
    found = measure_response(videos)
    # Of the spread of answers, what is not the rate's: own^2 / (own^2 + (0.8 * 1.29)^2).
    np.testing.assert_allclose(found.estimated(SHOWN), slope * SHOWN, atol=0.03)
    assert found.estimated(np.array([3.0])) == found.estimated(np.array([2.0]))  # none shown is faster


def test_every_source_counts_alike_however_many_videos_it_has() -> None:
    odds = [miscalibrated("a", 0, 0.4, 0.5), miscalibrated("b", 1, -0.4, 0.0)]
    assert fit_odds([odds[0]] * 5 + odds[1:]) == pytest.approx(fit_odds(odds), abs=0.021)
    answers = [answering("a", 0.5, 11, 0), answering("b", -0.2, 11, 1)]
    once, often = measure_response(answers), measure_response([answers[0]] * 5 + answers[1:])
    for name in ("mean", "within", "weights", "bias", "estimate", "between"):
        np.testing.assert_allclose(getattr(often, name), getattr(once, name), rtol=1e-6, atol=1e-9)


def test_rates_below_one_mirror_those_above_where_no_others_are_known() -> None:
    whole = answering("a", 0.0, len(RATES), 0, within=0.0)
    means = tuple(m if rate >= 0 else NONE for m, rate in zip(whole.means, RATES, strict=True))
    found = measure_response([replace(whole, means=means)])
    np.testing.assert_allclose(found.mean, [response(rate) for rate in RATES], atol=1e-5)


def test_a_network_is_asked_at_every_rate_from_one_on_at_which_a_window_fits() -> None:
    found = video_answers(brightening_video(5), runtime_by_true_speed(), CLIP)
    assert found is not None and found.source == "s"
    for rate, means in zip(RATES, found.means, strict=True):
        assert (len(means) > 0) == (rate >= 0 and 2.0**rate * CLIP.duration_s <= 5)
        np.testing.assert_allclose(means, rate, atol=0.15)
    slow, fast = found.pair
    assert len(slow) == len(fast) == 7  # around moments half a second apart, from 1 s to 4 s
    np.testing.assert_allclose(slow[:, 0], 0, atol=0.1)
    np.testing.assert_allclose(fast[:, 0], 1, atol=0.1)


def test_a_network_that_sees_frames_is_asked_at_rates_from_one_on() -> None:
    found = video_answers(brightening_video(5, 32), clip_runtime_by_true_speed(), CLIP)
    assert found is not None
    asked = {rate: means for rate, means in zip(RATES.tolist(), found.means, strict=True) if len(means)}
    assert min(asked) == 0
    np.testing.assert_allclose(asked[0.0], 0, atol=0.1)
    np.testing.assert_allclose(asked[1.0], 1, atol=0.1)


def test_a_video_without_a_window_at_2x_says_nothing() -> None:
    for runtime in (runtime_by_true_speed(), clip_runtime_by_true_speed()):
        assert video_answers(brightening_video(1.7), runtime, CLIP) is None
