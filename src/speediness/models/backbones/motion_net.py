"""The small network's trunk: a (2+1)D residual network over bins of motion, which sees the scene.

Paper: S3D-G on RGB. Here, for two CPU cores: motion is measured by a fixed layer (motion.py), summed over
bins of time (speediness.motion_field) and averaged over cells. Convolutions over space and over time
alternate as in R(2+1)D (Tran et al. 2018, arXiv 1711.11248). Those over time are not padded: a window's
answer depends on that window alone, however long the sequence that it is part of, so neighbouring
windows share all their work exactly.
"""

# B batch, L bins of a sequence, h w cells, C channels, D feature channels

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.layers import BN_EPS, BN_MOMENTUM, Backbone, draw_weights, scaled

CHANNELS = 24  # of the first stage at width 1; doubled in each of the two that follow
SPACE, TIME = (1, 3, 3), (3, 1, 1)
SCENE_CHANNELS = 32
"""Of what the network is told of the scene, see :mod:`speediness.models.scene`."""


class MotionNet(Backbone):
    """Half as many cells each way as given, :attr:`margin` bins fewer at either end; 0.2 M parameters.

    Attributes:
        margin: bins at either end of a sequence that only serve as context.
    """

    def __init__(self, in_channels: int = 8, width: float = 1.0) -> None:
        super().__init__()
        d, wide = scaled(CHANNELS, width), scaled(4 * CHANNELS, width)
        self.first = nn.Sequential(
            _conv(in_channels, d, SPACE), nn.ReLU(inplace=True), _conv(d, d, TIME), nn.ReLU(inplace=True)
        )
        self.scene = nn.Sequential(nn.Conv2d(SCENE_CHANNELS, d, 1), nn.ReLU(inplace=True))
        self.second = _Residual(3 * d, 2 * d)
        self.third = _Residual(2 * d, wide)
        self.feature_dim = wide
        self.margin = 3
        draw_weights(self)

    def forward(
        self, bins_BCLhw: Tensor, scene_NKhw: Tensor | None = None, scene_BL: Tensor | None = None
    ) -> Tensor:
        """Bins to features (B, feature_dim, L - 2 margin, h/2, w/2).

        Args:
            bins_BCLhw: of :class:`speediness.models.backbones.stems.MotionStem`.
            scene_NKhw: maps of N frames, of any size; None: nothing is known of the scene.
            scene_BL: int64, for every bin the number of its frame.
        """
        feats = self.first(bins_BCLhw)
        feats = torch.cat([F.avg_pool3d(feats, (1, 2, 2)), F.max_pool3d(feats, (1, 2, 2))], 1)
        return self.third(self.second(torch.cat([feats, self._scene(feats, scene_NKhw, scene_BL)], 1)))

    def _scene(self, feats_BDLhw: Tensor, scene_NKhw: Tensor | None, scene_BL: Tensor | None) -> Tensor:
        """(B, d, L, h, w) what is known of the scene at each of the bins."""
        batch, _, length, height, width = feats_BDLhw.shape
        if scene_NKhw is None or scene_BL is None:
            # A scene of zeros, as a scene that was dropped in training.
            known = self.scene(feats_BDLhw.new_zeros(1, SCENE_CHANNELS, height, width))
            return known[:, :, None].expand(batch, -1, length, -1, -1)
        sized = F.interpolate(scene_NKhw, size=(height, width), mode="bilinear", align_corners=False)
        trim = (scene_BL.shape[1] - length) // 2
        numbers = scene_BL[:, trim : trim + length].reshape(-1)
        known = self.scene(sized).index_select(0, numbers)
        return known.reshape(batch, length, -1, height, width).transpose(1, 2)


class _Residual(nn.Module):
    """Space, time, space, around which the input is carried by a 1x1x1 convolution."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            _conv(d_in, d_out, SPACE),
            nn.ReLU(inplace=True),
            _conv(d_out, d_out, TIME),
            nn.ReLU(inplace=True),
            _conv(d_out, d_out, SPACE),
        )
        self.carry = _conv(d_in, d_out, (1, 1, 1))

    def forward(self, feats_BDLhw: Tensor) -> Tensor:
        return (self.carry(feats_BDLhw[:, :, 1:-1]) + self.branch(feats_BDLhw)).relu()


def _conv(d_in: int, d_out: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    """Padded over space, not over time."""
    padding = (0, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(d_in, d_out, kernel, padding=padding, bias=False),
        nn.BatchNorm3d(d_out, eps=BN_EPS, momentum=BN_MOMENTUM),
    )
