import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

from speediness.clip import ClipSpec
from speediness.errors import WeightsError
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.checkpoint import load_speednet, save_network
from speediness.models.encoder import EncoderConfig
from speediness.models.speednet import Head, SpeedNet, score
from speediness.motion_field import REFERENCE_PX


def tiny(backbone: str = "motion", n_frames: int = 16) -> SpeedNet:
    torch.manual_seed(0)
    clip = ClipSpec(n_frames=n_frames, size_px=64, channels=1 if backbone == "motion" else 3)
    network = SpeedNet(EncoderConfig(clip, backbone, 0.125)).eval()
    torch.nn.init.normal_(network.classifier.weight)
    return network


def moving_clips(batch: int, channels: int, t: int = 16, height: int = 64, width: int = 64) -> torch.Tensor:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (batch, 1, height, width, channels), np.uint8)
    return torch.from_numpy(np.concatenate([np.roll(frames, s, 3) for s in range(t)], 1))


def test_head_is_max_over_space_then_mean_over_time_then_one_linear_map() -> None:
    network, clips = tiny("s3dg"), moving_clips(2, 3)
    with torch.inference_mode():
        answer = network.classify_clips(clips)
        feats = network.encode(clips)
        assert feats.shape == (2, 128, 16, 2, 2)
        weight, bias = network.classifier.weight[:, :, 0], network.classifier.bias
        for b in range(2):
            per_frame = torch.stack([feats[b, :, t].flatten(1).max(1).values for t in range(16)])
            natural, sped_up = F.linear(per_frame.mean(0), weight, bias)
            torch.testing.assert_close(
                score(answer.rate_BW2[b, 0]), sped_up - natural, rtol=1e-4, atol=1e-4
            )
            torch.testing.assert_close(answer.features_BLD[b], per_frame, rtol=1e-4, atol=1e-4)
        maps = torch.einsum("bdthw,d->bthw", feats, weight[1] - weight[0])
        torch.testing.assert_close(answer.cam_BLhw, maps, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(network(clips)[0], answer.rate_BW2[:, 0])


def test_windows_pool_the_features_of_their_inner_bins() -> None:
    network, motion = rate_network(), bins_of_motion(2, 21)
    weight, bias = network.classifier.weight[:, :, 0], network.classifier.bias
    with torch.inference_mode():
        answer, feats = network.classify(motion), network.features(motion)
        assert network.margin == 4 and feats.shape == (2, network.feature_dim, 21 - 8, 7, 10)
        torch.testing.assert_close(answer.features_BLD, feats.amax((3, 4)).transpose(1, 2))
        torch.testing.assert_close(answer.cam_BLhw, torch.einsum("bdthw,d->bthw", feats, weight[0]))
        for window in range(6):
            pooled = answer.features_BLD[:, window : window + 8].mean(1)
            expected = F.linear(pooled, weight, bias)
            torch.testing.assert_close(answer.rate_BW2[:, window], expected, rtol=1e-4, atol=1e-4)


def test_any_number_of_bins_and_any_even_number_of_cells_is_taken() -> None:
    network = tiny()
    with torch.inference_mode():
        answer = network.classify(torch.rand(3, 20, 4, 4, 12))
    assert answer.rate_BW2.shape == (3, 20 - 16 + 1, 2)
    assert answer.features_BLD.shape == (3, 12, network.feature_dim)
    assert answer.cam_BLhw.shape == (3, 12, 2, 6)


@pytest.mark.parametrize(("changed", "same"), [(21, True), (22, False), (37, False), (38, True)])
def test_a_window_depends_on_all_its_bins_and_on_nothing_beyond(changed: int, same: bool) -> None:
    network = tiny().double()
    motion = torch.rand(1, 59, 4, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    other = motion.clone()
    other[:, changed] += 1
    with torch.inference_mode():
        before, after = (network.classify(given).rate_BW2[0, 22] for given in (motion, other))
    assert torch.allclose(before, after, rtol=1e-12) == same


def test_clips_are_given_to_a_network_of_motion_as_the_bins_between_their_frames() -> None:
    """Going on evenly at the ends; at the reference size, whatever that of the frames."""
    network, clips = tiny(), moving_clips(2, 1)
    with torch.inference_mode():
        between = network.measure(clips)
        assert between.shape == (2, 15, 4, 16, 16)
        # A pixel a frame of 64 pixels, away from the ends where the noise comes round again.
        moved = between[..., 0, 4:12, 4:12].median().item()
        assert moved == pytest.approx(REFERENCE_PX / 64, abs=0.2)
        longer = [between[:, :1]] * 4 + [between] + [between[:, -1:]] * 5
        expected = network.features(torch.cat(longer, 1))
        torch.testing.assert_close(network.encode(clips), expected)


def test_weights_survive_the_file_to_half_precision(tmp_path: Path) -> None:
    network = tiny()
    save_network(tmp_path / "w.safetensors", network, {"recipe": "none"})
    loaded = load_speednet(tmp_path / "w.safetensors")
    assert loaded.config == network.config
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["made_by"]) == {"recipe": "none"}
    clips = moving_clips(2, 1)
    with torch.inference_mode():
        p = score(network(clips)[0]).sigmoid()
        torch.testing.assert_close(score(loaded(clips)[0]).sigmoid(), p, rtol=0, atol=5e-3)
    assert not list(tmp_path.glob("*.partial"))


def test_files_that_are_not_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"no weights here")
    with pytest.raises(WeightsError, match="does not hold SpeedNet weights"):
        load_speednet(tmp_path / "w.safetensors")
    with pytest.raises(WeightsError):
        load_speednet(tmp_path / "missing.safetensors")
    with pytest.raises(WeightsError, match=r"shipped: .*speednet-small"):
        load_speednet("speednet-huge")


def test_configuration_survives_json() -> None:
    config = EncoderConfig(ClipSpec(32, Fraction(24000, 1001), 96, 3), "s3dg", 0.5, 0.1)
    assert EncoderConfig.from_json(config.to_json()) == config


def rate_network(head: Head = "rate", sees_scene: bool = False) -> SpeedNet:
    """A small network of motion whose answers vary, their log variances within bounds."""
    torch.manual_seed(0)
    config = EncoderConfig(ClipSpec(16, Fraction(8), 56), "motion", 0.2)
    network = SpeedNet(config, head, sees_scene).eval()
    torch.nn.init.normal_(network.classifier.weight, std=0.2)
    if network.scene is not None:
        torch.nn.init.normal_(network.scene.weight, std=0.2)
    return network


def bins_of_motion(batch: int, length: int) -> torch.Tensor:
    return torch.randn(batch, length, 4, 14, 20, generator=torch.Generator().manual_seed(1))


def test_motion_is_answered_window_by_window() -> None:
    network, motion = rate_network(), bins_of_motion(2, 21)
    with torch.inference_mode():
        sequence = network.classify(motion).rate_BW2
        assert sequence.shape == (2, 6, 2)
        for window in range(6):
            (rate_B2,) = network(motion[:, window : window + 16])
            torch.testing.assert_close(rate_B2, sequence[:, window], rtol=1e-4, atol=1e-5)


def test_the_scene_of_every_bin_is_heeded_and_none_is_one_of_zeros() -> None:
    network, motion = rate_network(sees_scene=True), bins_of_motion(2, 16)
    maps = torch.randn(3, SCENE_CHANNELS, 7, 10, generator=torch.Generator().manual_seed(2))
    own = torch.tensor([0, 2])[:, None].expand(2, 16).contiguous()
    with torch.inference_mode():
        (told,) = network(motion, maps, own)
        (alone,) = network(motion[1:], maps[2:], torch.zeros(1, 16, dtype=torch.int64))
        torch.testing.assert_close(told[1:], alone, rtol=1e-4, atol=1e-5)
        (unknown,) = network(motion)
        (zeros,) = network(motion, torch.zeros_like(maps), own)
        torch.testing.assert_close(unknown, zeros, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(told, unknown, atol=1e-2)


def test_calibration_shifts_means_and_log_variances() -> None:
    network, motion = rate_network(), bins_of_motion(3, 18)
    with torch.inference_mode():
        before = network.classify(motion)
        network.calibrate(0.25, -0.5)
        after = network.classify(motion)
    assert before.rate_BW2[..., 1].abs().max() < 2.5  # else cut off, before or after
    torch.testing.assert_close(after.rate_BW2[..., 0], before.rate_BW2[..., 0] + 0.25)
    torch.testing.assert_close(after.rate_BW2[..., 1], before.rate_BW2[..., 1] - 0.5)
    torch.testing.assert_close(after.cam_BLhw, before.cam_BLhw)


def test_calibration_of_odds_alone_shifts_and_scales_them() -> None:
    network, motion = rate_network("class"), bins_of_motion(3, 18)
    with torch.inference_mode():
        before = score(network.classify(motion).rate_BW2)
        network.calibrate(0.25, 0.5)
        after = network.classify(motion).rate_BW2
    torch.testing.assert_close(score(after), (before + 0.25) * math.exp(-0.5))
    assert (after[..., 1] == 0).all()
