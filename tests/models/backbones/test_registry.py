from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.backbones import BACKBONES, find_backbone
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.stems import FrameStem
from speediness.models.checkpoint import load_speednet, save_network
from speediness.models.encoder import EncoderConfig
from speediness.models.export import export_onnx
from speediness.models.speednet import SpeedNet
from speediness.runtime.onnx import open_runtime
from speediness.training.recipe import Recipe


def small(name: str, width: float = 0.0625, size_px: int = 64) -> SpeedNet:
    torch.manual_seed(0)
    stem, _ = BACKBONES[name]
    clip = ClipSpec(16, Fraction(8), size_px, 3 if stem.sees_frames else 1)
    return SpeedNet(EncoderConfig(clip, name, width))


def moving_clips(batch: int, t: int, height: int, width: int, channels: int) -> Tensor:
    """Noise that slides, each clip faster than the one before."""
    noise = np.random.default_rng(0).integers(0, 256, (batch, height, width, channels), np.uint8)
    frames = [np.stack([np.roll(noise[b], s * (b + 1), 1) for s in range(t)]) for b in range(batch)]
    return torch.from_numpy(np.stack(frames))


class Toy(Backbone):
    """One convolution that halves time and frame."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.feature_dim = round(8 * width)
        self.conv = nn.Conv3d(in_channels, self.feature_dim, 3, 2, 1)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        return self.conv(clips_BCTHW)


def test_a_new_backbone_is_a_class_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKBONES, "toy", (FrameStem, Toy))
    recipe = Recipe().with_settings(["backbone=toy", "width=0.5"])
    network = SpeedNet(recipe.config)
    clips = moving_clips(2, 16, 64, 64, 3)
    (rate,) = network(clips)
    assert isinstance(network.backbone, Toy) and network.backbone.feature_dim == 4
    assert rate.shape == (2, 2) and rate.isfinite().all()


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_makes_a_speednet_that_learns_and_survives_the_file(
    name: str, tmp_path: Path
) -> None:
    network = small(name).train()
    t, batch = network.config.clip.n_frames, 2
    answer = network.classify_clips(moving_clips(batch, t, 64, 64, network.config.clip.channels))
    assert answer.rate_BW2.shape == (batch, 1, 2) and answer.rate_BW2.isfinite().all()
    assert answer.features_BLD.shape == (batch, t, network.feature_dim)
    assert answer.cam_BLhw.shape[:2] == (batch, t)
    answer.rate_BW2[:, 0, 0].sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), parameter_name
    save_network(tmp_path / "w.safetensors", network, {"recipe": "none"})
    loaded = load_speednet(tmp_path / "w.safetensors")
    assert loaded.config == network.config
    for key, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], tensor, rtol=1e-3, atol=1e-6)


def test_features_of_a_strided_backbone_stand_for_the_frames_they_cover() -> None:
    network = small("s3dg_strided").eval()
    clips = moving_clips(1, 16, 64, 64, 3)
    with torch.inference_mode():
        few = network.backbone(network.stem(clips))
        feats = network.encode(clips)
    assert few.shape[2] == 2 and feats.shape[2] == 16
    for t in range(16):
        torch.testing.assert_close(feats[:, :, t], few[:, :, t // 8], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "said"), [("s3d_g", "did you mean s3dg?"), ("alexnet", "known: motion, s3dg, s3dg_slim")]
)
def test_an_unknown_backbone_is_refused_in_one_line(name: str, said: str) -> None:
    for refused in (
        lambda: find_backbone(name),
        lambda: EncoderConfig(backbone=name),
        lambda: Recipe().with_settings([f"backbone={name}"]),
    ):
        with pytest.raises(SpeedinessError) as caught:
            refused()
        message = str(caught.value)
        assert said in message and f"no backbone {name};" in message and "\n" not in message


def test_a_backbone_with_strides_in_time_runs_without_torch(tmp_path: Path) -> None:
    size_px = 112
    network = small("r3d18", 0.0625, size_px).eval()
    nn.init.normal_(network.classifier.weight)
    export_onnx(network, tmp_path / "network.onnx")
    classify_clips = open_runtime(tmp_path / "network.onnx").classify_clips
    assert classify_clips is not None
    unit = network.config.clip.unit_px
    for height, width in ((size_px, size_px + unit), (size_px + unit, 64)):
        clips = moving_clips(2, 16, height, width, 3)
        with torch.inference_mode():
            expected = network.classify_clips(clips)
        answers = classify_clips(clips.numpy())
        for got, wanted in zip(answers, expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=2e-3)
        assert np.ptp(answers.rate[..., 0]) > 0.02
