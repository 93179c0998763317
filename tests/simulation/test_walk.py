import numpy as np
import pytest

from speediness.simulation.walk import NAMES, SPEED_MPS, STEPS_HZ, STRETCH_S, TURN_S, path, walk

ROUND_S = 2 * (STRETCH_S + TURN_S)


def test_the_path_has_no_jumps_in_place_or_speed_and_closes() -> None:
    times_s = np.arange(0, 2 * ROUND_S, 1e-3)
    places, facing = path(times_s)
    speeds = np.diff(places) / 1e-3
    np.testing.assert_allclose(
        speeds, SPEED_MPS * (np.cos(facing[1:]) + np.cos(facing[:-1])) / 2, atol=0.02
    )
    turned = np.diff(np.unwrap(facing))
    assert np.abs(turned).max() < 0.01
    round_frames = round(ROUND_S / 1e-3)
    np.testing.assert_allclose(places[:round_frames], places[round_frames : 2 * round_frames], atol=1e-2)
    assert abs(places.max() + places.min()) < 1e-2


@pytest.mark.parametrize("seed", range(4))
def test_steps_and_speed_are_those_of_a_person_who_walks(seed: int) -> None:
    """Counted from the joints alone: how often the ankles pass each other, how fast the hips move."""
    times_s = np.arange(0, 12, 1e-3)
    joints = walk(seed, 12.0).at(times_s)
    left, right = (joints[:, NAMES.index(f"{side}_ankle")] for side in ("left", "right"))
    hips = joints[:, 0]
    apart_m = np.linalg.norm((left - right)[:, [0, 2]], axis=-1)
    nearest = (apart_m[1:-1] < apart_m[:-2]) & (apart_m[1:-1] <= apart_m[2:]) & (apart_m[1:-1] < 0.25)
    assert nearest.sum() / 12 == pytest.approx(STEPS_HZ, rel=0.1)
    speed = np.linalg.norm(np.diff(hips, axis=0)[:, [0, 2]], axis=-1) * 1000
    assert np.median(speed) == pytest.approx(SPEED_MPS, rel=0.03)


def test_the_lower_foot_stays_near_the_floor_and_persons_differ() -> None:
    times_s = np.arange(0, 4, 0.05)
    walks = [walk(seed, 4.0).at(times_s) for seed in (0, 1)]
    for joints in walks:
        lowest = joints[..., 1].min(1)
        assert np.ptp(lowest) < 0.12
    assert np.abs(walks[0] - walks[1]).mean() > 0.05
    np.testing.assert_array_equal(walks[0], walk(0, 4.0).at(times_s))


def test_a_person_who_rests_stands_still_and_goes_on_where_it_stopped() -> None:
    capture, steady = walk(2, 6, rests_s=((1.0, 3.0),)), walk(2, 6)
    times_s = np.arange(0, 6, 0.05)
    moved = np.abs(np.diff(capture.at(times_s), axis=0)).max((1, 2))
    resting = (times_s[:-1] >= 1.4) & (times_s[1:] <= 2.6)
    assert moved[resting].max() < 1e-6 and moved[(times_s[1:] < 1) | (times_s[:-1] > 3)].min() > 1e-3
    # All of the walk is there, 1.65 s later: the rest, less twice half of a slowing down.
    late, early = capture.at(np.array([5.0])), steady.at(np.array([3.35]))
    np.testing.assert_allclose(late - late[:, :1], early - early[:, :1], atol=0.01)  # pose, about the hips
