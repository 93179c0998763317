import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.models.encoder import EncoderConfig
from speediness.models.phase_net import PhaseNet
from speediness.training.recipes import tcc_small
from speediness.training.tasks.task import Batch
from speediness.training.tasks.tcc import TCCTask, action

CLASSES, PLAIN = TCCTask(form="classification"), TCCTask(form="classification", smoothing=0.0)


def published() -> tuple[Tensor, Tensor]:
    """Embeddings for which losses were computed by other code."""
    n, d = torch.arange(1, 7, dtype=torch.float64)[:, None], torch.arange(1, 5, dtype=torch.float64)
    return torch.sin(n[:5] * d)[None], torch.cos(n * d)[None]


@pytest.mark.parametrize(
    ("task", "loss"), [(CLASSES, 1.02784792), (PLAIN, 0.37052969), (TCCTask(), 0.97188440)]
)
def test_the_loss_is_that_of_other_code(task: TCCTask, loss: float) -> None:
    assert task.losses(*published())["loss"].item() == pytest.approx(loss, abs=5e-9)


def loss_by_hand(task: TCCTask, one: Tensor, other: Tensor) -> Tensor:
    """Moment by moment, distance by distance."""

    def likeness(a: Tensor, b: Tensor) -> Tensor:
        return (
            -sum(((a[d] - b[d]) ** 2 for d in range(len(a))), torch.zeros(())) / len(a) / task.temperature
        )

    def chances(values: list[Tensor]) -> list[Tensor]:
        weights = [torch.exp(value) for value in values]
        return [weight / sum(weights) for weight in weights]

    losses, count = [], len(one)
    for i in range(count):
        there = chances([likeness(one[i], v) for v in other])
        found = sum((share * v for share, v in zip(there, other, strict=True)), torch.zeros(()))
        back = chances([likeness(found, u) for u in one])
        if task.form == "classification":
            wanted = [task.smoothing / count + (1 - task.smoothing) * (k == i) for k in range(count)]
            losses.append(-sum(w * torch.log(b) for w, b in zip(wanted, back, strict=True)))
            continue
        mean = sum(share * k / count for k, share in enumerate(back))
        variance = torch.stack([share * (k / count - mean) ** 2 for k, share in enumerate(back)]).sum()
        losses.append((i / count - mean) ** 2 / variance + task.variance_weight * torch.log(variance))
    return torch.stack([torch.as_tensor(loss) for loss in losses]).mean()


@pytest.mark.parametrize("task", [CLASSES, PLAIN, TCCTask(), TCCTask(temperature=0.5)])
def test_loss_and_gradients_equal_the_obvious_loops(task: TCCTask) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(3, n, 4, generator=generator, dtype=torch.float64) / 2 for n in (5, 6)]
    found = []
    for by_hand in (False, True):
        one, other = (part.clone().requires_grad_() for part in start)
        if by_hand:
            loss = torch.stack([loss_by_hand(task, *pair) for pair in zip(one, other, strict=True)]).mean()
        else:
            loss = task.losses(one, other)["loss"]
        loss.backward()
        found.append((loss.detach(), one.grad, other.grad))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-8, rtol=1e-6)


def test_a_video_finds_itself_when_cold_and_a_single_answer_has_a_loss() -> None:
    one = torch.randn(1, 8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cold = TCCTask(form="classification", smoothing=0.0, temperature=1e-3).losses(one, one)
    assert cold["loss"].item() < 1e-6 and cold["accuracy"].item() == 1
    one.requires_grad_()
    loss = TCCTask(temperature=1e-4).losses(one, one)["loss"]
    loss.backward()
    assert math.isfinite(loss.item()) and one.grad is not None and torch.isfinite(one.grad).all()


def config(**settings: object) -> EncoderConfig:
    return EncoderConfig(ClipSpec(8, size_px=48, channels=3), "frame_resnet18", 0.125)


def test_pairs_are_those_of_one_action_and_every_weight_learns() -> None:
    torch.manual_seed(0)
    task = TCCTask(fixed=False)
    network = task.network(config()).train()
    clips = torch.randint(0, 255, (3, 8, 48, 48, 3), dtype=torch.uint8)

    def step(labels: list[int]) -> float:
        batch = Batch((clips,), torch.tensor(labels), ("a", "b", "c"))
        losses = task.step(network.eval(), network, task.memory(), batch)
        losses["loss"].backward()
        return losses["loss"].item()

    (embeddings_BTE,) = network.eval()(clips)
    assert embeddings_BTE.shape == (3, 4, 128)
    both = [
        task.losses(embeddings_BTE[[i]], embeddings_BTE[[j]])["loss"].item() for i, j in ((0, 2), (2, 0))
    ]
    assert step([7, 8, 7]) == pytest.approx(np.mean(both), rel=1e-5)
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert step([1, 2, 3]) == 0


def test_a_fixed_trunk_is_imagenets_and_stays(tmp_path: Path) -> None:
    task = tcc_small().task
    network = task.network(tcc_small().config).train()
    assert isinstance(network, PhaseNet) and not network.backbone.training and network.layers.training
    assert not any(parameter.requires_grad for parameter in network.backbone.parameters())
    network(torch.zeros(1, 4, 64, 64, 3, dtype=torch.uint8))[0].sum().backward()
    assert all(parameter.grad is not None for parameter in network.convolutions.parameters())
    with pytest.raises(SpeedinessError, match="only lite0"):
        task.network(config())
    with pytest.raises(SpeedinessError, match="regression or classification"):
        TCCTask(form="soft")  # pyright: ignore[reportArgumentType]


def test_draw_and_validation(walkers: list[VideoItem], cache_folder: Path) -> None:
    task = TCCTask(fixed=False)
    clip = config().clip
    (view,) = task.draw(walkers[0], lambda: (0.5, 1.5), clip, np.random.default_rng(0))
    pairs = view.times_s.reshape(4, 2)
    np.testing.assert_allclose(pairs[:, 1] - pairs[:, 0], task.context_s)
    assert (np.diff(pairs[:, 1]) > 0).all() and pairs.min() >= 0.5 and pairs.max() <= 1.5
    videos = ClipCache(cache_folder, 96, 3, None).videos(walkers[:3], print, 0)
    network = task.network(config())
    found = task.validate(network, videos)
    assert 0 <= found["accuracy"] <= 1 and -1 <= found["order"] <= 1
    task.prepare(network, videos)
    with pytest.raises(DataError, match="tcc needs several"):
        task.prepare(network, videos[:1])
    assert action(walkers[0]) == action(walkers[1])
