"""The 2D networks of 2014 on frames, and the ways in which they were stretched over time.

A 2D convolution is a 3D one whose kernel covers a single frame, so that every frame of a clip goes
through the same weights. Batch norm after each convolution stands for the local response normalisation
of the papers, as in the other networks here. The fully connected layers of the papers are left out:
they tie a network to one size of frame.
"""

# B batch, C channels, T frames, H W frame size, D feature channels

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from speediness.errors import SpeedinessError
from speediness.models.backbones.layers import BN_MOMENTUM, draw_weights, scaled


@dataclass(frozen=True)
class Stage:
    """A convolution with batch norm and ReLU, and the pool after it."""

    channels: int
    kernel: int
    stride: int = 1
    pool: int = 0
    """Side of the windows of max pooling at a stride of 2; 0: none."""
    frames: int = 1
    """What the kernel covers in time; there is no padding in time."""
    frame_stride: int = 1


KARPATHY = (
    Stage(96, 11, 3, pool=2),
    Stage(256, 5, pool=2),
    Stage(384, 3),
    Stage(384, 3),
    Stage(256, 3, pool=2),
)
"""The single-frame network of Karpathy et al. 2014, section 3.1: 170 x 170 to 7 x 7 x 256."""

CNN_M = (
    Stage(96, 7, 2, pool=3),
    Stage(256, 5, 2, pool=3),
    Stage(512, 3),
    Stage(512, 3),
    Stage(512, 3, pool=3),
)
"""CNN-M-2048 of Chatfield et al. 2014, both streams of Simonyan and Zisserman 2014, Fig. 1."""


class FrameCNN(nn.Module):
    """Convolutions and pools as a table says.

    Attributes:
        feature_dim: D.
        n_frames: the shortest clip that fills all kernels in time.
    """

    def __init__(self, in_channels: int, stages: tuple[Stage, ...], width: float) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        d_in, reach, step = in_channels, 1, 1
        for stage in stages:
            d_out, k = scaled(stage.channels, width), stage.kernel
            stride = (stage.frame_stride, stage.stride, stage.stride)
            conv = nn.Conv3d(d_in, d_out, (stage.frames, k, k), stride, (0, k // 2, k // 2), bias=False)
            self.layers.extend([conv, nn.BatchNorm3d(d_out, momentum=BN_MOMENTUM), nn.ReLU(inplace=True)])
            if stage.pool:
                padding = (stage.pool - 1) // 2
                size = (1, stage.pool, stage.pool)
                self.layers.append(nn.MaxPool3d(size, (1, 2, 2), (0, padding, padding)))
            d_in = d_out
            reach, step = reach + (stage.frames - 1) * step, step * stage.frame_stride
        self.feature_dim, self.n_frames = d_in, reach
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, in_channels, T, H, W) to (B, feature_dim, T', h, w).

        Raises:
            SpeedinessError: fewer frames than :attr:`n_frames`.
        """
        require_frames(clips_BCTHW, self.n_frames)
        return self.layers(clips_BCTHW)


def require_frames(clips_BCTHW: Tensor, n_frames: int) -> None:
    """Refuse clips that are too short for a network.

    Raises:
        SpeedinessError: fewer frames than that.
    """
    if not torch.compiler.is_compiling() and clips_BCTHW.shape[2] < n_frames:
        raise SpeedinessError(
            f"this backbone needs clips of {n_frames} frames, not {clips_BCTHW.shape[2]}; set n_frames"
        )
