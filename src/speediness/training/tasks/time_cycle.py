"""Cycle-consistency in time (Wang, Jabri and Efros 2019, arXiv 1903.07593): back, forth, and home again.

A patch of the last frame is tracked back through the clip and forth again. It should arrive where it
began, also where frames are skipped. A tracker that never moves is consistent too: what is found must
look like the patch, and how far a step moves is reported beside the loss.
"""

# B clips, T frames, N side of a frame, C channels, K lengths of a cycle, G points of a grid

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from speediness.datasets.clip_cache import MAGNIFICATION, CachedVideo
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import Clip, run_batched
from speediness.models.encoder import EncoderConfig
from speediness.models.time_cycle import FARTHEST, TimeCycleNet, affine
from speediness.training.tasks.place_task import PlaceTask
from speediness.training.tasks.task import Batch, Forward

GRID = 20  # points along a side by which placements are compared
CELLS = 10  # along a side of the frame, of which a patch is drawn
CHOICE = 10  # among those that changed most
PLANTED = 4  # shifts a video that is validated on
WITHIN = 1 / 6  # of half a frame: a patch found that near counts; half a patch is 1 / 3


class StepCount(nn.Module):
    """Steps done."""

    done: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("done", torch.zeros((), dtype=torch.long))


@dataclass(frozen=True)
class TimeCycleTask(PlaceTask):
    """Cycles of all lengths, and skip-cycles.

    Likeness is the paper's: the inner product of a patch's features and of those found. (The authors'
    code counts inliers of the affinities under the placement, which is the same but for the softmax.)
    """

    name: ClassVar[str] = "time_cycle"
    cycle_weight: float = 0.02
    """Of the squared distance of long and of skip-cycles; in the authors' code 0.1 of 0.2."""
    localiser_first: int = 0
    """Steps in which the localiser alone learns. From a random start the authors advise it: the encoder
    learns nothing from a localiser that points anywhere."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.cycle_weight < 0 or self.localiser_first < 0:
            raise SpeedinessError("time_cycle: give cycle_weight and localiser_first of 0 or more")

    def network(self, config: EncoderConfig) -> TimeCycleNet:
        """See :class:`speediness.training.tasks.task.Task`.

        Raises:
            SpeedinessError: frames too small for the localiser.
        """
        if config.clip.size_px < 64:
            raise SpeedinessError("time_cycle needs size_px of 64 or more, for a patch is a third of it")
        return TimeCycleNet(config)

    def memory(self) -> StepCount:
        """The steps done, for :attr:`localiser_first`."""
        return StepCount()

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`speediness.training.tasks.task.Task` and :meth:`losses`."""
        assert isinstance(memory, StepCount)
        (clips_BTHWC,) = batch.inputs
        teach = (memory.done >= self.localiser_first).float()
        memory.done += 1
        start_B3 = moving_patches(clips_BTHWC)
        long_BK3, skip_BK3, alike_BK, shift_BK = forward(clips_BTHWC, start_B3, teach)
        return self.losses(start_B3, long_BK3, skip_BK3, alike_BK) | {"shift": shift_BK.mean()}

    def losses(
        self, start_B3: Tensor, long_BK3: Tensor, skip_BK3: Tensor, alike_BK: Tensor
    ) -> dict[str, Tensor]:
        """``loss``, of three parts; see :class:`speediness.models.time_cycle.Cycles` for the arguments.

        Returns:
            ``loss``; ``accuracy``, the share of the longest cycles that came home (:data:`WITHIN`);
            ``long`` and ``skip``, mean squared distances of the points of grids; ``alike``.
        """
        home = points(start_B3)[:, None]
        long, skip = (
            (points(back.flatten(0, 1)).unflatten(0, back.shape[:2]) - home).square().mean()
            for back in (long_BK3, skip_BK3)
        )
        alike = alike_BK.mean()
        return {
            "loss": self.cycle_weight * (long + skip) - alike,
            "accuracy": near(long_BK3[:, -1], start_B3).float().mean(),
            "long": long,
            "skip": skip,
            "alike": alike,
        }

    def validate(self, network: TimeCycleNet, videos: Sequence[CachedVideo]) -> dict[str, float]:
        """Shifts of known size, planted in the middle frame of each video.

        Two squares of one frame, the second up to a quarter of its side away along both axes; the patch in
        the middle of the first is looked for in the second. ``accuracy`` is the share found to a quarter
        of the patch's side, ``stay_still`` that of a tracker that never moves; ``error_px`` is the mean
        distance from the truth, ``still_error_px`` that of one that never moves.
        """
        size_px = network.config.clip.size_px
        pairs = [pair for video in videos for pair in _planted(video, size_px)]
        clips = (clip for clip, _ in pairs)
        (found_B3,) = run_batched(network, clips, lambda clips_B2HWC: (network.found(clips_B2HWC),))
        still_B3 = torch.zeros_like(found_B3)
        truth_B3 = F.pad(torch.tensor(np.stack([truth for _, truth in pairs]), dtype=torch.float32), (0, 1))
        error, still = ((at - truth_B3)[:, :2].norm(dim=1) * size_px / 2 for at in (found_B3, still_B3))
        return {
            "accuracy": float(near(found_B3, truth_B3).float().mean()),
            "stay_still": float(near(still_B3, truth_B3).float().mean()),
            "error_px": float(error.mean()),
            "still_error_px": float(still.mean()),
        }


def points(placement_B3: Tensor) -> Tensor:
    """(B, G, 2) a grid over each patch, in the frame's -1..1."""
    row = torch.linspace(-1, 1, GRID, dtype=placement_B3.dtype, device=placement_B3.device)
    grid_G3 = torch.cartesian_prod(row, row)
    grid_G3 = F.pad(grid_G3, (0, 1), value=1.0)
    return torch.einsum("gk,bjk->bgj", grid_G3, affine(placement_B3))


def near(at_B3: Tensor, truth_B3: Tensor) -> Tensor:
    """(B,) bool: within :data:`WITHIN` along both axes."""
    return (at_B3 - truth_B3)[:, :2].abs().amax(1) < WITHIN


def moving_patches(clips_BTHWC: Tensor) -> Tensor:
    """(B, 3) a patch of each last frame: one of the ten cells that changed most, turned at random."""
    last = clips_BTHWC[:, -1].float()
    change_BHW = (last - clips_BTHWC[:, -2].float()).abs().mean(-1)
    change = F.adaptive_avg_pool2d(change_BHW[:, None], CELLS).flatten(1)
    chosen_B = change.topk(CHOICE).indices.gather(1, torch.randint(CHOICE, (len(last), 1)).to(last.device))
    place = torch.stack([chosen_B % CELLS, chosen_B // CELLS], 1)[..., 0]
    most = last.new_tensor(FARTHEST)
    middle_B2 = ((place + 0.5) / CELLS * 2 - 1).clamp(-most[0], most[0])
    turn_B1 = (torch.rand(len(last), 1) * 2 - 1).to(last.device) * most[2]
    return torch.cat([middle_B2, turn_B1], 1)


def _planted(stored: CachedVideo, size_px: int) -> list[tuple[Clip, NDArray[np.float64]]]:
    """Two squares of the middle frame, and where in the second the middle of the first is."""
    video = stored.at(MAGNIFICATION * size_px)
    frame = video.frames_FHWC[len(video.times_s) // 2]
    rng = np.random.default_rng(zlib.crc32(video.item.path.name.encode()))
    top, left = ((side - size_px) // 2 for side in frame.shape[:2])

    def square(down: int, across: int) -> NDArray[np.uint8]:
        return frame[top + down : top + down + size_px, left + across : left + across + size_px]

    shifts = rng.integers(-size_px // 4, size_px // 4 + 1, size=(PLANTED, 2))
    return [(np.stack([square(0, 0), square(*shift)]), -2 * shift[::-1] / size_px) for shift in shifts]
