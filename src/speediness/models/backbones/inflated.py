"""A 2D network of ImageNet stretched over time (Carreira and Zisserman 2017, section 2.4).

Every kernel that covers more than one pixel is repeated over three frames and divided by three, so that
a video in which nothing moves (the paper's "boring video") gets the answer that the 2D network gives
for its one frame. The network is EfficientNet-Lite0, whose weights can be had; the paper's is
Inception-v1 (see i3d.py), and it stretches by as many frames as pixels and strides over time. Here the
first and last frame are repeated beyond the ends, where the paper has zeros, so that a boring video is
answered alike at every moment, and every frame is kept.

``speediness convert WEIGHTS.pth RECIPE --set backbone=inflated_lite0`` starts it from the 2D weights.
"""

# B batch, C channels, T frames, H W frame size; O out, I in, t h w kernel

import torch
from torch import Tensor, nn

from speediness.models.backbones.efficientnet import EfficientNetLite0, imagenet
from speediness.models.backbones.i3d import inflate
from speediness.models.backbones.layers import Backbone, draw_weights


class InflatedConv(nn.Conv3d):
    """A 2D convolution repeated over time; beyond its ends a video stands still.

    Args:
        conv: the 2D convolution, without padding of its own.
        frames: odd; what the kernel covers.
    """

    def __init__(self, conv: nn.Conv2d, frames: int) -> None:
        (k_h, k_w), (s_h, s_w) = conv.kernel_size, conv.stride
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            (frames, k_h, k_w),
            (1, s_h, s_w),
            groups=conv.groups,
            bias=conv.bias is not None,
        )
        state = {**conv.state_dict(), "weight": inflate(conv.weight.detach(), frames)}
        self.load_state_dict(state)
        self.reach = frames // 2

    def forward(self, input: Tensor) -> Tensor:
        """(B, I, T, H, W) to (B, O, T, h, w)."""
        before, after = input[:, :, :1], input[:, :, -1:]
        return super().forward(torch.cat([before] * self.reach + [input] + [after] * self.reach, 2))


def inflate_network(network: nn.Module, frames: int) -> None:
    """Make a 2D network one of clips, in place; names of layers are kept.

    Args:
        network: its own ``forward`` must not care whether maps have a time axis before the last two.
        frames: odd; what kernels of more than one pixel will cover. 1: each frame is seen alone.
    """
    for name, module in network.named_children():
        if isinstance(module, nn.Conv2d):
            covered = 1 if module.kernel_size == (1, 1) else frames
            setattr(network, name, InflatedConv(module, covered))
        elif isinstance(module, nn.BatchNorm2d):
            norm = nn.BatchNorm3d(module.num_features, module.eps, module.momentum)
            norm.load_state_dict(module.state_dict())
            setattr(network, name, norm.train(module.training))
        else:
            inflate_network(module, frames)


class InflatedLite0(Backbone):
    """EfficientNet-Lite0 over time; 3.74 M parameters at width 1. See :func:`inflate_network`."""

    def __init__(self, in_channels: int = 3, width: float = 1.0, frames: int = 3) -> None:
        super().__init__()
        self.network, self.n_frames = EfficientNetLite0(width), frames
        del self.network.classifier
        self.feature_dim = self.network.feature_dim
        inflate_network(self.network, frames)
        draw_weights(self)
        if frames == 1:
            self.averages_probabilities = True

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T, H/32, W/32), rounded up."""
        return self.network(clips_BCTHW)


def load_imagenet(encoder: nn.Module) -> None:
    """Give an encoder of the backbone ``lite0`` or ``inflated_lite0``, width 1, its ImageNet weights.

    Raises:
        WeightsError: the package that holds the weights is not installed.
    """
    backbone = encoder.backbone
    assert isinstance(backbone, InflatedLite0)
    trained = imagenet()
    del trained.classifier
    inflate_network(trained, backbone.n_frames)
    backbone.network.load_state_dict(trained.state_dict())
