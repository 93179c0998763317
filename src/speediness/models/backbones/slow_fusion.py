"""Slow fusion (Karpathy et al. 2014, section 3.1 and Fig. 1): time is used up layer by layer.

The first three convolutions cover 4, 2 and 2 frames, the first two at a stride of 2: of the paper's 10
frames there are 4, 2 and 1 responses, and what follows is a 2D network. (The third has a stride of 2 in
the paper, where it has one response; 1 here, so that of 16 frames 14 are seen and not 10.) Filters
slide over time, so a motion is known again at another moment, but at every fourth frame only.

The best network of the paper: 60.9 % of the videos of Sports-1M; on UCF101 41.3 % from a random start
and 65.4 % with its last three layers fine-tuned. The lecture calls 3D convolutions by the same name; its
first filters are 4 x 5 x 5, the paper's 4 x 11 x 11.
"""

# B batch, C channels, T frames, H W frame size

import dataclasses
from typing import ClassVar

from speediness.models.backbones.frame_cnn import KARPATHY
from speediness.models.backbones.late_fusion import PooledFusion

FRAMES = ((4, 2), (2, 2), (2, 1))  # that the first convolutions cover, and their strides


class SlowFusion(PooledFusion):
    """The single-frame network with three filters stretched over time; 5.35 M parameters at width 1.

    (B, C, T, H, W) to (B, feature_dim, T', H/24, W/24), rounded; T' is 1 for 10 frames, 2 for 16, and fewer
    than 10 are refused (SpeedinessError).
    """

    stages: ClassVar = (
        *(
            dataclasses.replace(stage, frames=frames, frame_stride=stride)
            for stage, (frames, stride) in zip(KARPATHY, FRAMES, strict=False)
        ),
        *KARPATHY[len(FRAMES) :],
    )
