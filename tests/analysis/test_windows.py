from fractions import Fraction

import numpy as np
import pytest

from speediness import sampling
from speediness.analysis import windows
from speediness.analysis.schedule import EXACT, SHARED, Schedule
from speediness.analysis.shot import OpenShot
from speediness.clip import ClipSpec
from speediness.engines.judge import Answers, Judge
from speediness.video.reader import Frame

CLIP = ClipSpec(n_frames=8, frame_rate=Fraction(16), size_px=32)
FACTORS = sampling.playback_factors(6)


def motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Cells that know both frames of a pair, and which is first."""
    levels = np.stack([before.mean((1, 2, 3)), after.mean((1, 2, 3))], 1)
    return np.repeat(levels, 2, 1)[:, :, None, None].repeat(4, 2).repeat(4, 3).astype(np.float32)


def windows_judge(clips: object, cells: np.ndarray, intervals: np.ndarray) -> Answers:
    """An answer that depends on every frame of a window and on its spacing."""
    before, after = cells[:, :, 0, 0, 0].astype(float), cells[:, :, 3, 0, 0].astype(float)
    weight = np.arange(1, before.shape[1] + 1)
    value = ((before + 2 * after) * weight).sum(1) / weight.sum() + intervals.sum(1)
    flow = np.stack([before[:, 0], after[:, -1]], 1)
    logits = np.stack([-value / 2, value / 2], 1)
    return logits.astype(np.float32), flow.astype(np.float32), np.zeros((len(cells), 8, 4, 4), np.float32)


JUDGE = Judge(motion, windows_judge, sees_pictures=False)


def film(times_s: np.ndarray, seed: int = 0, cuts: tuple[int, ...] = ()) -> list[Frame]:
    rng = np.random.default_rng(seed)
    frames = []
    base = rng.integers(0, 200, (1, 32, 40, 1))
    for n, time_s in enumerate(times_s):
        if n in cuts:
            base = rng.integers(0, 200, (1, 32, 40, 1))
        level = 20 * np.sin(n / 3)
        frames.append(Frame(Fraction(float(time_s)), np.clip(base[0] + level, 0, 255).astype(np.uint8)))
    return frames


def moments(times_s: np.ndarray, factor: float, schedule: Schedule) -> list[float]:
    """The obvious way: all moments up to the last frame, which is one itself."""
    if schedule.stride is None:
        frames = np.arange(0, len(times_s) - 1 + 1e-9, factor)
        found = [float(np.interp(frame, np.arange(len(times_s)), times_s)) for frame in frames]
    else:
        stride_s = schedule.stride * factor / float(CLIP.frame_rate)
        found = [times_s[0] + n * stride_s for n in range(10_000)]
    found = [moment_s for moment_s in found if moment_s <= times_s[-1]]
    return found if found[-1] == times_s[-1] else [*found, times_s[-1]]


def whole_shot(frames: list[Frame], schedule: Schedule = SHARED) -> np.ndarray:
    """The obvious way (K, F): all frames in memory, every window on its own, then means, then lines."""
    times_s = np.array([float(f.time_s) for f in frames])
    start_s, end_s = times_s[0], times_s[-1]
    rows = []
    for factor in FACTORS:
        interval_s = factor / float(CLIP.frame_rate)
        shifts = {1: [0.0], 2: [-0.25, 0.25], 3: [-1 / 3, 0.0, 1 / 3]}[schedule.positions]
        known = moments(times_s, factor, schedule)
        middles, answers = [], []
        for moment_s in known:
            for shift in shifts:
                middle_s = moment_s + shift * interval_s
                wanted = sampling.window_around(middle_s, factor, CLIP.n_frames, CLIP.frame_rate)
                indices = sampling.nearest_frames(times_s, sampling.reflect(wanted, start_s, end_s))
                pixels = np.stack([frames[i].pixels_HWC[:, 4:36] for i in indices])
                spacing = sampling.played_intervals(times_s, indices, factor, CLIP.frame_rate)
                logits, _ = JUDGE(pixels[None], spacing[None])
                middles.append(middle_s)
                answers.append(logits[0, 1] - logits[0, 0])
        near = [np.abs(np.array(middles) - moment_s) <= interval_s / 2 + 1e-6 for moment_s in known]
        rows.append(np.interp(times_s, known, [np.array(answers)[n].mean() for n in near]))
    return np.array(rows)


SCHEDULES = [SHARED, EXACT, Schedule(2, 3)]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 7.9, 8.1, 30.0])
@pytest.mark.parametrize("rate", [15, 25, 60])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_streaming_equals_the_whole_shot_at_once(seconds: float, rate: int, schedule: Schedule) -> None:
    frames = film(np.arange(max(1, round(seconds * rate))) / rate)
    (shot,) = windows.judge_shots(frames, JUDGE, CLIP, FACTORS, schedule=schedule)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames, schedule), atol=1e-3)
    assert shot.times_s.tolist() == [float(f.time_s) for f in frames]


def test_uneven_frame_times_are_no_obstacle() -> None:
    gaps = np.random.default_rng(1).uniform(0.004, 0.12, 400)
    frames = film(np.cumsum(gaps) - gaps[0])
    (shot,) = windows.judge_shots(frames, JUDGE, CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames), atol=1e-3)


def test_no_window_straddles_a_cut() -> None:
    frames = film(np.arange(150) / 25, cuts=(60, 100))
    shots = list(windows.judge_shots(frames, JUDGE, CLIP, FACTORS))
    assert [float(shot.times_s[0]) for shot in shots] == [0, 60 / 25, 100 / 25]
    for shot, (first, last) in zip(shots, [(0, 60), (60, 100), (100, 150)], strict=True):
        np.testing.assert_allclose(shot.log_odds, whole_shot(frames[first:last]), atol=1e-3)


def test_one_frame_is_a_film() -> None:
    (shot,) = windows.judge_shots(film(np.array([0.0])), JUDGE, CLIP, FACTORS)
    assert shot.log_odds.shape == (6, 1) and np.isfinite(shot.log_odds).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_frames_and_pairs_are_forgotten_as_the_film_goes_on(
    monkeypatch: pytest.MonkeyPatch, schedule: Schedule
) -> None:
    held: list[int] = []
    pairs: list[int] = []
    forget = OpenShot._forget

    def watch(self: OpenShot) -> None:
        forget(self)
        held.append(len(self._held))
        pairs.append(len(self._cells))

    monkeypatch.setattr(OpenShot, "_forget", watch)
    windows.judge_shots(film(np.arange(3000) / 25), JUDGE, CLIP, FACTORS, schedule=schedule)
    longest_s = CLIP.duration_s * FACTORS[-1]
    assert len(held) >= 10
    assert max(held) <= 25 * (2.5 * longest_s)
    assert max(pairs) <= len(FACTORS) * max(held)


def test_windows_share_the_pairs_they_have_in_common() -> None:
    measured: list[int] = []

    def counted(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        measured.append(len(before))
        return motion(before, after)

    windows.judge_shots(film(np.arange(750) / 25), Judge(counted, windows_judge, False), CLIP, FACTORS)
    unshared = sum(
        2 * len(moments(np.arange(750) / 25, factor, SHARED)) * (CLIP.n_frames - 1) for factor in FACTORS
    )
    assert sum(measured) < 0.45 * unshared


def test_a_network_that_sees_pictures_is_given_them() -> None:
    def by_pictures(clips: np.ndarray | None, cells: np.ndarray, intervals: np.ndarray) -> Answers:
        assert clips is not None and clips.shape[1:] == (8, 32, 32, 1)
        np.testing.assert_allclose(clips[:, :-1].mean((2, 3, 4)), cells[:, :, 0, 0, 0], rtol=1e-5)
        np.testing.assert_allclose(clips[:, 1:].mean((2, 3, 4)), cells[:, :, 3, 0, 0], rtol=1e-5)
        return windows_judge(None, cells, intervals)

    frames = film(np.arange(100) / 25)
    (shot,) = windows.judge_shots(frames, Judge(motion, by_pictures, True), CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames), atol=1e-3)


@pytest.mark.parametrize("cuts", [(), (300, 420), (900,), tuple(range(60, 1000, 60))])
@pytest.mark.parametrize("stopped_after", [1, 3])
def test_an_analysis_taken_up_again_ends_as_if_never_stopped(
    cuts: tuple[int, ...], stopped_after: int
) -> None:
    frames = film(np.arange(1000) / 25, cuts=cuts)
    whole = windows.judge_shots(frames, JUDGE, CLIP, FACTORS)
    first, chunks = windows.FilmJudge(JUDGE, CLIP, FACTORS), 0
    for frame in frames:
        chunks += first.add(frame)
        if chunks == stopped_after:
            break
    state = {name: array.copy() for name, array in first.state().items()}
    assert not any(array.dtype == object for array in state.values())  # fit for a file without pickle

    second = windows.FilmJudge(JUDGE, CLIP, FACTORS)
    place = second.restore(state)
    rest = frames if place is None else frames[place.n_frames :]
    assert place is None or frames[place.n_frames - 1].time_s == place.time_s
    assert len(rest) > 0
    for frame in rest:
        second.add(frame)
    again = second.finish()
    assert len(again) == len(whole) == len(cuts) + 1
    for shot, expected in zip(again, whole, strict=True):
        for name in ("times_s", "log_odds", "motion", "peak_motion"):
            np.testing.assert_array_equal(getattr(shot, name), getattr(expected, name))


def test_progress_follows_the_film() -> None:
    seen: list[float] = []
    list(windows.judge_shots(film(np.arange(50) / 25), JUDGE, CLIP, FACTORS, seen.append))
    assert seen == pytest.approx(list(np.arange(50) / 25))
