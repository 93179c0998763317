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
from speediness.models.checkpoint import load_speednet, save_network
from speediness.models.encoder import EncoderConfig
from speediness.models.motion_net import SCENE_CHANNELS
from speediness.models.speednet import Head, SpeedNet, score


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


@pytest.mark.parametrize("backbone", ["s3dg", "motion"])
def test_head_is_max_over_space_then_mean_over_time_then_one_linear_map(backbone: str) -> None:
    network = tiny(backbone)
    clips, intervals = moving_clips(2, network.config.clip.channels), torch.ones(2, 15)
    with torch.inference_mode():
        logits, _ = network(clips, intervals)
        cells = network.motion(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1)).unflatten(
            0, (2, 15)
        )
        feats = network.features(clips, network.velocity(cells, intervals))
        assert feats.shape == {"s3dg": (2, 128, 16, 2, 2), "motion": (2, 16, 16, 8, 8)}[backbone]
        for b in range(2):
            per_frame = [feats[b, :, t].flatten(1).max(1).values for t in range(16)]
            pooled = torch.stack(per_frame).mean(0)
            expected = F.linear(pooled, network.classifier.weight[:, :, 0], network.classifier.bias)
            torch.testing.assert_close(logits[b], expected, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(
                network.score_windows(clips, cells, intervals)[2][b],
                torch.stack(per_frame),
                rtol=1e-4,
                atol=1e-4,
            )
        maps = network.score_windows(clips, cells, intervals)[3]
        weight_D = network.classifier.weight[1, :, 0] - network.classifier.weight[0, :, 0]
        torch.testing.assert_close(
            maps, torch.einsum("bdthw,d->bthw", feats, weight_D), rtol=1e-4, atol=1e-4
        )


def test_any_number_of_windows_and_any_multiple_of_32_is_taken() -> None:
    network = tiny()
    cells = torch.rand(3, 20, 4, 4, 12)
    with torch.inference_mode():
        logits, motion, features, maps = network.score_windows(None, cells, torch.ones(3, 20))
    assert logits.shape == motion.shape == (3, 21 - 16 + 1, 2)
    assert features.shape == (3, 21, network.backbone.feature_dim) and maps.shape == (3, 21, 4, 12)


@pytest.mark.parametrize(("reach", "same"), [(14, True), (13, False)])
def test_a_window_depends_on_its_context_and_on_nothing_beyond(reach: int, same: bool) -> None:
    network = tiny().double()
    assert network.context == 14 and tiny("s3dg").context is None
    cells, intervals = torch.rand(1, 59, 4, 4, 4).double(), torch.ones(1, 59).double()
    first = 22
    near = slice(first - reach, first + 15 + reach)
    with torch.inference_mode():
        whole = network.score_windows(None, cells, intervals)[0][0, first]
        part = network.score_windows(None, cells[:, near], intervals[:, near])[0][0, reach]
    assert torch.allclose(whole, part, rtol=1e-12) == same


def test_uneven_frames_of_even_motion_look_like_even_frames() -> None:
    """A displacement is divided by the time it took: dropping a frame does not change the velocity."""
    network = tiny()
    rng = np.random.default_rng(1)
    still = F.avg_pool2d(torch.from_numpy(rng.uniform(0, 255, (1, 1, 64, 64))).float(), 5, 1, 2)
    still = (still - 128) * 4 + 128

    def at(times: list[float]) -> torch.Tensor:
        frames = [torch.roll(still, int(t), 3)[0, 0].clamp(0, 255) for t in times]
        return torch.stack(frames)[None, :, :, :, None].to(torch.uint8)

    def velocity(times: list[float]) -> torch.Tensor:
        frames = at(times)[0]
        cells = network.motion(frames[:-1], frames[1:])[None]
        return network.velocity(cells, torch.diff(torch.tensor([times])).float())[0, 0, :-1, 2:-2, 2:-2]

    even, uneven = velocity([0, 1, 2, 3, 4]), velocity([0, 2, 3, 5, 6])
    assert even.mean().item() == pytest.approx(1, abs=0.1)
    assert uneven.mean().item() == pytest.approx(1, abs=0.1)


def test_motion_outputs_tell_a_small_mover_from_a_still_video() -> None:
    network = tiny()
    grain = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    texture = (F.avg_pool2d(grain, 5, 1, 2) * 400 - 100).clamp(0, 255).to(torch.uint8)
    still = texture.view(1, 1, 64, 64, 1).repeat(1, 16, 1, 1, 1)
    mover = still.clone()
    for t in range(16):
        mover[0, t, 20:28, 8 + 2 * t : 16 + 2 * t] = torch.randint(
            0, 255, (8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
        )
    with torch.inference_mode():
        motion = network(torch.cat([still, mover]), torch.ones(2, 15))[1]
    assert motion[0].max() < 0.01
    assert motion[1, 1] > 0.5 > motion[1, 0]


def test_weights_survive_the_file_to_half_precision(tmp_path: Path) -> None:
    network = tiny()
    save_network(tmp_path / "w.safetensors", network, {"recipe": "none"})
    loaded = load_speednet(tmp_path / "w.safetensors")
    assert loaded.config == network.config
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["made_by"]) == {"recipe": "none"}
    clips, intervals = moving_clips(2, 1), torch.ones(2, 15)
    with torch.inference_mode():
        p = network(clips, intervals)[0].softmax(1)
        torch.testing.assert_close(loaded(clips, intervals)[0].softmax(1), p, rtol=0, atol=5e-3)
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
