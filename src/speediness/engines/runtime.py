"""A network in its two steps, whatever engine runs it."""

# B sequences, L frames of a sequence, P pairs, T frames of a window, W = L - T + 1 windows, D features,
# H W frame size, C channels, h w cells

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

EDGE_CONTEXT = 3
"""Frames of context on one side that change an answer; on 251 windows of training videos the first,
second and third changed the log-odds by 0.07, 0.05 and 0.03 on average, all others by 0.01."""

ClipClassifier = Callable[[Pixels, Floats], tuple[Floats, Floats]]
"""(B, T, H, W, C) uint8 clips and (B, T - 1) intervals to logits (B, 2), normal and sped up, and flow
(B, 2), mean and peak; H and W are multiples of ``ClipSpec.unit_px``, intervals
as in :func:`speediness.sampling.played_intervals`."""


class Outputs(NamedTuple):
    """What a network says of sequences of frames: of each window of T neighbours in them."""

    logits: Floats
    """(B, W, 2) normal and sped up."""
    flow: Floats
    """(B, W, 2) optical flow in pixels per interval at short side 64: mean, and of the busiest cell."""
    features: Floats
    """(B, L, D) maximum over space; the classifier is given their mean over a window (SpeedNet §3.2)."""
    cam: Floats
    """(B, L, ..) class activation maps: how much each place speaks for sped up (SpeedNet §5.5)."""


@dataclass(frozen=True)
class Runtime:
    """Looks at pairs of frames, then at sequences of pairs; windows share what they have in common."""

    motion: Callable[[Pixels, Pixels], Floats]
    """Frames (P, H, W, C) and their followers to cells (P, 4, h, w): displacement along x and y,
    its length, confidence."""
    windows: Callable[[Pixels | None, Floats, Floats], Outputs]
    """Sequences (B, L, H, W, C), None unless frames are seen, cells (B, L - 1, 4, h, w) and
    intervals (B, L - 1) to answers."""
    uses_frames: bool
    """Whether :attr:`windows` needs the frames."""
    context: int | None = None
    """Frames before and after a window that its answer can depend on; None: on everything in the
    sequence, so that each window is to be given alone."""

    def __call__(self, clips_BTHWC: Pixels, intervals_BS: Floats) -> tuple[Floats, Floats]:
        """Both steps for windows that share nothing, a :data:`ClipClassifier`."""
        before, after = (
            frames.reshape(-1, *clips_BTHWC.shape[2:])
            for frames in (clips_BTHWC[:, :-1], clips_BTHWC[:, 1:])
        )
        flow_grid_PChw = self.motion(before, after)
        flow_grid_BSChw = flow_grid_PChw.reshape(*intervals_BS.shape, *flow_grid_PChw.shape[1:])
        clips = clips_BTHWC if self.uses_frames else None
        outputs = self.windows(clips, flow_grid_BSChw, intervals_BS)
        return outputs.logits[:, 0], outputs.flow[:, 0]

    def calibrated(self, bias: float, temperature: float, context_bias: float = 0.0) -> Runtime:
        """The same with logits whose difference is (difference - bias) / temperature.

        Args:
            bias: of a window that is given alone.
            temperature: by which the difference is divided.
            context_bias: what is added to the bias of a window with all its context, which is what
                EDGE_CONTEXT frames before and after it bring about; of fewer, their share.
        """

        def windows(clips: Pixels | None, flow_grid: Floats, intervals: Floats) -> Outputs:
            outputs = self.windows(clips, flow_grid, intervals)
            score_BW = outputs.logits[..., 1] - outputs.logits[..., 0] - bias
            if self.context:
                before_W = np.minimum(np.arange(score_BW.shape[1]), EDGE_CONTEXT)
                score_BW = score_BW - context_bias * (before_W + before_W[::-1]) / (2 * EDGE_CONTEXT)
            score_BW = score_BW / temperature
            return outputs._replace(logits=np.stack([-score_BW / 2, score_BW / 2], -1).astype(np.float32))

        return replace(self, windows=windows)
