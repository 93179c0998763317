import numpy as np
import pytest

from speediness.evaluation.speed_accuracy import halve
from speediness.reproduce.walker import STRETCH_S, TURN_S, Limb, Walker, _draw, _path

ROUND_S = 2 * (STRETCH_S + TURN_S)


def test_a_moment_looks_the_same_whatever_the_frame_rate() -> None:
    walker = Walker(3)
    slow, fast = (walker.video(np.arange(rate) / rate, 96, 64, 0.6) for rate in (6, 24))
    assert slow.shape == (6, 64, 96, 1) and slow.dtype == np.uint8
    np.testing.assert_array_equal(slow, fast[::4])


def test_persons_differ_and_each_is_always_the_same() -> None:
    one, same, other = (Walker(seed).video([0.3], 96, 64, 0.6) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one.astype(int) - other).mean() > 5


@pytest.mark.parametrize("share", [0.2, 0.75])
def test_the_person_stays_in_the_middle_square_and_has_the_height_asked_for(share: float) -> None:
    frames = Walker(0).video(np.arange(0, ROUND_S, 0.1), 256, 256, share).astype(int)[..., 0]
    moved = np.ptp(frames, axis=0) > 12
    rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
    assert columns[0] > 0 and columns[-1] < 255  # never leaves
    assert rows[-1] - rows[0] + 1 == pytest.approx(share * 256, rel=0.1)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(128, abs=8)


def test_edges_are_drawn_as_a_four_times_larger_image_shows_them() -> None:
    limb = Limb(np.array([-0.3, 0.2]), np.array([0.35, 0.9]), 0.08, 200.0, 1)
    small = np.full((32, 48), 60, np.float32)
    _draw(small, limb, 30, 24, 32)
    large = np.full((128, 192), 60, np.float32)
    _draw(large, limb, 120, 96, 128)
    by_hand = halve(halve(large[None, :, :, None].astype(np.uint8)))[0, :, :, 0]
    assert np.abs(small - by_hand).max() < 25 and np.abs(small - by_hand).mean() < 1
    assert (small != 60).mean() > 0.05


def test_the_path_has_no_jumps_in_place_or_speed_and_closes() -> None:
    times_s = np.arange(0, 2 * ROUND_S, 1e-3)
    places, facing = np.array([_path(float(t)) for t in times_s]).T
    speeds = np.diff(places) / 1e-3
    np.testing.assert_allclose(speeds, 1.25 * (facing[1:] + facing[:-1]) / 2, atol=0.02)
    assert np.abs(np.diff(facing)).max() < 0.01
    round_frames = round(ROUND_S / 1e-3)
    np.testing.assert_allclose(places[:round_frames], places[round_frames : 2 * round_frames], atol=1e-2)
    assert abs(places.max() + places.min()) < 1e-2


def test_the_lower_foot_stays_near_the_floor() -> None:
    lowest = [
        min(limb.start[1] - limb.radius_m for limb in Walker(1)._limbs(float(t)))
        for t in np.arange(0, 4, 0.05)
    ]
    assert min(lowest) > -0.06 and max(lowest) < 0.12
