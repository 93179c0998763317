import dataclasses

import numpy as np
import pytest

from speediness.evaluation.speed_accuracy import halve
from speediness.simulation.render import render
from speediness.simulation.stage import side_view
from speediness.simulation.walk import STRETCH_S, TURN_S, walk

ROUND_S = 2 * (STRETCH_S + TURN_S)


def test_a_moment_looks_the_same_whatever_the_frame_rate() -> None:
    stage = side_view(walk(3, 1.0), 0.6)
    slow, fast = (render(stage, np.arange(rate) / rate, 96, 64) for rate in (6, 24))
    assert slow.shape == (6, 64, 96, 1) and slow.dtype == np.uint8
    np.testing.assert_array_equal(slow, fast[::4])


def test_persons_differ_and_each_is_always_the_same() -> None:
    one, same, other = (render(side_view(walk(seed, 1.0), 0.6, seed), [0.3], 96, 64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one.astype(int) - other).mean() > 5


@pytest.mark.parametrize("share", [0.2, 0.75])
def test_the_person_stays_in_the_middle_square_and_has_the_height_asked_for(share: float) -> None:
    stage = side_view(walk(0, ROUND_S), share)
    frames = render(stage, np.arange(0, ROUND_S, 0.15), 128, 128).astype(int)[..., 0]
    moved = np.ptp(frames, axis=0) > 40
    rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
    assert columns[0] > 0 and columns[-1] < 127  # never leaves
    assert rows[-1] - rows[0] + 1 == pytest.approx(share * 128, rel=0.12)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(64, abs=6)


def test_edges_are_drawn_as_a_four_times_larger_image_shows_them() -> None:
    stage = side_view(walk(0, 1.0), 0.8)
    small = render(stage, [0.4], 64, 64)[0].astype(int)
    by_hand = halve(halve(render(stage, [0.4], 256, 256)))[0].astype(int)
    apart = np.abs(small - by_hand)  # finer grain is left out of the small one, rather than averaged
    assert np.percentile(apart, 99) < 35 < np.ptp(small) / 4
    assert np.corrcoef(small.ravel(), by_hand.ravel())[0, 1] > 0.93


def test_ground_and_wall_move_with_the_camera_as_they_must() -> None:
    """A turn by so many pixels shows the same wall, so many pixels aside."""
    stage = side_view(walk(0, 1.0), 0.3, focal=20.0)  # so long a lens that a turn is a shift
    turned = dataclasses.replace(
        stage.camera, shake=lambda times_s: np.outer(times_s, [np.arctan(8 / 128 / 20), 0, 0])
    )
    frames = render(dataclasses.replace(stage, camera=turned), [0.0, 1.0], 192, 128)[..., 0].astype(int)
    before, after = frames[0][:30, 8:], frames[1][:30, :-8]  # over the head
    assert np.abs(before - after).mean() < 1.0 < np.abs(frames[0][:30] - frames[1][:30]).mean()
