"""The arrow of time (Wei et al. 2018): does this play forwards or backwards?

Two things betray the answer without anything being learned of the world: residue of the codec in black
bars, and the camera, which zooms in more often than out. Wei et al. cut bars off and hold the camera
still. Here a camera's drift of random direction is laid over that of the video, and what bars and codec
say is measured (:meth:`ArrowOfTimeTask.controls`).
"""

# B clips, Q clips asked of a video, T frames, H W frame size, N side of a frame, C channels

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.encoding import Encoding
from speediness.datasets.video_list import VideoItem
from speediness.errors import SpeedinessError
from speediness.evaluation.centre_clips import Clip
from speediness.models.encoder import EncoderConfig
from speediness.models.order import OrderNet
from speediness.training.tasks.order import OrderTask, said
from speediness.training.tasks.task import Batch, Forward, Segment, View

FORWARDS, BACKWARDS = 1, 0
BAR = 8  # bars are an eighth of the height each
STORED = Encoding("libx264", {"crf": "28", "preset": "veryfast", "rc-lookahead": "0"})


@dataclass(frozen=True)
class ArrowOfTimeTask(OrderTask):
    """Binary cross-entropy of a clip forwards or backwards.

    Paper: two stacks of ten fields of flow, whose features are joined; ``parts=2`` with a backbone that
    sees flow. By default the backbone sees the whole clip.
    """

    name: ClassVar[str] = "arrow_of_time"
    parts: int = 1
    """A clip is cut into so many, which are seen alone and then joined."""
    drift: float = 0.1
    """How far the camera is made to move and to zoom from first to last frame, at most, as a share of the
    frame; 0: as it was."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.parts < 1 or not 0 <= self.drift < 0.5:
            raise SpeedinessError("arrow_of_time: give parts of 1 or more, drift from 0 to below 0.5")

    def network(self, config: EncoderConfig) -> OrderNet:
        """See :class:`speediness.training.tasks.task.Task`."""
        return OrderNet(config, self.parts)

    def questions(self, segment: Segment, clip: ClipSpec, rng: np.random.Generator) -> list[View]:
        """A clip forwards and backwards."""
        times_s = sampling.play_at(segment()[0], 1.0, clip.n_frames, clip.frame_rate)
        return [View(times_s, FORWARDS), View(times_s[::-1], BACKWARDS)]

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        """See :class:`OrderTask`."""
        if self.drift:
            batch = replace(batch, inputs=(drifting(batch.inputs[0], self.drift),))
        return super().step(forward, average, memory, batch)

    def losses(self, logits_BP: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the two directions; see :class:`OrderTask`."""
        logits_B = logits_BP[:, 0]
        return {
            "loss": F.binary_cross_entropy_with_logits(logits_B, labels_B.to(logits_B.dtype)),
            "accuracy": self.right(logits_BP, labels_B).float().mean(),
        }

    def right(self, logits_BP: Tensor, labels_B: Tensor) -> Tensor:
        """A positive logit says forwards."""
        return (logits_BP[:, 0] > 0) == (labels_B == FORWARDS)

    def controls(
        self, network: OrderNet, clips: Sequence[Clip], labels_Q: Tensor, logits_QP: Tensor
    ) -> dict[str, float]:
        """Shares of one video.

        ``palindromes``: how many clips that run there and back, and so have no direction, are called
        forwards; one half is right on average. Accuracy in three versions of the clips: ``with_bars``,
        black bars above and below, over whatever was there; ``stored_anew``, each encoded in the order in
        which it plays, so that the codec says forwards of all. ``pairs_ranked``: a clip has the higher
        logit forwards, of the two.
        """
        there, back = logits_QP.view(-1, 2).unbind(1)

        forwards = said(network, [palindrome(clip) for clip in clips[::2]]) > 0

        def accuracy(shown: Sequence[Clip]) -> float:
            return float(self.right(said(network, shown), labels_Q).float().mean())

        return {
            "pairs_ranked": float((there > back).float().mean()),
            "palindromes": float(forwards.float().mean()),
            "with_bars": accuracy([with_bars(clip) for clip in clips]),
            "stored_anew": accuracy(stored_anew(clips, network.config.clip)),
        }


def drifting(clips_BTHWC: Tensor, most: float) -> Tensor:
    """uint8 clips as by a camera that pans and zooms evenly, each its own way; enlarged, so no edge shows.

    Args:
        clips_BTHWC: uint8.
        most: of the way from the first frame to the last, a share of the frame.
    """
    clips, frames = clips_BTHWC.shape[:2]
    start_B3, way_B3 = torch.rand(2, clips, 3).mul(2).sub(1)
    path_BT3 = (start_B3[:, None] + torch.linspace(-1, 1, frames)[:, None] * way_B3[:, None]) / 2
    # At the widest the frame is just filled.
    theta_BT23 = torch.zeros(clips, frames, 2, 3)
    theta_BT23[..., 0, 0] = theta_BT23[..., 1, 1] = 1 - 2 * most + most * path_BT3[..., 0]
    theta_BT23[..., 2] = most * path_BT3[..., 1:]
    images = clips_BTHWC.flatten(0, 1).permute(0, 3, 1, 2).float()
    grid = F.affine_grid(theta_BT23.flatten(0, 1).to(images), list(images.shape), align_corners=False)
    seen = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return seen.round().to(torch.uint8).permute(0, 2, 3, 1).unflatten(0, (clips, frames)).contiguous()


def palindrome(clip: Clip) -> Clip:
    """The first half of a clip, there and back."""
    there = clip[: -(-len(clip) // 2)]
    return np.concatenate([there, there[::-1][len(clip) % 2 :]])


def with_bars(clip: Clip) -> Clip:
    """Black bars over the rows at the top and at the bottom."""
    barred = clip.copy()
    height = clip.shape[1] // BAR
    barred[:, :height] = barred[:, -height:] = 0
    return barred


def stored_anew(clips: Sequence[Clip], spec: ClipSpec) -> list[Clip]:
    """Clips after H.264, encoded in the order of their frames."""
    times_s = np.arange(spec.n_frames) / float(spec.frame_rate)
    with tempfile.TemporaryDirectory() as folder:
        return [
            STORED.store(
                DecodedVideo(VideoItem(Path("clip"), ""), times_s, clip), Path(folder), spec.size_px
            ).frames_FHWC
            for clip in clips
        ]
