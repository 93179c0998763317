"""Every backbone by name: a new one is a file of its own and a line here."""

from collections.abc import Callable
from functools import partial

from speediness.errors import SpeedinessError, suggest
from speediness.models.backbones.c3d import C3D
from speediness.models.backbones.early_fusion import EarlyFusion
from speediness.models.backbones.frame_resnet import FrameResNet18
from speediness.models.backbones.i3d import I3D
from speediness.models.backbones.inflated import InflatedLite0
from speediness.models.backbones.late_fusion import LateFusion, PooledFusion
from speediness.models.backbones.layers import Backbone
from speediness.models.backbones.lrcn import LRCN
from speediness.models.backbones.motion_net import MotionNet
from speediness.models.backbones.multiresolution import Multiresolution
from speediness.models.backbones.non_local import NonLocalC2D
from speediness.models.backbones.r2plus1d import R2Plus1D18
from speediness.models.backbones.r3d import R3D18
from speediness.models.backbones.s3dg import S3DG
from speediness.models.backbones.single_frame import SingleFrame
from speediness.models.backbones.slow_fusion import SlowFusion
from speediness.models.backbones.space_time_attention import SpaceTimeAttention
from speediness.models.backbones.stems import FlowStem, FrameStem, MotionStem
from speediness.models.backbones.two_stream import SpatialStream, TemporalStream, TwoStream
from speediness.models.backbones.two_stream_i3d import TwoStreamI3D

StemAndBackbone = tuple[type[FrameStem | MotionStem], Callable[[int, float], Backbone]]
"""What a backbone is given, and itself, made of (in_channels, width)."""

S3D_STRIDES = (2, 2, 2)

BACKBONES: dict[str, StemAndBackbone] = {
    "motion": (MotionStem, MotionNet),
    "s3dg": (FrameStem, S3DG),
    "s3dg_slim": (FrameStem, partial(S3DG, slim_start=True)),
    "s3dg_strided": (FrameStem, partial(S3DG, temporal_strides=S3D_STRIDES)),
    "s3dg_rspnet": (FrameStem, partial(S3DG, temporal_strides=S3D_STRIDES, gates="separable")),
    "s3d": (FrameStem, partial(S3DG, temporal_strides=S3D_STRIDES, gates="none")),
    "i3d": (FrameStem, I3D),
    "c3d": (FrameStem, C3D),
    "r3d18": (FrameStem, R3D18),
    "r2plus1d18": (FrameStem, R2Plus1D18),
    "single_frame": (FrameStem, SingleFrame),
    "late_fusion": (FrameStem, LateFusion),
    "late_pooling": (FrameStem, PooledFusion),
    "early_fusion": (FrameStem, EarlyFusion),
    "slow_fusion": (FrameStem, SlowFusion),
    "multiresolution": (FrameStem, Multiresolution),
    "spatial_stream": (FlowStem, SpatialStream),
    "temporal_stream": (FlowStem, TemporalStream),
    "two_stream": (FlowStem, TwoStream),
    "two_stream_i3d": (FlowStem, TwoStreamI3D),
    "frame_resnet18": (FrameStem, FrameResNet18),
    "lite0": (FrameStem, partial(InflatedLite0, frames=1)),
    "inflated_lite0": (FrameStem, InflatedLite0),
    "lrcn": (FrameStem, LRCN),
    "non_local": (FrameStem, NonLocalC2D),
    "space_time_attention": (FrameStem, SpaceTimeAttention),
}
"""The contract is :class:`speediness.models.backbones.layers.Backbone`."""


def find_backbone(name: str) -> StemAndBackbone:
    """What a backbone is given, and itself.

    Raises:
        SpeedinessError: no such backbone (the nearest is named).
    """
    if name not in BACKBONES:
        raise SpeedinessError(f"there is no backbone {name}; {suggest(name, BACKBONES)}")
    return BACKBONES[name]
