from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from speediness.motion_field import MotionField


def position_px(time_s: float | np.ndarray) -> np.ndarray:
    """Of something that moves at 8 px a second, give or take 3."""
    return 8 * np.asarray(time_s) + 3 / (2 * np.pi) * np.sin(2 * np.pi * np.asarray(time_s))


def field_of(times_s: np.ndarray, confidence: np.ndarray | None = None) -> MotionField:
    field = MotionField(float(times_s[0]))
    for n, (before_s, after_s) in enumerate(pairwise(times_s)):
        moved = float(position_px(after_s) - position_px(before_s))
        seen = 0.5 if confidence is None else confidence[n]
        field.add(after_s, np.array([moved, -moved, moved, seen], np.float32)[:, None, None])
    return field


def uneven_times(seed: int = 0, count: int = 200) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.09, count))


@pytest.mark.parametrize(
    ("start_s", "length_s", "count"), [(0.2, 0.125, 40), (1.0, 0.3, 9), (0.5, 0.01, 100)]
)
def test_bins_hold_what_moved_while_they_last(start_s: float, length_s: float, count: int) -> None:
    """Against a sum over thousandths of a second, the motion of a pair spread evenly."""
    times_s = uneven_times()
    confidence = np.random.default_rng(1).uniform(0, 1, len(times_s))
    bins = field_of(times_s, confidence).bins(start_s, length_s, count)
    assert bins.shape == (count, 4, 1, 1)
    steps = 1000
    for n in range(count):
        moments_s = start_s + (n + (np.arange(steps) + 0.5) / steps) * length_s
        pairs = np.searchsorted(times_s, moments_s) - 1
        speed = np.diff(position_px(times_s)) / np.diff(times_s)
        assert bins[n, 0, 0, 0] == pytest.approx(speed[pairs].mean() * length_s, abs=2e-3)
        assert bins[n, 1, 0, 0] == pytest.approx(-bins[n, 0, 0, 0])
        assert bins[n, 3, 0, 0] == pytest.approx(confidence[pairs].mean(), abs=2e-3)


@pytest.mark.parametrize("rate", [24, 25, Fraction(30_000, 1001), 30, 50, 60, None])
@pytest.mark.parametrize("factor", [1.0, 1.25**5])
def test_the_same_motion_gives_the_same_bins_whatever_the_frame_rate(
    rate: Fraction | int | None, factor: float
) -> None:
    times_s = uneven_times(2) if rate is None else np.arange(int(9 * rate)) / float(rate)
    times_s = times_s - times_s[0]
    count = int(8 / factor * 6)
    edges_s = np.arange(count + 1) * factor / 8
    bins = field_of(times_s).bins(0.0, factor / 8, count)
    np.testing.assert_allclose(bins[:, 0, 0, 0], np.diff(position_px(edges_s)), atol=0.01 if rate else 0.05)
    np.testing.assert_allclose(bins[:, 3], 0.5, atol=1e-6)


def test_what_was_forgotten_takes_no_room_and_changes_nothing() -> None:
    times_s = uneven_times(3)
    whole, field = field_of(times_s), MotionField(float(times_s[0]))
    most = 0
    for n in range(1, len(times_s)):
        moved = float(position_px(times_s[n]) - position_px(times_s[n - 1]))
        field.add(float(times_s[n]), np.array([moved, -moved, moved, 0.5], np.float32)[:, None, None])
        field.forget(float(times_s[n]) - 0.5)
        most = max(most, len(field._totals))
    assert most < 0.5 / 0.01 + 2
    last_s = float(times_s[-1]) - 0.5
    np.testing.assert_allclose(field.bins(last_s, 0.1, 5), whole.bins(last_s, 0.1, 5), atol=1e-5)
    with pytest.raises(ValueError, match="outside"):
        field.bins(last_s - 0.2, 0.1, 5)


def test_bins_beyond_what_is_known_are_refused() -> None:
    field = field_of(np.arange(26) / 25)
    assert len(field.bins(0.0, 0.125, 8)) == 8
    with pytest.raises(ValueError, match="outside"):
        field.bins(0.0, 0.125, 9)
    with pytest.raises(ValueError, match="outside"):
        field.bins(-0.1, 0.125, 2)
    with pytest.raises(ValueError, match="outside"):
        MotionField(0.0).bins(0.0, 0.125, 1)
