"""What a backbone is, and the layers that several of them are made of."""

# B batch, C channels, T frames, H W frame size, h w the backbone's last maps, D feature channels

from torch import Tensor, nn

# The S3D authors' decay of 0.999 leaves 37 % of the initial statistics after 1000 steps, which ruins
# short runs evaluated in eval mode; 0.1 forgets within tens of steps.
BN_MOMENTUM = 0.1
BN_EPS = 1e-3


class Backbone(nn.Module):
    """From clips to feature maps; what follows (a head, pooling) is another's business.

    A backbone is a subclass in a file of its own and a line in
    :data:`speediness.models.backbones.BACKBONES`.

    Attributes:
        feature_dim: D, channels of the last maps.
        margin: bins at either end of a sequence of motion that only serve as context; 0 where frames are
            seen.
        averages_probabilities: a classifier sees every frame of the maps alone and its
            probabilities are averaged; otherwise it sees the average of the maps.


    Args:
        in_channels: C, 3 for RGB.
        width: multiplies every channel count; 1.0 is the published network.
    """

    feature_dim: int
    margin: int = 0
    averages_probabilities: bool = False

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()

    def forward(self, clips_BCTHW: Tensor, /) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T', h, w), T' at most T."""
        raise NotImplementedError


def scaled(channels: int, width: float) -> int:
    """A published channel count at another width; never below 4."""
    return max(4, round(channels * width))


class ConvNormReLU(nn.Sequential):
    """Convolution without bias, batch norm, ReLU; padded on both sides by half of the kernel, or not."""

    def __init__(
        self,
        d_in: int,
        d_out: int,
        kernel: tuple[int, int, int],
        stride: tuple[int, int, int] = (1, 1, 1),
        eps: float = BN_EPS,
        padded: bool = True,
    ) -> None:
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2) if padded else 0
        super().__init__(
            nn.Conv3d(d_in, d_out, kernel, stride, padding, bias=False),
            nn.BatchNorm3d(d_out, eps=eps, momentum=BN_MOMENTUM),
            nn.ReLU(inplace=True),
        )


def draw_weights(network: nn.Module) -> None:
    """Start every convolution as He et al. 2015 (arXiv 1502.01852) do for ReLU."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
