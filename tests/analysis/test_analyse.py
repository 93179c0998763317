from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import speediness.analysis.analyse
from scripted_runtime import FADING, fading_network
from speediness.analysis.analyse import STILL_PX, analyse, analyse_with_features, embed
from speediness.errors import VideoError
from speediness.results.curve import SpeedinessCurve
from speediness.results.features import UNKNOWN_S
from speediness.results.store import ResultStore
from speediness.sampling import playback_factors
from speediness.speedup.solver import plan_speedup
from speediness.video.reader import Frame, VideoReader
from synthetic import Image, drifting_frame, steady, uneven, write_video

BIKES = Path(__file__).parents[2] / "examples" / "bikes.mp4"


def pattern(seed: int = 0, width: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 225, (12, width // 8)).astype(np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


def swinging(time_s: float, beats: float = 1.0) -> Image:
    """A textured disc that swings once a second over a wall."""
    frame = pattern(1, 128)[:96, :128].copy()
    left = round(44 + 36 * np.sin(2 * np.pi * beats * time_s))
    frame[32:72, left : left + 40] = pattern(2)[:40, :40]
    return np.repeat(frame[:, :, None], 3, 2)


def video(path: Path, times_s: list[Fraction], beats: float = 1.0) -> Path:
    draw = [swinging(float(t), beats) for t in times_s]
    return write_video(path, times_s, width_px=128, height_px=96, draw_frame=lambda i: draw[i])


def test_the_bundled_clip_has_a_value_for_every_frame_at_every_factor() -> None:
    seen: list[tuple[float, float]] = []
    curve = analyse(BIKES, progress=lambda done_s, total_s: seen.append((done_s, total_s)))
    assert curve.times_s.shape == (250,) and curve.times_s[0] == 0
    assert curve.duration_s == pytest.approx(10)
    assert curve.factors == playback_factors()
    assert curve.normal.shape == (11, 250)
    assert np.isfinite(curve.normal).all() and 0 <= curve.normal.min() <= curve.normal.max() <= 1
    # Whatever else it thinks: at 9.3x a street looks less natural than at 1x.
    assert curve.normal[10].mean() < curve.normal[0].mean() - 0.2
    assert curve.segments[0].start_s == 0 and curve.segments[-1].end_s == pytest.approx(10)
    assert curve.cuts_s == pytest.approx((1.2, 3.04, 5.48, 7.48, 9.68))  # seen by eye
    assert curve.made_by["network"] == "speednet-small"
    assert [done_s for done_s, _ in seen] == sorted(done_s for done_s, _ in seen)
    assert seen[-1][1] == pytest.approx(10, abs=0.2)


def test_the_same_motion_at_another_frame_rate_gives_the_same_answer(tmp_path: Path) -> None:
    # Slow enough that 5x is still seen: beyond a few pixels a step every rate guesses differently.
    slow = analyse(video(tmp_path / "25.mp4", steady(100, 25), beats=0.25))
    fast = analyse(video(tmp_path / "other.mp4", steady(240, 60), beats=0.25))
    for k in range(8):
        there = np.interp(slow.times_s, fast.times_s, fast.normal[k])
        assert np.abs(there - slow.normal[k]).mean() < 0.1


def test_variable_frame_rate_gives_nearly_the_same_answer(tmp_path: Path) -> None:
    times_s = uneven(80)
    vfr = analyse(video(tmp_path / "vfr.mp4", times_s))
    even = analyse(video(tmp_path / "even.mp4", steady(round(float(times_s[-1]) * 25), 25)))
    there = np.interp(even.times_s, vfr.times_s, vfr.normal[0])
    assert np.abs(there - even.normal[0]).mean() < 0.15


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        scored(tmp_path / "nothing.mp4")
    with pytest.raises(ValueError, match="ascend from 1"):
        scored(BIKES, factors=(1.0, 1.5, 1.25))


FADES = fading_network()
LOWEST, HIGHEST = 60, 180


def faded(times_s: np.ndarray | list[float], rate: float, cuts_s: tuple[float, ...] = ()) -> list[Image]:
    """Scenes that grow brighter and darker, at the playback rate ``rate``."""
    frames = []
    for time_s in times_s:
        scene = pattern(10 + sum(time_s >= cut_s - 1e-6 for cut_s in cuts_s))[:64, :96] / 225.0 * 50 - 25
        level = np.interp(FADING * rate * time_s % 240, (0, 120, 240), (LOWEST, HIGHEST, LOWEST))
        frames.append(np.repeat((scene + level)[:, :, None], 3, 2).round().astype(np.uint8))
    return frames


def fading(path: Path, times_s: list[Fraction], rate: float = 1.0, cuts_s: tuple[float, ...] = ()) -> Path:
    draw = faded([float(t) for t in times_s], rate, cuts_s)
    return write_video(path, times_s, draw_frame=lambda i: draw[i])


def scored(path: Path, **options: Any) -> SpeedinessCurve:
    return analyse(path, network=FADES, **options)


@pytest.mark.parametrize(
    ("rate", "label", "limit"),
    [(0.25, "slow_motion", 1.25**7), (1.0, "natural", 1.25), (3.0, "sped_up", 1)],
)
def test_the_rate_of_a_video_is_found_and_what_can_be_played_faster(
    tmp_path: Path, rate: float, label: str, limit: float
) -> None:
    curve = scored(fading(tmp_path / "film.mp4", steady(500), rate))
    assert {s.label for s in curve.segments} <= {label, "not_sure"}
    longest = max(curve.segments, key=lambda s: s.end_s - s.start_s)
    assert longest.label == label and longest.factor == pytest.approx(rate, rel=0.2)
    assert longest.end_s - longest.start_s > 12
    assert np.median(curve.limit()) == pytest.approx(limit, rel=0.3)
    # Sped up says that the video as it is looks sped up, and the other way round.
    assert ((curve.normal[0] < 0.5) == (label == "sped_up")).mean() > 0.95
    assert curve.notes == ()


def test_the_frame_rate_of_a_video_does_not_matter(tmp_path: Path) -> None:
    expected = scored(fading(tmp_path / "25.mp4", steady(300)))
    for times_s in (steady(360, Fraction(30_000, 1001)), steady(720, 60), uneven(245)):
        curve = scored(fading(tmp_path / "other.mp4", times_s))
        there = np.stack([np.interp(expected.times_s, curve.times_s, row) for row in curve.normal])
        assert np.abs(there - expected.normal).mean() < 0.05


def test_a_static_video_is_natural_at_any_speed_not_sure_and_its_plan_is_flat(tmp_path: Path) -> None:
    curve = scored(fading(tmp_path / "still.mp4", steady(75), rate=0))
    assert [s.label for s in curve.segments] == ["not_sure"]
    assert any("nothing moves" in note for note in curve.notes)
    assert curve.normal.min() > 0.9 and curve.is_still
    np.testing.assert_allclose(plan_speedup(curve, 2).factor, 2, rtol=1e-9)


def test_cuts_are_found_and_reported(tmp_path: Path) -> None:
    curve = scored(fading(tmp_path / "cuts.mp4", steady(250), cuts_s=(3.2, 6.4)))
    assert curve.cuts_s == pytest.approx((3.2, 6.4))


@pytest.mark.parametrize("n_frames", [1, 2, 30])
def test_of_a_video_too_short_for_the_network_nothing_is_known(tmp_path: Path, n_frames: int) -> None:
    curve, features = analyse_with_features(fading(tmp_path / "a.mp4", steady(n_frames)), network=FADES)
    assert curve.normal.shape == (11, n_frames)
    assert curve.duration_s == pytest.approx(n_frames / 25)
    assert [s.label for s in curve.segments] == ["not_sure"]
    assert any("no shot lasts the 1.25 s" in note for note in curve.notes)
    assert (np.diff(curve.normal, axis=0) <= 0).all()
    assert not features.vectors.any()


def test_factors_at_which_no_window_fits_follow_the_lower_ones_and_a_note_says_so(tmp_path: Path) -> None:
    curve = scored(fading(tmp_path / "film.mp4", steady(100)))
    (note,) = [note for note in curve.notes if "no shot is long enough for more than" in note]
    assert "more than 3.05x" in note  # 1.25^5; 4 s hold the shortest window, of 1.25 s, at up to 3.2x
    assert (np.diff(curve.normal[5:], axis=0) <= 1e-4).all()
    assert curve.normal[-1].max() < 0.1
    assert [s.label for s in curve.segments] == ["natural"]
    assert not scored(fading(tmp_path / "longer.mp4", steady(125))).notes  # 5 s hold it at 3.81x


def test_portrait_and_tiny_videos_are_analysed(tmp_path: Path) -> None:
    for n, (width, height) in enumerate([(48, 160), (16, 16), (34, 18)]):
        path = write_video(tmp_path / f"{n}.mp4", steady(60), width_px=width, height_px=height)
        assert scored(path).normal.shape == (11, 60)


def test_few_frames_a_second_are_remarked_upon(tmp_path: Path) -> None:
    curve = scored(fading(tmp_path / "six.mp4", steady(40, 6)))
    assert any("frames a second are fewer" in note for note in curve.notes)


def test_of_a_very_long_frame_the_middle_is_scored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (20, 2000, 3)).astype(np.uint8)
    path = write_video(
        tmp_path / "long.mp4",
        steady(10),
        width_px=2000,
        height_px=20,
        draw_frame=lambda n: np.roll(texture, n, 1),
    )
    curve = scored(path)
    assert len(curve.times_s) == 10
    assert any("only its middle was scored" in note for note in curve.notes)


def test_a_video_that_hardly_moves_says_so(tmp_path: Path) -> None:
    draw = faded([max(n - 290, 0) / 25 for n in range(300)], 1.0)
    path = write_video(tmp_path / "nearly.mp4", steady(300), draw_frame=lambda n: draw[n])
    curve = scored(path)
    assert any("hardly anything moves" in note for note in curve.notes)
    assert curve.motion[:250].max() < STILL_PX and curve.normal[:, :250].min() > 0.5


def test_a_second_run_decodes_nothing_and_knows_the_video_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ResultStore(tmp_path / "store")
    path = fading(tmp_path / "film.mp4", steady(75))
    first = scored(path, store=store)
    monkeypatch.setattr(VideoReader, "frames", lambda *_: pytest.fail("a frame was decoded"))
    renamed = path.rename(tmp_path / "renamed.mp4")
    second = scored(renamed, store=store)
    assert second.made_by == first.made_by | {"video": "renamed.mp4"}
    np.testing.assert_array_equal(second.normal, first.normal)
    assert second.segments == first.segments
    # The last frame is at 2.96 s.
    assert len(embed(renamed, network=FADES, store=store).vectors) == 3 * 8 - 1
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        scored(renamed, store=store, factors=(1.0, 2.0))  # another question
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        scored(renamed)


@pytest.mark.parametrize("stop_s", [3, 9])
def test_an_interrupted_analysis_goes_on_after_the_last_whole_shot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_s: float
) -> None:
    monkeypatch.setattr(speediness.analysis.analyse, "CHECKPOINT_S", 0)
    store = ResultStore(tmp_path / "store")
    cuts_s = (4.0, 8.0)
    path = fading(tmp_path / "film.mp4", steady(300), cuts_s=cuts_s)
    whole = scored(path)
    assert whole.cuts_s == pytest.approx(cuts_s)

    def stop(done_s: float, total_s: float) -> None:
        if done_s > stop_s:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(path, store=store, progress=stop)
    taken: list[float] = []

    def counted(frame: Frame) -> Frame:
        taken.append(float(frame.time_s))
        return frame

    monkeypatch.setattr(speediness.analysis.analyse, "_middle", counted)
    again = scored(path, store=store)
    assert taken[0] == pytest.approx(max((0.0, *(cut_s for cut_s in cuts_s if cut_s < stop_s))))
    np.testing.assert_array_equal(again.normal, whole.normal)
    np.testing.assert_array_equal(again.times_s, whole.times_s)
    assert (again.segments, again.cuts_s) == (whole.segments, whole.cuts_s)
    assert (again.duration_s, again.notes) == (whole.duration_s, whole.notes)
    assert store.contents().entries == 1  # the curve; the state of the interrupted run is gone


def test_a_state_of_another_version_is_no_obstacle(tmp_path: Path) -> None:
    class Store(ResultStore):
        def checkpoint(self, key: str) -> dict[str, np.ndarray]:
            return {"0.times_s": np.arange(3)}

    path = fading(tmp_path / "film.mp4", steady(60))
    curve = scored(path, store=Store(tmp_path / "store"))
    np.testing.assert_array_equal(curve.normal, scored(path).normal)


def test_a_frame_held_for_hours_takes_neither_memory_nor_time(tmp_path: Path) -> None:
    """What is on both sides is labelled as without it, and between them nothing is known."""
    times_s = [*steady(60, 20)[:-1], *steady(61, 20, start_s=5 * 3600)]
    path = write_video(
        tmp_path / "held.mp4",
        times_s,
        width_px=128,
        height_px=96,
        draw_frame=lambda n: drifting_frame(3.0 * n, 128, 96),
    )
    curve, features = analyse_with_features(path)
    assert len(features.times_s) < 60
    assert features.shots_s[:, 1] - features.shots_s[:, 0] == pytest.approx([3, 3.05], abs=UNKNOWN_S)
    middle = next(s for s in curve.segments if s.start_s < 2 * 3600 < s.end_s)
    assert middle.label == "not_sure" and middle.start_s < 4 and middle.end_s > 5 * 3600 - 1
    assert any("stay longer" in note for note in curve.notes)
