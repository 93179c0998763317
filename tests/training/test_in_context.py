import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speediness.errors import SpeedinessError
from speediness.models.speednet import SpeedNet
from speediness.tasks.speed_class import SpeedClassTask
from speediness.training.in_context import AGREEMENT, InContext, losses_in_context
from speediness.training.recipe import smoke


def test_the_middle_window_is_judged_in_its_context_and_alone() -> None:
    torch.manual_seed(0)
    network = SpeedNet(smoke().config).eval()
    assert network.context is not None
    t = network.config.clip.n_frames
    length = t + 2 * network.context
    clips = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (3, length, 32, 32, 1), np.uint8))
    intervals = torch.rand(3, length - 1) + 0.5
    with torch.inference_mode():
        logits, _ = InContext(network)(clips, intervals)
        middle = slice(network.context, network.context + t)
        alone, _ = network(clips[:, middle], intervals[:, middle.start : middle.stop - 1])
        cells = torch.stack([network.motion(clip[:-1], clip[1:]) for clip in clips])
        whole = network.judge(None, cells, intervals)[0][:, network.context]
    torch.testing.assert_close(logits, torch.cat([whole, alone]), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(whole, alone, atol=1e-4)


def test_loss_is_that_of_both_and_of_their_difference() -> None:
    torch.manual_seed(1)
    inside, alone = torch.randn(4, 2), torch.randn(4, 2)
    labels = torch.tensor([0, 1, 0, 1])
    losses = losses_in_context(SpeedClassTask(), torch.cat([inside, alone]), labels)
    apart = (
        sum(float((inside[b, 1] - inside[b, 0]) - (alone[b, 1] - alone[b, 0])) ** 2 for b in range(4)) / 4
    )
    both = (F.cross_entropy(inside, labels) + F.cross_entropy(alone, labels)) / 2
    assert float(losses["loss"]) == pytest.approx(float(both) + AGREEMENT * apart, rel=1e-5)
    assert float(losses["apart"]) == pytest.approx(apart, rel=1e-5)


def test_a_network_without_bounds_is_refused_before_any_film_is_read() -> None:
    with pytest.raises(SpeedinessError, match="backbone=motion"):
        dataclasses.replace(smoke(), in_context=True, backbone="s3dg")
