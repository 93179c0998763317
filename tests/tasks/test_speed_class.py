import math

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("magnified_weight", [0.0, 0.3, 1.0])
def test_losses_equal_the_obvious_loop(seed: int, magnified_weight: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(12, 2))
    task = SpeedClassTask(rank_weight=0.7, magnified_weight=magnified_weight)
    found = task.losses(torch.from_numpy(logits))
    entropy, ranking = losses_by_hand(logits, magnified_weight)
    assert found["cross_entropy"].item() == pytest.approx(entropy, abs=1e-9)
    assert found["ranking"].item() == pytest.approx(ranking, abs=1e-9)
    assert found["loss"].item() == pytest.approx(entropy + 0.7 * ranking, abs=1e-9)


def test_the_gradient_pulls_sped_up_above_normal_at_either_zoom() -> None:
    logits = torch.zeros(4, 2, requires_grad=True)
    SpeedClassTask(magnified_weight=1).losses(logits)["loss"].backward()
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
        return task.losses(torch.stack([-score / 2, score / 2], 1))["ranking"].item()

    assert ranking(1.0) > ranking(0.0) < ranking(-1.0)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("skipping", ["even", "random"])
def test_views_show_the_same_segment_at_both_speeds_and_both_zooms(name: str, skipping: str) -> None:
    task = TASKS[name](skipping)
    backwards = 0
    for seed in range(50):
        views = task.draw(10.0, 12.2, CLIP, np.random.default_rng(seed))
        assert len(views) == task.views_per_window
        assert [v.label for v in views] == [NORMAL, SPED_UP, NORMAL, SPED_UP]
        assert [v.magnified for v in views] == [False, False, True, True]
        for plain, magnified in zip(views[:2], views[2:], strict=True):
            np.testing.assert_array_equal(plain.times_s, magnified.times_s)
        for view in views:
            low, high = (NORMAL_FACTORS, SPED_UP_FACTORS)[view.label]
            assert low <= view.factor <= high
            assert len(view.times_s) == CLIP.n_frames
            backwards += view.times_s[0] > view.times_s[-1]
            if skipping == "even":
                step_s = np.abs(np.diff(view.times_s))
                np.testing.assert_allclose(step_s, view.factor / 16, rtol=1e-9)
                assert view.times_s.mean() == pytest.approx(11.1)
    assert 40 < backwards < 160  # of 200: time runs backwards half of the time


def test_a_draw_depends_on_its_random_numbers_alone() -> None:
    first, again, other = (
        SpeedClassTask().draw(0, 3, CLIP, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert [v.factor for v in first] == [v.factor for v in again] != [v.factor for v in other]
