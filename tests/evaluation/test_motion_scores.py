import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from measured_motion import motion_video
from speediness.analysis.shot import SCENE_PX
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import decode_video
from speediness.datasets.motion_cache import MotionCache
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.calibration import RATES
from speediness.evaluation.motion_scores import answers, play, score_motion
from speediness.evaluation.speed_accuracy import score_video
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import SpeedNet, score
from speediness.models.torch_runtime import runtime_for
from synthetic import drifting_frame, steady, write_video

CLIP = ClipSpec(16, Fraction(8), 56)


def tiny(sees_scene: bool = False) -> SpeedNet:
    """A network whose answers vary."""
    torch.manual_seed(0)
    network = SpeedNet(EncoderConfig(CLIP, "motion", 0.2), "rate", sees_scene).eval()
    torch.nn.init.normal_(network.classifier.weight, std=0.3)
    if network.scene is not None:
        torch.nn.init.normal_(network.scene.weight, std=0.02)
    return network


def swinging(folder: Path, rate: int) -> VideoItem:
    """Eight seconds, whole bins at either speed, of a texture that swings to and fro ever faster."""
    path = write_video(
        folder / f"swing-{rate}.mp4",
        steady(8 * rate + 1, rate),
        width_px=148,
        height_px=112,
        draw_frame=lambda i: drifting_frame(20 * math.sin((i / rate) ** 1.4)),
    )
    return VideoItem(path, "swing")


@pytest.mark.parametrize(("rate", "sees_scene"), [(25, False), (50, True)])
def test_scores_are_those_of_the_product(rate: int, sees_scene: bool, tmp_path: Path) -> None:
    network, item = tiny(sees_scene), swinging(tmp_path, rate)
    video = decode_video(item, 2 * CLIP.size_px, 1, SCENE_PX if sees_scene else None)
    expected = score_video(video, runtime_for(network), CLIP)
    found = score_motion(MotionCache(tmp_path, CLIP.size_px).video(item), network)
    assert expected is not None and found is not None
    assert (found.name, found.source) == (expected.name, expected.source)
    spread = float(np.ptp(np.concatenate([expected.score_1x, expected.score_2x])))
    assert spread > 0.1
    np.testing.assert_allclose(found.score_1x, expected.score_1x, atol=0.1 * spread)
    np.testing.assert_allclose(found.flow_1x, expected.flow_1x, rtol=0.05)
    np.testing.assert_allclose(found.flow_2x, expected.flow_2x, rtol=0.05)
    np.testing.assert_allclose(found.flow_magnified, expected.flow_magnified, rtol=0.15)
    # The product sees every second look at 2x.
    np.testing.assert_allclose(
        found.score_2x, expected.score_2x, atol=(0.3 if sees_scene else 0.1) * spread
    )


def test_all_whole_windows_are_played_around_their_middles() -> None:
    network, video = tiny(), motion_video(lambda time_s, number: (5 * time_s, 0.0), 10.0)
    for factor, count in ((0.5, 160), (1.0, 80), (2.0, 40), (4.0, 20)):
        played = play(video, network, factor)
        assert played is not None and played.rate_W2.shape == (count - 15, 2)
        np.testing.assert_allclose(played.middles_s, factor * (1 + np.arange(count - 15) / 8))
        # 5 t pixels a second at short side 56, told at 64
        np.testing.assert_allclose(played.flow_W, 5 * played.middles_s * factor / 8 * 64 / 56, rtol=5e-3)
        moments_s = np.array([-1.0, float(played.middles_s[3]) + 0.01, 99.0])
        assert played.at(moments_s).tolist() == [0, 3, count - 16]
    assert play(video, network, 6.0) is None and play(video, network, 5.0) is not None


def test_a_rate_played_is_a_video_of_that_rate() -> None:
    network = tiny()
    slow = motion_video(lambda time_s, number: (4 * math.sin(time_s), 3.0), 12.0, 30)
    fast = motion_video(lambda time_s, number: (8 * math.sin(2 * time_s), 6.0), 6.0, 60)
    one, other = play(slow, network, 2.0), play(fast, network, 1.0)
    assert one is not None and other is not None
    torch.testing.assert_close(one.rate_W2, other.rate_W2, atol=5e-3, rtol=5e-3)


def test_the_middle_moves_twice_as_far_when_it_is_magnified() -> None:
    """Along y every column moves by its own speed: only those of the middle half are seen."""
    network = tiny()
    video = motion_video(lambda time_s, number: (0.0, -12.0), 6.0, ramp=1.0)  # from -11.5 to 11.5
    whole, middle = (play(video, network, 1.0, magnified=magnified) for magnified in (False, True))
    assert whole is not None and middle is not None
    mean = np.abs(np.arange(24) - 11.5).mean()
    np.testing.assert_allclose(whole.flow_W, mean / 8 * 64 / 56, rtol=5e-3)
    np.testing.assert_allclose(middle.flow_W, 2 * mean / 2 / 8 * 64 / 56, rtol=0.02)


def test_scores_compare_windows_around_the_same_moments() -> None:
    network, video = tiny(), motion_video(lambda time_s, number: (5 * time_s, 0.0), 12.0)
    found = score_motion(video, network, stride_s=1.0)
    assert found is not None and len(found.score_1x) == len(found.score_2x) == 9  # 2 to 10 s
    np.testing.assert_allclose(found.flow_2x, 2 * found.flow_1x, rtol=0.03)
    np.testing.assert_allclose(found.flow_1x, 5 * np.linspace(2, 10, 9) / 8 * 64 / 56, rtol=0.03)
    slow = play(video, network, 1.0)
    assert slow is not None
    np.testing.assert_array_equal(
        found.score_1x, score(slow.rate_W2).numpy()[slow.at(np.linspace(2, 10, 9))]
    )
    assert score_motion(motion_video(seconds=3.9), network) is None


def test_answers_hold_the_pair_and_the_means_at_every_rate() -> None:
    network, video = tiny(), motion_video(lambda time_s, number: (5 * time_s, 0.0), 7.0)
    found = answers(video, network)
    assert found is not None and found.source == "a"
    slow, fast = play(video, network, 1.0), play(video, network, 2.0, number=1)
    assert slow is not None and fast is not None
    moments_s = np.linspace(fast.middles_s[0], fast.middles_s[-1], len(found.pair[0]))
    assert np.diff(moments_s).max() <= 0.5
    for said, played in zip(found.pair, (slow, fast), strict=True):
        np.testing.assert_array_equal(said, played.rate_W2.numpy()[played.at(moments_s)])
    assert len(found.means) == len(RATES)
    for rate, means in zip(RATES, found.means, strict=True):
        played = play(video, network, 2**rate)
        even = rate < 0 and video.pair_s(0) / 2**rate > 0.1  # such frames betray slow motion
        expected = np.zeros(0) if played is None or even else played.rate_W2[::4, 0].numpy()
        np.testing.assert_array_equal(means, expected)
    assert not len(found.means[-1])  # a window of 8x is 16 s long
    assert [len(means) > 0 for means in found.means[:5]] == [
        False,
        True,
        True,
        True,
        True,
    ]  # at 30 a second
    assert answers(motion_video(seconds=3.9), network) is None
