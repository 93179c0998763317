from fractions import Fraction

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from scripted_runtime import frame_at, motion_runtime, positions_px, runtime_by, weights
from speediness import sampling
from speediness.analysis import shot as shot_module
from speediness.analysis.scorer import score_shot, score_shots
from speediness.analysis.shot import PAIRS, SHORTEST, ClipShot, MotionShot, ShotScores
from speediness.clip import ClipSpec
from speediness.motion_field import REFERENCE_PX
from speediness.runtime.protocol import Runtime
from speediness.video.reader import Frame

CLIP = ClipSpec(n_frames=8, frame_rate=Fraction(8), size_px=32)
FACTORS = sampling.playback_factors(6)
MOVES = motion_runtime(CLIP.n_frames)
SEES = motion_runtime(CLIP.n_frames, sees_scene=True)
CLIPS = runtime_by(lambda clips: np.diff(positions_px(clips)) @ weights(CLIP.n_frames - 1))


def position_px(time_s: float | np.ndarray) -> np.ndarray:
    return 8 * np.asarray(time_s) + np.sin(2 * np.asarray(time_s))


def video(times_s: np.ndarray, scene: bool = False) -> list[Frame]:
    """A frame of the scene about every second, ever brighter."""
    frames = []
    for n, time_s in enumerate(times_s):
        seen = np.full((32, 32, 3), n // 25, np.uint8) if scene and n % 25 == 12 else None
        frames.append(Frame(Fraction(float(time_s)), frame_at(float(position_px(time_s))), seen))
    return frames


def motion_answers(start_s: float, end_s: float, factor: float) -> np.ndarray:
    """(W,) what MOVES says of all whole windows from the start on."""
    width_s = factor / 8
    edges_s = start_s + np.arange(int((end_s - start_s) / width_s + 1e-6) + 1) * width_s
    bins = np.diff(position_px(edges_s)) * REFERENCE_PX / CLIP.size_px
    return sliding_window_view(bins, CLIP.n_frames) @ weights(CLIP.n_frames)


def assert_same(one: ShotScores, other: ShotScores) -> None:
    for name, value in vars(one).items():
        parts, others = (
            (value, getattr(other, name)) if isinstance(value, tuple) else ([value], [getattr(other, name)])
        )
        for part, expected in zip(parts, others, strict=True):
            assert np.shape(part) == np.shape(expected), name
            np.testing.assert_allclose(
                np.asarray(part, float), np.asarray(expected, float), atol=2e-3, err_msg=name
            )


@pytest.mark.parametrize("rate", [24, 25, Fraction(30_000, 1001), 30, 50, 60, None])
def test_the_answer_is_that_of_the_motion_whatever_the_frame_rate(rate: Fraction | int | None) -> None:
    gaps_s = np.random.default_rng(0).uniform(0.02, 0.06, 500)
    times_s = 2.0 + (np.cumsum(gaps_s) if rate is None else np.arange(round(12 * rate)) / float(rate))
    shot = score_shot(video(times_s), MOVES, CLIP, FACTORS)
    assert shot.times_s.tolist() == times_s.tolist()
    for factor, middles_s, rate_W2 in zip(FACTORS, shot.middles_s, shot.rate, strict=True):
        expected = motion_answers(times_s[0], times_s[-1], factor)
        assert len(middles_s) == len(rate_W2) >= len(expected) - 1  # the last frame may be skipped
        np.testing.assert_allclose(rate_W2[:, 0], expected[: len(rate_W2)], rtol=0.03)
        np.testing.assert_allclose(
            middles_s, times_s[0] + (np.arange(len(middles_s)) + CLIP.n_frames / 2) * factor / 8
        )
        assert middles_s[-1] + CLIP.duration_s * factor / 2 <= times_s[-1] + 1e-6
    np.testing.assert_allclose(np.diff(shot.motion_s), 1 / 8)
    inner = np.isin(np.round(shot.motion_s * 16), np.round(shot.features_s * 16))
    np.testing.assert_allclose(
        shot.features[:, 0].astype(float), shot.motion[inner, 0] * 56 / 64, rtol=0.01
    )


@pytest.mark.parametrize("runtime", [MOVES, SEES, CLIPS], ids=["motion", "scene", "clips"])
@pytest.mark.parametrize("chunk_s", [2.0, 7.3])
def test_a_shot_in_chunks_is_the_shot_in_one_go(
    runtime: Runtime, chunk_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = video(np.arange(750) / 25, scene=True)
    monkeypatch.setattr(shot_module, "CHUNK_S", 1000.0)
    whole = score_shot(frames, runtime, CLIP, FACTORS)
    monkeypatch.setattr(shot_module, "CHUNK_S", chunk_s)
    assert_same(score_shot(frames, runtime, CLIP, FACTORS), whole)
    assert all(len(rate_W2) > 20 for rate_W2 in whole.rate)


def test_a_bin_is_told_of_the_scene_seen_last() -> None:
    times_s = np.arange(500) / 25
    plain, told = (
        score_shot(video(times_s, scene=True), runtime, CLIP, (1.0,)) for runtime in (MOVES, SEES)
    )
    looks_s = times_s[12::25]
    starts_s = told.middles_s[0] - CLIP.duration_s / 2
    bins_s = starts_s[:, None] + (np.arange(CLIP.n_frames) + 0.5) / 8
    seen = np.maximum(np.searchsorted(looks_s, bins_s, "right") - 1, 0)
    np.testing.assert_allclose(
        told.rate[0][:, 0] - plain.rate[0][:, 0], seen @ weights(CLIP.n_frames), atol=1e-4
    )


def test_memory_is_bounded_by_the_longest_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shot_module, "CHUNK_S", 4.0)
    longest_s = FACTORS[-1] * CLIP.duration_s
    motion, clips = MotionShot(SEES, CLIP, FACTORS), ClipShot(CLIPS, CLIP, FACTORS)
    for frame in video(np.arange(2500) / 25, scene=True):
        for shot in (motion, clips):
            shot.add(frame)
        assert len(motion._held) <= PAIRS + 1
        assert motion._field is None or len(motion._field._totals) <= 25 * (4 + longest_s)
        assert motion._scene_maps is None or len(motion._scene_maps) <= longest_s + 4 + 3
        assert len(clips._held) <= 25 * (4 + 2 * longest_s)


@pytest.mark.parametrize("runtime", [MOVES, CLIPS], ids=["motion", "clips"])
@pytest.mark.parametrize("n_frames", [1, 2, 14])
def test_no_window_fits_into_a_short_shot(runtime: Runtime, n_frames: int) -> None:
    shot = score_shot(video(np.arange(n_frames) / 25), runtime, CLIP, FACTORS)
    assert len(shot.times_s) == n_frames
    assert all(len(part) == 0 for part in (*shot.middles_s, *shot.rate))
    assert len(shot.features) == len(shot.features_s) == 0


def test_a_shot_a_little_shorter_than_a_window_is_one_window() -> None:
    n_frames = round(25 * (SHORTEST * CLIP.n_frames + 1) / float(CLIP.frame_rate)) + 1
    shot = score_shot(video(np.arange(n_frames) / 25), MOVES, CLIP, (1.0, 1.25, 2.0))
    count = [int((n_frames - 1) / 25 * float(CLIP.frame_rate) / factor + 1e-6) for factor in (1.0, 1.25)]
    assert [len(rate) for rate in shot.rate] == [1, int(count[1] >= SHORTEST * CLIP.n_frames), 0]
    assert shot.middles_s[0][0] == pytest.approx(count[0] / float(CLIP.frame_rate) / 2)
    assert len(shot.features) == len(shot.features_s) > 0
    bins = shot.motion[:, 0] * 56 / 64
    np.testing.assert_allclose(shot.rate[0][0, 0], bins @ weights(count[0]), rtol=0.01)


def test_factors_whose_windows_do_not_fit_have_none() -> None:
    shot = score_shot(video(np.arange(51) / 25), MOVES, CLIP, FACTORS)
    assert [len(rate_W2) > 0 for rate_W2 in shot.rate] == [factor <= 2 / SHORTEST for factor in FACTORS]


def test_windows_of_frames_are_even_whole_and_a_quarter_apart() -> None:
    times_s = np.arange(400) / 25
    shot = score_shot(video(times_s), CLIPS, CLIP, FACTORS)
    for factor, middles_s, rate_W2 in zip(FACTORS, shot.middles_s, shot.rate, strict=True):
        step = round(25 * factor / 8)
        span = 7 * step + 1
        starts = np.arange(0, len(times_s) - span + 1, span // 4)
        frames = starts[:, None] + step * np.arange(8)
        expected = np.diff(position_px(times_s[frames])) @ weights(7)
        np.testing.assert_allclose(rate_W2[:, 0], expected, atol=2e-3)
        np.testing.assert_allclose(middles_s, times_s[frames[:, [0, -1]]].mean(1))
    assert shot.features_s.tolist() == shot.middles_s[0].tolist()


def test_no_window_straddles_a_cut() -> None:
    rng = np.random.default_rng(0)
    frames = video(np.arange(300) / 25)
    cut_frames = []
    for first, end in ((0, 110), (110, 170), (170, 300)):
        scene = rng.integers(40, 220, (32, 32, 1)).astype(np.uint8)
        for frame in frames[first:end]:
            pixels = scene.copy()
            pixels[0] = frame.pixels_HWC[0]
            cut_frames.append(Frame(frame.time_s, pixels))
    shots = list(score_shots(cut_frames, MOVES, CLIP, FACTORS))
    for shot, (first, end) in zip(shots, [(0, 110), (110, 170), (170, 300)], strict=True):
        assert_same(shot, score_shot(frames[first:end], MOVES, CLIP, FACTORS))


@pytest.mark.parametrize(
    ("size_px", "scored_px"), [(64, (64, 96)), (112, (112, 192)), (96, (96, 160)), (48, (48, 80))]
)
def test_a_frame_is_cut_as_little_as_its_network_allows(size_px: int, scored_px: tuple[int, int]) -> None:
    clip = ClipSpec(n_frames=8, size_px=size_px, channels=1)
    seen: list[tuple[int, ...]] = []

    def rule(clips: np.ndarray) -> np.ndarray:
        seen.append(clips.shape[2:4])
        return np.zeros(len(clips))

    wide_px = round(size_px * 16 / 9)
    frames = [Frame(Fraction(n, 16), np.zeros((size_px, wide_px, 1), np.uint8)) for n in range(20)]
    score_shot(frames, runtime_by(rule), clip)
    assert set(seen) == {scored_px}
