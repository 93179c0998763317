from pathlib import Path

import numpy as np
import pytest

from brightening import (
    CLIP,
    brightening_video,
    clip_runtime_by_true_speed,
    runtime_by_true_speed,
)
from scripted_runtime import motion_runtime_by
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.speed_accuracy import (
    VideoScores,
    area_under_curve,
    fit_flow_threshold,
    halve,
    log_loss,
    report,
    score_video,
)
from speediness.runtime.protocol import BOUNDARY, Runtime, mean_over_windows


def scores(one: list[float], two: list[float], magnified: list[float], source: str = "s") -> VideoScores:
    arrays = [np.array(a, np.float32) for a in (one, two, magnified)]
    return VideoScores("f", source, *arrays, *arrays)


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_a_network_that_knows_the_speed_is_always_right_at_any_frame_rate(rate: int) -> None:
    found = score_video(brightening_video(rate=rate), runtime_by_true_speed(), CLIP)
    assert found is not None and len(found.score_1x) == 5
    np.testing.assert_allclose(found.score_1x, 0 - BOUNDARY, atol=0.1)
    np.testing.assert_allclose(found.score_2x, 1 - BOUNDARY, atol=0.1)
    # In pixels of a frame of short side 64, a bin of an eighth of a second.
    np.testing.assert_allclose(found.flow_1x, 2 * 64 / 56, rtol=0.1)
    np.testing.assert_allclose(found.flow_2x, 4 * 64 / 56, rtol=0.1)


def test_a_network_that_sees_frames_is_asked_about_the_same_moments() -> None:
    found = score_video(brightening_video(rate=32), clip_runtime_by_true_speed(), CLIP)
    assert found is not None and len(found.score_1x) == 5
    np.testing.assert_allclose(found.score_1x, 0 - BOUNDARY, atol=0.1)
    np.testing.assert_allclose(found.score_2x, 1 - BOUNDARY, atol=0.1)


def test_a_video_without_a_whole_window_at_2x_is_not_scored() -> None:
    for runtime in (runtime_by_true_speed(), clip_runtime_by_true_speed()):
        assert score_video(brightening_video(1.9), runtime, CLIP) is None
        found = score_video(brightening_video(2.2), runtime, CLIP)
        assert found is not None and len(found.score_1x) == len(found.score_2x) == 2


def test_magnified_windows_show_the_middle_at_twice_the_scale() -> None:
    seen: list[np.ndarray] = []

    def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        seen.append(before[0])
        return np.zeros((len(before), 2, 2))

    frame = np.random.default_rng(0).integers(0, 256, (1, 112, 128, 1), np.uint8)
    video = DecodedVideo(VideoItem(Path("f.mp4"), "s"), np.arange(90) / 30, np.repeat(frame, 90, 0))
    score_video(video, motion_runtime_by(moved, lambda windows: windows.mean(2), CLIP.n_frames), CLIP)
    plain, magnified = seen[0], seen[-1]
    np.testing.assert_array_equal(magnified, frame[0, 28:84, 32:96])
    by_hand = frame[0].reshape(56, 2, 64, 2).astype(float).mean((1, 3))
    assert np.abs(plain[:, :, 0] - by_hand).max() <= 0.5


def test_the_scene_is_seen_once_a_second_as_played() -> None:
    seen: list[list[int]] = []

    def see(frames: np.ndarray) -> np.ndarray:
        seen.append(frames[:, 0, 0, 0].tolist())
        return np.zeros((len(frames), 32, 2, 2), np.float32)

    plain = brightening_video()
    scenes = {
        int(number): np.full((224, 256, 3), n, np.uint8)
        for n, number in enumerate(np.flatnonzero(plain.times_s % 1 == 0.5))
    }
    video = DecodedVideo(plain.item, plain.times_s, plain.frames_FHWC, scenes=scenes)
    knowing = runtime_by_true_speed()
    score_video(video, Runtime(knowing.measure, knowing.classify, see), CLIP)
    assert seen == [[0, 1, 2, 3, 4, 5], [1, 3, 5], [0, 1, 2, 3, 4, 5]]


def test_halving_drops_odd_edges() -> None:
    assert halve(np.zeros((2, 65, 97, 3), np.uint8)).shape == (2, 32, 48, 3)


def test_moving_means_equal_a_loop() -> None:
    values = np.random.default_rng(0).normal(size=40).astype(np.float32)
    found = mean_over_windows(values, 7)
    np.testing.assert_allclose(found, [values[i : i + 7].mean() for i in range(34)], atol=1e-6)


def drawn(seed: int, n_videos: int = 5) -> list[VideoScores]:
    """Scores of few values, so that there are ties."""
    rng = np.random.default_rng(seed)

    def some(length: int, mean: float) -> list[float]:
        return list(rng.normal(mean, 2, length).round())

    lengths = rng.integers(1, 9, n_videos)
    return [scores(some(n, -1), some(n, 1), some(n, 0), f"s{n}") for n in lengths]


@pytest.mark.parametrize("seed", range(3))
def test_the_area_under_the_curve_counts_pairs(seed: int) -> None:
    videos = drawn(seed)
    pairs = [(slow, fast) for a in videos for slow in a.score_1x for b in videos for fast in b.score_2x]
    by_hand = np.mean([1.0 if fast > slow else 0.5 if fast == slow else 0.0 for slow, fast in pairs])
    assert area_under_curve(videos) == pytest.approx(by_hand)
    found = report(videos, 0.0)
    assert found["auc"] == pytest.approx(by_hand)
    assert found["mean_flow_auc"] == pytest.approx(by_hand)  # whose numbers are the same


@pytest.mark.parametrize("seed", range(3))
def test_the_log_loss_is_that_of_the_probabilities(seed: int) -> None:
    videos = drawn(seed)
    losses = []
    for video in videos:
        losses += [-np.log(1 - 1 / (1 + np.exp(-float(score)))) for score in video.score_1x]
        losses += [-np.log(1 / (1 + np.exp(-float(score)))) for score in video.score_2x]
    assert log_loss(videos) == pytest.approx(np.mean(losses))


def test_figures_by_hand() -> None:
    videos = [
        scores([-1, -1], [1, -3], [0, 2], "a"),  # clip: 1x right, 2x mean p just below a half: wrong
        scores([2], [3], [1], "b"),
    ]
    found = report(videos, flow_threshold=0.0)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["accuracy_clip"] == pytest.approx(2 / 4)
    assert found["per_class"]["normal"] == pytest.approx(2 / 3)
    assert found["per_class"]["sped_up"] == pytest.approx(2 / 3)
    assert found["pairs_ranked"] == pytest.approx(1 / 2)  # -1 against -1 is no win
    assert found["matched_pairs"] == pytest.approx(1 / 2)
    assert found["mean_flow"] == pytest.approx(4 / 6)
    assert found["films"] == 2 and found["windows"] == 6
    assert found["per_source"]["b"]["accuracy"] == pytest.approx(1 / 2)
    low, high = found["interval_95"]["accuracy"]
    assert low <= found["accuracy"] <= high


def test_the_flow_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    videos = [scores(list(rng.normal(0, 1, 40)), list(rng.normal(1, 1, 40)), [0.0]) for _ in range(3)]
    threshold = fit_flow_threshold(videos)

    def accuracy(t: float) -> float:
        return float(np.mean([np.concatenate([f.flow_1x <= t, f.flow_2x > t]).mean() for f in videos]))

    tried = [accuracy(float(t)) for f in videos for t in (*f.flow_1x, *f.flow_2x)]
    assert accuracy(threshold) == max(tried)
