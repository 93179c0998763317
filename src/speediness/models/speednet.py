"""SpeedNet (§3.2): is this clip playing at natural speed, or sped up?"""

# B batch, T frames, H W picture, C channels, D features, h w = H W / 32 (S3D-G) or / 8 (MotionNet)

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.models.motion import LucasKanade
from speediness.models.motion_net import MotionNet
from speediness.models.s3dg import S3DG

Backbone = Literal["s3dg", "motion"]

NORMAL, SPED_UP = 0, 1  # order of the two logits

# ImageNet mean and deviation of RGB in 0..1, as in the RSPNet code; luma weights of BT.601.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LUMA_WEIGHTS = (0.299, 0.587, 0.114)

# Displacements below this many pixels per frame (at N = 64) are sensor noise, not motion.
STILL_PX = 0.03
CELL_PX = 8


@dataclass(frozen=True)
class SpeedNetConfig:
    """Everything needed to build the network that a set of weights belongs to."""

    clip: ClipSpec = field(default_factory=ClipSpec)
    backbone: Backbone = "s3dg"
    """s3dg: pictures into S3D-G (the paper). motion: velocities into MotionNet (the small one)."""
    width: float = 1.0
    """Multiplies the channels of the backbone; 1.0 is the published S3D-G."""
    dropout: float = 0.2

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {**asdict(self), "clip": self.clip.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> SpeedNetConfig:
        """Inverse of :meth:`to_json`."""
        return cls(**{**document, "clip": ClipSpec.from_json(document["clip"])})


class PictureStem(nn.Module):
    """The paper's input: RGB, normalised."""

    out_channels = 3

    def forward(self, frames_BCTHW: Tensor, velocity_BcTHW: Tensor, seen_B1THW: Tensor) -> Tensor:
        """Frames in 0..1 to normalised RGB (B, 3, T, H, W); luma is repeated."""
        mean = frames_BCTHW.new_tensor(RGB_MEAN).view(1, 3, 1, 1, 1)
        std = frames_BCTHW.new_tensor(RGB_STD).view(1, 3, 1, 1, 1)
        return (frames_BCTHW.expand(-1, 3, -1, -1, -1) - mean) / std


class MotionStem(nn.Module):
    """Velocities alone, twice: as they are, and relative to the clip's own speed.

    The second copy is the same however near the camera stands: in it speed shows only in how
    motion changes with time, which is what tells a fast walk from a near one (SpeedNet Fig. 2).
    """

    out_channels = 6

    def forward(self, frames_BCTHW: Tensor, velocity_BcTHW: Tensor, seen_B1THW: Tensor) -> Tensor:
        """(B, 6, T, H/8, W/8) over cells: velocity, speed, relative velocity, confidence."""
        speed_B1THW = velocity_BcTHW.square().sum(1, keepdim=True).sqrt()
        velocity, speed, seen = (_cells(maps) for maps in (velocity_BcTHW, speed_B1THW, seen_B1THW))
        power_B = speed.square().mean((1, 2, 3, 4), keepdim=True)
        relative = velocity / torch.sqrt(power_B + STILL_PX**2)
        return torch.cat([_compressed(velocity), _compressed(speed), _compressed(relative), seen], 1)


def _cells(maps_BCTHW: Tensor) -> Tensor:
    """Means over cells of 8 x 8 pixels."""
    return F.avg_pool3d(maps_BCTHW, (1, CELL_PX, CELL_PX))


def _compressed(values: Tensor) -> Tensor:
    """asinh, written out: the runtime's own is five times slower."""
    return values.sign() * torch.log(values.abs() + torch.sqrt(values.square() + 1))


BACKBONES: dict[Backbone, tuple[type[PictureStem | MotionStem], type[S3DG | MotionNet]]] = {
    "s3dg": (PictureStem, S3DG),
    "motion": (MotionStem, MotionNet),
}
"""What each backbone is given, and itself: (B, C, T, H, W) to (B, feature_dim, T, h, w)."""


class SpeedNet(nn.Module):
    """Backbone with every frame kept, maximum over space, mean over time, 1x1 classifier."""

    def __init__(self, config: SpeedNetConfig) -> None:
        super().__init__()
        self.config = config
        self.flow = LucasKanade()
        stem, backbone = BACKBONES[config.backbone]
        self.stem = stem()
        self.backbone = backbone(self.stem.out_channels, width=config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Conv1d(self.backbone.feature_dim, 2, 1)
        nn.init.normal_(self.classifier.weight, std=0.01)
        assert self.classifier.bias is not None
        nn.init.zeros_(self.classifier.bias)

    def velocity(self, frames_BCTHW: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Motion of every point in pixels (at N = 64) per reference interval, S = T - 1.

        Returns velocity (B, 2, T, H, W) and confidence (B, 1, T, H, W); the last pair's motion
        stands for the last frame too, so that T is kept.
        """
        batch, channels, t, height, width = frames_BCTHW.shape
        luma = frames_BCTHW
        if channels == 3:
            weights = frames_BCTHW.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1, 1)
            luma = (frames_BCTHW * weights).sum(1, keepdim=True)
        pairs_first = luma[:, :, :-1].transpose(1, 2).reshape(-1, 1, height, width)
        pairs_second = luma[:, :, 1:].transpose(1, 2).reshape(-1, 1, height, width)
        flow, seen = self.flow(pairs_first, pairs_second)
        # A pair of the same frame (interval 0) has no displacement; the floor avoids 0 / 0.
        per_interval = 64 / self.config.clip.size_px / intervals_BS.clamp(min=0.25)
        velocity = flow.view(batch, t - 1, 2, height, width) * per_interval[:, :, None, None, None]
        seen = seen.view(batch, t - 1, 1, height, width)
        velocity = torch.cat([velocity, velocity[:, -1:]], 1).transpose(1, 2)
        return velocity, torch.cat([seen, seen[:, -1:]], 1).transpose(1, 2)

    def features(self, clips_BTHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 frames to features (B, D, T, h, w) and motion (B, 2), see :meth:`forward`."""
        frames = clips_BTHWC.permute(0, 4, 1, 2, 3).float() / 255
        with torch.no_grad():
            velocity, seen = self.velocity(frames, intervals_BS)
            speed_BTHW = velocity.square().sum(1).sqrt()
            peak_B = F.avg_pool2d(speed_BTHW, 8).amax((2, 3)).mean(1)
            motion_B2 = torch.stack([speed_BTHW.mean((1, 2, 3)), peak_B], 1)
        inputs = self.stem(frames, velocity, seen)
        return self.backbone(inputs.contiguous(memory_format=torch.channels_last_3d)), motion_B2

    def forward(self, clips_BTHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Judge clips.

        Args:
            clips_BTHWC: uint8 frames, H and W multiples of 32, C as in the clip specification.
            intervals_BS: float, spacing of neighbouring frames in reference intervals (S = T - 1),
                from :func:`speediness.sampling.played_intervals`.

        Returns:
            logits (B, 2) in the order NORMAL, SPED_UP, and optical-flow magnitude (B, 2) in pixels
            per interval on a picture of short side 64: the mean over the picture, and that of
            its busiest 8 x 8 cell, which tells a small mover from a still film.
        """
        feats_BDThw, motion_B2 = self.features(clips_BTHWC, intervals_BS)
        pooled_BDT = feats_BDThw.amax((3, 4))  # §3.2: global max pooling over space
        pooled_BD1 = pooled_BDT.mean(2, keepdim=True)  # §3.2: global average pooling over time
        return self.classifier(self.dropout(pooled_BD1)).squeeze(2), motion_B2
