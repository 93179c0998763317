import math
from collections import Counter
from typing import Literal

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.speednet import NORMAL, SPED_UP
from speediness.sampling import NORMAL_FACTORS, SPED_UP_FACTORS
from speediness.tasks import TASKS
from speediness.tasks.speed_class import SpeedClassTask

CLIP = ClipSpec()


def losses_by_hand(logits: np.ndarray, magnified_weight: float) -> tuple[float, float]:
    """Clip by clip and pair by pair."""
    total, weights = 0.0, 0.0
    for n, row in enumerate(logits):
        label, weight = (NORMAL, SPED_UP)[n % 2], 1.0 if n % 4 < 2 else magnified_weight
        total -= weight * math.log(math.exp(row[label]) / (math.exp(row[0]) + math.exp(row[1])))
        weights += weight
    ranking = []
    for first in range(0, len(logits), 4):
        score = [row[SPED_UP] - row[NORMAL] for row in logits[first : first + 4]]
        for sped_up in (1, 3):
            for normal in (0, 2):
                ranking.append(math.log(1 + math.exp(score[normal] - score[sped_up])))
    return total / weights, float(np.mean(ranking))


def labels(count: int) -> torch.Tensor:
    return torch.tensor([NORMAL, SPED_UP]).repeat(count // 2)


def magnified(count: int) -> torch.Tensor:
    return torch.tensor([False, False, True, True]).repeat(count // 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("magnified_weight", [0.0, 0.3, 1.0])
def test_losses_equal_the_obvious_loop(seed: int, magnified_weight: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(12, 2))
    task = SpeedClassTask(rank_weight=0.7, magnified_weight=magnified_weight)
    found = task.losses(torch.from_numpy(logits), labels(12), magnified(12))
    entropy, ranking = losses_by_hand(logits, magnified_weight)
    assert found["cross_entropy"].item() == pytest.approx(entropy, abs=1e-6)
    assert found["ranking"].item() == pytest.approx(ranking, abs=1e-9)
    assert found["loss"].item() == pytest.approx(entropy + 0.7 * ranking, abs=1e-6)


@pytest.mark.parametrize("magnified_views", [True, False])
def test_losses_of_halves_average_to_the_whole(magnified_views: bool) -> None:
    """What training on several devices rests on."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(16, 2)))
    marks = magnified(16) & magnified_views
    task = SpeedClassTask(magnified_views=magnified_views, magnified_weight=0.3)
    whole = task.losses(logits, labels(16), marks)
    halves = [task.losses(logits[part], labels(8), marks[part]) for part in (slice(8), slice(8, 16))]
    for name, value in whole.items():
        assert np.mean([half[name].item() for half in halves]) == pytest.approx(value.item(), abs=1e-6)


def test_without_magnified_views_the_two_plain_ones_are_ranked() -> None:
    logits = np.random.default_rng(1).normal(size=(6, 2))
    task = SpeedClassTask(magnified_views=False, rank_weight=0.7)
    found = task.losses(torch.from_numpy(logits), labels(6), torch.zeros(6, dtype=torch.bool))
    score = logits[:, SPED_UP] - logits[:, NORMAL]
    ranking = np.mean([math.log(1 + math.exp(score[n] - score[n + 1])) for n in (0, 2, 4)])
    assert found["ranking"].item() == pytest.approx(ranking, abs=1e-9)
    assert "matched_pairs" not in found


def test_without_same_batch_the_loss_is_cross_entropy_alone() -> None:
    logits = torch.from_numpy(np.random.default_rng(2).normal(size=(5, 2)))
    mixed = torch.tensor([SPED_UP, SPED_UP, NORMAL, SPED_UP, NORMAL])
    task = SpeedClassTask(same_batch=False, rank_weight=0, magnified_views=False)
    found = task.losses(logits, mixed, torch.zeros(5, dtype=torch.bool))
    by_hand = -torch.log_softmax(logits, 1)[range(5), mixed].mean().item()
    assert found["loss"].item() == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"same_batch": False}, "rank_weight=0"),
        ({"temporal": "jerky"}, "even, random, none"),
        ({"rank_weight": 0}, "magnified_views=false"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict, said: str) -> None:
    with pytest.raises(SpeedinessError, match=said):
        SpeedClassTask(**options)


def test_the_gradient_pulls_sped_up_above_normal_at_either_zoom() -> None:
    logits = torch.zeros(4, 2, requires_grad=True)
    SpeedClassTask(magnified_weight=1).losses(logits, labels(4), magnified(4))["loss"].backward()
    assert logits.grad is not None
    pull = -(logits.grad[:, SPED_UP] - logits.grad[:, NORMAL])
    assert (pull[[1, 3]] > 0).all() and (pull[[0, 2]] < 0).all()
    torch.testing.assert_close(pull[0], pull[2])


def test_a_bias_against_magnified_views_gains_nothing() -> None:
    """The shortcut that ranking one pair alone would reward: calling whatever is magnified normal."""
    task = SpeedClassTask()
    scores = torch.tensor([-0.2, 0.3, -0.1, 0.4])

    def ranking(bias: float) -> float:
        score = scores + torch.tensor([0, 0, -bias, -bias])
        logits = torch.stack([-score / 2, score / 2], 1)
        return task.losses(logits, labels(4), magnified(4))["ranking"].item()

    assert ranking(1.0) > ranking(0.0) < ranking(-1.0)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("temporal", ["even", "random", "none"])
def test_views_show_the_same_segment_at_both_speeds_and_both_zooms(
    name: str, temporal: Literal["even", "random", "none"]
) -> None:
    task = TASKS[name](temporal=temporal)
    backwards = 0
    for seed in range(50):
        views = task.draw(10.0, 12.2, CLIP, np.random.default_rng(seed))
        assert len(views) == task.views_per_window
        assert [v.label for v in views] == [NORMAL, SPED_UP, NORMAL, SPED_UP]
        assert [v.magnified for v in views] == [False, False, True, True]
        for plain, larger in zip(views[:2], views[2:], strict=True):
            np.testing.assert_array_equal(plain.times_s, larger.times_s)
        for view in views:
            low, high = (NORMAL_FACTORS, SPED_UP_FACTORS)[view.label]
            assert low <= view.factor <= high
            assert len(view.times_s) == CLIP.n_frames
            backwards += view.times_s[0] > view.times_s[-1]
            if temporal == "none":
                assert view.factor == (1, 2)[view.label]
            if temporal != "random":
                step_s = np.abs(np.diff(view.times_s))
                np.testing.assert_allclose(step_s, view.factor / 16, rtol=1e-9)
                assert view.times_s.mean() == pytest.approx(11.1)
    # Of 200: time runs backwards half of the time, without temporal augmentation never.
    assert backwards == 0 if temporal == "none" else 40 < backwards < 160


def test_without_same_batch_each_window_gives_one_clip_of_a_random_class() -> None:
    task = SpeedClassTask(same_batch=False, rank_weight=0, magnified_weight=1)
    drawn = [task.draw(0, 3, CLIP, np.random.default_rng(seed)) for seed in range(400)]
    assert {len(views) for views in drawn} == {task.views_per_window} == {1}
    kinds = Counter((view.label, view.magnified) for (view,) in drawn)
    assert len(kinds) == 4 and min(kinds.values()) > 60


def test_a_draw_depends_on_its_random_numbers_alone() -> None:
    first, again, other = (
        SpeedClassTask().draw(0, 3, CLIP, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert [v.factor for v in first] == [v.factor for v in again] != [v.factor for v in other]
