import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.models.encoder import EncoderConfig
from speediness.models.time_cycle import SHARPNESS, TimeCycleNet, crop
from speediness.training.tasks.task import Batch
from speediness.training.tasks.time_cycle import TimeCycleTask, moving_patches

CONFIG = EncoderConfig(ClipSpec(4, size_px=96, channels=3), "frame_resnet18", 0.0625)


def placements(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5


def distance_by_hand(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean squared distance along an axis of 20 x 20 points of two placements, point by point."""

    def point(at: torch.Tensor, u: float, v: float) -> tuple[torch.Tensor, torch.Tensor]:
        x, y, turn = at
        u, v = u / 3, v / 3
        return (
            torch.cos(turn) * u - torch.sin(turn) * v + x,
            torch.sin(turn) * u + torch.cos(turn) * v + y,
        )

    squares = []
    for row in range(20):
        for column in range(20):
            u, v = -1 + 2 * row / 19, -1 + 2 * column / 19
            for a, b in zip(point(first, u, v), point(second, u, v), strict=True):
                squares.append((a - b) ** 2)
    return torch.stack(squares).mean()


def test_loss_and_gradients_equal_the_obvious_loops() -> None:
    start, alike = placements(2), placements(2, 3)[..., 0]
    task, found = TimeCycleTask(cycle_weight=0.3), []
    for by_hand in (False, True):
        long, skip = (placements(2, 3, seed=seed).requires_grad_() for seed in (1, 2))
        if by_hand:
            cycles = [
                distance_by_hand(back[b, k], start[b])
                for back in (long, skip)
                for b in range(2)
                for k in range(3)
            ]
            loss = 0.3 * torch.stack(cycles).sum() / 6 - alike.sum() / 6
        else:
            loss = task.losses(start, long, skip, alike)["loss"]
        loss.backward()
        found.append((loss.detach(), long.grad, skip.grad))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-10, rtol=1e-8)


def test_a_tracker_that_stands_still_is_consistent_and_only_likeness_tells() -> None:
    start = placements(4)
    home = start[:, None].expand(-1, 3, -1)
    found = TimeCycleTask().losses(start, home, home, torch.full((4, 3), 0.25, dtype=torch.float64))
    assert max(found["long"], found["skip"]) < 1e-30
    assert found["accuracy"] == 1
    assert found["loss"].item() == pytest.approx(-0.25)


def test_a_crop_is_what_lies_there() -> None:
    maps = torch.arange(144.0).view(1, 1, 12, 12)
    # The patch of rows 2 to 5 and columns 5 to 8: its middle is 1/2 cell before that of the map and 2 1/2
    # above it, a cell being 1/6 of half the map.
    at = torch.tensor([[(7 - 6) / 6, (4 - 6) / 6, 0.0]])
    torch.testing.assert_close(crop(maps, at, 4), maps[:, :, 2:6, 5:9])
    quarter = at.clone()
    quarter[:, 2] = math.pi / 2
    torch.testing.assert_close(
        crop(maps, quarter, 4), torch.rot90(maps[:, :, 2:6, 5:9], -1, (2, 3)).flip(2, 3), atol=1e-4, rtol=0
    )


def test_cycles_go_back_and_forth_frame_by_frame() -> None:
    torch.manual_seed(0)
    network = TimeCycleNet(CONFIG).eval()
    clips = torch.randint(0, 255, (2, 4, 96, 96, 3), dtype=torch.uint8)
    start = placements(2).float()
    with torch.no_grad():
        found = network(clips, start, torch.ones(()))
        maps = network.embed(clips)
        image = crop(clips[:, 3].permute(0, 3, 1, 2).float(), start, 32).permute(0, 2, 3, 1)
        patch = network.embed(image[:, None])[:, 0]
        assert patch.shape == (2, 128, 4, 4)

        def walk(frames: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
            at, shown = start, patch
            for frame in frames:
                at = network.locate(shown, maps[:, frame])
                shown = crop(maps[:, frame], at, 4)
            return at, shown

        for k, path in enumerate(([2, 3], [2, 1, 2, 3], [2, 1, 0, 1, 2, 3])):
            torch.testing.assert_close(found.long_BK3[:, k], walk(path)[0])
            torch.testing.assert_close(found.skip_BK3[:, k], walk([2 - k, 3])[0])
            cosine = F.cosine_similarity(patch, walk([2 - k])[1], dim=1) * walk([2 - k])[1].norm(dim=1)
            torch.testing.assert_close(found.alike_BK[:, k], cosine.mean((1, 2)))
        moved = (walk([2, 1])[0] - walk([2])[0])[:, :2].norm(dim=1)
        torch.testing.assert_close(found.shift_BK[:, 1], moved)


def test_affinities_are_shares_of_the_frame_for_every_cell_of_the_patch() -> None:
    torch.manual_seed(0)
    network, seen = TimeCycleNet(CONFIG).eval(), []
    network.localiser.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    patch, frame = (F.normalize(torch.randn(1, 128, side, side), dim=1) for side in (4, 12))
    network.locate(patch, frame)
    (affinity,) = seen
    cell = torch.stack([patch[0, :, 1, 2] @ frame[0, :, y, x] for y in range(12) for x in range(12)])
    expected = torch.exp(cell * SHARPNESS) / torch.exp(cell * SHARPNESS).sum()
    torch.testing.assert_close(affinity[0, 1 * 4 + 2].flatten(), expected)


def test_the_localiser_learns_first_and_then_all() -> None:
    torch.manual_seed(0)
    task, network = TimeCycleTask(localiser_first=1), TimeCycleNet(CONFIG).train()
    clips = torch.randint(0, 255, (2, 4, 96, 96, 3), dtype=torch.uint8)
    memory, batch = task.memory(), Batch((clips,), torch.zeros(2), ())
    for taught in (False, True):
        network.zero_grad()
        losses = task.step(network, network, memory, batch)
        losses["loss"].backward()
        assert losses["shift"] > 0
        learns = {
            name.split(".")[0]
            for name, parameter in network.named_parameters()
            if parameter.grad is not None and parameter.grad.any()
        }
        assert ("backbone" in learns) == taught and "localiser" in learns


def test_patches_are_taken_where_something_moves_and_lie_within_the_frame() -> None:
    torch.manual_seed(0)
    clips = torch.zeros(50, 2, 80, 80, 3, dtype=torch.uint8)
    clips[:, 1, 40:56, 0:40] = 200  # ten cells of eight pixels
    start = moving_patches(clips)
    assert ((start[:, :2] >= -2 / 3) & (start[:, :2] <= 2 / 3)).all()
    assert set(start[:, 1].mul(10).round().int().tolist()) == {1, 3}  # the rows of cells 5 and 6
    assert start[:, 0].max() < 0
    assert start[:, 2].abs().max() < math.pi / 4 < 2 * start[:, 2].abs().max()


class Matching(TimeCycleNet):
    """Looks for the patch in all places of the frame."""

    def found(self, pairs_B2HWC: torch.Tensor) -> torch.Tensor:
        places = []
        for first, second in pairs_B2HWC.float():
            patch = first[32:64, 32:64]
            cost = {
                (y, x): (second[y : y + 32, x : x + 32] - patch).abs().sum().item()
                for y in range(8, 57)
                for x in range(8, 57)
            }
            y, x = min(cost, key=cost.__getitem__)
            places.append([(x - 32) / 48, (y - 32) / 48, 0.0])
        return torch.tensor(places)


def test_planted_shifts_are_found_by_whoever_looks() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (3, 192, 200, 3)).astype(np.uint8)
    video = CachedVideo(VideoItem(Path("a"), "a"), np.arange(3.0), frames, np.ones(2, np.float32))
    found = TimeCycleTask().validate(Matching(CONFIG), [video])
    assert found["accuracy"] == 1
    assert found["error_px"] == pytest.approx(0, abs=1e-4)
    assert found["stay_still"] < 0.5 and found["still_error_px"] > 5


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(SpeedinessError, match="0 or more"):
        TimeCycleTask(localiser_first=-1)
    with pytest.raises(SpeedinessError, match="64 or more"):
        TimeCycleTask().network(EncoderConfig(ClipSpec(4, size_px=32, channels=3), "frame_resnet18"))
