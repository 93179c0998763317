from fractions import Fraction

import numpy as np
import pytest

from speediness import sampling
from speediness.analysis import windows
from speediness.clip import ClipSpec
from speediness.video.reader import Frame

CLIP = ClipSpec(n_frames=8, frame_rate=Fraction(16), size_px=32)
FACTORS = sampling.playback_factors(6)


def judge(clips: np.ndarray, intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An answer that depends on every frame of a window and on its spacing."""
    weight = np.arange(1, clips.shape[1] + 1)
    value = (clips.astype(float).mean((2, 3, 4)) * weight).sum(1) / weight.sum() + intervals.sum(1)
    flow = np.stack([clips[:, 0].mean((1, 2, 3)), clips[:, -1].mean((1, 2, 3))], 1)
    return np.stack([-value / 2, value / 2], 1).astype(np.float32), flow.astype(np.float32)


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


def whole_shot(frames: list[Frame]) -> np.ndarray:
    """The obvious way (K, F): all frames in memory, every window on its own, then interpolation."""
    times_s = np.array([float(f.time_s) for f in frames])
    start_s, end_s = times_s[0], times_s[-1]
    rows = []
    for factor in FACTORS:
        stride_s = CLIP.duration_s * factor / windows.WINDOWS_PER_LENGTH
        middles = [start_s + n * stride_s for n in range(10_000) if start_s + n * stride_s <= end_s]
        if middles[-1] < end_s:
            middles.append(end_s)
        answers = []
        for middle_s in middles:
            wanted = sampling.window_around(middle_s, factor, CLIP.n_frames, CLIP.frame_rate)
            indices = sampling.nearest_frames(times_s, sampling.reflect(wanted, start_s, end_s))
            pixels = np.stack([frames[i].pixels_HWC[:, 4:36] for i in indices])
            spacing = sampling.played_intervals(times_s, indices, factor, CLIP.frame_rate)
            logits, _ = judge(pixels[None], spacing[None])
            answers.append(logits[0, 1] - logits[0, 0])
        rows.append(np.interp(times_s, middles, answers))
    return np.array(rows)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 7.9, 8.1, 30.0])
@pytest.mark.parametrize("rate", [15, 25, 60])
def test_streaming_equals_the_whole_shot_at_once(seconds: float, rate: int) -> None:
    frames = film(np.arange(max(1, round(seconds * rate))) / rate)
    (shot,) = windows.judge_shots(frames, judge, CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames), atol=1e-3)
    assert shot.times_s.tolist() == [float(f.time_s) for f in frames]


def test_uneven_frame_times_are_no_obstacle() -> None:
    gaps = np.random.default_rng(1).uniform(0.004, 0.12, 400)
    frames = film(np.cumsum(gaps) - gaps[0])
    (shot,) = windows.judge_shots(frames, judge, CLIP, FACTORS)
    np.testing.assert_allclose(shot.log_odds, whole_shot(frames), atol=1e-3)


def test_no_window_straddles_a_cut() -> None:
    frames = film(np.arange(150) / 25, cuts=(60, 100))
    shots = list(windows.judge_shots(frames, judge, CLIP, FACTORS))
    assert [float(shot.times_s[0]) for shot in shots] == [0, 60 / 25, 100 / 25]
    for shot, (first, last) in zip(shots, [(0, 60), (60, 100), (100, 150)], strict=True):
        np.testing.assert_allclose(shot.log_odds, whole_shot(frames[first:last]), atol=1e-3)


def test_one_frame_is_a_film() -> None:
    (shot,) = windows.judge_shots(film(np.array([0.0])), judge, CLIP, FACTORS)
    assert shot.log_odds.shape == (6, 1) and np.isfinite(shot.log_odds).all()


def test_frames_are_forgotten_as_the_film_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    forget = windows._OpenShot._forget

    def watch(self: windows._OpenShot) -> None:
        forget(self)
        held.append(len(self.frames))

    monkeypatch.setattr(windows._OpenShot, "_forget", watch)
    list(windows.judge_shots(film(np.arange(3000) / 25), judge, CLIP, FACTORS))
    longest_s = CLIP.duration_s * FACTORS[-1]
    assert len(held) >= 10
    assert max(held) <= 25 * (2.5 * longest_s)


def test_progress_follows_the_film() -> None:
    seen: list[float] = []
    list(windows.judge_shots(film(np.arange(50) / 25), judge, CLIP, FACTORS, seen.append))
    assert seen == pytest.approx(list(np.arange(50) / 25))
