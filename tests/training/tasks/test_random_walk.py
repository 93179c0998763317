from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.encoder import EncoderConfig
from speediness.models.random_walk import RandomWalkNet
from speediness.training.tasks.random_walk import RandomWalkTask, jittered
from speediness.training.tasks.task import Batch


def published_nodes(frames: int) -> torch.Tensor:
    """(1, T, 5, 4) directions for which losses were computed by other code."""
    c, t, n = (torch.arange(count, dtype=torch.float64) for count in (4, frames, 5))
    values = torch.sin(1 + 1.7 * c[:, None, None] + 0.9 * t[:, None] + 2.3 * n)
    return (values / values.norm(dim=0)).permute(1, 2, 0)[None]


@pytest.mark.parametrize(
    ("frames", "temperature", "loss"), [(3, 0.07, 0.80723899), (3, 0.05, 0.75119152), (4, 0.07, 0.87196299)]
)
def test_the_loss_is_that_of_other_code(frames: int, temperature: float, loss: float) -> None:
    found = RandomWalkTask(temperature=temperature).losses(published_nodes(frames))["loss"]
    assert found.item() == pytest.approx(loss, abs=5e-9)


def loss_by_hand(nodes_TNE: torch.Tensor, temperature: float) -> torch.Tensor:
    """Walk by walk, chance by chance."""
    frames, count = nodes_TNE.shape[:2]

    def step(chances: list[torch.Tensor], now: int, then: int) -> list[torch.Tensor]:
        result = [torch.zeros((), dtype=torch.float64) for _ in range(count)]
        for n in range(count):
            weights = [
                torch.exp(nodes_TNE[now, n] @ nodes_TNE[then, m] / temperature) for m in range(count)
            ]
            for m in range(count):
                result[m] = result[m] + chances[n] * weights[m] / sum(weights)
        return result

    losses = []
    for length in range(2, frames):
        there = list(range(length + 1))
        path = [*there, *there[-2::-1]]
        for start in range(count):
            chances = [torch.tensor(float(n == start), dtype=torch.float64) for n in range(count)]
            for now, then in pairwise(path):
                chances = step(chances, now, then)
            losses.append(-torch.log(chances[start]))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("frames", [3, 4, 5])
def test_loss_and_gradients_equal_the_obvious_loops(frames: int) -> None:
    generator = torch.Generator().manual_seed(frames)
    start = torch.randn(2, frames, 4, 3, generator=generator, dtype=torch.float64)
    found = []
    for by_hand in (False, True):
        raw = start.clone().requires_grad_()
        nodes = F.normalize(raw, dim=-1)
        if by_hand:
            loss = torch.stack([loss_by_hand(one, 0.2) for one in nodes]).mean()
        else:
            loss = RandomWalkTask(temperature=0.2).losses(nodes)["loss"]
        loss.backward()
        found.append((loss.detach(), raw.grad))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-8, rtol=1e-6)


def test_a_still_video_of_distinct_nodes_costs_nothing_when_cold() -> None:
    nodes = F.normalize(torch.randn(1, 1, 6, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    found = RandomWalkTask(temperature=0.005).losses(nodes.expand(1, 4, 6, 8))
    assert found["loss"].item() < 1e-4
    assert found["accuracy"].item() == 1


def test_cut_edges_are_walked_by_nobody() -> None:
    torch.manual_seed(0)
    nodes = F.normalize(torch.randn(1, 2, 400, 8), dim=-1)
    chances = RandomWalkTask()._steps(nodes[:, :1], nodes[:, 1:], 0.3)
    torch.testing.assert_close(chances.sum(-1), torch.ones(1, 1, 400))
    assert (chances == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert (RandomWalkTask(temperature=0.5)._steps(nodes[:, :1], nodes[:, 1:], 0.0) > 0).all()


def test_patches_are_squares_of_the_frame_row_by_row() -> None:
    clips = torch.arange(2 * 3 * 48 * 48 * 3).reshape(2, 3, 48, 48, 3)
    patches = RandomWalkTask(patch_px=32, step_px=16).patches(clips)
    assert patches.shape == (2, 4, 3, 32, 32, 3)
    for n, (top, left) in enumerate(((0, 0), (0, 16), (16, 0), (16, 16))):
        torch.testing.assert_close(
            patches[1, n], clips[1, :, top : top + 32, left : left + 32].float(), rtol=0, atol=0
        )


def test_jitter_enlarges_a_part_of_each_patch() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(32.0).expand(32, 32)
    patches = torch.stack([ramp, ramp.T, ramp], -1).expand(2, 3, 4, 32, 32, 3)
    seen = jittered(patches)
    assert seen.shape == patches.shape
    # The slope of a ramp is the side of what is seen: the root of 0.7 to 0.9 of the area.
    slopes = (seen[..., 16, 20, 0] - seen[..., 16, 10, 0]) / 10
    assert 0.83 < slopes.min() < slopes.max() < 0.95
    assert slopes.std() > 0.01
    torch.testing.assert_close(seen[..., 0], seen[..., 2])


def test_a_step_teaches_every_weight_and_a_patch_is_encoded_alone() -> None:
    torch.manual_seed(0)
    config = EncoderConfig(ClipSpec(4, size_px=48, channels=3), "frame_resnet18", 0.125)
    network, task = RandomWalkNet(config).train(), RandomWalkTask(patch_px=32, step_px=16)
    clips = torch.randint(0, 255, (2, 4, 48, 48, 3), dtype=torch.uint8)
    losses = task.step(network, network, task.memory(), Batch((clips,), torch.zeros(2), ("a", "b")))
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    with torch.no_grad():
        (before,) = network(task.patches(clips).flatten(0, 1))
        clips[:, :, :16, :16] = 0  # seen by the first patch alone
        (after,) = network(task.patches(clips).flatten(0, 1))
    torch.testing.assert_close(before[1:4], after[1:4])
    assert (before[0] - after[0]).abs().max() > 1e-3


@pytest.mark.parametrize("bad", [{"temperature": 0.0}, {"edge_dropout": 1.0}, {"patch_px": 0}])
def test_settings_without_meaning_are_refused(bad: dict) -> None:
    with pytest.raises(SpeedinessError, match="temperature above 0"):
        RandomWalkTask(**bad)
