"""Every backbone by name: a new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from speediness.errors import SpeedinessError, meant
from speediness.models.c3d import C3D
from speediness.models.i3d import I3D
from speediness.models.layers import Backbone
from speediness.models.motion_net import MotionNet
from speediness.models.r2plus1d import R2Plus1D18
from speediness.models.r3d import R3D18
from speediness.models.s3dg import S3DG
from speediness.models.stems import MotionStem, PictureStem

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
