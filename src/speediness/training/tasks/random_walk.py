"""The contrastive random walk (Jabri et al. 2020, arXiv 2006.14613): there and back again.

A frame is cut into overlapping patches. From a patch one walks to like patches of the next frame, and so
on to the last frame and back. The walk should end where it began. Patches are encoded one by one: maps of
a whole frame know their place by the padding, and would find their way home without looking.
"""

# B clips, T frames, H W frame size, C channels, N nodes of a frame, P side of a patch, E embedding

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.datasets.clip_cache import CachedVideo
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import middle_clip, run_batched, with_clip
from speediness.models.encoder import EncoderConfig
from speediness.models.random_walk import RandomWalkNet
from speediness.training.tasks.place_task import PlaceTask
from speediness.training.tasks.task import Batch, Forward

CUT_OFF = -1e20  # similarity of an edge that is dropped
LEAST = 1e-20  # under the logarithm
AREA = (0.7, 0.9)  # of a patch that is seen, as in the authors' code


@dataclass(frozen=True)
class RandomWalkTask(PlaceTask):
    """Cross-entropy of palindrome walks of all lengths."""

    name: ClassVar[str] = "random_walk"
    temperature: float = 0.05
    """The README of the authors' code; the paper says 0.07."""
    edge_dropout: float = 0.1
    """Share of edges cut, other ones at every step of a walk."""
    patch_px: int = 64
    step_px: int = 32

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.temperature <= 0 or not 0 <= self.edge_dropout < 1 or min(self.patch_px, self.step_px) < 1:
            raise SpeedinessError(
                "random_walk: give a temperature above 0, edge_dropout in 0..1, patches of a pixel or more"
            )

    def network(self, config: EncoderConfig) -> RandomWalkNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return RandomWalkNet(config)

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.training.tasks.task.Task` and :meth:`losses`."""
        (clips_BTHWC,) = batch.inputs
        patches = jittered(self.patches(clips_BTHWC))
        return self.losses(self._nodes(forward, patches), self.edge_dropout)

    def patches(self, clips_BTHWC: Tensor) -> Tensor:
        """RGB in 0..255, (B, N, T, P, P, C): patches row by row."""
        rows = clips_BTHWC.unfold(2, self.patch_px, self.step_px).unfold(3, self.patch_px, self.step_px)
        return rows.permute(0, 2, 3, 1, 5, 6, 4).flatten(1, 2).float()

    def _nodes(self, forward: Forward, patches_BNTPPC: Tensor) -> Tensor:
        (directions_MTE,) = forward(patches_BNTPPC.flatten(0, 1))
        return directions_MTE.unflatten(0, patches_BNTPPC.shape[:2]).transpose(1, 2)

    def losses(self, nodes_BTNE: Tensor, dropout: float = 0.0) -> dict[str, Tensor]:
        """``loss``, the mean cross-entropy of walks over 2 to T - 1 steps and back, and how many came home.

        Args:
            nodes_BTNE: directions of length 1, at least 3 frames.
            dropout: share of edges cut.

        Returns:
            ``loss``; ``accuracy``, the share of nodes to which the longest walk most likely returns.
        """
        there = self._steps(nodes_BTNE[:, :-1], nodes_BTNE[:, 1:], dropout)
        back = self._steps(nodes_BTNE[:, 1:], nodes_BTNE[:, :-1], dropout)
        homes_N = torch.arange(nodes_BTNE.shape[2], device=nodes_BTNE.device)
        forth_BNN, home_BNN = there[:, 0], back[:, 0]
        losses, returned_BNN = [], forth_BNN
        for step in range(1, there.shape[1]):
            forth_BNN, home_BNN = forth_BNN @ there[:, step], back[:, step] @ home_BNN
            returned_BNN = forth_BNN @ home_BNN
            wanted = homes_N.expand(len(returned_BNN), -1).flatten()
            losses.append(F.cross_entropy((returned_BNN + LEAST).log().flatten(0, 1), wanted))
        return {
            "loss": torch.stack(losses).mean(),
            "accuracy": (returned_BNN.argmax(-1) == homes_N).float().mean(),
        }

    def _steps(self, from_BSNE: Tensor, to_BSNE: Tensor, dropout: float) -> Tensor:
        """(B, S, N, N) chances of the steps, rows sum to 1."""
        likeness = from_BSNE @ to_BSNE.transpose(2, 3) / self.temperature
        if dropout:
            likeness = likeness.masked_fill(torch.rand_like(likeness) < dropout, CUT_OFF)
        return likeness.softmax(-1)

    def validate(self, network: RandomWalkNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """The share of nodes that the longest walk returns to, in the middle of each video.

        ``same_place`` is the share of nodes whose likest node in a frame of another video lies at the same
        place. Had the network learned places rather than what they show, it would be far above ``chance``.
        (Walks into another video and back are no such control: likest nodes are often so both ways.)

        Raises:
            DataError: no video has the frames of a clip.
        """
        clip = network.config.clip
        clips = (middle_clip(video, clip) for video in with_clip(videos, clip))
        (nodes_BTNE,) = run_batched(
            network, clips, lambda clips_BTHWC: (self._nodes(network, self.patches(clips_BTHWC)),)
        )
        foreign_BNN = nodes_BTNE[:, 0] @ nodes_BTNE[:, 0].roll(1, 0).transpose(1, 2)
        homes_N = torch.arange(nodes_BTNE.shape[2])
        return {
            "accuracy": float(self.losses(nodes_BTNE)["accuracy"]),
            "same_place": float((foreign_BNN.argmax(-1) == homes_N).float().mean()),
            "chance": 1 / nodes_BTNE.shape[2],
        }


def jittered(patches_BNTPPC: Tensor) -> Tensor:
    """The same, each patch of each frame a part of itself, enlarged again.

    So that two patches of a place share neither their edges nor their size.
    """
    shape = patches_BNTPPC.shape
    frames = patches_BNTPPC.flatten(0, 2).permute(0, 3, 1, 2)
    area = torch.empty(len(frames)).uniform_(*AREA)
    scale, offset = area.sqrt(), torch.rand(2, len(frames)) * 2 - 1
    theta = torch.zeros(len(frames), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = (offset * (1 - scale)).T
    grid = F.affine_grid(theta.to(frames), list(frames.shape), align_corners=False)
    seen = F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
    return seen.permute(0, 2, 3, 1).reshape(shape)
