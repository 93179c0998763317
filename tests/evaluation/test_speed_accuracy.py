from pathlib import Path

import numpy as np
import pytest

from scripted_runtime import runtime_by
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.video_list import VideoItem
from speediness.engines.runtime import Outputs, Runtime
from speediness.evaluation.calibration import fit_scale, measure_context_bias, measure_response
from speediness.evaluation.speed_accuracy import (
    VideoScores,
    centre_crop,
    fit_flow_threshold,
    halve,
    report,
    score_video,
)

CLIP = ClipSpec(n_frames=16, size_px=32)


def runtime_by_true_speed(clips: np.ndarray, intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reads the speed off videos whose brightness rises by one a sixteenth of a second."""
    rise = np.abs(np.diff(clips.astype(float), axis=1)).mean((1, 2, 3, 4))
    score = np.log2(np.maximum(rise, 0.01)) - 0.5
    flow = np.stack([rise, rise], 1)
    return np.stack([-score / 2, score / 2], 1).astype(np.float32), flow.astype(np.float32)


def brightening_video(seconds: float = 6, rate: float = 30, source: str = "s") -> DecodedVideo:
    times_s = np.arange(round(seconds * rate)) / rate
    level = (times_s * 16).astype(np.uint8)
    frames = np.broadcast_to(level[:, None, None, None], (len(level), 64, 96, 1))
    return DecodedVideo(VideoItem(Path("film.mp4"), source), times_s, frames)


def scores(one: list[float], two: list[float], magnified: list[float], source: str = "s") -> VideoScores:
    arrays = [np.array(a, np.float32) for a in (one, two, magnified)]
    return VideoScores("f", source, *arrays, *arrays)


@pytest.mark.parametrize("rate", [24, 25, 30, 60])
def test_a_runtime_who_knows_the_speed_is_always_right_at_any_frame_rate(rate: int) -> None:
    found = score_video(brightening_video(rate=rate), runtime_by_true_speed, CLIP)
    assert len(found.score_1x) == 5
    assert (found.score_1x < 0).all() and (found.score_2x > 0).all()
    np.testing.assert_allclose(found.flow_1x, 1, atol=0.1)
    np.testing.assert_allclose(found.flow_2x, 2, atol=0.1)


def test_a_video_shorter_than_its_2x_window_is_scored_once() -> None:
    assert len(score_video(brightening_video(1.2), runtime_by_true_speed, CLIP).score_2x) == 1


def test_magnified_windows_show_the_middle_at_twice_the_scale() -> None:
    seen: list[np.ndarray] = []

    def runtime(clips: np.ndarray, intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(clips)
        return runtime_by_true_speed(clips, intervals)

    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (1, 64, 96, 1), np.uint8)
    score_video(
        DecodedVideo(VideoItem(Path("f.mp4"), "s"), np.arange(90) / 30, np.repeat(frame, 90, 0)),
        runtime,
        CLIP,
    )
    plain, _, magnified = seen[0][0], seen[0][1], seen[0][2]
    np.testing.assert_array_equal(magnified[0], frame[0, 16:48, 32:64])
    by_hand = frame[0].reshape(32, 2, 48, 2).astype(float).mean((1, 3))[:, 8:40]
    assert np.abs(plain[0, :, :, 0] - by_hand).max() <= 0.5


def test_halving_and_cropping_drop_odd_edges() -> None:
    assert halve(np.zeros((2, 65, 97, 3), np.uint8)).shape == (2, 32, 48, 3)
    assert centre_crop(np.zeros((2, 33, 48, 1), np.uint8), 32).shape == (2, 32, 32, 1)


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


def test_the_scale_recovers_a_known_calibration() -> None:
    rng = np.random.default_rng(1)
    videos = []
    for _ in range(200):
        truth = rng.normal(0, 2, 400)
        label = rng.random(400) < 1 / (1 + np.exp(-truth))
        raw = truth * 3 + 0.7
        n = min(label.sum(), (~label).sum())
        videos.append(scores(list(raw[~label][:n]), list(raw[label][:n]), [0.0]))
    bias, temperature = fit_scale(videos)
    assert bias == pytest.approx(0.7, abs=0.1)
    assert temperature == pytest.approx(3, rel=0.05)


def test_the_context_bias_is_what_context_adds() -> None:
    context = 3

    def motion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.zeros((len(before), 4, 1, 1), np.float32)

    def windows(clips: object, cells: np.ndarray, intervals: np.ndarray) -> Outputs:
        n_windows = cells.shape[1] - CLIP.n_frames + 2
        around = np.minimum(np.arange(n_windows), context)
        score = 0.7 + 0.5 * np.broadcast_to(
            (around + around[::-1]) / (2 * context), (len(cells), n_windows)
        )
        nothing = np.zeros((len(cells), n_windows, 2), np.float32)
        return Outputs(np.stack([0 * score, score], 2).astype(np.float32), nothing, nothing, nothing)

    videos = [brightening_video(seconds, 30) for seconds in (1, 8, 12)]  # the first is too short for any
    runtime = Runtime(motion, windows, False, context)
    assert measure_context_bias(videos, runtime, CLIP) == pytest.approx(0.5, abs=1e-5)
    assert measure_context_bias(videos[:1], runtime, CLIP) == 0
    assert measure_context_bias(videos, runtime_by(runtime_by_true_speed), CLIP) == 0


def test_the_response_counts_what_natural_video_answers_at_each_factor() -> None:
    videos = [brightening_video(8, 30, f"s{n}") for n in range(12)]
    bias = -0.1  # natural speed answers -0.5, on the edge of two bins: moved into the middle of one
    found = measure_response(videos, runtime_by(runtime_by_true_speed).calibrated(bias, 1.0), CLIP)
    share = np.array(found["share"])
    np.testing.assert_allclose(share.sum(1), 1)
    assert found["factors"][0] == 1.0
    for factor, row in zip(found["factors"][:4], share, strict=False):  # longer windows turn back
        likeliest = int(row.argmax())
        assert likeliest == np.digitize(np.log2(factor) - 0.5 - bias, found["edges"])
        assert row[likeliest] > 0.4
    assert share.min() > 0
