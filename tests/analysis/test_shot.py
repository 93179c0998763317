from fractions import Fraction

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from scripted_runtime import runtime_by
from speediness import sampling
from speediness.analysis import shot as shot_module
from speediness.analysis import windows
from speediness.analysis.schedule import PAPER_SCHEDULE, Schedule, Stream, Windows, default_schedule
from speediness.analysis.shot import ShotScorer
from speediness.clip import ClipSpec
from speediness.engines.runtime import Outputs, Runtime
from speediness.video.reader import Frame

CLIP = ClipSpec(n_frames=8, frame_rate=Fraction(16), size_px=32)
FACTORS = sampling.playback_factors(6)


def motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Cells that know how much brighter a pair becomes, and how bright it is."""
    before, after = before.mean((1, 2, 3)), after.mean((1, 2, 3))
    levels = np.stack([after - before, before - after, np.abs(after - before), before + after], 1)
    return levels[:, :, None, None].repeat(4, 2).repeat(4, 3).astype(np.float32)


def windows_runtime(clips: object, cells: np.ndarray, intervals: np.ndarray) -> Outputs:
    """Answers that depend on every frame of a window, its order, its spacing, and two frames beyond."""
    rise = cells[:, :, 0, 0, 0].astype(float) / np.maximum(intervals, 0.25)
    bright = cells[:, :, 3, 0, 0].astype(float) / 100
    wide = np.pad(rise * bright, ((0, 0), (CONTEXT, CONTEXT)), "edge")
    smooth = sliding_window_view(wide, 2 * CONTEXT + 1, 1) @ np.array([1.0, 2, 3, 4, 5])
    weight = np.arange(1, CLIP.n_frames)
    value = sliding_window_view(smooth, CLIP.n_frames - 1, 1) @ weight / weight.sum()
    flow = np.stack([value * 2, np.abs(value) + 1], 2)
    logits = np.stack([-value / 2, value / 2], 2)
    rises = np.pad(rise, ((0, 0), (0, 1)), "edge")
    features = np.stack([rises, rises + 1, -rises], 2)
    maps = np.zeros((len(cells), cells.shape[1] + 1, 4, 4))
    return Outputs(*(part.astype(np.float32) for part in (logits, flow, features, maps)))


CONTEXT = 2
RUNTIME = Runtime(motion, windows_runtime, uses_frames=False, context=CONTEXT)
PRODUCT = default_schedule(RUNTIME)


def video(times_s: np.ndarray, seed: int = 0, cuts: tuple[int, ...] = ()) -> list[Frame]:
    rng = np.random.default_rng(seed)
    frames = []
    base = rng.integers(0, 200, (1, 32, 40, 1))
    for n, time_s in enumerate(times_s):
        if n in cuts:
            base = rng.integers(0, 200, (1, 32, 40, 1))
        level = 20 * np.sin(n / 3)
        frames.append(Frame(Fraction(float(time_s)), np.clip(base[0] + level, 0, 255).astype(np.uint8)))
    return frames


def answer(frames: list[Frame], times_s: np.ndarray, wanted_s: np.ndarray, factor: float) -> np.ndarray:
    """Log-odds of the windows among the frames nearest to some times."""
    indices = sampling.nearest_frames(times_s, wanted_s)
    pixels = np.stack([frames[i].pixels_HWC[:, 4:36] for i in indices])
    spacing = sampling.played_intervals(times_s, indices, factor, CLIP.frame_rate)
    cells = np.stack([motion(pixels[:-1], pixels[1:])])
    logits = windows_runtime(None, cells, spacing[None]).logits[0]
    return logits[:, 1] - logits[:, 0]


def by_windows(frames: list[Frame], schedule: Windows) -> np.ndarray:
    """The obvious way (K, F): all frames in memory, every window on its own, then means, then lines."""
    times_s = np.array([float(f.time_s) for f in frames])
    start_s, end_s = times_s[0], times_s[-1]
    rows = []
    for factor in FACTORS:
        interval_s = factor / float(CLIP.frame_rate)
        if schedule.stride is None:
            numbers = np.arange(0, len(times_s) - 1 + 1e-9, factor)
            moments = [float(np.interp(number, np.arange(len(times_s)), times_s)) for number in numbers]
        else:
            moments = [start_s + n * schedule.stride * interval_s for n in range(10_000)]
        moments = [moment_s for moment_s in moments if moment_s < end_s] + [end_s]
        shifts = {1: [0.0], 2: [-0.25, 0.25], 3: [-1 / 3, 0.0, 1 / 3]}[schedule.positions]
        middles, answers = [], []
        for middle_s in (moment_s + shift * interval_s for moment_s in moments for shift in shifts):
            wanted_s = sampling.window_around(middle_s, factor, CLIP.n_frames, CLIP.frame_rate)
            middles.append(middle_s)
            answers.append(answer(frames, times_s, sampling.reflect(wanted_s, start_s, end_s), factor)[0])
        near = [np.abs(np.array(middles) - moment_s) <= interval_s / 2 + 1e-6 for moment_s in moments]
        rows.append(np.interp(times_s, moments, [np.array(answers)[n].mean() for n in near]))
    return np.array(rows)


def by_stream(frames: list[Frame], schedule: Stream) -> np.ndarray:
    """The obvious way (K, F): for each grid all its frames in one sequence, mirrored step by step."""
    times_s = np.array([float(f.time_s) for f in frames])
    start_s, end_s = times_s[0], times_s[-1]
    rows = []
    for factor in FACTORS:
        interval_s = factor / float(CLIP.frame_rate)
        count = 1
        while start_s + (count - 1) * interval_s < end_s - 1e-9:
            count += 1
        moments = [start_s + n * interval_s for n in range(count)]
        answers = []
        for shift in {1: [0.0], 2: [-0.25, 0.25]}[schedule.positions]:
            first_s = moments[0] + (shift - (CLIP.n_frames - 1) / 2) * interval_s
            wanted_s = [first_s + n * interval_s for n in range(count - 1 + CLIP.n_frames)]
            inside = [t for t in wanted_s if start_s - 1e-9 <= t <= end_s + 1e-9]
            if len(inside) > CLIP.n_frames / 2:
                bounce, before = inside + inside[-2:0:-1], sum(t < start_s - 1e-9 for t in wanted_s)
                wanted_s = [bounce[(n - before) % len(bounce)] for n in range(len(wanted_s))]
            else:
                wanted_s = sampling.reflect(np.array(wanted_s), start_s, end_s)
            answers.append(answer(frames, times_s, np.array(wanted_s), factor))
        rows.append(np.interp(times_s, moments, np.mean(answers, 0)))
    return np.array(rows)


def whole_shot(frames: list[Frame], schedule: Schedule = PRODUCT) -> np.ndarray:
    """The same as :func:`score_shots` of a single shot, slowly."""
    if isinstance(schedule, Windows):
        return by_windows(frames, schedule)
    assert isinstance(schedule, Stream)
    return by_stream(frames, schedule)


SCHEDULES = [PRODUCT, Stream(1, CONTEXT), PAPER_SCHEDULE, Windows(2, 3), Windows(3, 2)]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 7.9, 39.9, 40.1, 100.0])
@pytest.mark.parametrize("rate", [15, 25, 60])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_streaming_equals_the_whole_shot_at_once(seconds: float, rate: int, schedule: Schedule) -> None:
    frames = video(np.arange(max(1, round(seconds * rate))) / rate)
    (shot,) = windows.score_shots(frames, RUNTIME, CLIP, FACTORS, schedule=schedule)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames, schedule), atol=1e-3)
    assert shot.times_s.tolist() == [float(f.time_s) for f in frames]
    assert (np.diff(shot.features_s) >= 0).all() and len(shot.features_s) == len(shot.features)
    assert shot.times_s[0] <= shot.features_s[0] and shot.features_s[-1] <= shot.times_s[-1]


def test_features_are_those_of_their_time() -> None:
    frames = video(np.arange(3000) / 25)
    (shot,) = windows.score_shots(frames, RUNTIME, CLIP, FACTORS)
    levels = np.array([frame.pixels_HWC[:, 4:36].mean() for frame in frames])
    inner = (shot.features_s > 1) & (shot.features_s < 119)
    assert inner.sum() > 30 * 118
    rise = np.interp(shot.features_s + 1 / 16, shot.times_s, levels) - np.interp(
        shot.features_s, shot.times_s, levels
    )
    assert np.corrcoef(rise[inner], shot.features[inner, 0].astype(float))[0, 1] > 0.97


def test_uneven_frame_times_are_no_obstacle() -> None:
    gaps = np.random.default_rng(1).uniform(0.004, 0.12, 400)
    frames = video(np.cumsum(gaps) - gaps[0])
    (shot,) = windows.score_shots(frames, RUNTIME, CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames), atol=1e-3)


def test_no_window_straddles_a_cut() -> None:
    frames = video(np.arange(150) / 25, cuts=(60, 100))
    shots = list(windows.score_shots(frames, RUNTIME, CLIP, FACTORS))
    assert [float(shot.times_s[0]) for shot in shots] == [0, 60 / 25, 100 / 25]
    for shot, (first, last) in zip(shots, [(0, 60), (60, 100), (100, 150)], strict=True):
        np.testing.assert_allclose(shot.log_odds, whole_shot(frames[first:last]), atol=1e-3)


def test_one_frame_is_a_video() -> None:
    (shot,) = windows.score_shots(video(np.array([0.0])), RUNTIME, CLIP, FACTORS)
    assert shot.log_odds.shape == (6, 1) and np.isfinite(shot.log_odds).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_frames_and_pairs_are_forgotten_as_the_video_goes_on(
    monkeypatch: pytest.MonkeyPatch, schedule: Schedule
) -> None:
    held: list[int] = []
    pairs: list[int] = []
    forget = ShotScorer._forget

    def analyse(self: ShotScorer) -> None:
        forget(self)
        held.append(len(self._held))
        pairs.append(len(self._flow_grid))

    monkeypatch.setattr(ShotScorer, "_forget", analyse)
    monkeypatch.setattr(shot_module, "CHUNK_S", 8.0)
    windows.score_shots(video(np.arange(3000) / 25), RUNTIME, CLIP, FACTORS, schedule=schedule)
    longest_s = (CLIP.n_frames + 2 * CONTEXT) * FACTORS[-1] / float(CLIP.frame_rate)
    assert len(held) >= 10
    assert max(held) <= 25 * (2.5 * longest_s)
    assert max(pairs) <= len(FACTORS) * max(held)


def test_windows_share_the_pairs_they_have_in_common() -> None:
    measured: list[int] = []

    def counted(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        measured.append(len(before))
        return motion(before, after)

    frames, n_pairs = video(np.arange(750) / 25), CLIP.n_frames - 1
    runtime = Runtime(counted, windows_runtime, False, CONTEXT)
    n_windows = sum(30 * float(CLIP.frame_rate) / factor for factor in FACTORS)
    windows.score_shots(frames, runtime, CLIP, FACTORS, schedule=Windows(stride=3, positions=2))
    assert sum(measured) < 0.45 * 2 * n_windows / 3 * n_pairs
    measured.clear()
    windows.score_shots(frames, runtime, CLIP, FACTORS, schedule=Stream(2, CONTEXT))
    assert sum(measured) < 1.1 * 2 * n_windows  # a pair a window


@pytest.mark.parametrize(
    ("size_px", "scored_px"), [(64, (64, 96)), (112, (112, 192)), (96, (96, 160)), (48, (48, 80))]
)
def test_a_frame_is_cut_as_little_as_its_network_allows(size_px: int, scored_px: tuple[int, int]) -> None:
    clip = ClipSpec(n_frames=8, size_px=size_px, channels=1)
    seen: list[tuple[int, ...]] = []

    def rule(clips: np.ndarray, intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(clips.shape[2:4])
        return np.zeros((len(clips), 2), np.float32), np.zeros((len(clips), 2), np.float32)

    wide_px = round(size_px * 16 / 9)
    frames = [Frame(Fraction(n, 16), np.zeros((size_px, wide_px, 1), np.uint8)) for n in range(20)]
    windows.score_shots(frames, runtime_by(rule), clip, (1.0,))
    assert set(seen) == {scored_px}


def test_a_network_that_sees_frames_is_given_them() -> None:
    def by_frames(clips: np.ndarray | None, cells: np.ndarray, intervals: np.ndarray) -> Outputs:
        assert clips is not None and clips.shape[1:] == (8, 32, 32, 1)
        before, after = clips[:, :-1].mean((2, 3, 4)), clips[:, 1:].mean((2, 3, 4))
        np.testing.assert_allclose(after - before, cells[:, :, 0, 0, 0], atol=1e-4)
        np.testing.assert_allclose(after + before, cells[:, :, 3, 0, 0], rtol=1e-5)
        return windows_runtime(None, cells, intervals)

    frames = video(np.arange(100) / 25)
    (shot,) = windows.score_shots(frames, Runtime(motion, by_frames, True), CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames, Windows(3, 2)), atol=1e-3)


@pytest.mark.parametrize("cuts", [(), (300, 420), (900,), tuple(range(60, 1000, 60))])
@pytest.mark.parametrize("stopped_after", [1, 3])
def test_an_analysis_taken_up_again_ends_as_if_never_stopped(
    cuts: tuple[int, ...], stopped_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shot_module, "CHUNK_S", 8.0)
    frames = video(np.arange(1000) / 25, cuts=cuts)
    whole = windows.score_shots(frames, RUNTIME, CLIP, FACTORS)
    first, chunks = windows.VideoScorer(RUNTIME, CLIP, FACTORS), 0
    for frame in frames:
        chunks += first.add(frame)
        if chunks == stopped_after:
            break
    state = {name: array.copy() for name, array in first.state().items()}
    assert not any(array.dtype == object for array in state.values())  # fit for a file without pickle

    second = windows.VideoScorer(RUNTIME, CLIP, FACTORS)
    place = second.restore(state)
    rest = frames if place is None else frames[place.n_frames :]
    assert place is None or frames[place.n_frames - 1].time_s == place.time_s
    assert len(rest) > 0
    for frame in rest:
        second.add(frame)
    again = second.finish()
    assert len(again) == len(whole) == len(cuts) + 1
    for shot, expected in zip(again, whole, strict=True):
        for name in ("times_s", "log_odds", "motion", "peak_motion", "features", "features_s"):
            np.testing.assert_array_equal(getattr(shot, name), getattr(expected, name))


def test_progress_follows_the_video() -> None:
    seen: list[float] = []
    list(windows.score_shots(video(np.arange(50) / 25), RUNTIME, CLIP, FACTORS, seen.append))
    assert seen == pytest.approx(list(np.arange(50) / 25))
