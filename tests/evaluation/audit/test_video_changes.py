from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.encoding import Encoding
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.audit.video_changes import BLUR_PX, CHANGING_FPS, Change, changes

CHANGES = {change.name: change for change in changes()}


def video(fps: float = 120, seconds: float = 3, height: int = 48, width: int = 64) -> DecodedVideo:
    """Frame i is all of one grey level, i."""
    times_s = np.arange(round(fps * seconds)) / fps
    levels = np.arange(len(times_s)) % 256
    frames = np.broadcast_to(levels[:, None, None, None], (len(levels), height, width, 1)).astype(np.uint8)
    return DecodedVideo(VideoItem(Path("film.mp4"), "s"), times_s, frames)


def scene(channels: int = 1) -> DecodedVideo:
    frames = np.random.default_rng(0).integers(0, 256, (6, 32, 40, channels)).astype(np.uint8)
    return DecodedVideo(VideoItem(Path("film.mp4"), "s"), np.arange(6) / 6, frames)


def changed(name: str, given: DecodedVideo) -> DecodedVideo:
    return CHANGES[name].make(given, np.random.default_rng(1))


def shown(given: DecodedVideo) -> list[int]:
    """The frames of :func:`video` that a copy shows."""
    return given.frames_FHWC[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_change_gives_a_video_that_can_be_stored(change: Change, channels: int) -> None:
    given = video(seconds=2)
    given = DecodedVideo(given.item, given.times_s, given.frames_FHWC.repeat(channels, 3))
    makes = [change.make, *([change.reference[0]] if change.reference else [])]
    made = [make(given, np.random.default_rng(0)) for make in makes]
    for one in made:
        assert one.frames_FHWC.dtype == np.uint8 and one.frames_FHWC.shape[3] == channels
        assert len(one.times_s) == len(one.frames_FHWC) > 1
        assert one.times_s[0] == 0 and (np.diff(one.times_s) > 0).all()
    assert made[0].end_s == pytest.approx(made[-1].end_s, rel=0.03)  # windows can be compared


def test_names_are_unique_and_every_reason_is_one_line() -> None:
    assert len(CHANGES) == len(changes())
    assert all(change.why and "\n" not in change.why for change in CHANGES.values())


def test_twice_shows_each_frame_for_two_halves_of_its_time() -> None:
    found = changed("every frame stored twice", video(25, 0.2))
    assert shown(found) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_allclose(found.times_s, np.arange(10) / 50)


@pytest.mark.parametrize("rate", [24, 25, 50, 60])
def test_copies_at_other_rates_show_the_same_moments_of_a_fast_video(rate: int) -> None:
    change = CHANGES[f"{rate} instead of 30 fps"]
    assert change.reference is not None
    given = video(600, seconds=0.4)
    made = change.make(given, np.random.default_rng(0))
    thirty = change.reference[0](given, np.random.default_rng(0))
    assert shown(made) == list(range(0, 240, 600 // rate)) and shown(thirty) == list(range(0, 240, 20))
    np.testing.assert_allclose(made.times_s, np.arange(len(made.times_s)) / rate)
    np.testing.assert_allclose(thirty.times_s, np.arange(12) / 30)


def test_a_variable_rate_shows_every_moment_as_the_fast_camera_saw_it() -> None:
    given = video(600, seconds=0.4)
    made = changed("variable frame rate instead of 30 fps", given)
    nearest = [int(np.argmin(np.abs(given.times_s - time_s))) for time_s in made.times_s]
    assert shown(made) == nearest
    rates = 1 / np.diff(made.times_s)
    assert rates.min() >= CHANGING_FPS[0] and rates.max() <= CHANGING_FPS[1] and np.ptp(rates) > 10
    assert given.end_s - made.end_s < 1 / CHANGING_FPS[0]


def test_random_skipping_is_jerky_at_natural_speed_beside_an_even_reference() -> None:
    change = CHANGES["frames skipped at random"]
    assert change.reference is not None
    given = video(fps=32, seconds=6)
    for seed in range(20):
        jerky = change.make(given, np.random.default_rng(seed))
        even = change.reference[0](given, np.random.default_rng(seed))
        steps, even_steps = np.diff(shown(jerky)), np.diff(shown(even))
        assert steps.min() >= 1 and set(steps) > {1, 2} and set(even_steps) == {2}
        np.testing.assert_allclose(np.diff(jerky.times_s), 1 / 16)
        np.testing.assert_array_equal(jerky.times_s, even.times_s)
        assert steps.mean() == pytest.approx(2, abs=0.1)  # two of 32 a second in each sixteenth


def test_backwards_is_its_own_inverse_and_keeps_uneven_times() -> None:
    given = scene()
    given = DecodedVideo(given.item, np.array([0, 0.1, 0.4, 0.5, 0.9, 1.0]), given.frames_FHWC)
    once = changed("played backwards", given)
    np.testing.assert_allclose(once.times_s, [0, 0.1, 0.5, 0.6, 0.9, 1.0])
    np.testing.assert_array_equal(once.frames_FHWC[0], given.frames_FHWC[-1])
    twice = changed("played backwards", once)
    np.testing.assert_allclose(twice.times_s, given.times_s, atol=1e-12)
    np.testing.assert_array_equal(twice.frames_FHWC, given.frames_FHWC)


def test_blur_is_two_box_means_with_the_border_repeated() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (12, 14)).astype(np.uint8)

    def slow_box(frame: np.ndarray) -> np.ndarray:
        blurred = np.zeros(frame.shape)
        for y, x in np.ndindex(frame.shape):
            rows = np.clip(np.arange(y - BLUR_PX // 2, y + BLUR_PX // 2 + 1), 0, 11)
            columns = np.clip(np.arange(x - BLUR_PX // 2, x + BLUR_PX // 2 + 1), 0, 13)
            blurred[y, x] = frame[np.ix_(rows, columns)].mean()
        return blurred

    given = DecodedVideo(VideoItem(Path("f"), "s"), np.arange(1.0), frame[None, :, :, None])
    found = changed("blur", given).frames_FHWC[0, :, :, 0]
    assert np.abs(found - slow_box(slow_box(frame))).max() <= 0.5 + 1e-6


def test_noise_is_new_in_every_frame_and_has_no_bias() -> None:
    grey = video(fps=30, seconds=1)
    grey = DecodedVideo(grey.item, grey.times_s, np.full_like(grey.frames_FHWC, 128))
    grain = changed("noise", grey).frames_FHWC.astype(float) - 128
    assert grain.std() == pytest.approx(12, rel=0.02) and abs(grain.mean()) < 0.2
    assert abs(np.corrcoef(grain[0].ravel(), grain[1].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(("shape", "across"), [((32, 40), 0), ((40, 32), 1)])
def test_bars_cover_an_eighth_on_both_sides_of_the_short_side(shape: tuple[int, int], across: int) -> None:
    frames = np.full((3, *shape, 1), 200, np.uint8)
    given = DecodedVideo(VideoItem(Path("f"), "s"), np.arange(3) / 3, frames)
    found = changed("black bars", given).frames_FHWC[0, :, :, 0]
    lines = found.max(1 - across)
    np.testing.assert_array_equal(lines, [0] * 4 + [200] * 24 + [0] * 4)
    assert (frames == 200).all()  # the video itself is left alone


def test_still_and_stopping_videos() -> None:
    given = video(fps=10, seconds=1)
    assert shown(changed("still frame", given)) == [5] * 10
    assert shown(changed("stops half-way", given)) == [0, 1, 2, 3, 4, 5, 5, 5, 5, 5]
    noisy = changed("still frame with noise", given).frames_FHWC
    assert (noisy[0] != noisy[1]).any()


def test_looks() -> None:
    given = scene()
    np.testing.assert_array_equal(changed("mirrored", given).frames_FHWC, given.frames_FHWC[:, :, ::-1])
    np.testing.assert_array_equal(changed("half the light", given).frames_FHWC, given.frames_FHWC // 2)
    assert changed("a quarter of the resolution", given).frames_FHWC.shape == (6, 8, 10, 1)


def test_there_and_back_turns_in_the_middle_and_keeps_uneven_times() -> None:
    given = video(fps=10, seconds=1)
    assert shown(changed("played there and back", given)) == [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]
    uneven = DecodedVideo(given.item, np.array([0, 0.1, 0.4, 0.5, 0.9, 1.0]), given.frames_FHWC[:6])
    found = changed("played there and back", uneven)
    assert shown(found) == [0, 1, 2, 3, 1, 0]
    np.testing.assert_array_equal(found.times_s, uneven.times_s)


def test_of_three_frames_two_are_kept_at_their_own_times() -> None:
    given = video(fps=10, seconds=1)
    found = changed("a third of the frames dropped", given)
    assert shown(found) == [0, 2, 3, 5, 6, 8, 9]
    np.testing.assert_array_equal(found.times_s, given.times_s[shown(found)])


def test_a_missing_encoder_is_named() -> None:
    change = CHANGES["key frames elsewhere"]
    assert change.missing_encoder == "" and change.reference is not None
    unknown = Encoding("no-such-encoder")
    assert replace(change, encoding=unknown).missing_encoder == "no-such-encoder"
    reference = (change.reference[0], unknown)
    assert replace(change, reference=reference).missing_encoder == "no-such-encoder"
