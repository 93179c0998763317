from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import speediness.analysis.curve
import speediness.analysis.shot
from speediness.analysis.curve import STILL_PX, analyse, probability_normal
from speediness.analysis.network import load_network
from speediness.analysis.schedule import PAPER_SCHEDULE, Schedule, Windows, default_schedule
from speediness.analysis.shot import ShotScorer
from speediness.analysis.store import ResultStore
from speediness.analysis.windows import score_shots
from speediness.errors import VideoError
from speediness.sampling import playback_factors
from speediness.speedup.plan import plan_speedup
from speediness.video.reader import VideoReader
from synthetic import Image, steady, uneven, write_video

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


@pytest.mark.parametrize("rate", [50, 60])
def test_the_same_motion_at_another_frame_rate_gives_the_same_answer(tmp_path: Path, rate: int) -> None:
    # Slow enough that 5x is still seen: beyond a few pixels a step every rate guesses differently.
    slow = analyse(video(tmp_path / "25.mp4", steady(100, 25), beats=0.25))
    fast = analyse(video(tmp_path / "other.mp4", steady(4 * rate, rate), beats=0.25))
    for k in range(8):
        there = np.interp(slow.times_s, fast.times_s, fast.normal[k])
        assert np.abs(there - slow.normal[k]).mean() < 0.1


def test_variable_frame_rate_gives_nearly_the_same_answer(tmp_path: Path) -> None:
    times_s = uneven(80)
    vfr = analyse(video(tmp_path / "vfr.mp4", times_s))
    even = analyse(video(tmp_path / "even.mp4", steady(round(float(times_s[-1]) * 25), 25)))
    there = np.interp(even.times_s, vfr.times_s, vfr.normal[0])
    assert np.abs(there - even.normal[0]).mean() < 0.15


def test_a_static_video_is_natural_at_any_speed_and_its_plan_is_flat(tmp_path: Path) -> None:
    still = write_video(
        tmp_path / "still.mp4", steady(75), width_px=128, height_px=96, draw_frame=lambda i: swinging(0)
    )
    curve = analyse(still)
    assert [s.label for s in curve.segments] == ["natural"]
    assert any("nothing moves" in note for note in curve.notes)
    assert curve.normal.min() > 0.9
    plan = plan_speedup(curve, 2)
    np.testing.assert_allclose(plan.factor, 2, rtol=1e-9)


def test_cuts_are_found_and_reported(tmp_path: Path) -> None:
    # Three scenes with a little life in them.
    def draw(i: int) -> Image:
        scene = pattern(10 + i // 40)[:96, 2 * (i % 40) // 4 : 2 * (i % 40) // 4 + 128]
        return np.repeat(scene[:, :, None], 3, 2)

    path = write_video(tmp_path / "cuts.mp4", steady(120), width_px=128, height_px=96, draw_frame=draw)
    assert analyse(path).cuts_s == pytest.approx((1.6, 3.2))


@pytest.mark.parametrize("n_frames", [1, 2, 5])
def test_very_short_videos_are_analysed(tmp_path: Path, n_frames: int) -> None:
    curve = analyse(video(tmp_path / "short.mp4", steady(n_frames)))
    assert curve.normal.shape == (11, n_frames)
    assert curve.duration_s == pytest.approx(n_frames / 25)


def test_portrait_and_tiny_videos_are_analysed(tmp_path: Path) -> None:
    for n, (width, height) in enumerate([(48, 160), (16, 16), (34, 18)]):
        path = write_video(tmp_path / f"{n}.mp4", steady(10), width_px=width, height_px=height)
        assert analyse(path).normal.shape == (11, 10)


def test_few_frames_a_second_are_remarked_upon(tmp_path: Path) -> None:
    curve = analyse(video(tmp_path / "six.mp4", steady(20, 6)))
    assert any("frames a second are fewer" in note for note in curve.notes)


def test_where_nothing_moves_the_answer_gives_way_to_normal() -> None:
    log_odds = np.full((1, 3), 4.0, np.float32)
    peak = np.array([[0.0, STILL_PX, 100 * STILL_PX]], np.float32)
    normal = probability_normal(log_odds, peak)[0]
    certain = 1 / (1 + np.exp(4.0))
    assert normal[0] == 1
    assert normal[1] == pytest.approx((1 + certain) / 2, abs=1e-3)
    assert normal[2] == pytest.approx(certain, abs=1e-3)


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        analyse(tmp_path / "nothing.mp4")
    with pytest.raises(ValueError, match="ascend from 1"):
        analyse(BIKES, factors=(1.0, 1.5, 1.25))


def test_a_second_run_decodes_nothing_and_knows_the_video_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ResultStore(tmp_path / "store")
    path = video(tmp_path / "film.mp4", steady(60))
    first = analyse(path, store=store)
    monkeypatch.setattr(VideoReader, "frames", lambda *_: pytest.fail("a frame was decoded"))
    renamed = path.rename(tmp_path / "renamed.mp4")
    second = analyse(renamed, store=store)
    assert second.made_by == first.made_by | {"video": "renamed.mp4"}
    np.testing.assert_array_equal(second.normal, first.normal)
    assert second.segments == first.segments
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        analyse(renamed, store=store, exact=True)  # another question
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        analyse(renamed)


@pytest.mark.parametrize("stop_s", [5, 13, 29])
def test_an_interrupted_analysis_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_s: float
) -> None:
    monkeypatch.setattr(speediness.analysis.curve, "CHECKPOINT_S", 0)
    monkeypatch.setattr(speediness.analysis.shot, "CHUNK_S", 8.0)
    store = ResultStore(tmp_path / "store")
    path = video(tmp_path / "film.mp4", steady(750))
    whole = analyse(path)

    def stop(done_s: float, total_s: float) -> None:
        if done_s > stop_s:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(path, store=store, progress=stop)
    scored: list[int] = []
    add = ShotScorer.add

    def counted(shot: ShotScorer, time_s: float, pixels: np.ndarray) -> bool:
        scored.append(1)
        return add(shot, time_s, pixels)

    monkeypatch.setattr(ShotScorer, "add", counted)
    again = analyse(path, store=store)
    assert len(scored) <= 750 - 25 * 8 * (stop_s // 8)  # chunks of 8 s are not scored again
    np.testing.assert_array_equal(again.normal, whole.normal)
    np.testing.assert_array_equal(again.times_s, whole.times_s)
    assert (again.segments, again.duration_s, again.notes) == (
        whole.segments,
        whole.duration_s,
        whole.notes,
    )
    assert store.contents().entries == 1  # the curve; the state of the interrupted run is gone


def test_a_state_of_another_version_is_no_obstacle(tmp_path: Path) -> None:
    class Store(ResultStore):
        def checkpoint(self, key: str) -> dict[str, np.ndarray]:
            return {"place": np.array(["0", "7"]), "something": np.arange(3)}

    path = video(tmp_path / "film.mp4", steady(30))
    curve = analyse(path, store=Store(tmp_path / "store"))
    np.testing.assert_array_equal(curve.normal, analyse(path).normal)


def normal_by(schedule: Schedule) -> np.ndarray:
    network = load_network()
    frames = VideoReader(BIKES).frames(network.clip.size_px, network.clip.channels)
    shots = score_shots(frames, network.runtime, network.clip, playback_factors(), schedule=schedule)
    log_odds, peak = (
        np.concatenate([getattr(s, n) for s in shots], 1) for n in ("log_odds", "peak_motion")
    )
    return probability_normal(log_odds, peak)


def test_cheap_schedules_agree_with_a_window_around_every_frame() -> None:
    # In a stream a window is seen with what lies around it, alone it has ends: docs/benchmarks.md.
    exact = normal_by(PAPER_SCHEDULE)
    bounds: list[tuple[Schedule, float, float]] = [
        (Windows(stride=3, positions=2), 0.03, 0.95),
        (default_schedule(load_network().runtime), 0.045, 0.93),
    ]
    for schedule, most, equal in bounds:
        found = normal_by(schedule)
        assert np.abs(exact - found).max() > 0.01  # they are not the same windows
        assert np.abs(exact - found).mean() < most
        assert ((exact > 0.5) == (found > 0.5)).mean() > equal


def test_exact_is_the_schedule_of_every_frame_and_the_usual_one_the_stream() -> None:
    np.testing.assert_allclose(
        analyse(BIKES, exact=True).normal, normal_by(PAPER_SCHEDULE), atol=1e-4
    )  # curves are rounded
    np.testing.assert_allclose(
        analyse(BIKES).normal, normal_by(default_schedule(load_network().runtime)), atol=1e-4
    )


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
    curve = analyse(path)
    assert len(curve.times_s) == 10
    assert any("only its middle was scored" in note for note in curve.notes)


def test_a_video_that_hardly_moves_says_so(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "nearly.mp4",
        steady(600),
        width_px=128,
        height_px=96,
        draw_frame=lambda n: swinging(max(n - 590, 0) / 25),
    )
    assert any("hardly anything moves" in note for note in analyse(path).notes)
