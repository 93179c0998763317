"""What all networks here share: clips go in, maps of a backbone come out."""

# B batch, T frames (L of a longer sequence), S = T - 1 pairs of neighbours, H W picture, C channels,
# h w cells (of the backbone's last maps or of 8 x 8 pixels), D features

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.models.motion import MotionCells
from speediness.models.motion_net import MotionNet
from speediness.models.s3dg import S3DG

Backbone = Literal["s3dg", "motion"]

# ImageNet mean and deviation of RGB in 0..1, as in the RSPNet code.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Displacements below this many pixels per frame (at N = 64) are sensor noise, not motion.
STILL_PX = 0.03


@dataclass(frozen=True)
class EncoderConfig:
    """What is looked at and by which backbone: all that weights say of how their network is built."""

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
    def from_json(cls, document: dict[str, Any]) -> EncoderConfig:
        """Inverse of :meth:`to_json`."""
        return cls(**{**document, "clip": ClipSpec.from_json(document["clip"])})


class PictureStem(nn.Module):
    """The paper's input: RGB, normalised."""

    out_channels = 3
    sees_pictures = True
    context = 0

    def forward(self, clips_BTHWC: Tensor, velocity_B4Thw: Tensor | None) -> Tensor:
        """uint8 frames to normalised RGB (B, 3, T, H, W); luma is repeated."""
        frames = (clips_BTHWC.permute(0, 4, 1, 2, 3).float() / 255).expand(-1, 3, -1, -1, -1)
        mean = frames.new_tensor(RGB_MEAN).view(1, 3, 1, 1, 1)
        std = frames.new_tensor(RGB_STD).view(1, 3, 1, 1, 1)
        return (frames - mean) / std


class MotionStem(nn.Module):
    """Velocities alone, twice: as they are, and relative to the film's own speed around that time.

    The second copy is the same however near the camera stands: in it speed shows only in how
    motion changes with time, which is what tells a fast walk from a near one (SpeedNet Fig. 2).
    """

    out_channels = 6
    sees_pictures = False
    context = 7

    def forward(self, clips_BTHWC: Tensor | None, velocity_B4Thw: Tensor) -> Tensor:
        """(B, 6, T, h, w): velocity, speed, relative velocity, confidence; needs no frames."""
        velocity, speed, seen = velocity_B4Thw.split([2, 1, 1], 1)
        power_B1T = speed.square().mean((3, 4))
        # Beyond the ends of what is given there is nothing, so the mean is over fewer frames there.
        around_B1T = F.avg_pool1d(power_B1T, 2 * self.context + 1, 1, self.context, count_include_pad=False)
        relative = velocity / torch.sqrt(around_B1T[..., None, None] + STILL_PX**2)
        return torch.cat([_compressed(velocity), _compressed(speed), _compressed(relative), seen], 1)


def _compressed(values: Tensor) -> Tensor:
    """asinh, written out: the runtime's own is five times slower."""
    return values.sign() * torch.log(values.abs() + torch.sqrt(values.square() + 1))


BACKBONES: dict[Backbone, tuple[type[PictureStem | MotionStem], type[S3DG | MotionNet]]] = {
    "s3dg": (PictureStem, S3DG),
    "motion": (MotionStem, MotionNet),
}
"""What each backbone is given, and itself: (B, C, T, H, W) to (B, feature_dim, T, h, w)."""


class Encoder(nn.Module):
    """Motion between frames, and a stem and a backbone that look at frames or at their motion.

    Attributes:
        config: what it was built by.
        feature_dim: D.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.motion = MotionCells()
        stem, backbone = BACKBONES[config.backbone]
        self.stem = stem()
        self.backbone = backbone(self.stem.out_channels, width=config.width)
        self.feature_dim = self.backbone.feature_dim

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds it besides the configuration, as plain values."""
        return {}

    def encode(self, clips_BTHWC: Tensor, intervals_BS: Tensor) -> Tensor:
        """The backbone's last maps (B, D, T, h, w), before any pooling.

        Args:
            clips_BTHWC: uint8 frames, H and W multiples of 32, C as in the clip specification.
            intervals_BS: float, spacing of neighbouring frames in reference intervals (S = T - 1),
                from :func:`speediness.sampling.played_intervals`.
        """
        velocity_B4Thw = None
        if not self.stem.sees_pictures:
            velocity_B4Thw = self.velocity(self.measure(clips_BTHWC), intervals_BS)
        return self.features(clips_BTHWC, velocity_B4Thw)

    @torch.no_grad()
    def measure(self, clips_BLHWC: Tensor) -> Tensor:
        """Cells (B, S, C, h, w) of :attr:`motion` for each pair of neighbours in uint8 frames."""
        cells_PChw = self.motion(clips_BLHWC[:, :-1].flatten(0, 1), clips_BLHWC[:, 1:].flatten(0, 1))
        return cells_PChw.unflatten(0, (clips_BLHWC.shape[0], clips_BLHWC.shape[1] - 1))

    def velocity(self, cells_BSChw: Tensor, intervals_BS: Tensor) -> Tensor:
        """Motion per cell in pixels (at N = 64) per reference interval, (B, 4, T, h, w).

        The last pair's motion stands for the last frame too, so that T is kept.
        """
        # A pair of the same frame (interval 0) has no displacement; the floor avoids 0 / 0.
        per_interval = 64 / self.config.clip.size_px / intervals_BS.clamp(min=0.25)
        moved, seen = cells_BSChw.split([3, 1], 2)
        velocity_BSChw = torch.cat([moved * per_interval[:, :, None, None, None], seen], 2)
        return torch.cat([velocity_BSChw, velocity_BSChw[:, -1:]], 1).transpose(1, 2)

    def features(self, clips_BTHWC: Tensor | None, velocity_B4Thw: Tensor | None) -> Tensor:
        """As :meth:`encode`, of what the stem needs: pictures, or their velocity."""
        inputs = self.stem(clips_BTHWC, velocity_B4Thw)
        return self.backbone(inputs.contiguous(memory_format=torch.channels_last_3d))
