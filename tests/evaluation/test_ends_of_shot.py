"""What a window is said to be depends on that window alone, not on what is before and after it."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from speediness.analysis.scorer import score_shot
from speediness.analysis.shot import ShotScores
from speediness.clip import ClipSpec
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet
from speediness.models.torch_runtime import runtime_for
from speediness.simulation.render import render
from speediness.simulation.stage import side_view
from speediness.simulation.walk import walk
from speediness.video.reader import Frame

CLIP = ClipSpec(16, Fraction(8), 56)
RATE = 30
FACTORS = (1.0, 1.25, 2.0)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    stage = side_view(walk(0, 8.0), 0.6)
    luma: NDArray[np.uint8] = render(stage, np.arange(8 * RATE + 1) / RATE, 80, 56)
    return [Frame(Fraction(n, RATE), pixels) for n, pixels in enumerate(luma)]


@pytest.fixture(scope="module")
def network() -> SpeedNet:
    """At random, but for a last layer that tells windows apart."""
    torch.manual_seed(0)
    net = SpeedNet(EncoderConfig(CLIP, "motion"), head="rate")
    torch.nn.init.normal_(net.classifier.weight, std=0.5)
    return net


def score(network: SpeedNet, frames: list[Frame]) -> ShotScores:
    return score_shot(frames, runtime_for(network), CLIP, FACTORS)


@pytest.fixture(scope="module")
def whole(network: SpeedNet, frames: list[Frame]) -> ShotScores:
    return score(network, frames)


@pytest.mark.parametrize(("first_s", "last_s"), [(0, 4.5), (2.5, 8), (2.5, 7)])
def test_part_of_a_shot_is_answered_as_the_same_windows_in_the_whole(
    first_s: float, last_s: float, network: SpeedNet, frames: list[Frame], whole: ShotScores
) -> None:
    part = score(network, frames[round(first_s * RATE) : round(last_s * RATE) + 1])
    for k, factor in enumerate(FACTORS):
        assert len(part.rate[k]) == int((last_s - first_s) / factor * 8 + 1e-6) - 15
        at = np.searchsorted(whole.middles_s[k], part.middles_s[k] - 1e-6)
        np.testing.assert_allclose(whole.middles_s[k][at], part.middles_s[k], atol=1e-6)
        np.testing.assert_allclose(part.rate[k], whole.rate[k][at], atol=2e-3)
    assert whole.rate[0][:, 0].std() > 0.02  # there was something to say


def test_what_comes_after_a_window_does_not_matter(
    network: SpeedNet, frames: list[Frame], whole: ShotScores
) -> None:
    end = round(5 * RATE) + 1
    still = [Frame(frame.time_s, frames[end].pixels_HWC) for frame in frames[end:]]
    usual, other = whole, score(network, frames[:end] + still)
    ends_s = usual.middles_s[0] + CLIP.duration_s / 2
    inside = ends_s <= 5 + 1e-6
    assert inside.any() and not inside.all()
    np.testing.assert_allclose(other.rate[0][inside], usual.rate[0][inside], atol=1e-4)
    assert np.abs(other.rate[0][~inside] - usual.rate[0][~inside]).max() > 1e-3
