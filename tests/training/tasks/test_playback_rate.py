import dataclasses
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from measured_motion import motion_video
from speediness.clip import ClipSpec
from speediness.datasets.motion_cache import MotionVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.models.backbones.efficientnet import FEATURES
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet
from speediness.training.tasks.playback_rate import (
    DOUBLE,
    FASTEST,
    NATURAL,
    SLOWEST,
    PlaybackRateTask,
    scene_samples,
)
from speediness.training.tasks.task import Batch

CONFIG = EncoderConfig(ClipSpec(16, Fraction(8), 56), "motion", 0.2)


def losses_by_hand(
    answers: np.ndarray, rates: np.ndarray, views: int, regression: float, ranking: float
) -> dict[str, float]:
    """View by view, pair by pair."""
    two_classes, likelihood, order, right, ranked = [], [], [], [], []
    for first in range(0, len(rates), views):
        window = range(first, first + views)
        for place, n in enumerate(window):
            mean, log_variance = answers[n]
            variance = math.exp(log_variance)
            likelihood.append(0.5 * ((mean - rates[n]) ** 2 / variance + log_variance))
            if place < 2:
                p_2x = 1 / (1 + math.exp(-(mean - 0.5) / variance))
                two_classes.append(-math.log(p_2x if place == 1 else 1 - p_2x))
                right.append((p_2x > 0.5) == (place == 1))
        for a in window:
            for b in range(a + 1, first + views):
                slow, fast = (a, b) if rates[a] < rates[b] else (b, a)
                ahead = answers[fast, 0] - answers[slow, 0]
                order.append(math.log(1 + math.exp(-4 * ahead)))
                ranked.append(ahead > 0)
    return {
        "loss": float(np.mean(two_classes) + regression * np.mean(likelihood) + ranking * np.mean(order)),
        "two_classes": float(np.mean(two_classes)),
        "accuracy": float(np.mean(right)),
        "pairs_ranked": float(np.mean(ranked)),
    }


def drawn(task: PlaybackRateTask, windows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers and true log2 rates of so many windows."""
    rng = np.random.default_rng(seed)
    rates = np.log2([rate for _ in range(windows) for rate in task.rates(SLOWEST, FASTEST, rng)])
    answers = np.stack([rates + rng.normal(size=len(rates)), rng.uniform(-1, 1, len(rates))], 1)
    return torch.from_numpy(answers), torch.from_numpy(rates)


@pytest.mark.parametrize("others", [0, 1, 3])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.0, 0.0), (2.0, 0.25)])
def test_losses_equal_the_obvious_loop(others: int, weights: tuple[float, float]) -> None:
    task = PlaybackRateTask(others, *weights)
    for seed in range(3):
        answers, rates = drawn(task, 5, seed)
        found = task.losses(answers, rates)
        expected = losses_by_hand(answers.numpy(), rates.numpy(), task.views_per_window, *weights)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name].item() == pytest.approx(value, abs=1e-6), name


def test_losses_of_halves_average_to_the_whole() -> None:
    """What training on several devices rests on."""
    task = PlaybackRateTask()
    answers, rates = drawn(task, 6, 0)
    whole = task.losses(answers, rates)
    halves = [task.losses(answers[part], rates[part]) for part in (slice(9), slice(9, 18))]
    for name, value in whole.items():
        assert np.mean([half[name].item() for half in halves]) == pytest.approx(value.item(), abs=1e-6)


def test_the_gradient_pulls_means_to_the_rates_and_apart() -> None:
    task = PlaybackRateTask(others=0, ranking=1.0)
    rates = torch.tensor([0.0, 1.0])
    answers = torch.tensor([[0.5, 0.0], [0.5, 0.0]], requires_grad=True)
    task.losses(answers, rates)["loss"].backward()
    assert answers.grad is not None and answers.grad[0, 0] > 0 > answers.grad[1, 0]
    task.losses(answers, rates)
    wide = torch.tensor([[0.0, 1.0], [1.0, 1.0]], requires_grad=True)
    task.losses(wide, rates)["loss"].backward()
    assert wide.grad is not None and (wide.grad[:, 1] > 0).all()  # right and unsure: be surer


def test_rates_are_one_two_and_others_that_the_video_has_the_frames_for() -> None:
    task, rng = PlaybackRateTask(others=4), np.random.default_rng(0)
    for slowest, fastest in ((0.1, 2.2), (0.1, 3.0), (0.5, 100.0), (1.0, 2.2)):
        drawn = np.array([task.rates(slowest, fastest, rng) for _ in range(200)])
        assert drawn.shape == (200, task.views_per_window)
        for column, (low, high) in enumerate((NATURAL, DOUBLE)):
            assert low <= drawn[:, column].min() and drawn[:, column].max() <= high
        others, low, high = drawn[:, 2:], max(slowest, SLOWEST), min(fastest, FASTEST)
        assert low <= others.min() < 1.1 * low and 0.9 * high < others.max() <= high
        # As many below the geometric middle as above it.
        assert (others < math.sqrt(low * high)).mean() == pytest.approx(0.5, abs=0.06)


def test_a_step_asks_the_network_once_with_all_it_was_given() -> None:
    task = PlaybackRateTask()
    answers, rates = drawn(task, 2, 1)
    asked = []

    def forward(*inputs: torch.Tensor) -> tuple[torch.Tensor]:
        asked.append(inputs)
        return (answers,)

    inputs = (
        torch.zeros(6, 16, 4, 14, 14),
        torch.zeros(6, 32, 7, 7),
        torch.zeros(6, 16, dtype=torch.int64),
    )
    found = task.step(forward, forward, torch.nn.Module(), Batch(inputs, rates, ("a", "b")))
    assert len(asked) == 1 and all(map(torch.equal, asked[0], inputs))
    assert found["loss"] == task.losses(answers, rates)["loss"]


def test_validation_gives_the_figures_of_all_videos_long_enough() -> None:
    torch.manual_seed(0)
    network = PlaybackRateTask(sees_scene=False).network(CONFIG)
    videos = [
        motion_video(lambda time_s, number, v=v: (v, 0.0), seconds, name=f"{v}")
        for v, seconds in ((3.0, 6.0), (8.0, 9.0), (20.0, 3.0))
    ]
    found = PlaybackRateTask().validate(network, videos)
    assert {"accuracy", "auc", "log_loss", "pairs_ranked", "matched_pairs", "mean_flow"} <= found.keys()
    assert all(math.isfinite(value) for value in found.values())
    assert found == PlaybackRateTask().validate(network, videos[:2])  # the third holds no window at 2x
    # The 3 windows of the slow video move less at 2x than the 6 of the fast one at 1x.
    assert found["mean_flow"] == pytest.approx(15 / 18)
    with pytest.raises(DataError, match="long enough"):
        PlaybackRateTask().validate(network, videos[2:])


def test_the_network_predicts_rates_and_is_told_of_the_scene_if_asked_for() -> None:
    for sees_scene in (False, True):
        network = PlaybackRateTask(sees_scene=sees_scene).network(CONFIG)
        assert isinstance(network, SpeedNet) and network.head == "rate"
        assert (network.scene is not None) == sees_scene


def test_scenes_are_sampled_from_every_source_at_most_so_often() -> None:
    rng = np.random.default_rng(0)

    def seen(source: str, looks: int) -> MotionVideo:
        maps = rng.normal(size=(looks, FEATURES, 2, 3)).astype(np.float16)
        item = VideoItem(Path(f"{source}.mp4"), source)
        return dataclasses.replace(
            motion_video(seconds=1), item=item, scene_s=np.arange(30.0), scene_NChw=maps
        )

    videos = [seen("a", 2), seen("b", 3), seen("b", 4)]
    samples = scene_samples(videos, places=4)
    assert samples.shape == (9 * 4, FEATURES) and samples.dtype == np.float32
    features = {
        video.scene_NChw[n, :, r, c].tobytes()
        for video in videos
        for n, r, c in np.ndindex(len(video.scene_NChw), 2, 3)
    }
    assert {row.astype(np.float16).tobytes() for row in samples} <= features
    assert len({row.tobytes() for row in samples}) == 36  # no place of a look twice
    np.testing.assert_array_equal(samples, scene_samples(videos, places=4))
    assert len(scene_samples([seen("a", 250), seen("b", 2)], places=2)) == 400 + 4


def test_preparing_fits_the_scene_to_the_videos() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(3, 2, size=(30, FEATURES, 2, 3)).astype(np.float16)
    video = dataclasses.replace(motion_video(seconds=1), scene_s=np.arange(30.0), scene_NChw=maps)
    network = PlaybackRateTask().network(CONFIG)
    PlaybackRateTask().prepare(network, [video])
    assert network.scene is not None
    told = network.scene.project(torch.from_numpy(scene_samples([video])).T[None, :, :, None])
    torch.testing.assert_close(told.mean((0, 2, 3)), torch.zeros(32), atol=1e-3, rtol=0)
    torch.testing.assert_close(told.var((0, 2, 3), correction=0), torch.ones(32), atol=1e-2, rtol=0)
    blind = PlaybackRateTask(sees_scene=False).network(CONFIG)
    before = {name: tensor.clone() for name, tensor in blind.state_dict().items()}
    PlaybackRateTask(sees_scene=False).prepare(blind, [video])
    assert all(torch.equal(tensor, before[name]) for name, tensor in blind.state_dict().items())
