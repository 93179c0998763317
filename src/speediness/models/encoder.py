"""What all networks here share: clips go in, maps of a backbone come out."""

# B batch, T frames, S = T - 1 pairs of neighbours, L bins of motion, N frames of the scene, H W frame size,
# C channels, h w cells, D features

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.models.backbones import find_backbone
from speediness.models.motion import MotionCells
from speediness.motion_field import REFERENCE_PX


@dataclass(frozen=True)
class EncoderConfig:
    """What is looked at and by which backbone: all that weights say of how their network is built.

    Raises:
        SpeedinessError: an unknown backbone.
    """

    clip: ClipSpec = field(default_factory=ClipSpec)
    backbone: str = "s3dg"
    """A name in :data:`speediness.models.backbones.BACKBONES`; s3dg is SpeedNet's."""
    width: float = 1.0
    """Multiplies the channels of the backbone; 1.0 is the published network."""
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a backbone that there is none of."""
        find_backbone(self.backbone)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {**asdict(self), "clip": self.clip.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> EncoderConfig:
        """Inverse of :meth:`to_json`."""
        return cls(**{**document, "clip": ClipSpec.from_json(document["clip"])})


class Encoder(nn.Module):
    """A stem and a backbone that look at frames, or at the motion between them.

    Attributes:
        config: what it was built by.
        feature_dim: D.
        margin: bins at either end of a sequence of motion that only serve as context.
        made_by: provenance of its weights, plain values: empty at a random start, else what the file
            said that they came from. Say in it what you trained by before you share a network.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.made_by: dict[str, Any] = {}
        self.motion = MotionCells()
        stem, backbone = find_backbone(config.backbone)
        self.stem = stem()
        self.backbone = backbone(self.stem.out_channels, config.width)
        self.feature_dim = self.backbone.feature_dim
        self.margin = self.stem.margin + self.backbone.margin

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds it besides the configuration, as plain values."""
        return {}

    def for_inference(self) -> Self:
        """The same network in evaluation mode, on the GPU where there is one."""
        return self.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def encode(self, clips_BTHWC: Tensor) -> Tensor:
        """The backbone's last maps (B, D, T, h, w) of clips, before any pooling.

        A network that sees motion is given that between neighbouring frames, which it takes to go on
        evenly beyond the ends.

        Args:
            clips_BTHWC: uint8 frames, H and W multiples of the clip specification's ``unit_px``, C its
                channels.
        """
        if self.stem.sees_frames:
            feats = self.backbone(self.stem(clips_BTHWC).contiguous(memory_format=torch.channels_last_3d))
        else:
            motion = self.measure(clips_BTHWC)
            ends = motion[:, :1], motion[:, -1:]
            before, after = self.margin, self.margin + 1
            feats = self.features(torch.cat([ends[0]] * before + [motion] + [ends[1]] * after, 1))
        frames = clips_BTHWC.shape[1]
        if feats.shape[2] == frames:
            return feats
        # A backbone with strides in time: each of its frames stands for those it covers.
        return F.interpolate(feats, size=(frames, *feats.shape[3:]), mode="nearest")

    @torch.no_grad()
    def measure(self, clips_BTHWC: Tensor) -> Tensor:
        """Motion (B, S, 4, h, w) between the neighbours in uint8 frames, see :meth:`features`."""
        before, after = clips_BTHWC[:, :-1].flatten(0, 1), clips_BTHWC[:, 1:].flatten(0, 1)
        moved_P3hw, seen_P1hw = self.motion(before, after).split([3, 1], 1)
        scale = REFERENCE_PX / self.config.clip.size_px
        cells_P4hw = torch.cat([moved_P3hw * scale, seen_P1hw], 1)
        return cells_P4hw.unflatten(0, (clips_BTHWC.shape[0], clips_BTHWC.shape[1] - 1))

    def features(
        self, motion_BL4hw: Tensor, scene_NKhw: Tensor | None = None, scene_BL: Tensor | None = None
    ) -> Tensor:
        """Maps (B, D, L - 2 margin, h', w') of a network that sees motion.

        Args:
            motion_BL4hw: L bins of :class:`speediness.motion_field.MotionField`.
            scene_NKhw: of :class:`speediness.models.scene.SceneNet` for N frames; None: unknown.
            scene_BL: int64, for every bin the number of its frame.
        """
        bins = self.stem(motion_BL4hw.transpose(1, 2)).contiguous(memory_format=torch.channels_last_3d)
        if scene_BL is not None:
            scene_BL = scene_BL[:, self.stem.margin : scene_BL.shape[1] - self.stem.margin]
        return self.backbone(bins, scene_NKhw, scene_BL)

    @classmethod
    def from_pretrained(
        cls,
        folder_or_repo_id: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
    ) -> Self:
        """A trained network of this class in eval mode and float32.

        Args:
            folder_or_repo_id: a folder of :meth:`save_pretrained`, which is read without any
                connection, or a repository on the Hugging Face Hub.
            revision: branch, tag or commit of the repository.
            cache_dir: where downloads are kept, by default where huggingface_hub keeps all.
            local_files_only: only what was downloaded before.
            token: of the Hub, for private repositories.

        Raises:
            WeightsError: not found, or another network; plain :class:`Encoder` takes all of them.
        """
        from speediness.models import checkpoint, hub  # they know this class in their turn

        path = hub.download_weights(
            folder_or_repo_id,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
        )
        return checkpoint.load_checkpoint(path, cls)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``model.safetensors``, ``config.json`` and a model card ``README.md``, replacing them.

        Raises:
            OutputError: the folder cannot be written.
        """
        from speediness.models import hub

        hub.write_folder(self, Path(folder), Path(folder).resolve().name)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Weights, configuration and model card",
        private: bool | None = None,
        token: str | bool | None = None,
    ) -> str:
        """Upload what :meth:`save_pretrained` writes, in one commit.

        Args:
            repo_id: repository on the Hugging Face Hub, as in ``me/my-network``; made if need be.
            commit_message: of the commit.
            private: whether a new repository is private; None leaves it to the account.
            token: of the Hub, by default that of ``hf auth login``.

        Returns:
            Address of the commit.

        Raises:
            huggingface_hub.errors.HfHubHTTPError: the Hub refuses, in its own words.
        """
        from speediness.models import hub

        return hub.push(self, repo_id, commit_message, private, token)
