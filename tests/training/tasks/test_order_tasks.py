"""Shuffle and learn, odd-one-out and the arrow of time."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.models.encoder import EncoderConfig
from speediness.models.order import OrderNet
from speediness.training.tasks.arrow_of_time import (
    ArrowOfTimeTask,
    drifting,
    palindrome,
    stored_anew,
    with_bars,
)
from speediness.training.tasks.odd_one_out import CLIPS, OddOneOutTask, disorder
from speediness.training.tasks.order import OrderTask
from speediness.training.tasks.shuffle_and_learn import IN_ORDER, ShuffleAndLearnTask
from speediness.training.tasks.task import Batch, Segment, by_video

SPEC = ClipSpec(16, size_px=32, channels=3)
TASKS = [ShuffleAndLearnTask(), OddOneOutTask(), ArrowOfTimeTask()]


def stretch(task: OrderTask) -> Segment:
    return lambda: (1.0, 1.0 + task.longest_s(SPEC))


def brightening(seconds: float, name: str = "a") -> CachedVideo:
    """Texture that becomes brighter by 20 grey levels a second, so that a frame tells its time."""
    times_s = np.arange(round(25 * seconds)) / 25
    texture = np.random.default_rng(0).integers(20, 120, (64, 80, 1)).repeat(3, 2)
    frames = (texture + 20 * times_s[:, None, None, None]).astype(np.uint8)
    return CachedVideo(VideoItem(Path(name), name), times_s, frames, np.ones(len(times_s) - 1, np.float32))


class Knowing(OrderNet):
    """Reads the times of frames off their brightness and answers rightly."""

    def __init__(self, task: OrderTask) -> None:
        super().__init__(EncoderConfig(SPEC, "frame_resnet18", 0.0625))
        self.task = task

    def forward(self, clips_BTHWC: torch.Tensor) -> tuple[torch.Tensor]:
        level_BT = clips_BTHWC[:, :, 8:-8].float().mean((2, 3, 4))
        if isinstance(self.task, ArrowOfTimeTask):
            return ((level_BT[:, -1] - level_BT[:, 0] - 0.5)[:, None],)
        if isinstance(self.task, ShuffleAndLearnTask):
            first, middle, last = level_BT.unbind(1)
            return ((100 * (middle - first) * (last - middle))[:, None],)
        steps = level_BT.unflatten(1, (CLIPS, -1)).diff(dim=2)
        return (-steps.amin(2),)


def by_hand(task: OrderTask, logits_BP: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
    """Sample by sample: minus the logarithm of the chance given to what is true."""
    losses = []
    for logits, label in zip(logits_BP, labels_B, strict=True):
        if len(logits) == 1:
            yes = 1 / (1 + torch.exp(-logits[0]))
            losses.append(-torch.log(yes if label == 1 else 1 - yes))
        else:
            losses.append(-torch.log(torch.exp(logits[label]) / sum(torch.exp(one) for one in logits)))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_loss_and_gradients_equal_the_obvious_loop(task: OrderTask) -> None:
    generator = torch.Generator().manual_seed(0)
    answers = CLIPS if isinstance(task, OddOneOutTask) else 1
    start = torch.randn(7, answers, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, max(answers, 2), (7,), generator=generator)
    found = []
    for slow in (False, True):
        logits = start.clone().requires_grad_()
        loss = by_hand(task, logits, labels) if slow else task.losses(logits, labels)["loss"]
        loss.backward()
        found.append((loss.detach(), logits.grad))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-10, rtol=1e-8)


def test_losses_of_known_answers() -> None:
    # -log of 1/2 and of the logistic function at 1 and -2; of 1/6 and of e / (e + 5).
    binary = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    expected = (math.log(2) + math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 3
    for task in (ShuffleAndLearnTask(), ArrowOfTimeTask()):
        assert task.losses(binary, torch.tensor([1, 1, 0]))["loss"].item() == pytest.approx(expected)
    six = torch.zeros(2, CLIPS, dtype=torch.float64)
    six[1, 4] = 1
    loss = OddOneOutTask().losses(six, torch.tensor([2, 4]))["loss"].item()
    assert loss == pytest.approx((math.log(6) + math.log(1 + 5 / math.e)) / 2)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_who_reads_the_time_is_always_right_and_who_does_not_is_at_chance(task: OrderTask) -> None:
    videos = [brightening(6, "a"), brightening(5, "b"), brightening(0.2, "short")]
    found = task.validate(Knowing(task), videos)
    assert found["accuracy"] == 1
    assert found["chance"] == pytest.approx(1 / CLIPS if isinstance(task, OddOneOutTask) else 0.5)
    if isinstance(task, ArrowOfTimeTask):
        assert found["palindromes"] == 0  # they end where they began, and 0.5 brighter counts as forwards
        assert found["with_bars"] == found["stored_anew"] == found["pairs_ranked"] == 1
    else:
        assert found["pixel_rule"] == 1  # brightness gives this order away, and the rule must say so

    blind = Knowing(task)
    answers = CLIPS if isinstance(task, OddOneOutTask) else 1
    blind.forward = lambda clips: (torch.ones(len(clips), answers),)  # type: ignore[method-assign]
    assert task.validate(blind, videos[:2])["accuracy"] == pytest.approx(task.chance, abs=0.2)
    with pytest.raises(DataError, match="as long as a question"):
        task.validate(blind, [brightening(0.2)])


def test_figures_by_video_leave_out_those_too_short() -> None:
    task = OddOneOutTask()
    videos = [brightening(6, "a"), brightening(0.2, "short"), brightening(5, "b")]
    found = by_video(task, Knowing(task), videos)
    assert found["films"] == 2
    assert found["accuracy"] == {"accuracy": 1.0, "interval_95": (1.0, 1.0)}
    with pytest.raises(DataError, match="long enough for odd_one_out"):
        by_video(task, Knowing(task), videos[1:2])


def test_a_tuple_keeps_its_ends_and_its_answer_when_it_is_reversed() -> None:
    task, rng = ShuffleAndLearnTask(), np.random.default_rng(0)
    directions = []
    for _ in range(200):
        ordered, shuffled = task.questions(lambda: (2.0, 5.0), SPEC, rng)
        assert (ordered.label, shuffled.label) == (1, 0)
        assert (ordered.times_s[[0, 2]] == shuffled.times_s[[0, 2]]).all()
        low, high = sorted(ordered.times_s[[0, 2]])
        assert low < ordered.times_s[1] < high
        assert not low <= shuffled.times_s[1] <= high
        assert 1 <= high - low <= 2
        assert all((view.times_s >= 2).all() and (view.times_s <= 5).all() for view in (ordered, shuffled))
        directions.append(ordered.times_s[0] < ordered.times_s[2])
    assert 0.4 < np.mean(directions) < 0.6
    item = VideoItem(Path("a"), "a")
    drawn = [task.draw(item, lambda: (2.0, 5.0), SPEC, rng)[0].label == IN_ORDER for _ in range(400)]
    assert np.mean(drawn) == pytest.approx(task.in_order, abs=0.06)


def test_the_odd_clip_runs_neither_way() -> None:
    task, rng = OddOneOutTask(), np.random.default_rng(0)
    for _ in range(50):
        (view,) = task.questions(stretch(task), SPEC, rng)
        steps = np.diff(view.times_s.reshape(CLIPS, -1))
        forwards = np.all(steps > 0, axis=1)
        assert forwards.sum() == CLIPS - 1
        assert not forwards[view.label]
        assert not (steps[view.label] < 0).all()
        assert sorted(disorder(3, rng)) == [0, 1, 2]


def test_a_palindrome_has_no_direction() -> None:
    for length in (15, 16):
        clip = np.random.default_rng(0).integers(0, 255, (length, 32, 32, 3)).astype(np.uint8)
        there_and_back = palindrome(clip)
        assert there_and_back.shape == clip.shape
        np.testing.assert_array_equal(there_and_back, there_and_back[::-1])
        half = (length + 1) // 2
        np.testing.assert_array_equal(there_and_back[:half], clip[:half])
    # So whatever the network, both directions get the same answer: one is right, the other wrong.
    task, network = ArrowOfTimeTask(), OrderNet(EncoderConfig(SPEC, "r3d18", 0.0625)).eval()
    with torch.no_grad():
        (logits,) = network(torch.from_numpy(np.stack([there_and_back, there_and_back[::-1]])))
    assert task.right(logits, torch.tensor([1, 0])).float().mean().item() == 0.5


def test_bars_and_storing_change_what_they_should() -> None:
    clip = brightening(2).frames_FHWC[:16, 16:48, 16:48]
    barred = with_bars(clip)
    assert not barred[:, :4].any() and not barred[:, -4:].any()
    np.testing.assert_array_equal(barred[:, 4:-4], clip[:, 4:-4])
    (stored,) = stored_anew([clip], SPEC)
    assert stored.shape == clip.shape
    assert 0 < np.abs(stored.astype(int) - clip).mean() < 12


def test_a_camera_drifts_evenly_and_shows_no_edge() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(64.0).mul(3).expand(64, 64)
    clips = torch.stack([ramp, ramp.T, ramp], -1).to(torch.uint8).expand(40, 9, 64, 64, 3)
    seen = drifting(clips, 0.1)
    assert seen.dtype == torch.uint8 and seen.shape == clips.shape
    middle_BT = seen[:, :, 30:34, 30:34, 0].float().mean((2, 3))
    steps = middle_BT.diff(dim=1)
    assert (steps - steps.mean(1, keepdim=True)).abs().max() < 1.5
    assert steps.mean(1).std() > 0.2
    assert -0.6 < steps.mean() < 0.6
    torch.testing.assert_close(drifting(clips, 0.0), clips)


@pytest.mark.parametrize(("parts", "odd"), [(3, False), (6, True)])
def test_every_part_is_seen_alone(parts: int, odd: bool) -> None:
    torch.manual_seed(0)
    network = OrderNet(EncoderConfig(SPEC, "r3d18", 0.0625), parts, odd).eval()
    clips = torch.randint(0, 255, (2, 4 * parts, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        (logits,) = network(clips)
        features = [network.encode(part).mean((2, 3, 4)) for part in clips.split(4, 1)]
        if odd:
            mean = sum(features) / parts
            expected = torch.cat([network.head(one - mean) for one in features], 1)
        else:
            expected = network.head(torch.cat(features, 1))
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_step_teaches_every_weight(task: OrderTask) -> None:
    torch.manual_seed(0)
    backbone = "frame_resnet18" if isinstance(task, ShuffleAndLearnTask) else "r3d18"
    network = task.network(EncoderConfig(SPEC, backbone, 0.0625)).train()
    rng = np.random.default_rng(0)
    views = [task.draw(VideoItem(Path("a"), "a"), stretch(task), SPEC, rng)[0] for _ in range(4)]
    clips = torch.randint(0, 255, (4, len(views[0].times_s), 32, 32, 3), dtype=torch.uint8)
    batch = Batch((clips,), torch.tensor([view.label for view in views]), ())
    task.step(network, network, task.memory(), batch)["loss"].backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(SpeedinessError, match="in_order"):
        ShuffleAndLearnTask(in_order=1.0)
    with pytest.raises(SpeedinessError, match="3 frames"):
        OddOneOutTask(frames=2)
    with pytest.raises(SpeedinessError, match="drift"):
        ArrowOfTimeTask(drift=0.5)
    network = ShuffleAndLearnTask().network(EncoderConfig(ClipSpec(16, size_px=32), "motion", 0.25))
    with pytest.raises(SpeedinessError, match="frame_resnet18"):
        network(torch.zeros(1, 3, 32, 32, 1, dtype=torch.uint8))
