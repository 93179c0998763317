import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.clip import ClipSpec
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.models.encoder import EncoderConfig
from speediness.models.rspnet import EMBEDDING_DIM, RSPNet
from speediness.training.tasks.rspnet import SPEEDS, KeyQueue, RSPNetTask
from speediness.training.tasks.task import Batch

CLIP = ClipSpec()
ITEM = VideoItem(Path("film.mp4"), "source")
NAMES = ("loss", "motion", "appearance", "accuracy", "found")

Embedded = tuple[torch.Tensor, torch.Tensor]


def losses_by_hand(
    task: RSPNetTask,
    query: Embedded,
    same: Embedded,
    other: Embedded,
    keys: torch.Tensor,
    own: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """Query by query, key by key."""
    motion = appearance = torch.zeros((), dtype=torch.float64)
    ranked = found = 0
    count = len(query[0])
    for n in range(count):
        near, far = (query[0][n] @ key[0][n] for key in (same, other))
        ranked += bool(near > far)
        apart = task.margin - (near - far)
        motion = motion + (apart if apart > 0 else 0 * apart) / task.motion_temperature / count
        negatives = [query[1][n] @ key for k, key in enumerate(keys) if own is None or k != own[n]]
        for key in (same, other):
            positive = query[1][n] @ key[1][n]
            total = sum(torch.exp(similarity / task.temperature) for similarity in [positive, *negatives])
            appearance = appearance - torch.log(torch.exp(positive / task.temperature) / total) / count
        found += all(bool(query[1][n] @ same[1][n] > negative) for negative in negatives)
    return {
        "loss": task.motion_weight * motion + task.appearance_weight * appearance,
        "motion": motion,
        "appearance": appearance,
        "accuracy": torch.tensor(ranked / count),
        "found": torch.tensor(found / count),
    }


def embedded(seed: int, count: int = 5, dim: int = 6) -> list[torch.Tensor]:
    """Motion and appearance of queries and both keys, and other keys, of length 1 in double precision."""
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.randn(count, dim, generator=generator, dtype=torch.float64) for _ in range(6)]
    keys = torch.randn(7, dim, generator=generator, dtype=torch.float64)
    return [F.normalize(part) for part in (*parts, keys)]


@pytest.mark.parametrize("own", [None, torch.arange(5) + 1])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "task", [RSPNetTask(margin=0.8), RSPNetTask(0.5, 0.07, 0.2, motion_weight=0.3, appearance_weight=2.0)]
)
def test_losses_and_gradients_equal_the_obvious_loops(
    task: RSPNetTask, seed: int, own: torch.Tensor | None
) -> None:
    parts = embedded(seed)
    gradients, losses = [], []
    for way in (RSPNetTask.losses, losses_by_hand):
        motion, appearance = (parts[n].clone().requires_grad_() for n in (0, 1))
        found = way(task, (motion, appearance), (parts[2], parts[3]), (parts[4], parts[5]), parts[6], own)
        found["loss"].backward()
        losses.append(found)
        gradients.append((motion.grad, appearance.grad))
    for name in NAMES:
        assert losses[0][name].item() == pytest.approx(losses[1][name].item(), abs=1e-6), name
    for ours, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-8, rtol=1e-6)
        assert ours.abs().max() > 1e-3


def test_a_perfect_triplet_costs_nothing_and_a_swapped_one_the_margin_and_more() -> None:
    east, north = torch.eye(2)
    task = RSPNetTask(margin=0.14, appearance_weight=0.0)

    def motion_loss(same: torch.Tensor, other: torch.Tensor) -> float:
        nothing = torch.zeros(1, 2)
        pair = [(part[None], nothing) for part in (east, same, other)]
        return task.losses(*pair, negatives_KE=torch.zeros(3, 2))["loss"].item()

    assert motion_loss(east, north) == 0
    assert motion_loss(north, east) == pytest.approx(1.14)
    assert motion_loss(north, north) == pytest.approx(0.14)


def test_a_draw_is_a_query_and_two_keys_that_begin_together() -> None:
    speeds = []
    for seed in range(60):
        starts = iter([(3.0, 5.0), (7.0, 9.0)])
        query, same, other = RSPNetTask().draw(
            ITEM, lambda starts=starts: next(starts), CLIP, np.random.default_rng(seed)
        )
        assert query.times_s[0] == 3.0 and same.times_s[0] == other.times_s[0] == 7.0
        assert query.label == same.label and {same.label, other.label} == {0, 1}
        assert query.crop_group != same.crop_group == other.crop_group
        for view in (query, same, other):
            assert len(view.times_s) == CLIP.n_frames
            np.testing.assert_allclose(np.diff(view.times_s), SPEEDS[view.label] / 16)
        speeds.append(query.label)
    assert 15 < sum(speeds) < 45


def test_the_queue_replaces_the_oldest_keys() -> None:
    queue, pushed = KeyQueue(5), []
    for n in range(10, 14):  # above all it holds at first
        keys = torch.full((2, EMBEDDING_DIM), float(n))
        queue.push(keys)
        pushed += [n, n]
        held = sorted(queue.keys_KE[:, 0].tolist())
        expected = sorted(pushed[-5:])
        assert held[-len(expected) :] == expected
    queue.push(torch.arange(8.0)[:, None].expand(8, EMBEDDING_DIM))  # more than it holds
    assert sorted(queue.keys_KE[:, 0].tolist()) == [3, 4, 5, 6, 7]


def test_a_step_keys_by_the_average_and_remembers_other_speeds() -> None:
    torch.manual_seed(0)
    config = EncoderConfig(ClipSpec(16, size_px=32), "motion", 0.125)
    network, average = RSPNet(config).train(), RSPNet(config).eval()
    clips = torch.randint(0, 255, (6, 16, 32, 32, 1), dtype=torch.uint8)
    batch = Batch((clips,), torch.tensor([0, 0, 1, 1, 1, 0]), ("a", "b"))
    task, memory = RSPNetTask(queue=8), KeyQueue(8)
    before = memory.keys_KE.clone()
    losses = task.step(network, average, memory, batch)
    losses["loss"].backward()
    with torch.no_grad():
        _, other = average(clips[2::3])
    torch.testing.assert_close(memory.keys_KE[:2], other)
    torch.testing.assert_close(memory.keys_KE[2:], before[2:])
    assert all(parameter.grad is None for parameter in average.parameters())
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert math.isfinite(losses["loss"].item())


def test_without_a_queue_the_negatives_are_the_other_windows_of_the_batch() -> None:
    torch.manual_seed(0)
    config = EncoderConfig(ClipSpec(16, size_px=32), "motion", 0.125)
    network, average = RSPNet(config).eval(), RSPNet(config).eval()
    clips = torch.randint(0, 255, (9, 16, 32, 32, 1), dtype=torch.uint8)
    batch = Batch((clips,), torch.zeros(9, dtype=torch.int), ("a", "b", "c"))
    task = RSPNetTask(queue=0)
    with torch.no_grad():
        found = task.step(network, average, task.memory(), batch)
        query = network(clips[0::3])
        same, other = (average(clips[n::3]) for n in (1, 2))
        each = []
        for n in range(3):
            own, near, far = ((part[n : n + 1] for part in pair) for pair in (query, same, other))
            keys = other[1][[k for k in range(3) if k != n]]
            each.append(losses_by_hand(task, tuple(own), tuple(near), tuple(far), keys))
    for name in NAMES:
        assert found[name].item() == pytest.approx(np.mean([one[name].item() for one in each]), abs=1e-5)


def test_keys_do_not_depend_on_the_other_clips_of_a_batch() -> None:
    """What batch norm in training mode would leak."""
    torch.manual_seed(1)
    network = RSPNet(EncoderConfig(ClipSpec(16, size_px=32), "motion", 0.125))
    clips = torch.randint(0, 255, (3, 16, 32, 32, 1), dtype=torch.uint8)
    with torch.no_grad():
        for mode, leaks in ((False, False), (True, True)):
            network.train(mode)
            alone = network(clips[:2])[1][0]
            beside = network(clips[[0, 2]])[1][0]
            assert torch.allclose(alone, beside, atol=1e-6) != leaks


@pytest.mark.parametrize("options", [{"queue": -1}, {"temperature": 0.0}, {"motion_temperature": -1.0}])
def test_settings_without_meaning_are_refused(options: dict) -> None:
    with pytest.raises(SpeedinessError, match="queue >= 0"):
        RSPNetTask(**options)
