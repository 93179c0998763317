"""Every backbone by name: a new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from speediness.errors import SpeedinessError, meant
from speediness.models.c3d import C3D
from speediness.models.early_fusion import EarlyFusion
from speediness.models.flow_stem import FlowStem
from speediness.models.i3d import I3D
from speediness.models.inflated import InflatedLite0
from speediness.models.late_fusion import LateFusion, PooledFusion
from speediness.models.layers import Backbone
from speediness.models.lrcn import LRCN
from speediness.models.motion_net import MotionNet
from speediness.models.multiresolution import Multiresolution
from speediness.models.non_local import NonLocalC2D
from speediness.models.r2plus1d import R2Plus1D18
from speediness.models.r3d import R3D18
from speediness.models.s3dg import S3DG
from speediness.models.single_frame import SingleFrame
from speediness.models.slow_fusion import SlowFusion
from speediness.models.space_time_attention import SpaceTimeAttention
from speediness.models.stems import MotionStem, PictureStem
from speediness.models.two_stream import SpatialStream, TemporalStream, TwoStream
from speediness.models.two_stream_i3d import TwoStreamI3D

Entry = tuple[type[PictureStem | MotionStem], Callable[[int, float], Backbone]]
"""What a backbone is given, and itself, made of (in_channels, width)."""

S3D_STRIDES = (2, 2, 2)

BACKBONES: dict[str, Entry] = {
    "motion": (MotionStem, MotionNet),
    "s3dg": (PictureStem, S3DG),
    "s3dg_strided": (PictureStem, partial(S3DG, temporal_strides=S3D_STRIDES)),
    "s3dg_rspnet": (PictureStem, partial(S3DG, temporal_strides=S3D_STRIDES, gates="separable")),
    "s3d": (PictureStem, partial(S3DG, temporal_strides=S3D_STRIDES, gates="none")),
    "i3d": (PictureStem, I3D),
    "c3d": (PictureStem, C3D),
    "r3d18": (PictureStem, R3D18),
    "r2plus1d18": (PictureStem, R2Plus1D18),
    "single_frame": (PictureStem, SingleFrame),
    "late_fusion": (PictureStem, LateFusion),
    "late_pooling": (PictureStem, PooledFusion),
    "early_fusion": (PictureStem, EarlyFusion),
    "slow_fusion": (PictureStem, SlowFusion),
    "multiresolution": (PictureStem, Multiresolution),
    "spatial_stream": (FlowStem, SpatialStream),
    "temporal_stream": (FlowStem, TemporalStream),
    "two_stream": (FlowStem, TwoStream),
    "two_stream_i3d": (FlowStem, TwoStreamI3D),
    "lite0": (PictureStem, partial(InflatedLite0, frames=1)),
    "inflated_lite0": (PictureStem, InflatedLite0),
    "lrcn": (PictureStem, LRCN),
    "non_local": (PictureStem, NonLocalC2D),
    "space_time_attention": (PictureStem, SpaceTimeAttention),
}
"""The contract is :class:`speediness.models.layers.Backbone`."""


def find_backbone(name: str) -> Entry:
    """What a backbone is given, and itself.

    Raises:
        SpeedinessError: no such backbone (the nearest is named).
    """
    if name not in BACKBONES:
        raise SpeedinessError(f"there is no backbone {name}; {meant(name, BACKBONES)}")
    return BACKBONES[name]
