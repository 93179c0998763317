"""The network over a whole video at every playback factor, shot by shot, in bounded memory (§4.1)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from speediness.analysis.cuts import CutDetector
from speediness.analysis.shot import ShotScorer, ShotScores, shot_scorer
from speediness.clip import ClipSpec
from speediness.results.features import UNKNOWN_S
from speediness.runtime.protocol import Runtime
from speediness.video.reader import Frame


class VideoScorer:
    """Splits a video at its cuts and scores every shot while its frames come in.

    Memory is bounded by the longest window, whatever the length of the video: a frame that is held for
    longer than UNKNOWN_S ends its shot.

    Attributes:
        shots: those that are closed.

    Args:
        runtime: the network.
        clip: what the network looks at.
        factors: at which the video is played.
        to_the_ends: see :class:`speediness.analysis.shot.MotionShot`.
    """

    def __init__(
        self, runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...], to_the_ends: bool = True
    ) -> None:
        self._runtime, self._clip, self._factors = runtime, clip, factors
        self._to_the_ends = to_the_ends
        self._detector = CutDetector()
        self._open: ShotScorer | None = None
        self._last_s = -np.inf
        self.shots: list[ShotScores] = []

    def add(self, frame: Frame) -> bool:
        """Take the next frame, at the clip's short side and with its channels.

        Returns:
            Whether a shot ended before this frame.
        """
        pixels_HWC = frame.pixels_HWC
        luma_HW = pixels_HWC[:, :, 0] if self._clip.channels == 1 else pixels_HWC.mean(2)
        cut = self._detector.is_cut(luma_HW.astype(np.uint8))
        time_s = float(frame.time_s)
        held = time_s - self._last_s > UNKNOWN_S
        self._last_s = time_s
        closed = (cut or held) and self._open is not None
        if closed:
            self._close()
        if self._open is None:
            self._open = shot_scorer(self._runtime, self._clip, self._factors, self._to_the_ends)
        self._open.add(time_s, pixels_HWC, frame.scene_HWC)
        return closed

    def finish(self) -> list[ShotScores]:
        """Score what is left; the video's shots in order."""
        self._close()
        return self.shots

    def _close(self) -> None:
        if self._open is not None:
            self.shots.append(self._open.close())
        self._open = None


def score_shot(
    frames: Iterable[Frame], runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...] = (1.0,)
) -> ShotScores:
    """A video that is known to be a single shot."""
    shot = shot_scorer(runtime, clip, factors)
    for frame in frames:
        shot.add(float(frame.time_s), frame.pixels_HWC, frame.scene_HWC)
    return shot.close()
