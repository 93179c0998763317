"""A network in its two steps, whatever engine runs it."""

# B windows, T frames, S = T - 1 pairs of neighbours, P pairs, H W picture, C channels, h w cells

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Answers = tuple[Floats, Floats, Floats]

WindowJudge = Callable[[Pixels, Floats], tuple[Floats, Floats]]
"""(B, T, H, W, C) uint8 clips and (B, S) intervals to logits (B, 2), normal and sped up, and flow
(B, 2), mean and peak; H and W are multiples of 32, intervals as in
:func:`speediness.sampling.played_intervals`."""


@dataclass(frozen=True)
class Judge:
    """Looks at pairs of frames, then at windows of pairs; neighbouring windows share their pairs."""

    motion: Callable[[Pixels, Pixels], Floats]
    """Frames (P, H, W, C) and their followers to cells (P, 4, h, w): displacement along x and y,
    its length, confidence."""
    windows: Callable[[Pixels | None, Floats, Floats], Answers]
    """Clips (B, T, H, W, C), None unless pictures are seen, cells (B, S, 4, h, w) and intervals
    (B, S) to logits and flow as in :data:`WindowJudge`, and class activation maps (B, T, ..), how much
    each place of the backbone's last maps speaks for sped up (SpeedNet §5.5)."""
    sees_pictures: bool
    """Whether :attr:`windows` needs the clips."""

    def __call__(self, clips_BTHWC: Pixels, intervals_BS: Floats) -> tuple[Floats, Floats]:
        """Both steps for windows that share nothing, a :data:`WindowJudge`."""
        before, after = (
            frames.reshape(-1, *clips_BTHWC.shape[2:])
            for frames in (clips_BTHWC[:, :-1], clips_BTHWC[:, 1:])
        )
        cells_PChw = self.motion(before, after)
        cells_BSChw = cells_PChw.reshape(*intervals_BS.shape, *cells_PChw.shape[1:])
        clips = clips_BTHWC if self.sees_pictures else None
        logits_B2, flow_B2, _ = self.windows(clips, cells_BSChw, intervals_BS)
        return logits_B2, flow_B2

    def calibrated(self, bias: float, temperature: float) -> Judge:
        """The same with logits whose difference is (difference - bias) / temperature."""

        def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
            logits, flow, maps = self.windows(clips, cells, intervals)
            score_B = (logits[:, 1] - logits[:, 0] - bias) / temperature
            return np.stack([-score_B / 2, score_B / 2], 1).astype(np.float32), flow, maps

        return replace(self, windows=windows)
