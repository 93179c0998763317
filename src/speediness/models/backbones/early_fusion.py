"""Early fusion (Karpathy et al. 2014, section 3.1 and Fig. 1): the first filter spans all frames.

T x 3 x H x W filters in the first convolution, after which there is no time: each filter has weights of
its own for every moment. It sees order, direction and the motion of small things, but what it has
learned of a motion at one moment it does not know of the next. In the paper, where T is 10, it does
worse than a single frame (57.7 % against 59.3 % of the videos of Sports-1M).
"""

# B batch, C channels, T frames, H W frame size

import dataclasses
from typing import ClassVar

from speediness.models.backbones.frame_cnn import KARPATHY
from speediness.models.backbones.late_fusion import PooledFusion

FRAMES = 16  # that the first filters span; the paper's are 10


class EarlyFusion(PooledFusion):
    """The single-frame network whose first filters span the clip; 4.27 M parameters at width 1.

    (B, C, T, H, W) to (B, feature_dim, T - 15, H/24, W/24), rounded; fewer than 16 frames are refused
    (SpeedinessError).
    """

    stages: ClassVar = (dataclasses.replace(KARPATHY[0], frames=FRAMES), *KARPATHY[1:])
