from itertools import combinations_with_replacement

import numpy as np
import pytest

from speediness.align.features import DescribedVideo
from speediness.align.warp import (
    CELLS,
    LEFT_OUT,
    STEEPEST,
    align,
    between_frames,
    cheapest_path,
    smoothed_path,
)


def cost_by_hand(cost_AG: np.ndarray, path: tuple[int, ...], stiffness: float) -> float:
    cells = cost_AG.shape[1]
    total = LEFT_OUT / CELLS * (path[0] + cells - 1 - path[-1])
    for n, cell in enumerate(path):
        total += cost_AG[n, cell]
        if n:
            step = cell - path[n - 1]
            if not 0 <= step <= CELLS * STEEPEST:
                return np.inf
            if step == 0 and cell in (0, cells - 1):
                total += LEFT_OUT
            else:
                total += stiffness * np.log2((step + 0.5) / (CELLS + 0.5)) ** 2
    return total


@pytest.mark.parametrize("seed", range(6))
def test_no_path_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost_AG = rng.uniform(0, 1, (4, 3 * CELLS + 1)).astype(np.float32)
    stiffness = (0.0, 0.02, 0.2)[seed % 3]
    paths = combinations_with_replacement(range(3 * CELLS + 1), 4)
    best = min(cost_by_hand(cost_AG, path, stiffness) for path in paths)
    found = tuple(int(cell) for cell in cheapest_path(cost_AG, stiffness))
    assert cost_by_hand(cost_AG, found, stiffness) == pytest.approx(best, abs=1e-5)


def test_features_change_linearly_between_frames() -> None:
    rng = np.random.default_rng(0)
    a_AD, b_BD = (rng.normal(size=(n, 5)).astype(np.float32) for n in (4, 6))
    place_G = np.array([0, 0.25, 2.9, 4.5, 5])
    between = np.stack([[np.interp(place, range(6), b_BD[:, d]) for d in range(5)] for place in place_G])
    expected = ((a_AD[:, None] - between) ** 2).sum(-1)
    np.testing.assert_allclose(between_frames(a_AD, b_BD, place_G), expected, atol=1e-4)


@pytest.mark.parametrize("count", [2, 5, 40])
def test_smoothing_keeps_the_ends_and_never_goes_back(count: int) -> None:
    path = np.cumsum(np.random.default_rng(count).integers(0, 9, count)).astype(np.float64)
    smooth = smoothed_path(path, 1.5)
    assert smooth[[0, -1]] == pytest.approx(path[[0, -1]])
    assert len(smooth) == count and (np.diff(smooth) > -1e-9).all()


def wandering(places: np.ndarray) -> np.ndarray:
    """Features of a moment of an action, the same on every call."""
    rng = np.random.default_rng(3)
    waves = rng.uniform(0.02, 0.15, (12, 1)) * places + rng.uniform(0, 6, (12, 1))
    return np.sin(waves).T.astype(np.float32)


def video(places: np.ndarray, rate: float) -> DescribedVideo:
    times_s = np.arange(len(places)) / rate
    return DescribedVideo(times_s, times_s[-1] + 1 / rate, wandering(places))


def test_a_known_warp_is_found_to_a_part_of_a_frame() -> None:
    places = 40 * np.linspace(0, 1, 70) ** 1.6
    noise = 0.02 * np.random.default_rng(0).normal(size=(70, 12))
    a, b = video(places, 50), video(np.arange(41), 10)
    a.features_FD[:] += noise
    time_map = align(a, b)
    off = np.abs(time_map(a.times_s) * 10 - places)
    assert np.median(off) < 0.1 and off.max() < 1
    # Between frames of A too; beyond its ends nothing moves.
    assert time_map(a.times_s[[30]] + 0.01) == pytest.approx(time_map(a.times_s[30:32]).mean(), abs=1e-9)
    assert time_map(np.array([-5.0, 99])) == pytest.approx(time_map(a.times_s[[0, -1]]))


def test_what_one_shows_alone_is_left_out() -> None:
    """A lead-in of 15 frames in either video has no counterpart in the other."""
    whole, part = video(np.arange(60), 25), video(np.arange(15, 55), 25)
    for a, b, shift in ((whole, part, -15), (part, whole, 15)):
        places = align(a, b)(a.times_s) * 25
        inside = slice(18, 52) if shift < 0 else slice(2, 38)
        np.testing.assert_allclose(places[inside], np.arange(len(places))[inside] + shift, atol=0.7)
