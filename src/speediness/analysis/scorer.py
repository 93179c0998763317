"""The network over a whole video at every playback factor, shot by shot, in bounded memory (§4.1)."""

from collections.abc import Iterable, Iterator

import numpy as np

from speediness.analysis.cuts import CutDetector
from speediness.analysis.shot import ShotScorer, ShotScores, shot_scorer
from speediness.clip import ClipSpec
from speediness.results.features import UNKNOWN_S
from speediness.runtime.protocol import Runtime
from speediness.video.reader import Frame


def score_shots(
    frames: Iterable[Frame],
    runtime: Runtime,
    clip: ClipSpec,
    factors: tuple[float, ...] = (1.0,),
    to_the_ends: bool = True,
) -> Iterator[ShotScores]:
    """Split frames, at the clip's short side and with its channels, at cuts and score each shot.

    Memory is bounded by the longest window, whatever the length of the video: a frame that is held for
    longer than UNKNOWN_S ends its shot. ``to_the_ends``: see :class:`speediness.analysis.shot.MotionShot`.

    Yields:
        A shot as soon as the first frame of the next one is seen.
    """
    detector = CutDetector()
    shot: ShotScorer | None = None
    last_s = -np.inf
    for frame in frames:
        luma_HW = frame.pixels_HWC[:, :, 0] if clip.channels == 1 else frame.pixels_HWC.mean(2)
        cut = detector.is_cut(luma_HW.astype(np.uint8)) or frame.time_s - last_s > UNKNOWN_S
        last_s = float(frame.time_s)
        if cut and shot is not None:
            yield shot.close()
            shot = None
        shot = shot or shot_scorer(runtime, clip, factors, to_the_ends)
        shot.add(frame)
    if shot is not None:
        yield shot.close()


def score_shot(
    frames: Iterable[Frame], runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...] = (1.0,)
) -> ShotScores:
    """A video that is known to be a single shot."""
    shot = shot_scorer(runtime, clip, factors)
    for frame in frames:
        shot.add(frame)
    return shot.close()
