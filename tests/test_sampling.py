from fractions import Fraction

import numpy as np
import pytest

from speediness import sampling


def nearest_by_looking(frame_times_s: np.ndarray, times_s: np.ndarray) -> list[int]:
    """The obvious way: measure the distance to every frame, take the first smallest."""
    return [int(np.argmin(np.round(np.abs(frame_times_s - time_s), 6))) for time_s in times_s]


@pytest.mark.parametrize("seed", range(20))
def test_nearest_frames_equal_an_exhaustive_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame_times_s = np.cumsum(rng.uniform(0.005, 0.2, rng.integers(1, 40)))
    times_s = rng.uniform(-1, frame_times_s[-1] + 1, 50)
    found = sampling.nearest_frames(frame_times_s, times_s)
    assert found.tolist() == nearest_by_looking(frame_times_s, times_s)


def test_of_two_equally_near_frames_the_earlier_is_taken() -> None:
    frame_times_s = np.arange(100) / 25
    halfway_s = (frame_times_s[1:] + frame_times_s[:-1]) / 2
    assert sampling.nearest_frames(frame_times_s, halfway_s).tolist() == list(range(99))


def test_nearest_frames_refuses_an_empty_video() -> None:
    with pytest.raises(ValueError, match="no frames"):
        sampling.nearest_frames(np.array([]), np.array([0.0]))


@pytest.mark.parametrize("factor", sampling.playback_factors())
def test_exact_subsampling_keeps_every_factor_th_moment(factor: float) -> None:
    times_s = sampling.play_at(2.0, factor, 16, Fraction(25))
    assert times_s[0] == 2.0
    np.testing.assert_allclose(np.diff(times_s), factor / 25, rtol=1e-12)


def test_integer_factors_on_the_videos_own_rate_pick_every_nth_frame() -> None:
    video_s = np.arange(200) / 25
    for factor in (1, 2, 3, 5):
        times_s = sampling.play_at(video_s[7], factor, 16, 25)
        expected = 7 + factor * np.arange(16)
        assert sampling.nearest_frames(video_s, times_s).tolist() == expected.tolist()


def test_the_papers_factors() -> None:
    factors = sampling.playback_factors()
    assert len(factors) == 11
    assert factors[0] == 1
    assert factors[10] == pytest.approx(9.3132, abs=1e-4)


def test_a_window_lies_evenly_around_its_middle() -> None:
    window_s = sampling.window_around(5.0, 2.0, 16, 16)
    assert window_s.mean() == pytest.approx(5.0)
    assert window_s[-1] - window_s[0] == pytest.approx(15 * 2 / 16)


@pytest.mark.parametrize("video_rate", [24, 25, 30, 50, 60])
def test_the_same_motion_at_any_frame_rate_gives_the_same_clip(video_rate: int) -> None:
    """What a clip shows differs between recordings by no more than half a frame of the video."""
    video_s = np.arange(video_rate * 4) / video_rate
    wanted_s = sampling.window_around(2.0, 1.5, 16, 16)
    shown_s = video_s[sampling.nearest_frames(video_s, wanted_s)]
    assert np.abs(shown_s - wanted_s).max() <= 0.5 / video_rate + 1e-9


@pytest.mark.parametrize(("low", "high"), [sampling.NORMAL_FACTORS, sampling.SPED_UP_FACTORS])
def test_random_skipping_speeds_up_by_the_factor_on_average(low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    for factor in (low, high):
        steps = [np.diff(sampling.skip_randomly(0, factor, 16, 16, rng)).mean() * 16 for _ in range(2000)]
        # Draws with too few survivors are thrown away, which takes the slowest-kept off the mean.
        assert np.mean(steps) == pytest.approx(factor, rel=0.04)


def test_random_skipping_stays_on_the_grid_and_inside_3t_frames() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        frames = sampling.skip_randomly(0, 2.2, 16, 16, rng) * 16
        assert len(frames) == 16
        np.testing.assert_array_equal(frames, np.round(frames))
        assert (np.diff(frames) >= 1).all()
        assert frames[0] >= 0 and frames[-1] < 48


def test_random_skipping_at_factor_one_keeps_consecutive_frames() -> None:
    times_s = sampling.skip_randomly(3.0, 1.0, 16, 16, np.random.default_rng(2))
    np.testing.assert_allclose(np.diff(times_s), 1 / 16)


@pytest.mark.parametrize("video_rate", [24, 25, 30, 50, 60])
@pytest.mark.parametrize("factor", [1.0, 1.2, 1.7, 2.2])
def test_even_frames_lie_a_whole_number_apart_around_the_same_middle(
    video_rate: int, factor: float
) -> None:
    video_s = np.arange(video_rate * 6) / video_rate
    wanted_s = sampling.window_around(3.0, factor, 16, 16)
    frames = sampling.even_frames(video_s, wanted_s)
    (step,) = set(np.diff(frames))
    assert abs(step - factor * video_rate / 16) <= 0.5 + 1e-9
    assert abs(video_s[frames].mean() - 3.0) <= 1 / video_rate
    assert sampling.even_frames(video_s, wanted_s[::-1]).tolist() == frames[::-1].tolist()


def test_even_frames_stay_inside_a_video_that_is_long_enough_and_refuse_any_other() -> None:
    for count in (31, 32, 46, 200):  # every second frame at 1x of 16 a second
        video_s = np.arange(count) / 30
        assert sampling.holds_clip(video_s, 1.0, 16, 16)
        for middle_s in (0.0, video_s[-1] / 2, video_s[-1]):
            frames = sampling.even_frames(video_s, sampling.window_around(middle_s, 1.0, 16, 16))
            assert frames[0] >= 0 and frames[-1] < count and set(np.diff(frames)) == {2}
    assert not sampling.holds_clip(np.arange(30) / 30, 1.0, 16, 16)
    with pytest.raises(ValueError, match="too short"):
        sampling.even_frames(np.arange(30) / 30, sampling.window_around(0.5, 1.0, 16, 16))


def test_sliding_windows_reach_both_ends_with_no_larger_stride() -> None:
    for length_s in (0.3, 1.0, 2.4999, 7.0):
        middles_s = sampling.slide(1.0, 1.0 + length_s, 0.5)
        assert middles_s[0] == 1.0 and middles_s[-1] == pytest.approx(1.0 + length_s)
        assert np.diff(middles_s).max() <= 0.5 + 1e-9
    assert sampling.slide(2.0, 2.0, 0.5).tolist() == [2.0]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        sampling.play_at(0, 0, 16, 25)
    with pytest.raises(ValueError, match="at least 1"):
        sampling.skip_randomly(0, 0.5, 16, 16, np.random.default_rng(0))
    with pytest.raises(ValueError, match="positive"):
        sampling.slide(0, 1, 0)
