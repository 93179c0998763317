"""Tracking a patch by features (Wang, Jabri and Efros 2019, arXiv 1903.07593): the network of TimeCycle."""

# B clips, T frames, H W frame size, C channels, h w cells of a frame, p cells along a patch, E embedding,
# K = T - 1 lengths of a cycle

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.encoder import EncoderConfig
from speediness.models.places import CELL_PX, PlaceNet

EMBEDDING_DIM = 128  # 512 in the paper
PATCH = 3  # a patch is a third of the frame along each side
HIDDEN = (128, 64)
SHARPNESS = 512**0.5  # what cosines are multiplied by before the softmax, as in the authors' code
FARTHEST = (2 / 3, 2 / 3, torch.pi / 4)  # a patch stays within the frame; turned by 45 degrees at most


class Cycles(NamedTuple):
    """Where patches of the last frame came back to, and how alike what was found on the way is."""

    long_BK3: Tensor
    """Placements after k steps back, frame by frame, and k forth."""
    skip_BK3: Tensor
    """After one step over k frames, and one back."""
    alike_BK: Tensor
    """Cosine of a patch and of what one step over k frames found, mean over cells."""
    shift_BK: Tensor
    """How far each step back moved the patch; half a frame is 1."""


class TimeCycleNet(PlaceNet):
    """Embeddings of places, and a localiser that says from affinities where in a frame a patch is.

    A placement is x and y of the patch's middle, -1..1 over the frame, and its turn in radians; its size
    is fixed. The paper's encoder is a ResNet-50; what bounds its placements we did not see.

    Args:
        config: of the encoder, whose backbone's maps are an eighth of the frame; its dropout is not used.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.head = nn.Conv3d(self.feature_dim, EMBEDDING_DIM, 1)
        cells = config.clip.size_px // CELL_PX
        self.patch_cells = cells // PATCH
        first, second = HIDDEN
        self.localiser = nn.Sequential(
            nn.Conv2d(self.patch_cells**2, first, 4),
            nn.ReLU(),
            nn.Conv2d(first, second, 4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * (cells - 6) ** 2, 3),
        )

    def forward(self, clips_BTHWC: Tensor, start_B3: Tensor, teach: Tensor) -> Cycles:
        """Patches of the last frame tracked back and forth again, through frames of the configured size.

        ``start_B3`` are their placements; ``teach`` is 1 where the encoder is to learn, 0 where the
        localiser alone is.
        """
        maps_TBEhw, patch_BEpp = self._learned(clips_BTHWC, start_B3, teach)
        found, at_B3, shifts = [patch_BEpp], start_B3, []
        *before, last = maps_TBEhw
        for frame in reversed(before):
            then_B3 = self.locate(found[-1], frame)
            shifts.append((then_B3 - at_B3)[:, :2].norm(dim=1))
            found.append(crop(frame, then_B3, self.patch_cells))
            at_B3 = then_B3
        long, skip, alike = [], [], []
        for steps in range(1, len(maps_TBEhw)):
            shown, at_B3 = found[steps], start_B3
            for frame in maps_TBEhw[len(maps_TBEhw) - steps :]:
                at_B3 = self.locate(shown, frame)
                shown = crop(frame, at_B3, self.patch_cells)
            long.append(at_B3)
            far = maps_TBEhw[-1 - steps]
            there = crop(far, self.locate(patch_BEpp, far), self.patch_cells)
            skip.append(self.locate(there, last))
            alike.append((patch_BEpp * there).sum(1).mean((1, 2)))
        return Cycles(*(torch.stack(part, 1) for part in (long, skip, alike, shifts)))

    def found(self, pairs_B2HWC: Tensor) -> Tensor:
        """Where in the second of two frames the middle patch of the first is, (B, 3)."""
        start_B3 = pairs_B2HWC.new_zeros(len(pairs_B2HWC), 3, dtype=torch.float32)
        (frame, _), patch_BEpp = self._learned(pairs_B2HWC.flip(1), start_B3, start_B3.new_ones(()))
        return self.locate(patch_BEpp, frame)

    def _learned(self, clips_BTHWC: Tensor, start_B3: Tensor, teach: Tensor) -> tuple[list[Tensor], Tensor]:
        """Maps of every frame, and of the patch cut out of the last one and seen alone.

        Seen alone, since what a map knows of its place by the padding would tell where it came from.
        """
        last = clips_BTHWC[:, -1].permute(0, 3, 1, 2).float()
        patch_BCPP = crop(last, start_B3, self.config.clip.size_px // PATCH // CELL_PX * CELL_PX)
        maps_BTEhw = self.embed(clips_BTHWC)
        patch_BEpp = self.embed(patch_BCPP.permute(0, 2, 3, 1)[:, None])[:, 0]
        # A product, so that every weight has a gradient whether it learns or not.
        maps_BTEhw, patch_BEpp = (
            part * teach + part.detach() * (1 - teach) for part in (maps_BTEhw, patch_BEpp)
        )
        return list(maps_BTEhw.unbind(1)), patch_BEpp

    def embed(self, clips_BTHWC: Tensor) -> Tensor:
        """RGB frames in 0..255 to directions (B, T, E, h, w)."""
        return F.normalize(F.relu(self.head(self.encode(clips_BTHWC))), dim=1).transpose(1, 2)

    def locate(self, patch_BEpp: Tensor, frame_BEhw: Tensor) -> Tensor:
        """Where in a frame the patch is, (B, 3)."""
        likeness_BpChw = torch.einsum("bep,behw->bphw", patch_BEpp.flatten(2), frame_BEhw) * SHARPNESS
        affinity = likeness_BpChw.flatten(2).softmax(2).view_as(likeness_BpChw)
        return self.localiser(affinity).tanh() * affinity.new_tensor(FARTHEST)

    def places(self, frames_NHWC: Tensor) -> Tensor:
        """See :class:`speediness.models.places.PlaceNet`."""
        return self.embed(frames_NHWC[:, None])[:, 0]


def affine(placement_B3: Tensor) -> Tensor:
    """(B, 2, 3) from the square of a patch, -1..1, to that of the frame."""
    x, y, turn = placement_B3.unbind(1)
    cos, sin = turn.cos() / PATCH, turn.sin() / PATCH
    return torch.stack([torch.stack([cos, -sin, x], 1), torch.stack([sin, cos, y], 1)], 1)


def crop(maps_BEhw: Tensor, placement_B3: Tensor, side: int) -> Tensor:
    """What lies at a placement, bilinearly, (B, E, side, side)."""
    shape = [*maps_BEhw.shape[:2], side, side]
    grid = F.affine_grid(affine(placement_B3), shape, align_corners=False)
    return F.grid_sample(maps_BEhw, grid.to(maps_BEhw), padding_mode="border", align_corners=False)
