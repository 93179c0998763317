from pathlib import Path

import numpy as np
import pytest
import torch

from speediness.align import features
from speediness.align.features import described, load_features, looks_and_motion, whole_units
from speediness.clip import ClipSpec
from speediness.errors import VideoError, WeightsError
from speediness.models.encoder import EncoderConfig
from speediness.models.export import export_features
from speediness.models.phase_net import PhaseNet
from speediness.video.reader import VideoReader
from synthetic import numbered_frame, steady, write_video


def unit(part: np.ndarray) -> np.ndarray:
    moved = part - part.mean(0)
    return moved / np.sqrt((moved**2).sum(1).mean())


def test_looks_and_motion_are_what_they_say() -> None:
    maps = np.random.default_rng(0).normal(size=(7, 4, 6, 3)).astype(np.float16).astype(np.float32)
    found = looks_and_motion(lambda maps_NhwD: maps_NhwD, maps)  # pyright: ignore[reportArgumentType]
    quarters, moving, pace = [], [], []
    for n in range(7):
        quarters.append(
            np.concatenate([maps[n, r : r + 2, c : c + 3].mean((0, 1)) for r in (0, 2) for c in (0, 3)])
        )
        moved = ((maps[min(n + 1, 6)] - maps[max(n - 1, 0)]) ** 2).sum(-1)
        moving.append((maps[n] * moved[..., None]).sum((0, 1)) / moved.sum())
        pace.append([np.log(moved.mean())])
    weight = np.exp(-((np.arange(7)[:, None] - np.arange(7)) ** 2) / 2)
    smooth = weight @ np.array(pace) / weight.sum(1, keepdims=True)
    expected = np.concatenate([unit(np.array(quarters)), unit(np.array(moving)), unit(smooth)], 1)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_of_a_long_video_every_second_frame_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "v.mp4", steady(21))
    monkeypatch.setattr(features, "MOST_FRAMES", 8)
    seen: list[np.ndarray] = []

    def describe(frames: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        seen.append(frames)
        return np.zeros((len(frames), 1), np.float32)

    video = described(VideoReader(path), features.FrameFeatures(64, describe))
    np.testing.assert_allclose(video.times_s, np.arange(0, 21, 4) / 25)
    assert video.end_s == pytest.approx(21 / 25) and seen[0].shape == (6, 64, 96, 3)
    assert whole_units(numbered_frame(0, 90, 70)).shape == (64, 64, 3)
    still = write_video(tmp_path / "still.mp4", steady(1))
    with pytest.raises(VideoError, match="single frame"):
        described(VideoReader(still), features.FrameFeatures(64, describe))


def test_a_trained_network_sees_each_moment_and_the_one_before(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = PhaseNet(EncoderConfig(ClipSpec(8, size_px=64, channels=3), "frame_resnet18", 0.125)).eval()
    document = {"short_side_px": 64, "context_s": 0.08, "made_by": {"steps": 0}}
    export_features(network, network.embed, tmp_path / "n.onnx", "phases", document)
    model = load_features(tmp_path / "n.onnx")
    assert model.short_side_px == 64
    frames = np.random.default_rng(0).integers(0, 255, (5, 64, 128, 3), np.uint8)
    pairs = torch.from_numpy(frames[[[0, 0], [0, 1], [0, 2], [1, 3], [2, 4]]])
    with torch.no_grad():
        expected = unit(network.embed(pairs).numpy())
    np.testing.assert_allclose(model.describe(frames, np.arange(5) / 25), expected, atol=2e-2)


def test_what_tells_no_moments_apart_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.onnx").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="tells no moments apart"):
        load_features(tmp_path / "n.onnx")
    with pytest.raises(WeightsError, match="does not exist"):
        load_features(tmp_path / "none.onnx")
