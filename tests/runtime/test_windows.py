"""Answers to windows of any length, from answers to bins."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet
from speediness.runtime.protocol import LOG_VARIANCE_RANGE, windows


def test_a_window_is_the_mean_of_its_bins_its_variance_clamped() -> None:
    bins = np.random.default_rng(0).normal(0, 3, (2, 9, 2)).astype(np.float32)
    found = windows(bins, 4)
    assert found.shape == (2, 6, 2)
    for b in range(2):
        for w in range(6):
            mean, log_variance = bins[b, w : w + 4].mean(0)
            expected = mean, np.clip(log_variance, *LOG_VARIANCE_RANGE)
            np.testing.assert_allclose(found[b, w], expected, atol=1e-5)


@pytest.mark.parametrize("head", ["rate", "class"])
@pytest.mark.parametrize("bins", [10, 16, 21])
def test_bins_averaged_are_what_the_network_says_of_windows(head: str, bins: int) -> None:
    torch.manual_seed(0)
    config = EncoderConfig(ClipSpec(16, Fraction(8), 56, 1), "motion", 0.25)
    network = SpeedNet(config, "rate" if head == "rate" else "class").eval()
    motion = torch.randn(2, bins, 4, 14, 14)
    with torch.inference_mode():
        of_windows = network.classify(motion).rate_BW2.numpy()
        of_bins = network.classify_bins(motion).rate_BW2.numpy()
    length = min(bins, 16) - 2 * network.margin
    np.testing.assert_allclose(windows(of_bins, length), of_windows, atol=1e-5)
    assert of_windows.shape[1] == max(bins - 16, 0) + 1
