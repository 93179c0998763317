import math
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.models.speednet import NORMAL, SPED_UP
from speediness.runtime.protocol import BOUNDARY
from speediness.sampling import NORMAL_FACTORS, SPED_UP_FACTORS
from speediness.training.tasks.speed_class import SpeedClassTask

CLIP = ClipSpec()
ITEM = VideoItem(Path("film.mp4"), "source")


def rates(logits: torch.Tensor) -> torch.Tensor:
    """What a network with the head ``class`` makes of its logits."""
    mean = logits[:, SPED_UP] - logits[:, NORMAL] + BOUNDARY
    return torch.stack([mean, torch.zeros_like(mean)], 1)


def loss_by_hand(logits: np.ndarray) -> float:
    """Clip by clip."""
    total = 0.0
    for n, row in enumerate(logits):
        total -= math.log(math.exp(row[n % 2]) / (math.exp(row[0]) + math.exp(row[1])))
    return total / len(logits)


def labels(count: int) -> torch.Tensor:
    return torch.tensor([NORMAL, SPED_UP]).repeat(count // 2)


@pytest.mark.parametrize("seed", range(5))
def test_losses_equal_the_obvious_loop(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(12, 2))
    found = SpeedClassTask().losses(rates(torch.from_numpy(logits)), labels(12))
    score = logits[:, SPED_UP] - logits[:, NORMAL]
    assert found["loss"].item() == pytest.approx(loss_by_hand(logits), abs=1e-6)
    assert found["accuracy"].item() == pytest.approx(
        np.mean([(s > 0) == n % 2 for n, s in enumerate(score)])
    )
    assert found["pairs_ranked"].item() == pytest.approx(
        np.mean([score[n + 1] > score[n] for n in range(0, 12, 2)])
    )


def test_losses_of_halves_average_to_the_whole() -> None:
    """What training on several devices rests on."""
    rate = torch.from_numpy(np.random.default_rng(0).normal(size=(16, 2)))
    task = SpeedClassTask()
    whole = task.losses(rate, labels(16))
    halves = [task.losses(rate[part], labels(8)) for part in (slice(8), slice(8, 16))]
    for name, value in whole.items():
        assert np.mean([half[name].item() for half in halves]) == pytest.approx(value.item(), abs=1e-6)


def test_without_same_batch_the_loss_is_cross_entropy_alone() -> None:
    logits = torch.from_numpy(np.random.default_rng(2).normal(size=(5, 2)))
    mixed = torch.tensor([SPED_UP, SPED_UP, NORMAL, SPED_UP, NORMAL])
    found = SpeedClassTask(same_batch=False).losses(rates(logits), mixed)
    by_hand = -torch.log_softmax(logits, 1)[range(5), mixed].mean().item()
    assert found["loss"].item() == pytest.approx(by_hand, abs=1e-9)
    assert "pairs_ranked" not in found


def test_an_unknown_temporal_augmentation_is_refused() -> None:
    with pytest.raises(SpeedinessError, match="even, random, none"):
        SpeedClassTask(temporal="jerky")  # pyright: ignore[reportArgumentType]


def test_the_gradient_pulls_sped_up_above_normal() -> None:
    logits = torch.zeros(4, 2, requires_grad=True)
    SpeedClassTask().losses(rates(logits), labels(4))["loss"].backward()
    assert logits.grad is not None
    pull = -(logits.grad[:, SPED_UP] - logits.grad[:, NORMAL])
    assert (pull[[1, 3]] > 0).all() and (pull[[0, 2]] < 0).all()


@pytest.mark.parametrize("temporal", ["even", "random", "none"])
def test_views_show_the_same_segment_at_both_speeds(
    temporal: Literal["even", "random", "none"],
) -> None:
    task = SpeedClassTask(temporal=temporal)
    backwards = 0
    for seed in range(50):
        views = task.draw(ITEM, lambda: (10.0, 12.2), CLIP, np.random.default_rng(seed))
        assert len(views) == task.views_per_window
        assert [v.label for v in views] == [NORMAL, SPED_UP]
        for view in views:
            low, high = (NORMAL_FACTORS, SPED_UP_FACTORS)[view.label]
            assert len(view.times_s) == CLIP.n_frames
            backwards += view.times_s[0] > view.times_s[-1]
            if temporal == "random":
                assert np.ptp(np.abs(view.times_s - 11.1)) <= task.longest_s(CLIP) / 2
                continue
            factors = np.abs(np.diff(view.times_s)) * 16
            assert np.ptp(factors) < 1e-9 and low <= factors[0] + 1e-9 and factors[0] - 1e-9 <= high
            assert view.times_s.mean() == pytest.approx(11.1)
            assert np.ptp(view.times_s) <= task.longest_s(CLIP) + 1e-9
            if temporal == "none":
                assert factors[0] == pytest.approx((1, 2)[view.label])
    # Of 100: time runs backwards half of the time, without temporal augmentation never.
    assert backwards == 0 if temporal == "none" else 20 < backwards < 80


def test_without_same_batch_each_window_gives_one_clip_of_a_random_class() -> None:
    task = SpeedClassTask(same_batch=False)
    drawn = [task.draw(ITEM, lambda: (0, 3), CLIP, np.random.default_rng(seed)) for seed in range(400)]
    assert {len(views) for views in drawn} == {task.views_per_window} == {1}
    kinds = Counter(view.label for (view,) in drawn)
    assert len(kinds) == 2 and min(kinds.values()) > 150


def test_a_draw_depends_on_its_random_numbers_alone() -> None:
    first, again, other = (
        SpeedClassTask().draw(ITEM, lambda: (0, 3), CLIP, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all((a.times_s == b.times_s).all() for a, b in zip(first, again, strict=True))
    assert not all((a.times_s == b.times_s).all() for a, b in zip(first, other, strict=True))
