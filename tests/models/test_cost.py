"""Parameters and multiply-adds against those that the networks' authors or maintainers publish."""

import pytest
import torch
from torch import nn

from speediness.errors import SpeedinessError
from speediness.models.backbones import BACKBONES
from speediness.models.backbones.c3d import STAGES
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.non_local import NonLocalC2D
from speediness.models.backbones.s3dg import BLOCKS
from speediness.models.backbones.slow_fusion import SlowFusion
from speediness.models.backbones.space_time_attention import SpaceTimeAttention
from speediness.models.cost import count_macs, count_parameters

ATTENDING = ("non_local", "space_time_attention")


def full_size(name: str) -> Backbone:
    stem, backbone = BACKBONES[name]
    with torch.device("meta"):
        return backbone(stem.out_channels, 1.0)


def macs_by_hand(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Counted at each layer from the shape it really produced; attention is counted elsewhere."""
    total = 0

    def count(layer: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.LSTM):  # four gates, of the input and of the state before
            total += output[0].numel() * 4 * (layer.input_size + layer.hidden_size)
        else:
            assert isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear)
            total += output.numel() * layer.weight[0].numel()

    counted = nn.Conv2d | nn.Conv3d | nn.Linear | nn.LSTM
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, counted)]
    with torch.inference_mode():
        network.eval()(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("name", [name for name in BACKBONES if name not in ATTENDING])
def test_multiply_adds_are_those_counted_by_hand(name: str) -> None:
    stem, backbone = BACKBONES[name]
    network = backbone(stem.out_channels, 0.0625)
    shape = (2, stem.out_channels, 16, 48, 32)
    assert count_macs(network, shape) == macs_by_hand(network, shape) > 0
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


# With torchvision's classifier for Kinetics-400, 400 (feature_dim + 1) parameters: num_params and GFLOPS
# of S3D_Weights and R2Plus1D_18_Weights in torchvision's documentation, which counts a multiply-add as one.
@pytest.mark.parametrize(
    ("name", "parameters", "gmacs", "shape"),
    [
        ("s3d", 8_320_048, 17.98, (16, 224, 224)),
        ("r2plus1d18", 31_505_325, 40.52, (16, 112, 112)),
    ],
)
def test_torchvisions_networks_to_the_last_parameter(
    name: str, parameters: int, gmacs: float, shape: tuple[int, ...]
) -> None:
    network = full_size(name)
    assert count_parameters(network) + 400 * (network.feature_dim + 1) == parameters
    assert count_macs(network, (1, 3, *shape)) / 1e9 == pytest.approx(gmacs, abs=0.005)


def test_hara_resnet_is_torchvisions_but_for_its_stem() -> None:
    """torchvision's r3d_18 has 33,371,472 (R3D_18_Weights) and a stem of 3 x 7 x 7 instead of 7 x 7 x 7."""
    network = full_size("r3d18")
    assert count_parameters(network) + 400 * 513 == 33_371_472 + (7 - 3) * 7 * 7 * 3 * 64


def test_c3d_with_its_fully_connected_layers_has_the_published_size() -> None:
    """mmaction2's page of C3D: 78.4 M parameters with 101 classes and no batch norm, 38.5 G at 16 x 112."""
    network = full_size("c3d")
    channels = [d for stage in STAGES for d in stage]
    # A bias a channel in the paper; here batch norm's scale and shift.
    convolutions = count_parameters(network) - 2 * sum(channels) + sum(channels)
    fc6, fc7, classes = (8192 + 1) * 4096, (4096 + 1) * 4096, (4096 + 1) * 101
    assert (convolutions + fc6 + fc7 + classes) / 1e6 == pytest.approx(78.4, abs=0.05)
    assert count_macs(network, (1, 3, 16, 112, 112)) / 1e9 == pytest.approx(38.5, abs=0.05)


def test_c3d_costs_what_the_lecture_says_and_somewhat_less() -> None:
    """ "3 x VGG and 56 x AlexNet", says the slide; counted with fc6, fc7 and all classes: 2.5 and 53."""
    c3d = count_macs(full_size("c3d"), (1, 3, 16, 112, 112)) + 8192 * 4096 + 4096 * 4096 + 4096 * 487
    vgg_stages = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
    layers: list[nn.Module] = []
    d_in = 3
    for stage in vgg_stages:
        for channels in stage:
            layers.append(nn.Conv2d(d_in, channels, 3, padding=1))
            d_in = channels
        layers.append(nn.MaxPool2d(2))
    head = [nn.Flatten(), nn.Linear(25088, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)]
    vgg = count_macs(nn.Sequential(*layers, *head), (1, 3, 224, 224))
    alexnet = nn.Sequential(
        nn.Conv2d(3, 96, 11, 4),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(9216, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    )
    assert c3d / vgg == pytest.approx(2.5, abs=0.05)
    assert c3d / count_macs(alexnet, (1, 3, 227, 227)) == pytest.approx(53, abs=1)


def test_two_streams_of_i3d_have_25_m_parameters() -> None:
    """Carreira and Zisserman 2017, Table 1; the second stream is of flow, two channels."""
    with torch.device("meta"):
        streams = [BACKBONES["i3d"][1](channels, 1.0) for channels in (3, 2)]
    total = sum(count_parameters(stream) + 400 * (stream.feature_dim + 1) for stream in streams)
    assert total / 1e6 == pytest.approx(25, abs=0.5)


def test_the_two_stream_i3d_is_those_two() -> None:
    streams = [BACKBONES["i3d"][1](channels, 0.125) for channels in (3, 2)]
    both = BACKBONES["two_stream_i3d"][1](5, 0.125)
    assert count_parameters(both) == sum(count_parameters(stream) for stream in streams)


def test_divided_attention_has_the_published_size_and_cost() -> None:
    """Bertasius et al. 2021: 121.4 M parameters (with the 174 classes of Something-Something, a class
    token and its position) and 0.59 T multiply-adds for three crops of 8 frames."""
    with torch.device("meta"):
        network = SpaceTimeAttention(n_frames=8)
    d = network.feature_dim
    assert (count_parameters(network) + 2 * d + 174 * (d + 1)) / 1e6 == pytest.approx(121.4, abs=0.05)
    assert 3 * count_macs(network, (1, 3, 8, 224, 224)) / 1e12 == pytest.approx(0.59, abs=0.005)


def test_c2d_and_five_non_local_blocks_have_the_published_sizes_and_costs() -> None:
    """Wang et al. 2018, Table 2e, ResNet-101: 43.2 M and 34.2 G for C2D, with 400 classes and frozen batch
    norm, and 1.2 times both with the blocks."""
    with torch.device("meta"):
        plain, blocks = (NonLocalC2D(depth=101, non_local=non_local) for non_local in (False, True))
    norms = [m for m in plain.modules() if isinstance(m, nn.BatchNorm3d)]
    counted = count_parameters(plain) - sum(map(count_parameters, norms)) + 400 * 2049
    macs, shape = count_macs(plain, (1, 3, 32, 224, 224)), (1, 3, 32, 224, 224)
    assert counted / 1e6 == pytest.approx(43.2, abs=0.05)
    assert macs / 1e9 == pytest.approx(34.2, rel=0.01)
    more = count_parameters(blocks) - count_parameters(plain)
    assert 1 + more / counted == pytest.approx(1.2, abs=0.05)
    assert count_macs(blocks, shape) / macs == pytest.approx(1.2, abs=0.05)


def test_the_input_of_two_resolutions_is_half_of_the_frame() -> None:
    """Karpathy et al. 2014, section 3.2: 178 pixels become twice 89, and both streams end at 7 x 7."""
    network = full_size("multiresolution")
    assert 2 * 89**2 * 2 == 178**2
    assert network(torch.empty(1, 3, 1, 178, 178, device="meta")).shape == (1, 512, 1, 7, 7)


def test_slow_fusion_has_one_response_for_the_published_ten_frames() -> None:
    """Karpathy et al. 2014, section 3.1: 4 after the first convolution, 2 after the second, then 1."""
    network = full_size("slow_fusion")
    assert isinstance(network, SlowFusion)
    assert network.frames.n_frames == 10
    maps, responses = torch.empty(1, 3, 10, 170, 170, device="meta"), []
    for layer in network.frames.layers:
        maps = layer(maps)
        if isinstance(layer, nn.Conv3d):
            responses.append(maps.shape[2])
    assert responses == [4, 2, 1, 1, 1] and maps.shape[1:] == (256, 1, 7, 7)


@pytest.mark.parametrize(
    ("name", "needed"), [("late_fusion", 16), ("early_fusion", 16), ("two_stream", 10)]
)
def test_a_clip_too_short_is_refused_in_one_line(name: str, needed: int) -> None:
    stem, backbone = BACKBONES[name]
    with pytest.raises(SpeedinessError, match=f"needs clips of {needed} frames, not {needed - 1}; set"):
        backbone(stem.out_channels, 0.0625)(torch.empty(1, stem.out_channels, needed - 1, 32, 32))


def test_gates_are_a_weight_from_each_to_each_channel_they_scale() -> None:
    """RSPNet's have a bias too. Nobody publishes a size; worked out from the channels: 9.13 and 8.68 M."""
    separable = [64, 192, *(d for block in BLOCKS.values() for d in (block[2], block[4]))]
    everywhere = [192, *(block[i] for block in BLOCKS.values() for i in (0, 2, 4, 5))]
    s3d = count_parameters(full_size("s3d"))
    rspnet = s3d + sum(d * (d + 1) for d in separable)
    s3dg = s3d + sum(d * d for d in everywhere)
    assert count_parameters(full_size("s3dg_rspnet")) == rspnet == 8_675_744
    assert count_parameters(full_size("s3dg")) == count_parameters(full_size("s3dg_strided")) == s3dg
    assert s3dg == 9_129_376


@pytest.mark.parametrize(
    ("name", "clip", "features"),
    [
        ("s3dg", (16, 224, 224), (1024, 16, 7, 7)),  # SpeedNet §3.2: T x N/32 x N/32 x 1024
        ("s3dg_strided", (64, 224, 224), (1024, 8, 7, 7)),
        ("s3dg_rspnet", (64, 224, 224), (1024, 8, 7, 7)),
        ("s3d", (64, 224, 224), (1024, 8, 7, 7)),
        ("i3d", (64, 224, 224), (1024, 8, 7, 7)),
        ("c3d", (16, 112, 112), (512, 2, 7, 7)),
        ("r3d18", (16, 112, 112), (512, 1, 4, 4)),  # RSPNet's retrieval.py
        ("r2plus1d18", (16, 112, 112), (512, 2, 7, 7)),
        ("single_frame", (1, 170, 170), (256, 1, 7, 7)),
        ("early_fusion", (16, 170, 170), (256, 1, 7, 7)),
        ("two_stream", (11, 224, 224), (1024, 1, 7, 7)),
        ("inflated_lite0", (8, 224, 224), (1280, 8, 7, 7)),
        ("non_local", (32, 224, 224), (2048, 4, 7, 7)),
        ("space_time_attention", (8, 224, 224), (768, 8, 14, 14)),
    ],
)
def test_published_inputs_give_the_published_maps(
    name: str, clip: tuple[int, ...], features: tuple[int, ...]
) -> None:
    network = full_size(name).eval()
    channels = BACKBONES[name][0].out_channels
    assert network(torch.empty(1, channels, *clip, device="meta")).shape == (1, *features)
    assert network.feature_dim == features[0]
