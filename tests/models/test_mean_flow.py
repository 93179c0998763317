from pathlib import Path

import numpy as np
import pytest

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.speed_accuracy import score_video
from speediness.experiments.baselines import train_mean_flow, train_trajectories
from speediness.models.mean_flow import flow_magnitudes, runtime_by_rate
from speediness.motion_field import REFERENCE_PX
from speediness.training.loader import Loader
from speediness.training.tasks.speed_class import SpeedClassTask

CLIP = ClipSpec(n_frames=16, size_px=32)
TASK = SpeedClassTask()


def pan(offsets_px: np.ndarray, size_px: int = 64, seed: int = 0) -> np.ndarray:
    """A band-limited pattern seen at these offsets, (F, H, W, 1)."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.15, 0.6, (16, 2)) * rng.choice([-1, 1], (16, 2))
    phases = rng.uniform(0, 2 * np.pi, 16)
    y, x = np.mgrid[0:size_px, 0:size_px].astype(np.float64)
    frames = []
    for offset_px in offsets_px:
        seen = x + offset_px
        frame = sum(np.cos(u * seen + v * y + p) for (u, v), p in zip(waves, phases, strict=True))
        frames.append(128 + 15 * np.asarray(frame))
    return np.stack(frames)[..., None].round().clip(0, 255).astype(np.uint8)


def video(
    speed_px_s: float, seed: int, seconds: float = 4, rate: float = 30, size_px: int = 64
) -> CachedVideo:
    times_s = np.arange(round(seconds * rate)) / rate
    frames = pan(times_s * speed_px_s, size_px, seed)
    item = VideoItem(Path(f"{seed}.mp4"), str(seed))
    return CachedVideo(item, times_s, frames, np.ones(len(times_s) - 1, np.float32))


@pytest.mark.parametrize("speed_px", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_magnitude_of_a_known_motion(speed_px: float, channels: int) -> None:
    clip = np.repeat(pan(np.arange(6) * speed_px, REFERENCE_PX), channels, -1)[None]
    found = flow_magnitudes(clip)
    assert found.shape == (1, 5)
    np.testing.assert_allclose(found, speed_px, atol=0.1 + 0.05 * speed_px)


def test_magnitudes_are_those_on_a_frame_of_the_reference_size() -> None:
    clip = pan(np.array([0, 1, 3, 3]), 2 * REFERENCE_PX)[None]
    np.testing.assert_allclose(flow_magnitudes(clip), [[0.5, 1, 0]], atol=0.06)


def test_two_speeds_of_one_motion_are_learned_and_of_unlike_motions_are_not() -> None:
    """What mean flow can do, and what it cannot (SpeedNet Fig. 2)."""

    def accuracy(speeds_px_s: list[float]) -> float:
        videos = [video(speed, seed) for seed, speed in enumerate(speeds_px_s)]
        loader = Loader(videos, TASK, CLIP, windows=8, seed=1, spatial=False)
        network, metrics = train_mean_flow(loader, seed=2, clips=192)
        assert metrics[-1]["loss"] < metrics[0]["loss"]
        new = [video(speed, 100 + seed) for seed, speed in enumerate(speeds_px_s)]
        scores = [score_video(f, runtime_by_rate(network), CLIP) for f in new]
        right = [np.concatenate([s.score_1x <= 0, s.score_2x > 0]) for s in scores if s is not None]
        return float(np.concatenate(right).mean())

    assert accuracy([24.0] * 4) > 0.95
    assert accuracy([12.0, 24.0, 48.0]) < 0.9


def test_dense_trajectories_tell_two_speeds_of_one_motion_apart() -> None:
    clip = ClipSpec(n_frames=16, size_px=48)
    videos = [video(24.0, seed, size_px=96) for seed in range(2)]
    network = train_trajectories(
        Loader(videos, TASK, clip, windows=4, seed=1, spatial=False), seed=2, clips=48
    )
    scores = score_video(video(24.0, 100, size_px=96), runtime_by_rate(network), clip)
    assert scores is not None and (scores.score_1x < 0).all() and (scores.score_2x > 0).all()


def test_the_same_seed_gives_the_same_network_and_touches_no_other_randomness() -> None:
    import torch

    loader = Loader([video(24.0, 0)], TASK, CLIP, windows=8, seed=1, spatial=False)
    torch.manual_seed(7)
    first = train_mean_flow(loader, seed=3, clips=64)[0].state_dict()
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(1), after)
    again = train_mean_flow(loader, seed=3, clips=64)[0].state_dict()
    other = train_mean_flow(loader, seed=4, clips=64)[0].state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layers.1.weight"], other["layers.1.weight"])
