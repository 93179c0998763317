"""C3D (Tran et al. 2015, arXiv 1412.0767) with batch norm, as VCOP and RSPNet use it.

Eight convolutions of 3 x 3 x 3, as in the paper; batch norm after each is from VCOP (Xu et al. 2019), kept
by RSPNet (Chen et al. 2021, arXiv 2011.07949), and makes the convolutions' bias needless. The paper's
pool5, fc6 and fc7 are not here: they hold two thirds of its 78 M parameters and tie it to 16 x 112 x 112.
"""

# B batch, C channels, T frames, H W frame size

from torch import Tensor, nn

from speediness.models.backbones.layers import Backbone, ConvNormReLU, draw_weights, scaled

# Channels of the convolutions between one pool and the next.
STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


class C3D(Backbone):
    """C3D up to conv5b; 27.66 M parameters at width 1."""

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        d_in = in_channels
        for number, stage in enumerate(STAGES):
            if number:
                size = (1, 2, 2) if number == 1 else (2, 2, 2)  # the first keeps time
                layers.append(nn.MaxPool3d(size, size))
            for channels in stage:
                d_out = scaled(channels, width)
                layers.append(ConvNormReLU(d_in, d_out, (3, 3, 3), eps=1e-5))
                d_in = d_out
        self.layers = nn.Sequential(*layers)
        self.feature_dim = d_in
        draw_weights(self)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, feature_dim, T/8, H/16, W/16), rounded down."""
        return self.layers(clips_BCTHW)
