import numpy as np
import pytest

from speediness.evaluation.intervals import gain_interval, share_interval

SOURCES = [f"source-{n // 4}" for n in range(40)]


def test_a_gain_that_all_sources_share_is_sure_though_the_shares_are_not() -> None:
    base = np.repeat([0, 1, 0, 1, 1, 0, 0, 1, 0, 1], 4).astype(float)  # whole sources right or wrong
    better = base.copy()
    better[::4] = 1 - base[::4]
    better[base == 1] = 1
    gain, (low, high) = gain_interval([better], [base], SOURCES)
    assert gain == pytest.approx(better.mean() - base.mean()) and 0 < low < gain < high
    wide = share_interval(base, SOURCES)
    assert high - low < 0.5 * (wide[1] - wide[0])
    assert gain_interval([base], [base], SOURCES) == (0, (0, 0))


def test_seeds_that_differ_widen_it() -> None:
    zeros, ones = np.zeros(40), np.ones(40)
    gain, (low, high) = gain_interval([zeros, ones], [zeros], SOURCES)
    assert gain == 0.5 and low == 0 and high == 1
    gain, (low, high) = gain_interval([ones, ones, ones], [zeros, ones], SOURCES)
    assert gain == 0.5 and (low, high) == pytest.approx((0, 1))


def test_it_resamples_as_the_obvious_loop() -> None:
    rng = np.random.default_rng(1)
    right, base = rng.random((3, 40)) < 0.7, rng.random((2, 40)) < 0.5
    _, (low, high) = gain_interval(right, base, SOURCES)
    gains = []
    for _ in range(4000):
        videos = [4 * source + n for source in rng.integers(10, size=10) for n in range(4)]
        networks = right[rng.integers(3, size=3)], base[rng.integers(2, size=2)]
        gains.append(networks[0][:, videos].mean() - networks[1][:, videos].mean())
    np.testing.assert_allclose((low, high), np.quantile(gains, (0.025, 0.975)), atol=0.03)
