"""SpeedNet (§3.2): is this clip playing at natural speed, or sped up?"""

# B batch, T frames (L of a sequence that holds W windows of T), S = T - 1 pairs of neighbours, H W picture,
# C channels, h w cells (of the backbone's last maps or of 8 x 8 pixels), D features

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

NORMAL, SPED_UP = 0, 1  # order of the two logits

# ImageNet mean and deviation of RGB in 0..1, as in the RSPNet code.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Displacements below this many pixels per frame (at N = 64) are sensor noise, not motion.
STILL_PX = 0.03


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
    sees_pictures = True
    context = 0

    def forward(self, clips_BTHWC: Tensor, velocity_B4Thw: Tensor) -> Tensor:
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


class SpeedNet(nn.Module):
    """Backbone with every frame kept, maximum over space, mean over time, 1x1 classifier.

    In two steps, because neighbouring windows share most of the first: :attr:`motion` measures
    pairs of frames, :meth:`judge` looks at a window of them.
    """

    def __init__(self, config: SpeedNetConfig) -> None:
        super().__init__()
        self.config = config
        self.motion = MotionCells()
        stem, backbone = BACKBONES[config.backbone]
        self.stem = stem()
        self.backbone = backbone(self.stem.out_channels, width=config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Conv1d(self.backbone.feature_dim, 2, 1)
        nn.init.normal_(self.classifier.weight, std=0.01)
        assert self.classifier.bias is not None
        nn.init.zeros_(self.classifier.bias)

    def forward(self, clips_BTHWC: Tensor, intervals_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Judge clips.

        Args:
            clips_BTHWC: uint8 frames, H and W multiples of 32, C as in the clip specification.
            intervals_BS: float, spacing of neighbouring frames in reference intervals (S = T - 1),
                from :func:`speediness.sampling.played_intervals`.

        Returns:
            logits (B, 2) and motion (B, 2), see :meth:`judge`.
        """
        clips = clips_BTHWC if self.stem.sees_pictures else None
        logits_BW2, motion_BW2, _, _ = self.judge(clips, self.measure(clips_BTHWC), intervals_BS)
        return logits_BW2[:, 0], motion_BW2[:, 0]

    @torch.no_grad()
    def measure(self, clips_BLHWC: Tensor) -> Tensor:
        """Cells (B, S, C, h, w) of :attr:`motion` for each pair of neighbours in uint8 frames."""
        cells_PChw = self.motion(clips_BLHWC[:, :-1].flatten(0, 1), clips_BLHWC[:, 1:].flatten(0, 1))
        return cells_PChw.unflatten(0, (clips_BLHWC.shape[0], clips_BLHWC.shape[1] - 1))

    @property
    def context(self) -> int | None:
        """Frames before and after a window that its answer depends on in :meth:`judge`.

        None: on the whole sequence, since the backbone looks at all of it (the gates of S3D-G).
        """
        if self.backbone.context is None:
            return None
        # One more, since the last frame of a sequence has no motion of its own.
        return self.stem.context + self.backbone.context + 1

    def judge(
        self, clips_BLHWC: Tensor | None, cells_BSChw: Tensor, intervals_BS: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Judge every window of T frames in sequences whose pairs are measured.

        Args:
            clips_BLHWC: as for :meth:`forward`; None for a stem that sees no pictures.
            cells_BSChw: of :attr:`motion` for each pair of neighbours (S = L - 1).
            intervals_BS: as for :meth:`forward`.

        Returns:
            logits (B, W, 2) in the order NORMAL, SPED_UP; optical-flow magnitude (B, W, 2) in pixels
            per interval on a picture of short side 64: the mean over the picture, and that of
            its busiest 8 x 8 cell, which tells a small mover from a still film; features (B, L, D),
            of which the classifier is given the mean over a window; and the class activation map
            (B, L, h, w) of §5.5, how much each place speaks for SPED_UP.
        """
        velocity_B4Lhw = self.velocity(cells_BSChw, intervals_BS)
        speed_BLhw = velocity_B4Lhw[:, 2]
        motion_B2L = torch.stack([speed_BLhw.mean((2, 3)), speed_BLhw.amax((2, 3))], 1)
        feats_BDLhw = self.features(clips_BLHWC, velocity_B4Lhw)
        pooled_BDL = feats_BDLhw.amax((3, 4))  # §3.2: global max pooling over space
        motion_B2W, pooled_BDW = (
            F.avg_pool1d(part, self.config.clip.n_frames, 1)  # §3.2: global average pooling over time
            for part in (motion_B2L, pooled_BDL)
        )
        logits_B2W = self.classifier(self.dropout(pooled_BDW))
        weight_D1 = self.classifier.weight[SPED_UP] - self.classifier.weight[NORMAL]
        maps_BLhw = (feats_BDLhw * weight_D1[:, :, None, None]).sum(1)
        return logits_B2W.transpose(1, 2), motion_B2W.transpose(1, 2), pooled_BDL.transpose(1, 2), maps_BLhw

    def velocity(self, cells_BSChw: Tensor, intervals_BS: Tensor) -> Tensor:
        """Motion per cell in pixels (at N = 64) per reference interval, (B, 4, T, h, w).

        The last pair's motion stands for the last frame too, so that T is kept.
        """
        # A pair of the same frame (interval 0) has no displacement; the floor avoids 0 / 0.
        per_interval = 64 / self.config.clip.size_px / intervals_BS.clamp(min=0.25)
        moved, seen = cells_BSChw.split([3, 1], 2)
        velocity_BSChw = torch.cat([moved * per_interval[:, :, None, None, None], seen], 2)
        return torch.cat([velocity_BSChw, velocity_BSChw[:, -1:]], 1).transpose(1, 2)

    def features(self, clips_BTHWC: Tensor | None, velocity_B4Thw: Tensor) -> Tensor:
        """The backbone's last maps (B, D, T, h, w), before any pooling."""
        inputs = self.stem(clips_BTHWC, velocity_B4Thw)
        return self.backbone(inputs.contiguous(memory_format=torch.channels_last_3d))
